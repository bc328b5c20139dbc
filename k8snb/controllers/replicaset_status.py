"""The status of a ReplicaSet, from counts of its pods.

`Tally` keeps the counts up to date pod by pod, so that a set of a thousand does not look at a thousand pods
because one became ready. The status itself is a pure function of the counts. Upstream:
`calculateStatus` in `pkg/controller/replicaset/replica_set_utils.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from k8snb.controllers.podstate import ENDED_PHASES, ready_condition
from k8snb.machinery.objects import labels_of, with_condition
from k8snb.machinery.selectors import Predicate
from k8snb.typing import Object

ENDED, TERMINATING, ACTIVE, READY = range(4)
"""The standings of a pod, as its ReplicaSet sees it: READY is ACTIVE and ready."""

COUNTERS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas")
_NO_STATUS: Object = {}
_ALWAYS_SHOWN = ("replicas", "terminatingReplicas")


def standing(pod: Object) -> int:
    """How a pod counts: ENDED, TERMINATING, ACTIVE or READY."""
    if (pod.get("status") or _NO_STATUS).get("phase") in ENDED_PHASES:
        return ENDED
    if "deletionTimestamp" in pod["metadata"]:
        return TERMINATING
    found = ready_condition(pod)
    return READY if found is not None and found["status"] == "True" else ACTIVE


class LabelGroup:
    """The active pods of a ReplicaSet that carry the same labels: usually all of them."""

    __slots__ = ("active", "labels")

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self.active = 0


class Tally:
    """Counts of one ReplicaSet's pods, by standing and by labels."""

    __slots__ = ("_groups", "_standings")

    def __init__(self) -> None:
        self._standings = [0, 0, 0, 0]
        self._groups: dict[int, LabelGroup] = {}

    def add(self, pod: Object) -> None:
        """Count a pod in."""
        self._count(pod, standing(pod), 1)

    def remove(self, pod: Object) -> None:
        """Take out a pod that was counted in, as it was then."""
        self._count(pod, standing(pod), -1)

    def move(self, pod: Object, before: int, after: int) -> None:
        """A pod that was counted has another standing now, and the same labels."""
        if before >= ACTIVE and after >= ACTIVE:
            self._standings[before] -= 1
            self._standings[after] += 1
            return
        self._count(pod, before, -1)
        self._count(pod, after, 1)

    def change(self, old: Object, new: Object) -> bool:
        """A pod that was counted has changed; whether that makes a difference."""
        meta, old_meta = new["metadata"], old["metadata"]
        same = meta.get("labels") is old_meta.get("labels") or labels_of(old) == labels_of(new)
        marked = ("deletionTimestamp" in meta) != ("deletionTimestamp" in old_meta)
        if same and not marked and new.get("status") is old.get("status"):
            return False
        before, after = standing(old), standing(new)
        if same:
            if before != after:
                self.move(new, before, after)
            return before != after
        self._count(old, before, -1)
        self._count(new, after, 1)
        return True

    def _count(self, pod: Object, where: int, step: int) -> None:
        self._standings[where] += step
        if where >= ACTIVE:
            labels = labels_of(pod)
            group = self._group(labels)
            group.active += step

    def _group(self, labels: Mapping[str, str]) -> LabelGroup:
        """The group of those labels; looked for by identity first, for pods of one template share them."""
        group = self._groups.get(id(labels))
        if group is not None and group.labels is labels:
            return group
        for identity, group in list(self._groups.items()):
            if group.labels == labels:
                return group
            if not group.active:
                del self._groups[identity]
        group = self._groups[id(labels)] = LabelGroup(labels)
        return group

    @property
    def active(self) -> int:
        """Pods that count as replicas."""
        return self._standings[ACTIVE] + self._standings[READY]

    @property
    def ready(self) -> int:
        """Pods that count as replicas and are ready."""
        return self._standings[READY]

    @property
    def terminating(self) -> int:
        """Pods on their way out."""
        return self._standings[TERMINATING]

    @property
    def empty(self) -> bool:
        """Whether no pod is counted at all."""
        return not any(self._standings)

    def groups(self) -> Iterator[LabelGroup]:
        """The label sets that active pods carry."""
        return (group for group in self._groups.values() if group.active)

    def matching(self, matches: Predicate) -> int:
        """How many active pods the selector still matches."""
        return sum(group.active for group in self._groups.values() if group.active and matches(group.labels))

    def labelled(self, wanted: Mapping[str, str]) -> int:
        """How many active pods carry at least these labels."""
        items = wanted.items()
        return sum(g.active for g in self.groups() if g.labels is wanted or items <= g.labels.items())


class Failure(NamedTuple):
    """What kept the controller from creating or deleting pods: the reason and message of a condition."""

    reason: str
    message: str


class Counts(NamedTuple):
    """The pods of a ReplicaSet in numbers."""

    replicas: int
    labelled: int
    ready: int
    available: int
    terminating: int


def status_of(rs: Object, counts: Counts, failure: Failure | None, now: str) -> Object:
    """The status that a ReplicaSet should have. `now` is the time as an API object shows it."""
    shown = dict(zip(COUNTERS, counts, strict=True))
    status = {name: count for name, count in shown.items() if count or name in _ALWAYS_SHOWN}
    status["observedGeneration"] = rs["metadata"].get("generation", 0)
    conditions = _conditions(rs, failure, now)
    return {**status, "conditions": conditions} if conditions else status


def _conditions(rs: Object, failure: Failure | None, now: str) -> list[Object]:
    conditions: list[Object] = list((rs.get("status") or {}).get("conditions") or ())
    known = any(each["type"] == "ReplicaFailure" for each in conditions)
    if failure is None:
        return [each for each in conditions if each["type"] != "ReplicaFailure"]
    if known:
        return conditions
    new: Object = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": now,
        "reason": failure.reason,
        "message": failure.message,
    }
    return with_condition(conditions, new)
