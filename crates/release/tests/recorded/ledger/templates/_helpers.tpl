{{- define "ledger.name" -}}{{ .Release.Name }}-{{ .Chart.Name }}{{- end -}}
