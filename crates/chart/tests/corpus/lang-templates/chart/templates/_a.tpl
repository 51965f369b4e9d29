{{- define "lang.twice" }}first{{ end }}
{{- define "lang.kept" }}kept{{ end }}
{{- define "lang.dot" }}{{ . }}{{ end }}
{{- define "lang.dollar" }}{{ $ }}{{ end }}
{{- define "lang.count" }}{{ if gt (int .) 0 }}{{ . }}{{ template "lang.count" (sub . 1) }}{{ end }}{{ end }}
{{- define "lang.include" }}{{ if lt (int .) 100 }}{{ include "lang.include" (add1 .) }}{{ else }}{{ . }}{{ end }}{{ end }}
