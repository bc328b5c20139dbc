"""VolumeZone: a pod goes to the zone and region that its volumes are labelled with.

Upstream: `plugins/volumezone`.
"""

from __future__ import annotations

from k8snb.machinery.objects import labels_of
from k8snb.machinery.volumes import waits_for_consumer
from k8snb.scheduler.framework import SKIP, STORAGE_CLASS, SUCCESS, Action, CycleState, Interest, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.storage import WHEN_VOLUMES_CHANGE, Storage
from k8snb.typing import Object

REASON = "node(s) had no available volume zone"
_BETA = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
LABELS = (*_BETA, *_BETA.values())


class VolumeZone:
    name = "VolumeZone"
    local = False
    interests = (
        *WHEN_VOLUMES_CHANGE,
        Interest(STORAGE_CLASS, Action.ADD, lambda pod, old, new: waits_for_consumer(new)),
    )

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        wanted: list[tuple[str, frozenset[str]]] = []
        for _name, claim in self._storage.claims_of(pod):
            volume = self._storage.volume(claim["spec"]["volumeName"]) if claim and _named(claim) else None
            labels = labels_of(volume) if volume is not None else {}
            wanted += [(key, frozenset(labels[key].split("__"))) for key in LABELS if key in labels]
        if not wanted:
            return SKIP
        state.before_filter[self.name] = wanted
        return SUCCESS

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        if not any(key in node.labels for key in LABELS):
            return SUCCESS  # a node without zone has no constraint
        for key, values in state.before_filter[self.name]:
            if node.labels.get(key, node.labels.get(_BETA.get(key, ""))) not in values:
                return Status.unresolvable(REASON, plugin=self.name)
        return SUCCESS


def _named(claim: Object) -> bool:
    return bool(claim["spec"].get("volumeName"))
