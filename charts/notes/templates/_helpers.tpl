{{/* The labels of a tier, by which its Service finds its pods: (dict "tier" "api" "root" $). */}}
{{- define "notes.selector" -}}
app: {{ .root.Release.Name }}
tier: {{ .tier }}
{{- end }}
