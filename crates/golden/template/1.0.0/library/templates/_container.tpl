{{- define "shipway-service.container" -}}
{{- $v := .v -}}
{{- $name := include "shipway-service.name" .root -}}
name: service
image: {{ $v.image | quote }}
imagePullPolicy: IfNotPresent
{{- with $v.command }}
command:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.args }}
args:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: {{ $v.protocol }}
    containerPort: {{ int $v.port }}
  {{- if and $v.metrics.path (ne $v.metricsPortName $v.protocol) }}
  - name: {{ $v.metricsPortName }}
    containerPort: {{ int $v.metricsPort }}
  {{- end }}
env:
  - name: PORT
    value: {{ int $v.port | quote }}
{{- if or $v.config $v.secrets }}
envFrom:
  {{- if $v.config }}
  - configMapRef:
      name: {{ $name | quote }}
  {{- end }}
  {{- range $v.secrets }}
  - secretRef:
      name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- include "shipway-service.probes" $v | nindent 0 }}
{{- /* The pod leaves the Service while it still answers; only then comes SIGTERM. No shell is needed in the image. */}}
{{- if int $v.stop.drainSeconds }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int $v.stop.drainSeconds }}
{{- end }}
resources:
  requests:
    cpu: {{ $v.cpu | quote }}
    memory: {{ $v.memory | quote }}
  limits:
    {{- with $v.cpuLimit }}
    cpu: {{ . | quote }}
    {{- end }}
    memory: {{ $v.memory | quote }}
securityContext:
  {{- include "shipway-service.containerSecurity" $v | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if $v.files }}
  - name: files
    mountPath: /etc/service
    readOnly: true
  {{- end }}
  {{- range $number, $one := $v.secretFiles }}
  - name: secret-{{ $number }}
    mountPath: {{ $one.path | quote }}
    readOnly: true
  {{- end }}
{{- end -}}

{{- define "shipway-service.probes" -}}
{{- $start := default .health.ready .health.live -}}
startupProbe:
  {{- include "shipway-service.probe" (dict "v" . "path" $start) | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: {{ max 1 (div (add (int .health.startSeconds) 1) 2) }}
readinessProbe:
  {{- include "shipway-service.probe" (dict "v" . "path" .health.ready) | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- if .health.live }}
livenessProbe:
  {{- include "shipway-service.probe" (dict "v" . "path" .health.live) | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
{{- end }}
{{- end -}}

{{/* What is asked of the container; a gRPC probe knows no names of ports. */}}
{{- define "shipway-service.probe" -}}
{{- if eq .v.protocol "http" -}}
httpGet:
  path: {{ .path | quote }}
  port: {{ .v.protocol }}
{{- else if eq .v.protocol "grpc" -}}
grpc:
  port: {{ int .v.port }}
{{- else -}}
tcpSocket:
  port: {{ .v.protocol }}
{{- end -}}
{{- end -}}

{{- define "shipway-service.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ int .user }}
runAsGroup: {{ int .user }}
fsGroup: {{ int .user }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "shipway-service.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
