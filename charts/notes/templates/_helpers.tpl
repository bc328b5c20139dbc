{{/* The labels of a tier, by which its Service finds its pods: (dict "tier" "api" "root" $). */}}
{{- define "notes.selector" -}}
app: {{ .root.Release.Name }}
tier: {{ .tier }}
{{- end }}

{{/* Where the API finds the database: a member of a StatefulSet has a name of its own. */}}
{{- define "notes.database" -}}
{{- if .Values.operated }}{{ .Release.Name }}-db-0.{{ end }}{{ .Release.Name }}-db
{{- end }}

{{/* A pod that asks the database something: (dict "script" "psql …" "root" $). */}}
{{- define "notes.client" }}
      restartPolicy: Never
      containers:
        - name: client
          image: {{ .root.Values.database.image }}
          command: [sh, -c, {{ .script | quote }}]
          env:
            - {name: PGHOST, value: {{ include "notes.database" .root }}}
            - name: PGUSER
              valueFrom:
                secretKeyRef: {name: {{ .root.Release.Name }}-db, key: username}
            - name: PGPASSWORD
              valueFrom:
                secretKeyRef: {name: {{ .root.Release.Name }}-db, key: password}
{{- end }}
