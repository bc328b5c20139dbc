"""`kubectl describe`: one page about one object, with what belongs to it and what happened to it.

A describer is a function from an object to lines; `table` says which kind has which. Upstream:
`kubectl/pkg/describe/describe.go`.
"""
