"""Jobs: pods that run to the end, until enough of them have.

`controller` watches and reconciles one Job, `look` is what is counted at one look, `deciding` says whether the Job is
over, `managing` makes and deletes pods, `tracking` counts each pod exactly once, `policies` are the rules for failure
and success, `indexes` and `pods` say what a pod stands for, `backoff` how long to wait after failures. Upstream:
`pkg/controller/job`.
"""
