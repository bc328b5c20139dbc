"""The devices that can be reached from a node, pool by pool.

A pool is a driver's, and published in slices. Slices of an older generation do not count; a pool of which slices are
missing is incomplete, one with two devices of one name invalid.
Upstream: `structured/internal/incubating/pools_incubating.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from k8snb.machinery.nodeselection import NodeSelection
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.typing import Object

Key = tuple[str, str]
"""The driver and the name of a pool."""


class DeviceID(NamedTuple):
    """What a device is called in the whole cluster."""

    driver: str
    pool: str
    name: str

    def __str__(self) -> str:
        return f"{self.driver}/{self.pool}/{self.name}"


class Offer(NamedTuple):
    """One device of a pool."""

    id: DeviceID
    device: Object
    slice: Object
    pool: Pool


class Pool:
    """The slices of one pool: those with devices for the node, and the others."""

    def __init__(self, driver: str, name: str, here: Sequence[Object], elsewhere: Sequence[Object]) -> None:
        self.driver = driver
        self.name = name
        self._here = sorted(here, key=_name)
        self._elsewhere = elsewhere
        every = (*self._here, *elsewhere)
        self.is_incomplete = len(every) != every[0]["spec"]["pool"]["resourceSliceCount"]
        names = [device["name"] for slice in every for device in _devices(slice)]
        self.is_invalid = len(names) != len(set(names))
        self.offers = [offer for slice in self._here for offer in self._of(slice)]
        """The devices, in the order in which they are tried."""
        self.binds_late = any(offer.device.get("bindingConditions") for offer in self.offers)

    def __str__(self) -> str:
        return f"{self.driver}/{self.name}"

    def _of(self, slice: Object) -> Iterator[Offer]:
        for device in _devices(slice):
            yield Offer(DeviceID(self.driver, self.name, device["name"]), device, slice, self)

    def everywhere(self) -> Iterator[Offer]:
        """The devices of the pool, on whatever node."""
        yield from self.offers
        for slice in self._elsewhere:
            yield from self._of(slice)

    def counters(self) -> Iterator[Object]:
        """The sets of counters that devices of the pool share."""
        for slice in (*self._here, *self._elsewhere):
            yield from slice["spec"].get("sharedCounters") or ()


def _name(slice: Object) -> str:
    return str(slice["metadata"]["name"])


def _devices(slice: Object) -> Sequence[Object]:
    found: Sequence[Object] = slice["spec"].get("devices") or ()
    return found


def is_for(where: Object, node: NodeInfo) -> bool:
    """Whether a slice (or a device of its own) is for a node."""
    if where.get("nodeName"):
        return bool(where["nodeName"] == node.name)
    if where.get("allNodes"):
        return True
    selector = where.get("nodeSelector")
    return selector is not None and NodeSelection({}, selector).matches(node.name, node.labels)


class Catalog:
    """All slices that count, by pool and by node."""

    def __init__(self, slices: Iterable[Object]) -> None:
        self._newest: dict[Key, list[Object]] = {}
        for slice in slices:
            self._take(slice)
        self._by_node: dict[str, dict[Key, None]] = {}
        self._anywhere: list[Key] = []
        for key, every in self._newest.items():
            names = {slice["spec"].get("nodeName") or "" for slice in every}
            if "" in names:
                self._anywhere.append(key)
            for name in names - {""}:
                self._by_node.setdefault(name, {})[key] = None

    def _take(self, slice: Object) -> None:
        spec = slice["spec"]
        known = self._newest.setdefault((spec["driver"], spec["pool"]["name"]), [])
        if known and _generation(slice) < _generation(known[0]):
            return
        if known and _generation(slice) > _generation(known[0]):
            known.clear()
        known.append(slice)

    def pools(self, node: NodeInfo) -> list[Pool]:
        """The pools with devices for a node, in order; those whose devices are bound late come last."""
        found = []
        for key in {**self._by_node.get(node.name, {}), **dict.fromkeys(self._anywhere)}:
            every = self._newest[key]
            here = [slice for slice in every if _concerns(slice, node)]
            if here:
                found.append(Pool(*key, here, [slice for slice in every if slice not in here]))
        return sorted(found, key=lambda pool: (pool.binds_late, pool.driver, pool.name))


def _generation(slice: Object) -> int:
    return int(slice["spec"]["pool"].get("generation", 0))


def _concerns(slice: Object, node: NodeInfo) -> bool:
    spec = slice["spec"]
    if spec.get("perDeviceNodeSelection"):
        return any(is_for(device, node) for device in _devices(slice))
    return is_for(spec, node)
