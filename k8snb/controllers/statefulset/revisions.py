"""Which template a StatefulSet's pods are made from: the current revision until a rollout is over, and the update.

Upstream: `getStatefulSetRevisions` in `stateful_set_control.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from k8snb.client.client import Client
from k8snb.controllers import history
from k8snb.controllers.history import REVISIONS, revision_name
from k8snb.controllers.statefulset.identity import ordinals_of
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object


class Revisions(NamedTuple):
    """The two revisions that matter, and how many names have collided so far."""

    current: Object
    update: Object
    collisions: int

    @property
    def names(self) -> tuple[str, str]:
        """The names of both."""
        return self.current["metadata"]["name"], self.update["metadata"]["name"]


def find_or_make(client: Client, sts: Object, known: Sequence[Object], note: Callable[[Object], Object]) -> Revisions:
    """The revisions of a set. One that is new or comes back is written and `note` hears of it; `known` are in order."""
    status = sts.get("status") or {}
    collisions = int(status.get("collisionCount") or 0)
    number = history.next_number(known)
    wanted = history.compose(sts, number, collisions, annotations_of(sts))
    equal = [each for each in known if history.same_data(each, wanted)]
    if equal and history.same_data(known[-1], equal[-1]):
        update = known[-1]
    elif equal:
        update = note(client.update(REVISIONS, {**equal[-1], "revision": number}))
    else:
        update, collisions = history.create(client, sts, number, collisions, annotations_of(sts))
        note(update)
    current = (each for each in known if each["metadata"]["name"] == status.get("currentRevision"))
    return Revisions(next(current, update), update, collisions)


def forgettable(
    sts: Object, known: Sequence[Object], revisions: Revisions | None, pods: Iterable[Object]
) -> list[Object]:
    """The revisions that no pod is made from any more and that the history has no room for."""
    live: Collection[str] = {revision_name(pod) for pod in pods}
    if revisions is not None:
        live = {*live, *revisions.names}
    return history.to_forget(known, live, int(sts["spec"].get("revisionHistoryLimit", 10)))


def rollout(sts: Object) -> Object | None:
    """The parameters of the rolling update, if there are any."""
    found: Object | None = (sts["spec"].get("updateStrategy") or {}).get("rollingUpdate")
    return found


def strategy(sts: Object) -> str:
    """RollingUpdate or OnDelete."""
    return str((sts["spec"].get("updateStrategy") or {}).get("type", ""))


def partition(sts: Object) -> int:
    """How many of the lowest ordinals keep the current revision."""
    return int((rollout(sts) or {}).get("partition") or 0)


def is_updated(sts: Object, ordinal: int) -> bool:
    """Whether a new pod of this number is made from the update revision."""
    start = ordinals_of(sts).start
    if rollout(sts) is not None:
        return ordinal >= start + partition(sts)
    if strategy(sts) == "RollingUpdate":
        return ordinal >= start + int((sts.get("status") or {}).get("currentReplicas") or 0)
    return True
