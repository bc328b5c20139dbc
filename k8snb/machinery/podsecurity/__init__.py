"""The Pod Security Standards: what a pod may ask of its node, by level and version. Pure functions.

`levels` reads the labels of a namespace, `baseline` and `restricted` hold one function per check, `standards` is the
table that says which check counts from which version on. Upstream: `staging/src/k8s.io/pod-security-admission`.
"""
