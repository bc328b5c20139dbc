"""DynamicResources: a pod gets the devices that it claims, on the node where it runs.

For every node the devices that could be given to the pod's claims are searched; a claim that has devices already ties
the pod to where they are. Those of the chosen node count as taken from Reserve on and are written in PreBind, with the
pod as one who uses the claim; some devices have to become ready before the pod is bound. Where claims are what keeps a
pod from every node, PostFilter gives one back that nobody else uses. What a pod asks for as extended resources and a
node has as devices of a class is one more claim, which is made in PreBind. Upstream: `plugins/dynamicresources`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from k8snb.clock import parse_time
from k8snb.errors import StatusError
from k8snb.machinery.devices.claims import (
    NoClaim,
    allocation_of,
    claims_of,
    consumers_of,
    is_reserved_for,
    pod_claims,
)
from k8snb.machinery.devices.extended import claim_of, demand, new_claim
from k8snb.machinery.durations import parse_duration
from k8snb.machinery.nodeselection import NodeSelection
from k8snb.scheduler.api import Api, Refused
from k8snb.scheduler.arguments import filled
from k8snb.scheduler.devices import readiness
from k8snb.scheduler.devices.allocation import allocation
from k8snb.scheduler.devices.claims import DeviceClaims
from k8snb.scheduler.devices.search import Allocator, Grant
from k8snb.scheduler.devices.wanted import AllocationFailed, NotOnNode, alternatives, requests_of, told
from k8snb.scheduler.framework import (
    DEVICE_CLASS,
    NODE,
    RESOURCE_CLAIM,
    RESOURCE_SLICE,
    SKIP,
    SUCCESS,
    TARGET_POD,
    Action,
    CycleState,
    Interest,
    Status,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.normalizing import scaled
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

_MOST_ALTERNATIVES = 8
_NAME = "DynamicResources"
_USUAL = filled(_NAME, {})


class Found:
    """What is found out about a pod's claims in one cycle."""

    def __init__(self, claims: Sequence[Object]) -> None:
        self.claims = list(claims)
        self.allocator: Allocator | None = None
        self.nowhere: dict[str, Object] = {}
        """The claims with devices that are not on some node, by UID."""
        self.grants: dict[str, list[list[Grant]]] = {}
        """What the claims without devices would get on each node, in their order."""
        self.chosen: dict[str, Object] = {}
        """What they get: the allocation, by UID."""
        self.told = False
        """Whether people know that the pod waits for its devices."""
        self.extended: Object | None = None
        """The claim for what the pod asks for as extended resources; without requests, unless it is an earlier one."""
        self.classes: dict[str, Object | None] = {}
        """The classes of these resources."""
        self.variants: dict[str, tuple[Object, Sequence[Object]]] = {}
        """What would be in it on each node, and which container would get what of it."""
        self.written: Object | None = None
        """The same claim, once it is made."""

    @property
    def pending(self) -> list[Object]:
        """The claims without devices."""
        return [claim for claim in self.claims if allocation_of(claim) is None]

    def wanted_on(self, node: str) -> list[Object]:
        """The claims that get devices on a node."""
        variant = self.variants.get(node)
        return self.pending if variant is None else [*self.pending, variant[0]]


