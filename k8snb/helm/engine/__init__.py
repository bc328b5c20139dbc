"""From a chart and values to manifests. Upstream: helm's `pkg/engine`."""
