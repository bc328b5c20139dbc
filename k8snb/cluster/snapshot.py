"""The cluster at one revision, and who can look at it so."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apiserver.server import APIServer
from k8snb.cluster.processes import Running
from k8snb.errors import not_found
from k8snb.store.mvcc import Store
from k8snb.typing import Object


class Snapshot:
    """The cluster's objects as they were at one revision. Reading it copies nothing."""

    def __init__(self, server: APIServer, revision: int) -> None:
        server.store.require(revision)
        self.revision = revision
        self.processes: Sequence[Running] = ()
        """Which processes there are, if somebody has looked: of those the past keeps nothing."""
        self._server = server
        self._store = server.store

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The object as it was, None if there was none."""
        kind = self._server.kinds.named(resource)
        found = self._store.get(kind.bucket, namespace if kind.resource.namespaced else "", name, self.revision)
        return None if found is None else kind.load(found)

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        """The objects as they were, in key order."""
        kind = self._server.kinds.named(resource)
        found = self._store.scan(kind.bucket, namespace if kind.resource.namespaced else "", self.revision)
        return [kind.load(obj) for obj in found]


class Looking:
    """Looks back: what there was in a cluster at a revision."""

    server: APIServer
    store: Store

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.store.revision

    def at(self, revision: int) -> Snapshot:
        """The objects as they were at a revision."""
        return Snapshot(self.server, revision)

    def _there(self, resource: str, name: str, namespace: str, revision: int | None) -> tuple[Object, Snapshot]:
        """An object at a revision, and what else there was; raises StatusError (NotFound) if it was not there."""
        then, plain = self.at(self.revision if revision is None else revision), name.rpartition("/")[2]
        found = then.get(resource, plain, namespace)
        if found is None:
            raise not_found(self.server.kinds.named(resource).resource, plain)
        return found, then