class DynamicResources:
    name = _NAME
    local = False
    for_claims = True

    def __init__(self, claims: DeviceClaims, api: Api, now: Callable[[], float], arguments: Object = _USUAL) -> None:
        self._claims = claims
        self._api = api
        self._now = now
        self._patience = parse_duration(arguments["bindingTimeout"])
        self.interests = (
            Interest(NODE, Action.ADD | Action.LABEL),
            Interest(RESOURCE_CLAIM, Action.ADD | Action.UPDATE | Action.DELETE, self._after_claim),
            Interest(TARGET_POD, Action.CLAIMS, lambda pod, old, new: new is not None and self._can_use(new)),
            Interest(DEVICE_CLASS, Action.ADD | Action.UPDATE),
            Interest(RESOURCE_SLICE, Action.ADD | Action.UPDATE),
        )

    # -- what makes another try worth while --------------------------------------------------------

    def _after_claim(self, pod: Object, old: Object | None, new: Object | None) -> bool:
        if new is None:
            return old is not None and allocation_of(old) is not None
        try:
            ours = self._claims_of(pod)
        except NoClaim:
            return False
        if old is not None and allocation_of(old) is not None and allocation_of(new) is None:
            return True
        if all(claim["metadata"]["uid"] != new["metadata"]["uid"] for claim in ours):
            return False
        return old is None or (old.get("status") or {}) != (new.get("status") or {})

    def _claims_of(self, pod: Object) -> list[Object]:
        return [claim for _wanted, claim in pod_claims(pod, self._claims.get)]

    def _can_use(self, pod: Object) -> bool:
        try:
            self._claims_of(pod)
        except NoClaim:
            return False
        return True

    # -- before and for every node -----------------------------------------------------------------

    def pre_enqueue(self, pod: Object) -> Status:
        if not pod["spec"].get("resourceClaims"):
            return SUCCESS
        try:
            self._claims_of(pod)
        except NoClaim as why:
            return Status.unresolvable(str(why), plugin=_NAME)
        return SUCCESS

    def pre_filter(self, state: CycleState, pod: Object) -> Status:
        try:
            found = Found(self._claims_of(pod) if claims_of(pod) else ())
        except NoClaim as why:
            return Status.unresolvable(str(why))
        self._look_for_extended(found, pod)
        if not found.claims and found.extended is None:
            state.skip_score.add(_NAME)
            return SKIP
        for claim in found.pending:
            if self._claims.is_pending(claim):
                return Status.unresolvable(f"resource claim {told(claim)} is in the process of being allocated")
            if (missing := self._missing_class(claim)) is not None:
                return missing
        if found.pending or found.extended is not None:
            found.allocator = Allocator(self._claims.taken(), self._claims.find_class, self._claims.slices())
        state.before_filter[_NAME] = found
        return SUCCESS

    def _look_for_extended(self, found: Found, pod: Object) -> None:
        """Whether any of the extended resources that a pod asks for is the devices of a class."""
        for name in CLASSES.of(pod["spec"]).extended:
            found.classes[name] = self._claims.class_for(name)
        if any(each is not None for each in found.classes.values()):
            found.extended = claim_of(pod, self._claims.every()) or new_claim(pod)

    def _variant(self, found: Found, pod: Object, node: NodeInfo) -> Status | None:
        """Find out what the claim for extended resources has to be on a node: the node may have some of its own."""
        if found.extended is None:
            return None
        if requests_of(found.extended):
            return Status.unresolvable("cannot schedule extended resource claim", plugin=_NAME)
        have = node.allocatable.scalars
        if any(each is None and name not in have for name, each in found.classes.items()):
            return Status.unresolvable("cannot fit resource", plugin=_NAME)
        lacking = [name for name, each in found.classes.items() if each is not None and not have.get(name)]
        if lacking:
            wanted = demand(pod, lacking, found.classes.get)
            spec = {"devices": {"requests": wanted.requests}}
            found.variants[node.name] = {**found.extended, "spec": spec}, wanted.mappings
        return None

    def _missing_class(self, claim: Object) -> Status | None:
        for request in requests_of(claim):
            for spec, name, parent in alternatives(request):
                class_name = spec.get("deviceClassName") or ""
                if self._claims.find_class(class_name) is None:
                    full = f"{parent}/{name}" if parent else name
                    return Status.unresolvable(f"request {full}: device class {class_name} does not exist")
        return None

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        found: Found = state.before_filter[_NAME]
        refusal = self._variant(found, pod, node)
        if refusal is not None:
            return refusal
        away = [claim for claim in found.claims if not self._is_usable(claim, node)]
        grants: list[list[Grant]] = []
        wanted = found.wanted_on(node.name)
        if found.allocator is not None and wanted:
            try:
                given = found.allocator.allocate(node, wanted)
            except NotOnNode as why:
                return Status.unresolvable(str(why), plugin=_NAME)
            except AllocationFailed as why:
                return Status.error(str(why), _NAME)
            if given is None:
                return Status.unresolvable("cannot allocate all claims", plugin=_NAME)
            grants = given
        if away:
            found.nowhere.update({claim["metadata"]["uid"]: claim for claim in away})
            return Status.unresolvable("resourceclaim not available on the node", plugin=_NAME)
        found.grants[node.name] = grants
        return SUCCESS

    def _is_usable(self, claim: Object, node: NodeInfo) -> bool:
        """Whether the devices that a claim has can be used on a node, and are or will be ready."""
        has = allocation_of(claim)
        if has is None:
            return True
        selector = has.get("nodeSelector")
        if selector is not None and not NodeSelection({}, selector).matches(node.name, node.labels):
            return False
        return not (readiness.failure(claim) or (not readiness.is_ready(claim) and self._is_late(claim)))

    def _is_late(self, claim: Object) -> bool:
        since = (allocation_of(claim) or {}).get("allocationTimestamp")
        waits = since is not None and readiness.has_conditions(claim)
        return waits and parse_time(str(since)) + self._patience < self._now()

    def post_filter(self, state: CycleState, pod: Object, diagnosis: Any) -> tuple[str | None, Status]:
        found: Found | None = state.before_filter.get(_NAME)
        if found is None:
            return None, Status.unschedulable("no new claims to deallocate", plugin=_NAME)
        if found.extended is not None and requests_of(found.extended):
            try:
                self._api.remove_claim(found.extended)
            except StatusError as error:
                return None, Status.error(error.message, _NAME)
            return None, Status.unschedulable("deletion of ResourceClaim completed", plugin=_NAME)
        for claim in found.nowhere.values():
            users = consumers_of(claim)
            if not users or (len(users) == 1 and is_reserved_for(claim, pod)):
                try:
                    self._claims.assume(self._api.deallocate(claim))
                except StatusError as error:
                    return None, Status.error(error.message, _NAME)
                return None, Status.unschedulable("deallocation of ResourceClaim completed", plugin=_NAME)
        return None, Status.unschedulable("still not schedulable", plugin=_NAME)

    # -- scores ------------------------------------------------------------------------------------

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        """More for nodes where alternatives are had that stand earlier in their lists."""
        found: Found = state.before_filter[_NAME]
        pairs = zip(found.pending, found.grants.get(node.name) or (), strict=False)
        return sum(_preferred(claim, grants) for claim, grants in pairs)

    def normalize(
        self, state: CycleState, pod: Object, nodes: Sequence[NodeInfo], scores: Sequence[int]
    ) -> Sequence[int]:
        return scaled(scores)

    # -- for the chosen node -----------------------------------------------------------------------

    def reserve(self, state: CycleState, pod: Object, node: str) -> Status:
        found: Found | None = state.before_filter.get(_NAME)
        if found is None or found.allocator is None:
            return SUCCESS
        if node not in found.grants:
            return Status.error("claim allocation not found for node", _NAME)
        for claim, grants in zip(found.wanted_on(node), found.grants[node], strict=True):
            chosen = found.chosen[claim["metadata"]["uid"]] = allocation(claim, grants, node)
            self._claims.expect({**claim, "status": {**(claim.get("status") or {}), "allocation": chosen}})
        return SUCCESS

    def unreserve(self, state: CycleState, pod: Object, node: str) -> None:
        found: Found | None = state.before_filter.get(_NAME)
        if found is not None and node in found.variants:
            self._take_back_extended(found, node)
        for at, claim in enumerate(found.claims if found is not None else ()):
            self._claims.no_longer_expect(claim)
            if found is not None and allocation_of(claim) is not None and is_reserved_for(claim, pod):
                released = self._api.release_claim(claim, pod)
                if released is not None:
                    found.claims[at] = released
                    self._claims.assume(released)

    def _take_back_extended(self, found: Found, node: str) -> None:
        self._claims.no_longer_expect(found.variants[node][0])
        if found.written is not None:
            found.claims = [
                each for each in found.claims if each["metadata"]["uid"] != found.written["metadata"]["uid"]
            ]
            self._claims.unmade(found.written)
            with suppress(StatusError):
                self._api.remove_claim(found.written)

    def pre_bind_pre_flight(self, state: CycleState, pod: Object, node: str) -> Status:
        return SKIP if state.before_filter.get(_NAME) is None else SUCCESS

    def pre_bind(self, state: CycleState, pod: Object, node: str) -> Status:
        found: Found | None = state.before_filter.get(_NAME)
        if found is None:
            return SUCCESS
        for at, claim in enumerate(found.claims):
            if is_reserved_for(claim, pod):
                continue
            chosen = found.chosen.get(claim["metadata"]["uid"])
            try:
                found.claims[at] = self._api.reserve_claim(claim, chosen, pod)
            except Refused as why:
                return _failed(str(why))
            finally:
                self._claims.no_longer_expect(claim)
            self._claims.assume(found.claims[at])
        if node in found.variants and found.written is None:
            try:
                self._write_extended(found, pod, node)
            except Refused as why:
                return _failed(str(why))
        return self._readiness(found, pod, node)

    def _write_extended(self, found: Found, pod: Object, node: str) -> None:
        """Make the claim for extended resources, give it its devices, and tell which container gets what of it."""
        variant, mappings = found.variants[node]
        found.written = made = self._api.make_claim(variant)
        made = self._api.reserve_claim(made, found.chosen[variant["metadata"]["uid"]], pod)
        self._claims.made(made)
        self._claims.no_longer_expect(variant)
        found.claims.append(made)
        self._api.tell_devices(pod, made["metadata"]["name"], mappings)

    def _readiness(self, found: Found, pod: Object, node: str) -> Status:
        """Whether the devices are ready for the pod to be bound."""
        if not any(readiness.has_conditions(claim) for claim in found.claims):
            return SUCCESS
        if not found.told:
            found.told = True
            note = f"waiting for binding conditions for device on node {node}"
            self._api.event(pod, "Normal", "BindingConditionsPending", "Scheduling", note)
        for at, claim in enumerate(found.claims):
            meta = claim["metadata"]
            now = self._claims.get(meta["namespace"], meta["name"])
            if now is None:
                return _failed(f'could not find v1.ResourceClaim "{told(claim)}"')
            found.claims[at] = now
            if why := readiness.failure(now):
                return _failed(why)
            if not readiness.is_ready(now):
                late = f"claim {meta['name']} binding timeout"
                return _failed(late) if self._is_late(now) else Status.wait(self._patience, _NAME)
        return SUCCESS


def _failed(why: str) -> Status:
    return Status.error(why, _NAME)


def _preferred(claim: Object, grants: Sequence[Grant]) -> int:
    chosen = {(grant.wanted.parent, grant.wanted.name) for grant in grants if grant.wanted.parent}
    return sum(
        _MOST_ALTERNATIVES - at
        for request in requests_of(claim)
        for at, (_spec, name, parent) in enumerate(alternatives(request))
        if (parent, name) in chosen
    )
