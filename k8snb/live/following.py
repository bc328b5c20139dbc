"""Watches on what a notebook has in a live cluster, and how they go on when something breaks.

There is a watch for each kind and namespace. One that ends (connections do) begins again where it was; if the cluster
has forgotten that (410 Gone), everything is listed, and the difference to what was known counts as what happened
meanwhile. What may not be watched is not followed. Nobody waits here: `drain` takes what has come in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.client.client import Client
from k8snb.clock import WallClock
from k8snb.errors import StatusError
from k8snb.live.tape import Tape
from k8snb.typing import Object, Resource

_GONE = 410
_REFUSED = (401, 403, 404, 405)


class Watch:
    """One watch: what it is about, how far it has come, and the connection that it has just now."""

    def __init__(self, row: Resource, namespace: str) -> None:
        self.row = row
        self.namespace = namespace
        self.revision = 0
        self.stream: Any = None
        self.refused = False


class Following:
    """The watches of a notebook, which write on a tape."""

    def __init__(self, client: Client, tape: Tape, resources: Iterable[str]) -> None:
        self._client = client
        self._tape = tape
        self._resources = tuple(resources)
        self._watches: list[Watch] = []
        self._namespaces: set[str] = set()
        self._clock = WallClock()

    def follow(self, namespaces: Iterable[str]) -> None:
        """Follow what is in these namespaces, too."""
        for namespace in sorted(set(namespaces) - self._namespaces):
            self._namespaces.add(namespace)
            rows = [self._client.resource(each) for each in self._resources]
            wide = {each.row for each in self._watches}
            self._watches += [
                Watch(row, namespace if row.namespaced else "") for row in rows if row.namespaced or row not in wide
            ]

    def follows(self, resource: str, namespace: str) -> bool:
        """Whether what happens to objects of a resource is seen."""
        row = self._client.resource(resource)
        return any(each.row is row and each.namespace in ("", namespace) and not each.refused for each in self._watches)

    def drain(self) -> bool:
        """Take what has come in; says whether anything has."""
        came = [self._drain(each) for each in self._watches if not each.refused]
        return any(came)

    def close(self) -> None:
        """End all watches."""
        for each in self._watches:
            each.refused = True
            if each.stream is not None:
                each.stream.close()

    def _drain(self, watch: Watch) -> bool:
        if watch.stream is None or watch.stream.closed:
            self._open(watch)
        came = False
        while watch.stream is not None and (event := watch.stream.next()) is not None:
            came = self._take(watch, event) or came
        return came

    def _open(self, watch: Watch) -> None:
        watch.stream = None
        try:
            since = watch.revision or None
            resource = watch.row.group_resource
            watch.stream = self._client.watch(resource, watch.namespace, since=since)
        except StatusError as error:
            watch.refused = error.code in _REFUSED
            if error.code == _GONE:
                self._list(watch)

    def _take(self, watch: Watch, event: Object) -> bool:
        obj, kind = event["object"], event["type"]
        if kind == "ERROR":
            watch.stream.close()
            watch.stream = None
            if int(obj.get("code") or 0) == _GONE:
                self._list(watch)
            return True
        watch.revision = max(watch.revision, int(obj["metadata"].get("resourceVersion") or 0))
        if kind != "BOOKMARK":
            self._tape.take(watch.row, kind, obj, getattr(watch.stream, "at", 0.0) or self._clock.now())
        return str(kind) != "BOOKMARK"

    def _list(self, watch: Watch) -> None:
        """Begin anew: what is there now, and what is not there any more."""
        resource, now = watch.row.group_resource, self._clock.now()
        try:
            found = self._client.list_object(resource, watch.namespace)
        except StatusError:
            watch.revision = 0
            return
        watch.revision = int(found["metadata"].get("resourceVersion") or 0)
        there = set()
        for obj in found.get("items") or ():
            there.add((str(obj["metadata"].get("namespace", "")), str(obj["metadata"]["name"])))
            self._tape.take(watch.row, "MODIFIED", obj, now)
        for place in sorted(self._tape.names(resource, watch.namespace) - there):
            self._tape.gone(watch.row, place, watch.revision, now)
