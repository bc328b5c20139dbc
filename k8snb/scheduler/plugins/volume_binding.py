"""VolumeBinding: a pod goes where its volumes are, and volumes that wait for it are bound where it goes.

A claim of a class that waits for its first consumer is matched with a free volume that the node can reach, or left to
the class's provisioner. For the chosen node the volume is given to the claim (or the claim told the node), and the pod
waits in PreBind, with its node, until the volume controller has bound both. If that takes too long, or whoever makes
the volume gives the node back, the pod is tried again. Upstream: `plugins/volumebinding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.errors import StatusError
from k8snb.machinery.objects import annotations_of, is_deleting, revision_of
from k8snb.machinery.quantity import compare, parse
from k8snb.machinery.volumes import (
    NO_PROVISIONER,
    SELECTED_NODE,
    asked_storage,
    candidates,
    class_of,
    is_bound,
    is_for,
    not_made_for,
    waits_for_consumer,
)
from k8snb.scheduler.api import Api
from k8snb.scheduler.arguments import filled
from k8snb.scheduler.framework import (
    CSI_DRIVER,
    SKIP,
    STORAGE_CAPACITY,
    STORAGE_CLASS,
    SUCCESS,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.scheduler.storage import WHEN_VOLUMES_CHANGE, Storage, largest_volume, reachable, topology_allows
from k8snb.typing import Object

_BEGUN = "VolumeBinding/begun"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
NO_ROOM = "node(s) did not have enough free storage"
NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
OUT_OF_REACH = "node(s) didn't match PersistentVolume's node affinity"
GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
_USUAL = filled("VolumeBinding", {})


class Claims(NamedTuple):
    """A pod's claims: those with a volume, and those that wait for the pod, small ones first."""

    bound: Sequence[Object]
    delayed: Sequence[Object]


class Plan(NamedTuple):
    """What has to be done on a node: claims with the volumes they get, and claims to make volumes for."""

    bindings: Sequence[tuple[Object, Object]] = ()
    provisions: Sequence[Object] = ()


