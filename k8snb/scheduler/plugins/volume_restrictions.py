"""VolumeRestrictions: a claim that is for one pod only is mounted by one pod only, and so is a disk that is written to.

Pods that name the same disk of a cloud (or of Ceph, or an iSCSI target) do not meet on a node unless all of them only
read; of EBS not even then. Upstream: `plugins/volumerestrictions`.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.machinery.volumes import claim_names
from k8snb.scheduler.framework import (
    ASSIGNED_POD,
    NODE,
    SKIP,
    SUCCESS,
    VOLUME_CLAIM,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.scheduler.storage import Storage, mounts_it
from k8snb.typing import Object

REASON = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
CONFLICT = "node(s) had no available disk"
ONE_POD = "ReadWriteOncePod"


class Users:
    """How many placed pods mount one of the pod's claims that are for one pod only."""

    __slots__ = ("claims", "count")

    def __init__(self, claims: frozenset[str], count: int) -> None:
        self.claims = claims
        self.count = count

    def clone(self) -> Users:
        return Users(self.claims, self.count)


def _gives_back(pod: Object, old: Object | None, new: Object | None) -> bool:
    if old is None or old["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    return _conflict(pod, old) or bool(set(_claims(pod)) & set(_claims(old)))


class VolumeRestrictions:
    name = "VolumeRestrictions"
    local = False
    interests = (
        Interest(ASSIGNED_POD, Action.DELETE, _gives_back),
        Interest(NODE, Action.ADD),
        Interest(VOLUME_CLAIM, Action.ADD, mounts_it),
    )

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        pod_class = CLASSES.of(pod["spec"])
        if not pod_class.has_claims and not pod_class.has_disks:
            return SKIP
        namespace = pod["metadata"]["namespace"]
        exclusive = set()
        for name in _claims(pod):
            claim = self._storage.claim(namespace, name)
            if claim is None:
                return Status.unresolvable(f'persistentvolumeclaim "{name}" not found')
            if ONE_POD in (claim["spec"].get("accessModes") or ()):
                exclusive.add(name)
        users = Users(frozenset(exclusive), 0)
        for node in state.nodes if exclusive else ():
            users.count += sum(_uses(info, users.claims, namespace) for info in node.pods.values())
        if not users.count and not pod_class.has_disks:
            return SKIP
        state.before_filter[self.name] = users
        return SUCCESS

    def add_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None:
        self._change(state, pod, other, 1)

    def remove_pod(self, state: CycleState, pod: Object, other: PodInfo, node: NodeInfo) -> None:
        self._change(state, pod, other, -1)

    def _change(self, state: CycleState, pod: Object, other: PodInfo, sign: int) -> None:
        users: Users = state.before_filter[self.name]
        users.count += sign * _uses(other, users.claims, pod["metadata"]["namespace"])

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        if CLASSES.of(pod["spec"]).has_disks:
            others = (info.pod for info in node.pods.values() if info.pod_class.has_disks)
            if any(_conflict(pod, other) for other in others):
                return Status.unschedulable(CONFLICT, plugin=self.name)
        users: Users = state.before_filter[self.name]
        return Status.unschedulable(REASON, plugin=self.name) if users.count else SUCCESS


def _uses(info: PodInfo, claims: frozenset[str], namespace: str) -> int:
    """How many of the claims a pod mounts."""
    if not info.pod_class.has_claims or info.namespace != namespace:
        return 0
    return len(claims.intersection(claim_names(info.pod)))


def _claims(pod: Object) -> list[str]:
    """The claims that a pod names itself."""
    volumes = pod["spec"].get("volumes") or ()
    return [each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each]


def _conflict(pod: Object, other: Object) -> bool:
    """Whether two pods name a disk that they can not use on one node."""
    theirs = other["spec"].get("volumes") or ()
    return any(_collide(mine, each) for mine in pod["spec"].get("volumes") or () for each in theirs)


def _collide(mine: Object, other: Object) -> bool:
    for field, same in _SAME.items():
        if field in mine and field in other and same(mine[field], other[field]):
            reading = mine[field].get("readOnly") and other[field].get("readOnly")
            return field == "awsElasticBlockStore" or not reading
    return False


def _same_image(mine: Object, other: Object) -> bool:
    where = [(disk.get("pool") or "rbd", disk["image"]) for disk in (mine, other)]
    return where[0] == where[1] and bool(set(mine["monitors"]) & set(other["monitors"]))


_SAME: dict[str, Callable[[Object, Object], bool]] = {
    "gcePersistentDisk": lambda mine, other: bool(mine["pdName"] == other["pdName"]),
    "awsElasticBlockStore": lambda mine, other: bool(mine["volumeID"] == other["volumeID"]),
    "iscsi": lambda mine, other: bool(mine["iqn"] == other["iqn"]),
    "rbd": _same_image,
}
