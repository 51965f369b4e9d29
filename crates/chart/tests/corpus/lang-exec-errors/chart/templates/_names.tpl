{{- define "lang.fails" }}
  {{ .Values.none.field }}
{{- end }}
{{- define "lang.outer" }}{{ include "lang.fails" . | upper }}{{ end }}
{{- define "lang.recursion" }}{{ template "lang.recursion" . }}{{ end }}