class VolumeBinding:
    name = "VolumeBinding"
    local = False
    for_claims = True
    interests = (
        *WHEN_VOLUMES_CHANGE,
        Interest(STORAGE_CLASS, Action.ADD | Action.UPDATE, lambda pod, old, new: _other_topology(old, new)),
        Interest(CSI_DRIVER, Action.UPDATE, lambda pod, old, new: _no_longer_counts(old, new)),
        Interest(STORAGE_CAPACITY, Action.ADD | Action.UPDATE, lambda pod, old, new: _more_room(old, new)),
    )

    def __init__(self, storage: Storage, api: Api, told: Object = _USUAL) -> None:
        self._storage = storage
        self._api = api
        self._waiting = Status.wait(told["bindTimeoutSeconds"], self.name)

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        if not CLASSES.of(pod["spec"]).has_claims:
            return SKIP
        bound, delayed = [], []
        for name, claim in self._storage.claims_of(pod):
            if claim is None:
                return Status.unresolvable(_missing(pod, name))
            if (claim.get("status") or {}).get("phase") == "Lost":
                lost = f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume'
                return Status.unresolvable(f'{lost} "{claim["spec"].get("volumeName", "")}"')
            if is_deleting(claim):
                return Status.unresolvable(f'persistentvolumeclaim "{name}" is being deleted')
            if why := not_made_for(claim, pod):
                return Status.unresolvable(why)
            if is_bound(claim):
                bound.append(claim)
            elif self._waits(claim):
                delayed.append(claim)
            else:
                return Status.unresolvable(UNBOUND)
        delayed.sort(key=lambda claim: parse(asked_storage(claim)).nano)
        state.before_filter[self.name] = Claims(bound, delayed)
        return SUCCESS

    def _waits(self, claim: Object) -> bool:
        return not claim["spec"].get("volumeName") and waits_for_consumer(self._storage.storage_class(class_of(claim)))

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        claims: Claims = state.before_filter[self.name]
        reasons = self._bound_elsewhere(claims.bound, node)
        plan = self._plan(claims.delayed, node)
        if plan is None:
            reasons = [*reasons, NO_VOLUME]
        elif not self._has_room(plan, node):
            reasons = [*reasons, NO_ROOM]
        return Status.unresolvable(*reasons, plugin=self.name) if reasons else SUCCESS

    def _bound_elsewhere(self, claims: Sequence[Object], node: NodeInfo) -> list[str]:
        volumes = [self._storage.volume(claim["spec"]["volumeName"]) for claim in claims]
        if None in volumes:
            return [GONE]
        return [] if all(reachable(each, node) for each in volumes if each is not None) else [OUT_OF_REACH]

    def _plan(self, claims: Sequence[Object], node: NodeInfo) -> Plan | None:
        """What the claims would need on a node; None where it can not be had."""
        bindings: list[tuple[Object, Object]] = []
        provisions: list[Object] = []
        for claim in claims:
            selected = annotations_of(claim).get(SELECTED_NODE, node.name)
            taken = {volume["metadata"]["name"] for volume, _ in bindings}
            volume = self._volume_for(claim, node, taken)
            if volume is not None:
                bindings.append((volume, claim))
            elif selected == node.name and self._can_provision(claim, node):
                provisions.append(claim)
            else:
                return None
        return Plan(bindings, provisions)

    def _has_room(self, plan: Plan, node: NodeInfo) -> bool:
        """Whether the drivers have room for the volumes that are to be made."""
        kinds = ((claim, self._storage.storage_class(class_of(claim))) for claim in plan.provisions)
        return all(kind is None or self._storage.has_room(claim, kind, node) for claim, kind in kinds)

    def _volume_for(self, claim: Object, node: NodeInfo, taken: set[str]) -> Object | None:
        volumes = [each for each in self._storage.volumes() if each["metadata"]["name"] not in taken]
        kept = next((each for each in volumes if is_for(each, claim)), None)
        if kept is not None:
            return kept if reachable(kept, node) else None
        return next((each for each in candidates(volumes, claim) if reachable(each, node)), None)

    def _can_provision(self, claim: Object, node: NodeInfo) -> bool:
        found = self._storage.storage_class(class_of(claim)) or {}
        if found.get("provisioner", NO_PROVISIONER) in ("", NO_PROVISIONER):
            return False
        return topology_allows(found.get("allowedTopologies") or (), node)

    # -- for the chosen node -----------------------------------------------------------------------

    def reserve(self, state: CycleState, pod: Object, node: str) -> Status:
        claims: Claims | None = state.before_filter.get(self.name)
        chosen = next((each for each in state.nodes if each.name == node), None)
        if claims is None or not claims.delayed or chosen is None:
            return SUCCESS
        plan = self._plan(claims.delayed, chosen)
        if plan is None:
            return Status.unresolvable(NO_VOLUME)
        state.before_score[self.name] = plan
        return SUCCESS

    def unreserve(self, state: CycleState, pod: Object, node: str) -> None:
        state.before_score.pop(self.name, None)

    def pre_bind_pre_flight(self, state: CycleState, pod: Object, node: str) -> Status:
        return SKIP if state.before_score.get(self.name) is None else SUCCESS

    def pre_bind(self, state: CycleState, pod: Object, node: str) -> Status:
        """Give the claims their volumes; the pod can be bound when the volume controller has done the rest."""
        plan: Plan | None = state.before_score.get(self.name)
        if plan is None:
            return SUCCESS
        if state.before_score.get(_BEGUN):
            return self._progress(plan, node)
        state.before_score[_BEGUN] = True
        try:
            for volume, claim in plan.bindings:
                if (volume["spec"].get("claimRef") or {}).get("uid") != claim["metadata"]["uid"]:
                    self._storage.assume(self._api.give(volume, claim))
            for claim in plan.provisions:
                if SELECTED_NODE not in annotations_of(claim):
                    self._api.select_node(claim, node)
        except StatusError as error:
            return _failed(error.message)
        return self._waiting

    def _progress(self, plan: Plan, node: str) -> Status:
        """Whether all volumes are bound by now."""
        for claim in (*(claim for _volume, claim in plan.bindings), *plan.provisions):
            meta = claim["metadata"]
            now = self._storage.claim(meta["namespace"], meta["name"])
            if now is None or now["metadata"]["uid"] != meta["uid"]:
                return _failed(f'persistentvolumeclaim "{meta["name"]}" not found')
            if is_bound(now):
                continue
            elsewhere = claim in plan.provisions and annotations_of(now).get(SELECTED_NODE) != node
            if elsewhere and revision_of(now) > revision_of(claim):
                return _failed(f'provisioning failed for PVC "{meta["name"]}"')
            return self._waiting
        return SUCCESS


def _more_room(old: Object | None, new: Object | None) -> bool:
    """Whether a driver can make larger volumes than before."""
    before, after = (largest_volume(each) if each is not None else None for each in (old, new))
    return old is None or (after is not None and (before is None or compare(before, after) < 0))


def _other_topology(old: Object | None, new: Object | None) -> bool:
    return old is None or new is None or old.get("allowedTopologies") != new.get("allowedTopologies")


def _no_longer_counts(old: Object | None, new: Object | None) -> bool:
    """Whether a driver's room need not be known any more."""
    before, after = (bool(each and each["spec"].get("storageCapacity")) for each in (old, new))
    return before and not after


def _failed(why: str) -> Status:
    return Status.error(f"binding volumes: {why}", "VolumeBinding")


def _missing(pod: Object, name: str) -> str:
    ephemeral = [v for v in pod["spec"].get("volumes") or () if "ephemeral" in v]
    if any(f"{pod['metadata']['name']}-{volume['name']}" == name for volume in ephemeral):
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
    return f'persistentvolumeclaim "{name}" not found'
