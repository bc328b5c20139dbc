"""VolumeRestrictions: a claim that is for one pod only is mounted by one pod only.

Upstream: `plugins/volumerestrictions`. Disks of single machines, which it looks at as well, are not modelled.
"""

from __future__ import annotations

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
ONE_POD = "ReadWriteOncePod"


class Users:
    """How many placed pods mount one of the pod's claims that are for one pod only."""

    __slots__ = ("claims", "count")

    def __init__(self, claims: frozenset[str], count: int) -> None:
        self.claims = claims
        self.count = count

    def clone(self) -> Users:
        return Users(self.claims, self.count)


def _shares_a_claim(pod: Object, old: Object | None, new: Object | None) -> bool:
    return old is not None and bool(set(claim_names(old)) & set(claim_names(pod)))


class VolumeRestrictions:
    name = "VolumeRestrictions"
    local = False
    interests = (
        Interest(ASSIGNED_POD, Action.DELETE, _shares_a_claim),
        Interest(NODE, Action.ADD),
        Interest(VOLUME_CLAIM, Action.ADD | Action.UPDATE, mounts_it),
    )

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        if not CLASSES.of(pod["spec"]).has_claims:
            return SKIP
        namespace = pod["metadata"]["namespace"]
        exclusive = set()
        for volume in pod["spec"]["volumes"]:
            if "persistentVolumeClaim" not in volume:
                continue
            name = volume["persistentVolumeClaim"]["claimName"]
            claim = self._storage.claim(namespace, name)
            if claim is None:
                return Status.unresolvable(f'persistentvolumeclaim "{name}" not found')
            if ONE_POD in (claim["spec"].get("accessModes") or ()):
                exclusive.add(name)
        if not exclusive:
            return SKIP
        users = Users(frozenset(exclusive), 0)
        for node in state.nodes:
            users.count += sum(_uses(info, users.claims, namespace) for info in node.pods.values())
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
        users: Users = state.before_filter[self.name]
        return Status.unschedulable(REASON, plugin=self.name) if users.count else SUCCESS


def _uses(info: PodInfo, claims: frozenset[str], namespace: str) -> int:
    """How many of the claims a pod mounts."""
    if not info.pod_class.has_claims or info.namespace != namespace:
        return 0
    return len(claims.intersection(claim_names(info.pod)))
