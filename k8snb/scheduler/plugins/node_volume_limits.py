"""NodeVolumeLimits: a driver attaches no more volumes to a node than it says it can.

What is attached is what the node's pods mount, and what VolumeAttachments say of volumes that nobody mounts any more.
Upstream: `plugins/nodevolumelimits`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.machinery import migration
from k8snb.machinery.volumes import claim_names, class_of, not_made_for
from k8snb.scheduler.framework import (
    ASSIGNED_POD,
    CSI_NODE,
    SKIP,
    SUCCESS,
    VOLUME_ATTACHMENT,
    VOLUME_CLAIM,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.nominator import nominated_node
from k8snb.scheduler.podinfo import CLASSES
from k8snb.scheduler.storage import Storage, mounts_it
from k8snb.typing import Object

REASON = "node(s) exceed max volume count"


def _gives_volumes_back(pod: Object, old: Object | None, new: Object | None) -> bool:
    placed = old is not None and bool(old["spec"].get("nodeName") or nominated_node(old))
    return placed and old is not None and CLASSES.of(old["spec"]).has_limited_volumes


def _may_attach_more(pod: Object, old: Object | None, new: Object | None) -> bool:
    if old is None or new is None:
        return new is not None
    before = dict(_limits(old))
    return any(count > before.get(driver, count) for driver, count in _limits(new))


def _limits(csi_node: Object | None) -> Iterator[tuple[str, int]]:
    for driver in ((csi_node or {}).get("spec") or {}).get("drivers") or ():
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None:
            yield driver["name"], count


class NodeVolumeLimits:
    name = "NodeVolumeLimits"
    local = False
    interests = (
        Interest(CSI_NODE, Action.ADD | Action.UPDATE, _may_attach_more),
        Interest(ASSIGNED_POD, Action.DELETE, _gives_volumes_back),
        Interest(VOLUME_CLAIM, Action.ADD, mounts_it),
        Interest(VOLUME_ATTACHMENT, Action.DELETE, lambda pod, old, new: bool(claim_names(pod))),
    )

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        return SUCCESS if CLASSES.of(pod["spec"]).has_limited_volumes else SKIP

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        refusal = self._claims_refused(pod)
        if refusal is not None:
            return refusal
        csi_node = self._storage.csi_node(node.name)
        limits = dict(_limits(csi_node))
        wanted = set(self._disks(pod, csi_node)) if limits else set()
        if not wanted:
            return SUCCESS
        attached = {
            each
            for info in node.pods.values()
            if info.pod_class.has_limited_volumes
            for each in self._disks(info.pod, csi_node)
        }
        attached |= set(self._storage.attached(node.name))
        wanted -= attached
        for driver in {driver for driver, _ in wanted}:
            count = sum(1 for each, _ in (*attached, *wanted) if each == driver)
            if driver in limits and count > limits[driver]:
                return Status.unschedulable(REASON, plugin=self.name)
        return SUCCESS

    def _claims_refused(self, pod: Object) -> Status | None:
        """What is wrong with the pod's own claims."""
        namespace = pod["metadata"]["namespace"]
        for name, claim in self._storage.claims_of(pod):
            if claim is None:
                missing = f'looking up PVC {namespace}/{name}: persistentvolumeclaim "{name}" not found'
                return Status.unresolvable(missing, plugin=self.name)
            if why := not_made_for(claim, pod):
                return Status.error(why, self.name)
        return None

    def _disks(self, pod: Object, csi_node: Object | None) -> Iterator[tuple[str, str]]:
        """Driver and handle of every volume that the pod has attached, or will have once it is made."""
        if csi_node is not None:
            for each in pod["spec"].get("volumes") or ():
                if (disk := migration.disk_of(each)) is not None:
                    yield disk
        namespace = pod["metadata"]["namespace"]
        for name, claim in self._storage.claims_of(pod):
            if claim is None:
                continue
            volume = self._storage.volume(claim["spec"].get("volumeName", ""))
            if volume is not None:
                disk = migration.disk_of_volume(volume)
                if disk is not None:
                    yield disk
            elif (found := self._storage.storage_class(class_of(claim))) is not None:
                yield migration.driver_of(found.get("provisioner", "")), f"{namespace}/{name}"
