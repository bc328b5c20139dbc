"""The kubelet: it turns pods that are bound to its node into running containers.

`kubelet` is the agent of a node; each pod has a `podworker`, each container of it a unit in `container`, and what
they do when is a table in `lifecycle`. `plan` is what depends on the spec alone, `status` computes what the API
is told. Below them `runtime` is the seam to the container runtime (the CRI) and to the network; `containerd` is the
simulated runtime, and `images` are the programs that run in it.

Many kubelets share one `pool` (turns, timers, plans), so a cluster may have thousands of them.
"""
