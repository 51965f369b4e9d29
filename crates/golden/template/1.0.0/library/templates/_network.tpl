{{- define "shipway-service.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "shipway-service.selector" .root | nindent 4 }}
  ports:
    - name: {{ .v.protocol }}
      port: {{ int .v.port }}
      targetPort: {{ .v.protocol }}
      {{- if ne .v.protocol "tcp" }}
      appProtocol: {{ .v.protocol }}
      {{- end }}
    {{- if and .v.metrics.path (ne .v.metricsPortName .v.protocol) }}
    - name: {{ .v.metricsPortName }}
      port: {{ int .v.metricsPort }}
      targetPort: {{ .v.metricsPortName }}
    {{- end }}
{{- end -}}

{{- define "shipway-service.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
  {{- with .v.ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .v.ingress.class }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- if .v.ingress.tls }}
  tls:
    - hosts:
        {{- range .v.hosts }}
        - {{ . | quote }}
        {{- end }}
      {{- with .v.ingress.tlsSecret }}
      secretName: {{ . | quote }}
      {{- end }}
  {{- end }}
  rules:
    {{- range .v.hosts }}
    - host: {{ . | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ include "shipway-service.name" $.root | quote }}
                port:
                  name: {{ $.v.protocol }}
    {{- end }}
{{- end -}}

{{/*
Who may reach the service's own ports. Policies only ever add openings: in a tenant's namespace everything else is closed by
the tenant's policy and opened by its manifest, so that nobody else is let in here unless values say so.
*/}}
{{- define "shipway-service.networkPolicy" -}}
{{- $v := .v -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "shipway-service.selector" .root | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - port: {{ $v.protocol }}
      from:
        - podSelector: {}
        {{- $tenants := list $v.tenant }}
        {{- $namespaces := list }}
        {{- range $v.network.from }}
        {{- if .tenant }}{{ $tenants = append $tenants .tenant }}{{ else }}{{ $namespaces = append $namespaces .namespace }}{{ end }}
        {{- end }}
        {{- if $v.hosts }}{{ $namespaces = concat $namespaces $v.ingress.namespaces }}{{ end }}
        {{- range uniq $tenants }}
        - namespaceSelector:
            matchLabels:
              shipway.dev/tenant: {{ . | quote }}
        {{- end }}
        {{- range uniq $namespaces }}
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: {{ . | quote }}
        {{- end }}
    {{- if and $v.metrics.path $v.metrics.namespace }}
    - ports:
        - port: {{ $v.metricsPortName }}
      from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: {{ $v.metrics.namespace | quote }}
    {{- end }}
{{- end -}}

{{- define "shipway-service.monitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "shipway-service.metadata" . | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "shipway-service.selector" .root | nindent 6 }}
  endpoints:
    - targetPort: {{ .v.metricsPortName }}
      path: {{ .v.metrics.path | quote }}
{{- end -}}
