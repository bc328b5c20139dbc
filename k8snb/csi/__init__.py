"""A storage driver outside of Kubernetes, as CSI has it: disks somewhere, and the programs that look after them.

`driver` is what a vendor writes: it makes disks, attaches them to machines and copies them, and knows nothing of
Kubernetes. The other modules are the sidecars that stand beside it and translate: each watches one kind of object and
calls the driver (`provisioner`, `attacher`, `resizer`, `snapshotter`). `installing` makes all of it a part of a
cluster.
Upstream: the CSI specification and the repositories of `kubernetes-csi`.
"""
