"""What helm does to a cluster: creating, patching, deleting and waiting for objects. Upstream: helm's `pkg/kube`."""
