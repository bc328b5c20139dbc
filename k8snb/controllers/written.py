"""What a controller has written and its cache does not show yet.

An informer hears of a write a little later than the writer. Until then the writer would read its own past, and its
next write would be refused as a conflict. So it keeps what it wrote until the cache has caught up. Upstream:
`client-go/tools/cache/mutation_cache.go`.
"""

from __future__ import annotations

from k8snb.client.client import Client
from k8snb.errors import StatusError
from k8snb.machinery.objects import revision_of
from k8snb.typing import Object


class Written:
    """The newest version of each object that was written here, by uid."""

    def __init__(self) -> None:
        self._newest: dict[str, Object] = {}

    def note(self, obj: Object) -> Object:
        """Keep what the server answered to a write; returns it."""
        self._newest[obj["metadata"]["uid"]] = obj
        return obj

    def wrote(self, announced: Object) -> bool:
        """Whether an announced version is one that was written here, or older than that."""
        mine = self._newest.get(announced["metadata"]["uid"])
        return mine is not None and revision_of(mine) >= revision_of(announced)

    def newest(self, cached: Object) -> Object:
        """The cached version, or the one written here if that is newer."""
        uid = cached["metadata"]["uid"]
        mine = self._newest.get(uid)
        if mine is None:
            return cached
        if revision_of(mine) > revision_of(cached):
            return mine
        del self._newest[uid]
        return cached

    def put_status(self, client: Client, resource: str, obj: Object, status: Object) -> None:
        """Write an object's status, on its newest version if somebody else wrote meanwhile; not if it is gone."""
        try:
            self.note(client.update_status(resource, {**obj, "status": status}))
        except StatusError as error:
            if error.code == 404:
                return
            if error.code != 409:
                raise
            meta = obj["metadata"]
            fresh = client.find(resource, meta["name"], meta["namespace"])
            if fresh is not None and fresh["metadata"]["uid"] == meta["uid"]:
                self.note(client.update_status(resource, {**fresh, "status": status}))

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._newest.pop(uid, None)
