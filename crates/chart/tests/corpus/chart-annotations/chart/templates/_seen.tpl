{{ define "seen" -}}
missing: {{ .Chart.Annotations.missing | quote }}
team: {{ default "nobody" .Chart.Annotations.team }}
index: {{ index .Chart.Annotations "team" | quote }}
printed: {{ .Chart.Annotations | toString | quote }}
json: {{ toJson .Chart.Annotations }}
yaml: {{ toYaml .Chart.Annotations | quote }}
type: {{ typeOf .Chart.Annotations }}
truth: {{ if .Chart.Annotations }}yes{{ else }}no{{ end }}
all: [{{ range $key, $value := .Chart.Annotations }}{{ $key }}, {{ typeOf $value }}{{ end }}]
chart: {{ omit .Chart "Version" | toJson }}
{{- end }}
