{{/* Every object of a service. Usage, as the only line of a template: include "shipway-service.all" . */}}
{{- define "shipway-service.all" -}}
{{- $it := dict "root" . "v" (include "shipway-service.settings" . | fromJson) "suffix" "" -}}
{{- $v := $it.v -}}
{{- $parts := list "serviceAccount" "service" "deployment" "autoscaler" "networkPolicy" -}}
{{- if $v.config }}{{ $parts = append $parts "config" }}{{ end -}}
{{- if $v.files }}{{ $parts = append $parts "files" }}{{ end -}}
{{- if gt (int $v.min) 1 }}{{ $parts = append $parts "disruptionBudget" }}{{ end -}}
{{- if $v.hosts }}{{ $parts = append $parts "ingress" }}{{ end -}}
{{- if and $v.metrics.path $v.metrics.monitor }}{{ $parts = append $parts "monitor" }}{{ end -}}
{{- range $parts }}
---
{{ include (print "shipway-service." .) $it }}
{{- end }}
{{- end -}}
