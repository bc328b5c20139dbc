{{- /* An amount of memory in Mi: K, M and G count in 1024s to JupyterHub, Ki, Mi and Gi do to Kubernetes. */}}
{{- define "limits.mebibytes" -}}
{{- $number := regexFind "^[0-9.]+(e[+][0-9]+)?" (toString .) | float64 -}}
{{- $unit := regexFind "[KMG]?i?$" (toString .) | trimSuffix "i" -}}
{{- divf (mulf $number (get (dict "" 1 "K" 1024 "M" 1048576 "G" 1073741824) $unit)) 1048576 | ceil | int64 -}}
{{- end }}

{{- /* The same amount for so many: `list 32 "1Gi"`. */}}
{{- define "limits.times" -}}
{{- mul (index . 0) (include "limits.mebibytes" (index . 1) | int64) -}}Mi
{{- end }}
