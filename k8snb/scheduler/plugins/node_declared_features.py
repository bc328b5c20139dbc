"""NodeDeclaredFeatures: a pod that uses a new feature goes only to nodes whose kubelet says that it knows it.

Which features a pod uses follows from its spec; nodes say theirs in `status.declaredFeatures`. Most pods use none.
Upstream: `plugins/nodedeclaredfeatures`, `component-helpers/nodedeclaredfeatures`.
"""

from __future__ import annotations

from k8snb.scheduler.framework import NODE, SKIP, SUCCESS, TARGET_POD, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

REASON = "node declared features check failed - unsatisfied requirements: {features}"


def _declared(node: Object | None) -> tuple[str, ...]:
    return tuple(((node or {}).get("status") or {}).get("declaredFeatures") or ())


def _uses_others(pod: Object, old: Object | None, new: Object | None) -> bool:
    return old is None or new is None or CLASSES.of(old["spec"]).features != CLASSES.of(new["spec"]).features


def _declares_more(pod: Object, old: Object | None, new: Object | None) -> bool:
    return old is None or _declared(old) != _declared(new)


class NodeDeclaredFeatures:
    name = "NodeDeclaredFeatures"
    local = False
    interests = (
        Interest(NODE, Action.ADD | Action.FEATURES, _declares_more),
        Interest(TARGET_POD, Action.UPDATE, _uses_others),
    )

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        needed = CLASSES.of(pod["spec"]).features
        if not needed:
            return SKIP
        state.before_filter[self.name] = needed
        return SUCCESS

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        known = _declared(node.node)
        missing = ", ".join(each for each in state.before_filter[self.name] if each not in known)
        return Status.unresolvable(REASON.format(features=missing), plugin=self.name) if missing else SUCCESS
