{{- define "shipway-service.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
  {{- with .v.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{- define "shipway-service.config" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
data:
  {{- range $key, $value := .v.config }}
  {{- /* Numbers come as floats, and a million would read 1e+06. */}}
  {{- if and (kindIs "float64" $value) (eq $value (floor $value)) }}{{ $value = int64 $value }}{{ end }}
  {{ $key | quote }}: {{ $value | toString | quote }}
  {{- end }}
{{- end -}}

{{- define "shipway-service.files" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "shipway-service.metadata" (dict "root" .root "suffix" "-files") | nindent 2 }}
data:
  {{- range $key, $value := .v.files }}
  {{ $key | quote }}: {{ $value | toString | quote }}
  {{- end }}
{{- end -}}
