{{- define "labels" -}}
app: jupyterhub
release: {{ index . 0 }}
component: {{ index . 1 }}
{{- end }}

{{- /* Where the policy of a part lets it out, beside what the part needs: `list $ .Values.hub.networkPolicy`. */}}
{{- define "out" -}}
{{- $metadata := (index . 0).Values.singleuser.cloudMetadata.ip }}
{{- $policy := index . 1 }}
{{- $allowed := $policy.egressAllowRules }}
{{- $private := list "10.0.0.0/8" "172.16.0.0/12" "192.168.0.0/16" }}
{{- if or $allowed.dnsPortsCloudMetadataServer $allowed.dnsPortsKubeSystemNamespace $allowed.dnsPortsPrivateIPs }}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
  to:
    {{- if $allowed.dnsPortsCloudMetadataServer }}
    - ipBlock: { cidr: {{ $metadata }}/32 }
    {{- end }}
    {{- if $allowed.dnsPortsKubeSystemNamespace }}
    - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } }
    {{- end }}
    {{- if $allowed.dnsPortsPrivateIPs }}
    {{- range $private }}
    - ipBlock: { cidr: {{ . }} }
    {{- end }}
    {{- end }}
{{- end }}
{{- if $allowed.nonPrivateIPs }}
- to: [{ ipBlock: { cidr: 0.0.0.0/0, except: {{ append $private (printf "%s/32" $metadata) | toJson }} } }]
{{- end }}
{{- if $allowed.privateIPs }}
- to:
    {{- range $private }}
    - ipBlock: { cidr: {{ . }} }
    {{- end }}
{{- end }}
{{- if $allowed.cloudMetadataServer }}
- to: [{ ipBlock: { cidr: {{ $metadata }}/32 } }]
{{- end }}
{{- with $policy.egress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A policy: its part, its values, who is let in, and what it needs to reach. */}}
{{- define "policy" -}}
{{- $root := .root }}
{{- if .policy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
spec:
  podSelector:
    matchLabels: {{- include "labels" (list $root.Release.Name .component) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- with .policy.allowedIngressPorts }}
    - ports: [{{ range . }}{ port: {{ . }} },{{ end }}]
    {{- end }}
    {{- range $label, $port := .in }}
    - ports: [{ port: {{ $port }} }]
      from: [{ podSelector: { matchLabels: { hub.jupyter.org/network-access-{{ $label }}: "true" } } }]
    {{- end }}
    {{- with .policy.ingress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  egress:
    {{- range $component, $ports := .needs }}
    - ports: [{{ range $ports }}{ port: {{ . }} },{{ end }}]
      to: [{ podSelector: { matchLabels: { {{ include "labels" (list $root.Release.Name $component) | replace "\n" ", " }} } } }]
    {{- end }}
    {{- include "out" (list $root .policy) | nindent 4 }}
{{- end }}
{{- end }}

{{- /* A pod of the chart: agnhost, which answers wherever its part would. */}}
{{- define "part" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .component }}
spec:
  selector:
    matchLabels: {{- include "labels" (list .root.Release.Name .component) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "labels" (list .root.Release.Name .component) | nindent 8 }}
        {{- range .access }}
        hub.jupyter.org/network-access-{{ . }}: "true"
        {{- end }}
    spec:
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: RuntimeDefault } }
      containers:
        {{- range $name, $port := .ports }}
        - name: {{ $name }}
          image: registry.k8s.io/e2e-test-images/agnhost:2.53
          args: [netexec, --http-port={{ $port }}]
          ports: [{ name: {{ $name }}, containerPort: {{ $port }} }]
          resources: {{- toYaml $.resources | nindent 12 }}
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
        {{- end }}
{{- end }}
