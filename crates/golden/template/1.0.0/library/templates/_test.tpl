{{/* A pod that calls the service as others do. Usage, as the only line of a template: include "shipway-service.test" . */}}
{{- define "shipway-service.test" -}}
{{- $v := include "shipway-service.settings" . | fromJson -}}
{{- $name := include "shipway-service.name" . -}}
{{- if $v.test.image -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ print $name "-test" | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    app.kubernetes.io/name: {{ printf "%s-test" .Chart.Name | trunc 63 | quote }}
    app.kubernetes.io/instance: {{ .Release.Name | quote }}
    {{- include "shipway-service.madeBy" . | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  restartPolicy: Never
  activeDeadlineSeconds: 120
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "shipway-service.podSecurity" $v | nindent 4 }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  containers:
    - name: test
      image: {{ $v.test.image | quote }}
      {{- if eq $v.protocol "http" }}
      command: [wget, -T, "10", -O, /dev/null, {{ printf "http://%s:%d%s" $name (int $v.port) $v.health.ready | quote }}]
      {{- else }}
      command: [nc, -z, -w, "10", {{ $name | quote }}, {{ int $v.port | quote }}]
      {{- end }}
      resources:
        requests: {cpu: 10m, memory: 32Mi}
        limits: { {{- with $v.cpuLimit }}cpu: 100m, {{ end }}memory: 32Mi}
      securityContext:
        {{- include "shipway-service.containerSecurity" $v | nindent 8 }}
{{- end -}}
{{- end -}}
