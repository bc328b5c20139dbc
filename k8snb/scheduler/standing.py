"""Who waits where, why, and for what: the scheduling queue as data.

A pod is *active* (it is tried next), *backing off* (its last attempt was too recent), *unschedulable* (it waits for an
event), *gated* (it may not enter), or *waiting at Permit* (it has a node). The events for which an unschedulable pod
waits are those that the plugins which turned it away have registered, in upstream's names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from k8snb.scheduler.framework import ANYTHING, ASSIGNED_POD, NODE, TARGET_POD, Action, Interest
from k8snb.typing import Object

ANY = "*"
"""Whatever happens."""
ACTIVE, BACKOFF, UNSCHEDULABLE, GATED, PERMIT = "activeQ", "backoffQ", "unschedulablePods", "gated", "permit"


class Standing(NamedTuple):
    """One pod that waits."""

    pod: Object
    place: str
    attempts: int
    since: float
    """When it came, or was tried last."""
    until: float
    """When it is tried again, or at the latest; 0 if that is now, or nobody knows."""
    plugins: Sequence[str]
    """Who turned it away."""
    events: Sequence[str]
    """What would give it another try."""


_NODE_WORDS = {
    Action.ADD: "Add",
    Action.DELETE: "Delete",
    Action.LABEL: "UpdateNodeLabel",
    Action.TAINT: "UpdateNodeTaint",
    Action.ALLOCATABLE: "UpdateNodeAllocatable",
    Action.FEATURES: "UpdateNodeDeclaredFeature",
    Action.CONDITION: "UpdateNodeCondition",
    Action.ANNOTATION: "UpdateNodeAnnotation",
    Action.UPDATE: "Update",
}
_POD_WORDS = {
    Action.ADD: "Add",
    Action.DELETE: "Delete",
    Action.LABEL: "UpdatePodLabel",
    Action.SCALE_DOWN: "UpdatePodScaleDown",
    Action.TOLERATION: "UpdatePodToleration",
    Action.GATES: "UpdatePodSchedulingGatesEliminated",
    Action.CLAIMS: "UpdatePodGeneratedResourceClaim",
    Action.UPDATE: "Update",
}


_WORDS = {NODE: _NODE_WORDS, ASSIGNED_POD: _POD_WORDS, TARGET_POD: _POD_WORDS}
_OTHER_WORDS = {Action.ADD: "Add", Action.DELETE: "Delete", Action.UPDATE: "Update"}


def events(interests: Iterable[tuple[str, Interest]], plugins: Sequence[str]) -> Iterator[str]:
    """What the plugins have registered: `Node/Add`, `AssignedPod/Delete`, or `*` for whatever happens."""
    registered = list(interests)
    for plugin in plugins:
        wanted = [interest for name, interest in registered if name == plugin]
        if set(ANYTHING) <= set(wanted):
            yield ANY
            continue
        for resource, actions, _hint in wanted:
            words = _WORDS.get(resource, _OTHER_WORDS)
            yield from (f"{resource}/{word}" for action, word in words.items() if action in actions)
