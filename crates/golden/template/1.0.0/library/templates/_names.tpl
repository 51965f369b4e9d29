{{/* The name of every object: that of the release. Usage: include "shipway-service.name" . */}}
{{- define "shipway-service.name" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- fail (printf "the release is called %q, but it names a Service: begin with a letter and use lower case letters, digits and '-'" .Release.Name) -}}
{{- end -}}
{{- .Release.Name -}}
{{- end -}}

{{/* What a pod is found by; it must never change. Usage: include "shipway-service.selector" . */}}
{{- define "shipway-service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The labels of every object. Usage: include "shipway-service.labels" . */}}
{{- define "shipway-service.labels" -}}
{{ include "shipway-service.selector" . }}
{{ include "shipway-service.madeBy" . }}
{{- end -}}

{{/* The labels that say where an object comes from. */}}
{{- define "shipway-service.madeBy" -}}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-._" | quote }}
{{- end -}}

{{/* Name and labels of an object. `suffix` is appended to the name. */}}
{{- define "shipway-service.metadata" -}}
name: {{ print (include "shipway-service.name" .root) .suffix | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "shipway-service.labels" .root | nindent 2 }}
{{- end -}}
