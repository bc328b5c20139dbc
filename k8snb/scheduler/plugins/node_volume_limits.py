"""NodeVolumeLimits: a driver attaches no more volumes to a node than it says it can.

Upstream: `plugins/nodevolumelimits`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.machinery.volumes import claim_names, class_of
from k8snb.scheduler.framework import (
    ASSIGNED_POD,
    SKIP,
    SUCCESS,
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

REASON = "node(s) exceed max volume count"


def _gives_volumes_back(pod: Object, old: Object | None, new: Object | None) -> bool:
    return old is not None and bool(claim_names(old))


class NodeVolumeLimits:
    name = "NodeVolumeLimits"
    local = False
    interests = (
        Interest(ASSIGNED_POD, Action.DELETE, _gives_volumes_back),
        Interest(VOLUME_CLAIM, Action.ADD, mounts_it),
    )

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        return SUCCESS if CLASSES.of(pod["spec"]).has_claims else SKIP

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        limits = dict(self._limits(node.name))
        if not limits:
            return SUCCESS
        attached = {each for info in node.pods.values() if info.pod_class.has_claims for each in self._disks(info.pod)}
        wanted = set(self._disks(pod)) - attached
        for driver in {driver for driver, _ in wanted}:
            count = sum(1 for each, _ in (*attached, *wanted) if each == driver)
            if driver in limits and count > limits[driver]:
                return Status.unschedulable(REASON, plugin=self.name)
        return SUCCESS

    def _limits(self, node: str) -> Iterator[tuple[str, int]]:
        found = self._storage.csi_node(node)
        for driver in ((found or {}).get("spec") or {}).get("drivers") or ():
            count = (driver.get("allocatable") or {}).get("count")
            if count is not None:
                yield driver["name"], count

    def _disks(self, pod: Object) -> Iterator[tuple[str, str]]:
        """Driver and handle of every volume that the pod has attached, or will have once it is made."""
        namespace = pod["metadata"]["namespace"]
        for name in claim_names(pod):
            claim = self._storage.claim(namespace, name)
            if claim is None:
                continue
            volume = self._storage.volume(claim["spec"].get("volumeName", ""))
            csi = (volume or {}).get("spec", {}).get("csi")
            if csi:
                yield csi["driver"], csi["volumeHandle"]
            elif volume is None and (found := self._storage.storage_class(class_of(claim))) is not None:
                yield found.get("provisioner", ""), f"{namespace}/{name}"
