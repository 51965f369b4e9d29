{{/* What is said after an install. */}}
{{- define "shipway-service.notes" -}}
{{- $v := include "shipway-service.settings" . | fromJson -}}
{{- $scheme := ternary (ternary "https" "http" $v.ingress.tls) $v.protocol (eq $v.protocol "http") -}}
{{ .Chart.Name }} answers inside the cluster at {{ include "shipway-service.name" . }}.{{ .Release.Namespace }}.svc:{{ int $v.port }}
{{- range $v.hosts }}
and outside at {{ $scheme }}://{{ . }}
{{- end }}
{{- if and $v.hosts (not $v.ingress.namespaces) }}
if the Tenant {{ $v.tenant }} has `network: {ingress: true}`; where there are no tenants, name the namespaces of the
ingress controllers in `ingress.namespaces`.
{{- end }}
{{- end -}}
