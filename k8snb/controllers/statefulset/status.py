"""What a StatefulSet says of its pods: how many there are, are ready, and are of which template.

Pure functions. Upstream: `updateStatus`, `computeReplicaStatus` and `completeRollingUpdate`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from k8snb.controllers.history import revision_name
from k8snb.controllers.podstate import is_available, is_ready, phase_of
from k8snb.controllers.statefulset.identity import replicas_of
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

_ALWAYS_SHOWN = ("replicas", "availableReplicas")
COUNTERS = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


def is_created(pod: Object) -> bool:
    """Whether the server knows the pod."""
    return bool(phase_of(pod))


def is_running_and_ready(pod: Object) -> bool:
    """Whether its containers run and it takes requests."""
    return phase_of(pod) == "Running" and is_ready(pod)


def is_unavailable(pod: Object, min_ready_seconds: int, now: float) -> bool:
    """Whether it does not count as available, or is on its way out."""
    return is_deleting(pod) or not is_available(pod, min_ready_seconds, now)


def counts_of(pods: Iterable[Object], min_ready_seconds: int, current: str, update: str, now: float) -> Counter[str]:
    """The pods in numbers; `current` and `update` are the names of the two revisions."""
    counts: Counter[str] = Counter()
    for pod in pods:
        if not is_created(pod):
            continue
        counts["replicas"] += 1
        if is_running_and_ready(pod):
            counts["readyReplicas"] += 1
            counts["availableReplicas"] += is_available(pod, min_ready_seconds, now)
        if not is_deleting(pod):
            revision = revision_name(pod)
            counts["currentReplicas"] += revision == current
            counts["updatedReplicas"] += revision == update
    return counts


def status_of(sts: Object, counts: Counter[str], current: str, update: str, collisions: int) -> Object:
    """The status that the set should have; when a rollout has come to its end, the new revision is the current one."""
    wanted = replicas_of(sts)
    rolling = (sts["spec"].get("updateStrategy") or {}).get("type") == "RollingUpdate"
    if rolling and counts["updatedReplicas"] == counts["readyReplicas"] == counts["replicas"] == wanted:
        current, counts = update, counts + Counter()
        counts["currentReplicas"] = counts["updatedReplicas"]
    shown = {name: counts[name] for name in COUNTERS if counts[name] or name in _ALWAYS_SHOWN}
    revisions = {"currentRevision": current, "updateRevision": update, "collisionCount": collisions}
    return {"observedGeneration": sts["metadata"].get("generation", 0), **shown, **revisions}
