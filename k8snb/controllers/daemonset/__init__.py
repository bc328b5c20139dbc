"""DaemonSets: one pod on every node that should have one.

`controller` watches and reconciles one DaemonSet, `daemons` says what its pod for a node is like and which nodes are
meant, `managing` which pods are missing or too many, `rolling` which to replace, `revisions` is the memory,
`status` what is told. Upstream: `pkg/controller/daemon`.
"""
