"""The search for devices: claim after claim, request after request, device after device.

Each candidate is taken, the search goes on from there, and if that leads nowhere the candidate is given back and the
next one tried. Within a request devices are taken in their order, so that no set of them is tried twice. A limit on the
number of devices cuts the search short. Upstream: `structured/internal/incubating/allocator_incubating.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.machinery.cel import CompileError, EvaluationError
from k8snb.machinery.devices import selectors
from k8snb.machinery.devices.claims import MOST_DEVICES
from k8snb.machinery.quantity import Quantity
from k8snb.scheduler.devices import capacity
from k8snb.scheduler.devices.constraints import Constraint, constraints_of
from k8snb.scheduler.devices.counters import Counters
from k8snb.scheduler.devices.pools import Catalog, DeviceID, Offer, Pool, is_for
from k8snb.scheduler.devices.taken import Taken
from k8snb.scheduler.devices.wanted import (
    AllocationFailed,
    NotOnNode,
    Wanted,
    alternatives,
    check_size,
    requests_of,
    told,
)
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.typing import Object

FindClass = Callable[[str], Object | None]


class Grant:
    """One device that a claim gets, for which request, and how much of it if it is shared."""

    __slots__ = ("amounts", "offer", "wanted")

    def __init__(self, wanted: Wanted, offer: Offer, amounts: Mapping[str, Quantity]) -> None:
        self.wanted = wanted
        self.offer = offer
        self.amounts = amounts

    @property
    def is_shared(self) -> bool:
        """Whether others can have the device too."""
        return capacity.is_shared(self.offer.device)


class _TooMany(Exception):
    """The claim would have more devices than it can."""


class Allocator:
    """What can be given to claims in one scheduling cycle: all devices, and which of them are taken."""

    def __init__(self, taken: Taken, find_class: FindClass, slices: Sequence[Object]) -> None:
        self.taken = taken
        self.find_class = find_class
        self.catalog = Catalog(slices)
        self._seen: dict[int, Mapping[str, Any]] = {}

    def seen(self, offer: Offer) -> Mapping[str, Any]:
        """A device as selectors see it."""
        found = self._seen.get(id(offer.device))
        if found is None:
            found = self._seen[id(offer.device)] = selectors.seen(offer.device, offer.id.driver)
        return found

    def allocate(self, node: NodeInfo, claims: Sequence[Object]) -> list[list[Grant]] | None:
        """Devices for each claim; None if there are none. Raises AllocationFailed or NotOnNode."""
        return _Search(self, node, claims).run()


class _Search:
    def __init__(self, allocator: Allocator, node: NodeInfo, claims: Sequence[Object]) -> None:
        self._allocator = allocator
        self._node = node
        self._claims = claims
        self._pools: list[Pool] = allocator.catalog.pools(node)
        self._offers = [o for p in self._pools if not (p.is_incomplete or p.is_invalid) for o in p.offers]
        self._matching: dict[tuple[DeviceID, int], bool] = {}
        self._counters = Counters(allocator.taken.uses)
        self._now: dict[DeviceID, set[int]] = {}
        """The devices that are taken in this attempt, with the claims that do."""
        self._amounts: dict[DeviceID, dict[str, int]] = {}
        self._sharers: dict[DeviceID, int] = {}
        self._granted: list[list[Grant]] = [[] for _ in claims]
        self._wanted: list[list[list[Wanted]]] = []
        self._constraints: list[list[Constraint]] = []

    def run(self) -> list[list[Grant]] | None:
        for claim in self._claims:
            wanted = [self._read(claim, request) for request in requests_of(claim)]
            check_size(claim, sum(min(each.count for each in ways) for ways in wanted))
            self._wanted.append(wanted)
            self._constraints.append(constraints_of(claim))
        if self._claim(0):
            return self._granted
        if any(pool.is_invalid for pool in self._pools):
            raise NotOnNode("invalid resource pools were encountered")
        return None

    # -- what is wanted ----------------------------------------------------------------------------

    def _read(self, claim: Object, request: Object) -> list[Wanted]:
        return [self._ready(claim, *each) for each in alternatives(request)]

    def _ready(self, claim: Object, spec: Object, name: str, parent: str) -> Wanted:
        whose, class_name = f"claim {told(claim)}, request {name}", spec.get("deviceClassName") or ""
        if not class_name:
            raise AllocationFailed(f"{whose}: missing device class name (unsupported request type?)")
        found = self._allocator.find_class(class_name)
        if found is None:
            why = f'deviceclass.resource.k8s.io "{class_name}" not found'
            raise AllocationFailed(f"{whose}: could not retrieve device class {class_name}: {why}")
        wanted = Wanted(spec, name, parent, found, spec.get("count") or 0)
        if spec.get("allocationMode") != "All":
            return wanted
        for pool in self._pools:
            why = "being updated" if pool.is_incomplete else "invalid" if pool.is_invalid else ""
            if why:
                raise AllocationFailed(f"{whose}: asks for all devices, but resource pool {pool} is currently {why}")
        every = [o for o in self._offers if self._matches(wanted, o, claim) and self._amount(wanted, o) is not None]
        return Wanted(spec, name, parent, found, len(every), every)

    # -- one after the other -----------------------------------------------------------------------

    def _claim(self, at: int) -> bool:
        if at == len(self._claims):
            return True
        try:
            return self._request(at, 0)
        except _TooMany:
            return False

    def _request(self, at: int, request: int) -> bool:
        if request == len(self._wanted[at]):
            return self._claim(at + 1)
        too_many = 0
        for wanted in self._wanted[at][request]:
            try:
                if self._device(at, request, wanted, 0, 0):
                    return True
            except _TooMany:
                too_many += 1
        if too_many == len(self._wanted[at][request]):
            raise _TooMany
        return False

    def _device(self, at: int, request: int, wanted: Wanted, number: int, start: int) -> bool:
        """Find the device of that number of a request, not before `start`, and all that comes after it."""
        if wanted.every is not None and not wanted.every:
            return False
        if number >= wanted.count:
            return self._request(at, request + 1)
        if len(self._granted[at]) + wanted.count - number > MOST_DEVICES:
            raise _TooMany
        if wanted.every is not None:
            return self._try(at, request, wanted, number, wanted.every[number], 0)
        for index in range(start, len(self._offers)):
            offer = self._offers[index]
            suits = self._is_free(at, wanted, offer) and self._matches(wanted, offer, self._claims[at])
            if suits and self._try(at, request, wanted, number, offer, index + 1):
                return True
        return False

    def _try(self, at: int, request: int, wanted: Wanted, number: int, offer: Offer, start: int) -> bool:
        if not self._take(at, wanted, offer):
            return False
        try:
            if self._device(at, request, wanted, number + 1, start):
                return True
        except _TooMany:
            self._give_back(at, wanted, offer)
            raise
        self._give_back(at, wanted, offer)
        return False

    # -- one device --------------------------------------------------------------------------------

    def _is_free(self, at: int, wanted: Wanted, offer: Offer) -> bool:
        if wanted.is_admin:
            return at not in self._now.get(offer.id, ())
        return not (self._allocator.taken.has(offer.id) or self._now.get(offer.id))

    def _amount(self, wanted: Wanted, offer: Offer) -> Mapping[str, Quantity] | None:
        """What of a device the request consumes; None if there is not enough of it."""
        if not offer.device.get("capacity"):
            return None if (wanted.spec.get("capacity") or {}).get("requests") else {}
        amounts = capacity.consumed(offer.device, wanted.spec)
        if amounts is None:
            return None
        before, now = self._allocator.taken.amounts(offer.id), self._amounts.get(offer.id, {})
        taken = {name: before.get(name, 0) + now.get(name, 0) for name in amounts}
        return amounts if capacity.fits(offer.device, amounts, taken) else None

    def _take(self, at: int, wanted: Wanted, offer: Offer) -> bool:
        amounts = self._amount(wanted, offer)
        if amounts is None or not self._is_free(at, wanted, offer) or not wanted.tolerates(offer.device):
            return False
        if self._counts(offer) and not self._counters.take(offer):
            return False
        constraints = self._constraints[at]
        for index, constraint in enumerate(constraints):
            if not constraint.add(wanted, offer):
                for other in constraints[:index]:
                    other.remove(wanted, offer)
                if self._counts(offer):
                    self._counters.give_back(offer)
                if wanted.every is not None:
                    why = f"cannot add device {offer.id} because a claim constraint would not be satisfied"
                    raise AllocationFailed(f"claim {told(self._claims[at])}, request {wanted.name}: {why}")
                return False
        grant = Grant(wanted, offer, amounts if capacity.is_shared(offer.device) else {})
        self._granted[at].append(grant)
        if grant.is_shared:
            self._consume(offer, grant.amounts, 1)
        else:
            self._now.setdefault(offer.id, set()).add(at)
        return True

    def _counts(self, offer: Offer) -> bool:
        """Whether a device's counters matter: those of a shared one count once."""
        if not offer.device.get("consumesCounters"):
            return False
        if not capacity.is_shared(offer.device):
            return True
        return not (self._allocator.taken.uses(offer.id) or self._sharers.get(offer.id))

    def _give_back(self, at: int, wanted: Wanted, offer: Offer) -> None:
        grant = self._granted[at].pop()
        for constraint in self._constraints[at]:
            constraint.remove(wanted, offer)
        if grant.is_shared:
            self._consume(offer, grant.amounts, -1)
        else:
            self._now[offer.id].discard(at)
        if self._counts(offer):
            self._counters.give_back(offer)

    def _consume(self, offer: Offer, amounts: Mapping[str, Quantity], sign: int) -> None:
        self._sharers[offer.id] = self._sharers.get(offer.id, 0) + sign
        now = self._amounts.setdefault(offer.id, {})
        for name, amount in amounts.items():
            now[name] = now.get(name, 0) + sign * amount.nano

    # -- selectors ---------------------------------------------------------------------------------

    def _matches(self, wanted: Wanted, offer: Offer, claim: Object) -> bool:
        key = (offer.id, id(wanted.spec))
        found = self._matching.get(key)
        if found is None:
            class_name = wanted.device_class["metadata"]["name"]
            of_class = (wanted.device_class.get("spec") or {}).get("selectors") or ()
            found = self._all_match(of_class, offer, f"class {class_name}")
            found = found and self._all_match(wanted.selectors, offer, f"claim {told(claim)}")
            if found and offer.slice["spec"].get("perDeviceNodeSelection"):
                found = is_for(offer.device, self._node)
            self._matching[key] = found
        return found

    def _all_match(self, given: Sequence[Object], offer: Offer, whose: str) -> bool:
        for at, selector in enumerate(given):
            try:
                compiled = selectors.program(selector["cel"]["expression"])
                if not selectors.matches(compiled, self._allocator.seen(offer)):
                    return False
            except CompileError as error:
                why = f"CEL compile error: compilation failed: {error}"
                raise AllocationFailed(f"{whose}: selector #{at}: {why}") from None
            except EvaluationError as error:
                why = f"selector #{at} on device {offer.id}: CEL runtime error: {error}"
                raise AllocationFailed(f"{whose}: {why}") from None
        return True
