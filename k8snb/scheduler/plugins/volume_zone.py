"""VolumeZone: a pod goes to the zone and region that its volumes are labelled with.

Upstream: `plugins/volumezone`.
"""

from __future__ import annotations

from k8snb.machinery.objects import labels_of
from k8snb.machinery.volumes import class_of, waits_for_consumer
from k8snb.scheduler.framework import (
    NODE,
    SKIP,
    STORAGE_CLASS,
    SUCCESS,
    VOLUME,
    VOLUME_CLAIM,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.scheduler.storage import Storage, mounts_it
from k8snb.typing import Object

REASON = "node(s) had no available volume zone"
NOTHING_NAMED = "PersistentVolumeClaim had no pv name and storageClass name"
UNBOUND = "PersistentVolume had no name"
_BETA = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
LABELS = (*_BETA, *_BETA.values())
Topology = list[tuple[str, frozenset[str]]]


class VolumeZone:
    name = "VolumeZone"
    local = False
    interests = (
        Interest(STORAGE_CLASS, Action.ADD, lambda pod, old, new: waits_for_consumer(new)),
        Interest(NODE, Action.ADD | Action.LABEL),
        Interest(VOLUME_CLAIM, Action.ADD | Action.UPDATE, mounts_it),
        Interest(VOLUME, Action.ADD | Action.UPDATE, lambda pod, old, new: _moved(old, new)),
    )

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        if not CLASSES.of(pod["spec"]).has_claims:
            return SKIP
        wanted: Topology = []
        for each in pod["spec"]["volumes"]:
            if "persistentVolumeClaim" in each:
                found = self._topology(pod["metadata"]["namespace"], each["persistentVolumeClaim"]["claimName"])
                if isinstance(found, Status):
                    return found
                wanted += found
        if not wanted:
            return SKIP
        state.before_filter[self.name] = wanted
        return SUCCESS

    def _topology(self, namespace: str, name: str) -> Topology | Status:
        """Where a claim's volume is, or what is wrong with the claim."""
        claim = self._storage.claim(namespace, name)
        if claim is None:
            return Status.unresolvable(f'persistentvolumeclaim "{name}" not found')
        volume_name, class_name = claim["spec"].get("volumeName"), class_of(claim)
        if volume_name:
            volume = self._storage.volume(volume_name)
            missing = f'persistentvolume "{volume_name}" not found'
            return _topology_of(volume) if volume is not None else Status.unresolvable(missing)
        if not class_name:
            return Status.unresolvable(NOTHING_NAMED)
        found = self._storage.storage_class(class_name)
        if found is None:
            return Status.unresolvable(f'storageclass.storage.k8s.io "{class_name}" not found')
        if not found.get("volumeBindingMode"):
            return Status.unresolvable(f'VolumeBindingMode not set for StorageClass "{class_name}"')
        return [] if waits_for_consumer(found) else Status.unresolvable(UNBOUND)

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        if not any(key in node.labels for key in LABELS):
            return SUCCESS  # a node without zone has no constraint
        for key, values in state.before_filter[self.name]:
            if node.labels.get(key, node.labels.get(_BETA.get(key, ""))) not in values:
                return Status.unresolvable(REASON, plugin=self.name)
        return SUCCESS


def _topology_of(volume: Object) -> Topology:
    """The labels of a volume that say where it is; in a label that cannot be read there is nothing."""
    found = ((key, labels_of(volume)[key].split("__")) for key in LABELS if key in labels_of(volume))
    return [(key, frozenset(map(str.strip, zones))) for key, zones in found if all(map(str.strip, zones))]


def _moved(old: Object | None, new: Object | None) -> bool:
    return new is not None and (old is None or _topology_of(old) != _topology_of(new))
