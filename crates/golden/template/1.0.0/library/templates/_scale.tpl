{{/*
Always there, also for a number that never changes: a Deployment whose number goes from a chart to an autoscaler has one
pod for a moment, and on the way back server-side apply conflicts. The bounds hold without metrics.
*/}}
{{- define "shipway-service.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "shipway-service.name" .root | quote }}
  minReplicas: {{ int .v.min }}
  maxReplicas: {{ int .v.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int .v.replicas.cpuPercent }}
{{- end -}}

{{/* At most a quarter leaves at a time, and always one may, so that no node waits for ever to be emptied. */}}
{{- define "shipway-service.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 25%
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "shipway-service.selector" .root | nindent 6 }}
{{- end -}}
