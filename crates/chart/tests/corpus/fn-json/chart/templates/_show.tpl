{{- /* The type of a value, what it prints, and the value itself. */ -}}
{{- define "show" -}}
{{- $value := index . 0 -}}
{{- list (typeOf $value) (print $value) $value | toJson -}}
{{- end -}}
