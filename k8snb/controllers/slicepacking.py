"""How endpoints are packed into slices, with as few writes as possible. Pure functions.

An endpoint that changes is replaced where it is. A new one goes into a slice that is written anyway, then
into the fullest untouched slice that can take all that is left, then into a new slice. Slices are never
rebalanced: a write to a slice goes to every node of a cluster. Upstream: `reconcileByPortMapping` in
`staging/src/k8s.io/endpointslice/reconciler.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.typing import Object

Change = Object | None
"""The endpoint that a pod should have; None if it should have none."""


@dataclass(slots=True)
class Packing:
    """What has to be written: contents of new slices, new contents of slices by name, slices to delete."""

    create: list[list[Object]] = field(default_factory=list)
    update: dict[str, list[Object]] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)


def pod_name(endpoint: Object) -> str:
    """The pod behind an endpoint; empty for one that somebody else wrote and no pod stands behind."""
    name: str = (endpoint.get("targetRef") or {}).get("name", "")
    return name


def pack(
    slices: Mapping[str, Sequence[Object]], where: Mapping[str, str], changes: Mapping[str, Change], limit: int
) -> Packing:
    """The writes that bring `changes` (by pod) into the slices of one set of ports.

    `slices` are the endpoints of each slice by its name, `where` says in which slice a pod is (perhaps in one of
    other ports), `limit` is how many endpoints a slice may hold.
    """
    packing = Packing()
    by_slice: dict[str, dict[str, Change]] = {}
    new: list[Object] = []
    for pod, endpoint in changes.items():
        if where.get(pod) in slices:
            by_slice.setdefault(where[pod], {})[pod] = endpoint
        elif endpoint is not None:
            new.append(endpoint)
    for name, changed in by_slice.items():
        _replace(packing, name, slices[name], changed)
    new = _fill_touched(packing, new, limit)
    touched = {*packing.update, *packing.delete}
    untouched = {name: held for name, held in slices.items() if name not in touched}
    _fill_others(packing, untouched, new, limit)
    return packing


def _replace(packing: Packing, name: str, held: Sequence[Object], changed: Mapping[str, Change]) -> None:
    after: list[Object] = []
    differs = False
    for endpoint in held:
        change = changed.get(pod_name(endpoint), endpoint)
        if change is not None:
            after.append(change)
        if change is not endpoint and change != endpoint:
            differs = True
    if not after:
        packing.delete.append(name)
    elif differs:
        packing.update[name] = after


def _fill_touched(packing: Packing, new: list[Object], limit: int) -> list[Object]:
    """Put new endpoints into slices that are written anyway, the fullest first; what is left."""
    for held in sorted(packing.update.values(), key=len, reverse=True):
        room = limit - len(held)
        held += new[:room]
        new = new[room:]
    return new


def _fill_others(packing: Packing, untouched: Mapping[str, Sequence[Object]], new: list[Object], limit: int) -> None:
    while new:
        name = _fitting(untouched, len(new), limit)
        if name is not None:
            packing.update[name] = [*untouched[name], *new]
            return
        packing.create.append(new[:limit])
        new = new[limit:]


def _fitting(untouched: Mapping[str, Sequence[Object]], count: int, limit: int) -> str | None:
    """The slice that would be fullest with `count` more endpoints in it."""
    if count >= limit:
        return None
    rooms = {name: limit - len(held) - count for name, held in untouched.items()}
    fitting = [name for name, room in rooms.items() if room >= 0]
    return min(fitting, key=lambda name: rooms[name], default=None)
