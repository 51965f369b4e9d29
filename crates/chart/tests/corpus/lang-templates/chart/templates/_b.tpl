{{- define "lang.twice" }}second{{ end }}
{{- define "lang.kept" }}
  {{/* blank: does not replace */}}
{{ end }}
