"""The history of a live cluster, as far as somebody has watched: versions of objects by their resource versions.

An embedded cluster keeps every revision; a live one forgets, so what watches bring is kept here. Resource versions of
one cluster are in order (since 1.35 that is promised), so a moment is a number, and what views know of an embedded
cluster's past (`at`, the requests that made it) can be told of a live one as well: each version stands for the
request that made it, by its presumable author. What was there before anybody watched has no author.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from k8snb.live.authorship import YOU, author
from k8snb.machinery.scheme import Scheme
from k8snb.trace import Measured, Sent, Span
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, User


class Version(NamedTuple):
    """An object at a revision; None if it was gone by then."""

    revision: int
    object: Object | None
    managed: Object
    """The object with its managed fields, or as it was last."""


class Tape:
    """Versions of objects, in the order of their revisions."""

    def __init__(self, scheme: Scheme, began: int = 0) -> None:
        self._scheme = scheme
        self._began = began
        self._versions: dict[str, dict[tuple[str, str], list[Version]]] = {}
        self._sent: list[Sent] = []
        self._users: dict[str, User] = {}
        self._taken: set[str] = set()
        self.revision = began
        """The newest revision that was seen."""
        self.measured: Sequence[Measured] = ()
        """What pods used: of that a live cluster keeps nothing."""
        self.spans: Sequence[Span] = ()
        """What parts of the cluster thought: of that it tells nothing."""

    @property
    def compacted(self) -> int:
        """The revision before which nothing is known."""
        return self._began

    def begin(self, revision: int) -> None:
        """What is not newer than that was there before."""
        self._began = self.revision = revision

    def deleted(self, uid: str) -> None:
        """Remember that the notebook itself has deleted something."""
        self._taken.add(uid)

    def take(self, row: Resource, type_: str, obj: Object, now: float) -> None:
        """Keep what a watch has brought."""
        meta = obj["metadata"]
        revision, gone = int(meta.get("resourceVersion") or 0), type_ == "DELETED"
        known = self._versions.setdefault(row.group_resource, {})
        versions = known.setdefault((str(meta.get("namespace", "")), str(meta["name"])), [])
        last = versions[-1] if versions else None
        if last is not None and revision <= last.revision and not (gone and last.object is not None):
            return
        if gone and last is not None and revision <= last.revision:
            revision = last.revision + 1
        full = {"apiVersion": row.api_version, "kind": row.kind, **obj}
        versions.append(Version(revision, None if gone else _plain(full), full))
        self.revision = max(self.revision, revision)
        if revision > self._began:
            before = None if last is None or last.object is None else last.managed
            self._keep(row, before, full, revision, now, gone=gone)

    def _keep(
        self, row: Resource, before: Object | None, obj: Object, revision: int, now: float, *, gone: bool
    ) -> None:
        made = author(row.kind, before, obj, gone=gone)
        meta = obj["metadata"]
        name = YOU if made.verb == "delete" and meta.get("uid") in self._taken and not gone else made.user
        user = self._users.setdefault(name, User(name))
        info = RequestInfo(made.verb, row, str(meta.get("namespace", "")), str(meta["name"]), made.subresource)
        request = Request(info=info, object=obj if row.plural == "events" else None, user=user)
        at = bisect_right(self._sent, revision, key=lambda each: each.revision)
        earliest = self._sent[at - 1].time if at else now
        latest = self._sent[at].time if at < len(self._sent) else max(now, earliest)
        when = min(max(now, earliest), latest)  # streams overtake each other, revisions do not
        self._sent.insert(at, Sent(len(self._sent) + 1, when, request, 200, revision, None))

    @property
    def requests(self) -> Sequence[Sent]:
        """The requests that made what was seen, in order."""
        return self._sent

    def at(self, revision: int) -> Past:
        """The objects as they were at a revision."""
        return Past(self, revision)

    def objects(self, resource: str, namespace: str, revision: int) -> list[Object]:
        """The objects of a resource at a revision, in order of namespace and name."""
        row = self._scheme.find(resource)
        known = self._versions.get(row.group_resource if row else resource, {})
        places = sorted(place for place in known if not namespace or place[0] == namespace)
        found = (_version(known[place], revision) for place in places)
        return [each.object for each in found if each is not None and each.object is not None]

    def object(self, resource: str, name: str, namespace: str, revision: int) -> Object | None:
        """One object at a revision."""
        row = self._scheme.find(resource)
        if row is None:
            return None
        versions = self._versions.get(row.group_resource, {}).get((namespace if row.namespaced else "", name))
        found = _version(versions, revision) if versions else None
        return found.object if found is not None else None

    def names(self, resource: str, namespace: str) -> set[tuple[str, str]]:
        """The namespaces and names of the objects of a resource that are there, as far as is known."""
        known = self._versions.get(resource, {})
        return {place for place, all_ in known.items() if all_[-1].object and (not namespace or place[0] == namespace)}

    def gone(self, row: Resource, place: tuple[str, str], revision: int, now: float) -> None:
        """Keep that an object is not there any more, which nobody has seen happen."""
        last = self._versions[row.group_resource][place][-1].managed
        meta = {**last["metadata"], "resourceVersion": str(revision)}
        self.take(row, "DELETED", {**last, "metadata": meta}, now)


def _version(versions: Sequence[Version], revision: int) -> Version | None:
    at = bisect_right(versions, revision, key=lambda each: each.revision)
    return versions[at - 1] if at else None


def _plain(obj: Object) -> Object:
    meta = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": meta}


class Past:
    """The cluster at one revision, as views read it."""

    def __init__(self, tape: Tape, revision: int) -> None:
        self._tape = tape
        self.revision = revision
        self.processes = ()

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The object as it was, None if there was none."""
        return self._tape.object(resource, name, namespace, self.revision)

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        """The objects as they were."""
        return self._tape.objects(resource, namespace, self.revision)
