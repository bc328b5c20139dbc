"""StatefulSets: pods with names that stay, made and taken away in order, each with its own claims.

`controller` watches and reconciles one StatefulSet, `round` is one look at it and what that look does, `identity` says
what a pod of a number is like, `claims` what becomes of its volumes, `revisions` which template it is made from,
`status` what is told. Upstream: `pkg/controller/statefulset`.
"""
