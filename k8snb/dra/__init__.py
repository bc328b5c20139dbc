"""A driver for devices, outside of Kubernetes, as dynamic resource allocation has it.

`driver` is what a vendor writes: it knows which devices a machine has, and gets them ready for a container.
`publishing` tells the cluster what there is, in ResourceSlices; `installing` makes both a part of a cluster. The
devices are GPUs that do nothing, as those of upstream's example driver: what a container gets of them is variables.
Upstream: `kubernetes-sigs/dra-example-driver`.
"""
