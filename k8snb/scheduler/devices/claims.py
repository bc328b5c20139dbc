"""Claims, classes and slices, as the scheduler knows them.

They come from informers. A claim that was just written counts in its newer version until the informer has it too, and
one whose devices are chosen but not written yet (its pod waits for something else) counts as having them. Upstream:
`plugins/dynamicresources/dra_manager.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from k8snb.machinery.devices.claims import CLAIMS, CLASSES, SLICES
from k8snb.machinery.devices.extended import class_of
from k8snb.scheduler.devices.taken import Taken
from k8snb.scheduler.listing import Assumed, Listing, Nothing
from k8snb.typing import Object


class DeviceClaims:
    """Looks up what pods claim. `find` gives the listing of a resource."""

    def __init__(self, find: Callable[[str], Listing] = lambda word: Nothing()) -> None:
        self._find = find
        self._assumed = Assumed()
        self._pending: dict[str, Object] = {}
        self._made: dict[str, Object] = {}

    def get(self, namespace: str, name: str) -> Object | None:
        """The claim of that name."""
        known = self._find(CLAIMS).get(namespace, name)
        if known is None and self._made:
            names = ((each["metadata"], each) for each in self._made.values())
            return next((each for meta, each in names if (meta["namespace"], meta["name"]) == (namespace, name)), None)
        return self._assumed.newest(known, namespace, name)

    def find_class(self, name: str) -> Object | None:
        """The class of that name."""
        return self._find(CLASSES).get("", name)

    def slices(self) -> list[Object]:
        """All slices."""
        return self._find(SLICES).list()

    def taken(self) -> Taken:
        """The devices that are not free."""
        return Taken(self.every())

    def class_for(self, resource: str) -> Object | None:
        """The class whose devices an extended resource is."""
        return class_of(resource, self._find(CLASSES).list())

    def every(self) -> Iterator[Object]:
        """All claims, those among them that are only going to be made, or were made just now."""
        seen = set()
        for each in self._find(CLAIMS).list():
            meta = each["metadata"]
            seen.add(meta["uid"])
            pending = self._pending.get(meta["uid"])
            yield pending or self._assumed.newest(each, meta["namespace"], meta["name"]) or each
        for uid in seen & self._made.keys():
            del self._made[uid]
        yield from (each for uid, each in {**self._made, **self._pending}.items() if uid not in seen)

    # -- what the scheduler does itself ------------------------------------------------------------

    def is_pending(self, claim: Object) -> bool:
        """Whether devices were chosen for a claim and not written yet."""
        return claim["metadata"]["uid"] in self._pending

    def expect(self, claim: Object) -> None:
        """The claim is going to be like this."""
        self._pending[claim["metadata"]["uid"]] = claim

    def no_longer_expect(self, claim: Object) -> None:
        """It was written, or will not be."""
        self._pending.pop(claim["metadata"]["uid"], None)

    def made(self, claim: Object) -> None:
        """The claim was made just now."""
        self._made[claim["metadata"]["uid"]] = claim

    def unmade(self, claim: Object) -> None:
        """It is deleted."""
        self._made.pop(claim["metadata"]["uid"], None)

    def assume(self, claim: Object) -> None:
        """This is the newest version of a claim."""
        self._assumed.put(claim)
