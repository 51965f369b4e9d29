{{- define "lang.base" }}base{{ end }}
{{- define "lang.calls" }}{{ include "lang.base" . }}{{ end }}
