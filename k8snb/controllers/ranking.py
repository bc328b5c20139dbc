"""Which pods go first when a ReplicaSet has too many.

Pods are compared by a list of criteria; the first on which two differ decides. What costs least goes
first: a pod that no node has, one that does not run, one that is not ready, one that its user marked as
cheap, one whose node has many of its kind, one that became ready only lately, one that restarts often, one
that is young. Upstream: `ActivePodsWithRanks` in `pkg/controller/controller_utils.go`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cmp_to_key

from k8snb.clock import parse_time
from k8snb.controllers.podstate import is_active, is_ready, phase_of, ready_since, restarts
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
CRITERIA = (
    "not assigned to a node",
    "Pending before Unknown before Running",
    "not ready",
    "a lower deletion cost",
    "more pods of the same kind on its node",
    "ready for a shorter time",
    "more restarts",
    "created later",
)
"""The criteria in the order in which they are asked, in words; `victims` follows them."""

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def victims(pods: Sequence[Object], related: Iterable[Object], count: int, now: float) -> list[Object]:
    """The `count` pods to delete. `related` are the pods of every ReplicaSet of the same Deployment."""
    if count >= len(pods):
        return list(pods)
    crowd = Counter(pod["spec"].get("nodeName", "") for pod in related if is_active(pod))
    standings = [_Standing(pod, crowd[pod["spec"].get("nodeName", "")], now) for pod in pods]
    standings.sort(key=cmp_to_key(_compare))
    return [standing.pod for standing in standings[:count]]


def deletion_cost(pod: Object) -> int:
    """What the annotation says the pod is worth; 0 where it says nothing sensible."""
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


class _Standing:
    """What is asked of one pod, worked out once."""

    __slots__ = ("age", "first", "last", "pod", "ready", "since", "uid")

    def __init__(self, pod: Object, crowd: int, now: float) -> None:
        self.pod = pod
        self.ready = is_ready(pod)
        assigned = bool(pod["spec"].get("nodeName"))
        self.first = (assigned, _PHASES.get(phase_of(pod), 0), self.ready, deletion_cost(pod), -crowd)
        since = ready_since(pod)
        self.since = None if since is None else now - since
        self.last = tuple(-count for count in restarts(pod))
        self.age = now - parse_time(pod["metadata"]["creationTimestamp"])
        self.uid: str = pod["metadata"]["uid"]


def _compare(one: _Standing, other: _Standing) -> int:
    if one.first != other.first:
        return -1 if one.first < other.first else 1
    if one.ready and one.since != other.since:
        return _younger(one, other, one.since, other.since)
    if one.last != other.last:
        return -1 if one.last < other.last else 1
    if one.age != other.age:
        return _younger(one, other, one.age, other.age)
    return -1 if one.uid < other.uid else 1


def _younger(one: _Standing, other: _Standing, mine: float | None, theirs: float | None) -> int:
    """Ages are compared by their magnitude (power of two); within one magnitude the UID decides, as good as by lot."""
    if mine is None or theirs is None:
        return -1 if mine is None else 1
    difference = _magnitude(mine) - _magnitude(theirs)
    return difference or (-1 if one.uid < other.uid else 1)


def _magnitude(seconds: float) -> int:
    return int(math.log2(seconds * 1e9)) if seconds > 0 else -1
