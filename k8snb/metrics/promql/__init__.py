"""PromQL: a text becomes a tree (`lexer`, `parser`, `nodes`), the tree is evaluated at moments (`engine`).

Semantics are those of Prometheus 3, or of 2 where an engine is told so; each module names its source in
`promql/` of github.com/prometheus/prometheus.
"""
