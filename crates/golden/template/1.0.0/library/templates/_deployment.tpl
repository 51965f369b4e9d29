{{- define "shipway-service.deployment" -}}
{{- $v := .v -}}
{{- $name := include "shipway-service.name" .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
spec:
  {{- /* How many there are is the autoscaler's to say. Stated here, each upgrade would put it back or conflict. */}}
  revisionHistoryLimit: 5
  minReadySeconds: 5
  progressDeadlineSeconds: {{ max 600 (mul 2 (int $v.health.startSeconds)) }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {{ $v.surge }}
  selector:
    matchLabels:
      {{- include "shipway-service.selector" .root | nindent 6 }}
  template:
    metadata:
      labels:
        {{- mergeOverwrite (deepCopy $v.podLabels) (include "shipway-service.selector" .root | fromYaml) | toYaml | nindent 8 }}
      {{- with include "shipway-service.podAnnotations" . | fromYaml }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $name | quote }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add (int $v.stop.drainSeconds) (int $v.stop.graceSeconds) }}
      securityContext:
        {{- include "shipway-service.podSecurity" $v | nindent 8 }}
      {{- with $v.pullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . | quote }}
        {{- end }}
      {{- end }}
      {{- with $v.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- include "shipway-service.spread" . | nindent 6 }}
      containers:
        - {{ include "shipway-service.container" . | nindent 10 | trim }}
      volumes:
        {{- include "shipway-service.volumes" . | nindent 8 }}
{{- end -}}

{{/* A change of what the container reads at its start starts new pods. */}}
{{- define "shipway-service.podAnnotations" -}}
{{- $v := .v -}}
{{- if or $v.config $v.files }}
shipway.dev/config: {{ printf "%s%s" (toJson $v.config) (toJson $v.files) | sha256sum }}
{{- end }}
{{- if and $v.metrics.path (not $v.metrics.monitor) }}
prometheus.io/scrape: "true"
prometheus.io/path: {{ $v.metrics.path | quote }}
prometheus.io/port: {{ int $v.metricsPort | quote }}
{{- end }}
{{- with $v.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Pods lie apart where there is room, and together rather than nowhere; each rollout counts by itself. */}}
{{- define "shipway-service.spread" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "shipway-service.selector" $.root | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}

{{- define "shipway-service.volumes" -}}
{{- $v := .v -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ $v.scratch | quote }}
{{- if $v.files }}
- name: files
  configMap:
    name: {{ print (include "shipway-service.name" .root) "-files" | quote }}
{{- end }}
{{- range $number, $one := $v.secretFiles }}
- name: secret-{{ $number }}
  secret:
    secretName: {{ $one.secret | quote }}
{{- end }}
{{- end -}}
