{{/* What the schema cannot see: values that contradict each other. */}}

{{- define "bizops.checks" -}}
{{- $watched := .Values.watchNamespaces -}}
{{- $seen := dict -}}
{{- range .Values.secrets -}}
{{- if hasKey $seen .namespace -}}
{{- fail (printf "secrets: namespace %q is listed twice; write all its names in one entry" .namespace) -}}
{{- end -}}
{{- $_ := set $seen .namespace true -}}
{{- if and $watched (not (has .namespace $watched)) -}}
{{- fail (printf "secrets: namespace %q is not among watchNamespaces; a namespaced install reads Secrets only where it watches: add it there or take it out here" .namespace) -}}
{{- end -}}
{{- end -}}
{{- $metrics := .Values.metrics -}}
{{- if and $metrics.serviceMonitor.enabled (not $metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor needs metrics.service.enabled=true; set it, or use metrics.podMonitor" -}}
{{- end -}}
{{- if and $metrics.serviceMonitor.enabled $metrics.podMonitor.enabled -}}
{{- fail "metrics.serviceMonitor and metrics.podMonitor would both scrape the same pods; enable one" -}}
{{- end -}}
{{- if eq (int $metrics.port) (int .Values.health.port) -}}
{{- fail (printf "metrics.port and health.port are both %d; give them different ports" (int $metrics.port)) -}}
{{- end -}}
{{- end -}}
