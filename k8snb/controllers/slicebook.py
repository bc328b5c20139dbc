"""What the EndpointSlice controller knows of one Service: its slices, and which pod is in which.

The book is written from the cache once; after that it is kept with every write, so that a pod that changes
costs one slice and not all of them. When somebody else touches a slice, the book is thrown away and written
anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from k8snb.controllers.endpoint import port_key
from k8snb.controllers.slicepacking import Change, Packing, pack, pod_name
from k8snb.machinery.objects import labels_of, revision_of
from k8snb.typing import Object


class Desired(NamedTuple):
    """The endpoint that a pod should have, and the ports that go with it."""

    ports: Sequence[Object]
    endpoint: Object


class Writes(NamedTuple):
    """What has to be sent: contents of new slices, of existing ones by name, and names to delete."""

    create: list[tuple[Sequence[Object], list[Object]]]
    update: dict[str, tuple[Sequence[Object], list[Object]]]
    delete: list[str]

    def __bool__(self) -> bool:
        return bool(self.create or self.update or self.delete)


class Book:
    """The slices of one Service as this controller last read or wrote them."""

    def __init__(self, service: Object, slices: Iterable[Object]) -> None:
        self.service = service
        self.slices: dict[str, Object] = {}
        self._keys: dict[str, str] = {}
        self._shelves: dict[str, dict[str, Sequence[Object]]] = {}
        self._where: dict[str, str] = {}
        for each in slices:
            self.put(each)

    def describes(self, service: Object) -> bool:
        """Whether the book was written for this version of the Service, or for one that made the same slices."""
        if service is self.service:
            return True
        same = service["metadata"]["uid"] == self.service["metadata"]["uid"]
        return same and service["spec"] == self.service["spec"] and labels_of(service) == labels_of(self.service)

    def is_news(self, name: str, change: Object | None) -> bool:
        """Whether a change of a slice that was announced was made by somebody else."""
        mine = self.slices.get(name)
        if mine is None:
            return change is not None
        return change is None or revision_of(change) > revision_of(mine)

    # -- keeping -----------------------------------------------------------------------------------

    def put(self, slice_: Object, changes: Collection[str] | None = None) -> None:
        """Note a slice as it is now. `changes`: the only pods that may be new in it, where that is known."""
        name = slice_["metadata"]["name"]
        old = self.slices.get(name)
        if old is not None:
            self._unshelve(name)
        endpoints = slice_.get("endpoints") or []
        self.slices[name] = slice_
        self._keys[name] = port_key(slice_.get("ports"))
        self._shelves.setdefault(self._keys[name], {})[name] = endpoints
        for pod in map(pod_name, endpoints):
            if changes is None or pod in changes:
                self._where[pod] = name

    def remove(self, name: str) -> None:
        """Note that a slice is gone."""
        old = self.slices.pop(name, None)
        if old is None:
            return
        self._unshelve(name)
        self.leave(pod for pod in map(pod_name, old.get("endpoints") or ()) if self._where.get(pod) == name)

    def leave(self, pods: Iterable[str]) -> None:
        """Note that pods are in no slice any more."""
        for pod in pods:
            self._where.pop(pod, None)

    def _unshelve(self, name: str) -> None:
        key = self._keys.pop(name)
        self._shelves[key].pop(name)
        if not self._shelves[key]:
            del self._shelves[key]

    def pods(self) -> list[str]:
        """The pods that are in a slice."""
        return list(self._where)

    def endpoint(self, pod: str) -> Object | None:
        """The endpoint that a pod has."""
        name = self._where.get(pod)
        held = self.slices[name].get("endpoints") or () if name is not None else ()
        return next((each for each in held if pod_name(each) == pod), None)

    # -- planning ----------------------------------------------------------------------------------

    def plan(self, changes: Mapping[str, Desired | None], limit: int) -> Writes:
        """The fewest writes that bring these pods' endpoints into the slices; one placeholder where none is left."""
        writes = Writes([], {}, [])
        for key, (ports, wanted) in self._by_ports(changes).items():
            packing = pack(self._shelves.get(key, {}), self._where, wanted, limit)
            _collect(writes, ports, packing)
        gone = set(writes.delete)
        if not writes.create and all(name in gone for name in self.slices):
            writes.create.append(((), []))
        elif writes.create or len(self.slices) > len(gone) + 1:
            writes.delete.extend(self._placeholders(gone, writes))
        return _merged(writes)

    def _by_ports(self, changes: Mapping[str, Desired | None]) -> dict[str, tuple[Sequence[Object], dict[str, Change]]]:
        """The changes for each set of ports. A pod whose ports changed leaves one set and enters another."""
        result: dict[str, tuple[Sequence[Object], dict[str, Change]]] = {}
        ports: Sequence[Object] | None = None
        key = ""
        for pod, desired in changes.items():
            at = self._where.get(pod)
            if desired is not None and desired.ports is not ports:
                ports, key = desired.ports, port_key(desired.ports)
            if at is not None:
                old = self._keys[at]
                if desired is None or old != key:
                    held = self.slices[at].get("ports") or ()
                    result.setdefault(old, (held, {}))[1][pod] = None
            if desired is not None:
                result.setdefault(key, (desired.ports, {}))[1][pod] = desired.endpoint
        return result

    def _placeholders(self, gone: set[str], writes: Writes) -> list[str]:
        """Empty slices that are not needed now that there are others."""
        return [
            n for n, s in self.slices.items() if not s.get("endpoints") and n not in gone and n not in writes.update
        ]


def _collect(writes: Writes, ports: Sequence[Object], packing: Packing) -> None:
    writes.create.extend((ports, endpoints) for endpoints in packing.create)
    writes.update.update((name, (ports, endpoints)) for name, endpoints in packing.update.items())
    writes.delete.extend(packing.delete)


def _merged(writes: Writes) -> Writes:
    """A slice to create and one to delete are one to update."""
    create, delete = list(writes.create), list(writes.delete)
    update = dict(writes.update)
    while create and delete:
        update[delete.pop(0)] = create.pop()
    return Writes(create, update, delete)
