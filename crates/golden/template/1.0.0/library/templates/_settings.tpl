{{/*
The settings: the defaults of this chart with the service's values over them, and what follows from both.
The result is JSON. Usage: include "shipway-service.settings" . | fromJson
*/}}
{{- define "shipway-service.settings" -}}
{{- $given := omit .Values "shipway-service" "global" "own" -}}
{{- $v := mergeOverwrite (deepCopy (index .Values "shipway-service" | default dict)) (deepCopy $given) -}}
{{- $tag := regexFind ":[^:/]*$" (first (splitList "@" $v.image)) | trimPrefix ":" -}}
{{- if not (contains "@" $v.image) -}}
{{- if eq $tag "" -}}
{{- fail (printf "image %q has no tag: give it one, as in %s:1.4.2, so that every pod runs the same" $v.image (trimSuffix ":" $v.image)) -}}
{{- else if eq $tag "latest" -}}
{{- fail (printf "image %q is another one every day: give it the tag of a version" $v.image) -}}
{{- end -}}
{{- end -}}
{{- $min := int $v.replicas.min -}}
{{- $max := int $v.replicas.max | default $min -}}
{{- if lt $max $min -}}
{{- fail (printf "replicas.max is %d and replicas.min is %d: raise replicas.max, or leave it out" $max $min) -}}
{{- end -}}
{{- if and (eq $v.protocol "tcp") $v.hosts -}}
{{- fail "protocol is tcp and there are hosts: an Ingress serves http and grpc only; leave out hosts" -}}
{{- end -}}
{{- $metricsPort := int $v.metrics.port | default (int $v.port) -}}
{{- $_ := set $v "min" $min -}}
{{- $_ := set $v "max" $max -}}
{{- $_ := set $v "metricsPort" $metricsPort -}}
{{- $_ := set $v "metricsPortName" (ternary $v.protocol "metrics" (eq $metricsPort (int $v.port))) -}}
{{- toJson $v -}}
{{- end -}}
