"""The Recreate strategy: all old pods end before the first new one starts. Pure functions.

Upstream: `deployment/recreate.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.controllers.deployment.replicasets import active, total
from k8snb.controllers.deployment.rolling import Scaling
from k8snb.controllers.podstate import has_ended
from k8snb.typing import Object


def scale_downs(olds: Sequence[Object]) -> list[Scaling]:
    """Every old ReplicaSet to nothing."""
    return [Scaling(rs, 0) for rs in active(olds)]


def old_pods_remain(olds: Sequence[Object], pods: Iterable[Object]) -> bool:
    """Whether a pod of an old ReplicaSet has yet to end. `pods` are theirs, as the cache has them."""
    return total(olds, "replicas") > 0 or any(not has_ended(pod) for pod in pods)
