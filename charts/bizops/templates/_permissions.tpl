{{/* Permissions: the fixed ones come from files/permissions.yaml, which the operator's code generates. */}}

{{- define "bizops.permissions" -}}
{{- .Files.Get "files/permissions.yaml" | replace "${lease}" (include "bizops.fullname" .) -}}
{{- end -}}

{{/* What may be scaled: the objects are read and watched, only their scale is changed. */}}
{{- define "bizops.scaleRules" -}}
{{- range .Values.scale.kinds }}
- apiGroups: [{{ .group | quote }}]
  resources: [{{ .resource }}]
  verbs: [get, list, watch]
- apiGroups: [{{ .group | quote }}]
  resources: [{{ .resource }}/scale]
  verbs: [get, patch]
{{- end }}
{{- end -}}

{{- define "bizops.watchedRules" -}}
{{- toYaml (include "bizops.permissions" . | fromYaml).watched -}}
{{- include "bizops.scaleRules" . -}}
{{- end -}}

{{- define "bizops.subject" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "bizops.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
