"""What a Deployment asks of its ReplicaSets: sizes, sums and order. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

DESIRED = "deployment.kubernetes.io/desired-replicas"
"""On a ReplicaSet: the Deployment's size when it was last scaled; tells scaling from rolling."""

MAXIMUM = "deployment.kubernetes.io/max-replicas"
"""On a ReplicaSet: the Deployment's size plus its surge then; the base of proportions."""

_NO_STATUS: Object = {}


def size(rs: Object) -> int:
    """How many pods it is to have."""
    wanted: int = rs["spec"].get("replicas", 1)
    return wanted


def counted(rs: Object, field: str) -> int:
    """A counter of its status, 0 where it is not shown."""
    number: int = (rs.get("status") or _NO_STATUS).get(field, 0)
    return number


def available(rs: Object) -> int:
    """How many of its pods are available."""
    return counted(rs, "availableReplicas")


def total_size(sets: Iterable[Object]) -> int:
    """How many pods they are to have together."""
    return sum(size(rs) for rs in sets)


def total(sets: Iterable[Object], field: str) -> int:
    """The sum of a counter over their statuses."""
    return sum(counted(rs, field) for rs in sets)


def terminating(sets: Iterable[Object]) -> int | None:
    """Pods on their way out; None where a ReplicaSet that has a status does not say."""
    statuses = [rs.get("status") or _NO_STATUS for rs in sets]
    if any(s.get("observedGeneration") and "terminatingReplicas" not in s for s in statuses):
        return None
    leaving: int = sum(s.get("terminatingReplicas", 0) for s in statuses)
    return leaving


def active(sets: Iterable[Object]) -> list[Object]:
    """Those that are to have pods."""
    return [rs for rs in sets if size(rs) > 0]


def _age(rs: Object) -> tuple[str, str]:
    return rs["metadata"].get("creationTimestamp", ""), rs["metadata"]["name"]


def oldest_first(sets: Iterable[Object]) -> list[Object]:
    """By creation, then by name."""
    return sorted(sets, key=_age)


def largest_first(sets: Iterable[Object], *, newer_first: bool) -> list[Object]:
    """By size; among equals the newer or the older first."""
    by_age = sorted(sets, key=_age, reverse=newer_first)
    return sorted(by_age, key=size, reverse=True)


def annotated(rs: Object, name: str) -> int | None:
    """A number that an annotation holds; None where it holds none."""
    try:
        return int(annotations_of(rs).get(name, ""))
    except ValueError:
        return None


def without(sets: Sequence[Object], rs: Object | None) -> list[Object]:
    """All of them but one."""
    if rs is None:
        return list(sets)
    uid = rs["metadata"]["uid"]
    return [each for each in sets if each["metadata"]["uid"] != uid]
