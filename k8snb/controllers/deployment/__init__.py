"""Deployments: roll ReplicaSets of one pod template after another, with no more and no fewer pods than allowed.

`controller` reconciles one Deployment, `rollout` is what it works on, `rolling` and `recreate` are the two
strategies, `revisions` the memory, `progress` and `status` what is told. Upstream: `pkg/controller/deployment`.
"""
