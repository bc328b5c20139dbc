"""An IPAddress for every cluster IP: what the allocator of addresses keeps of those that Services hold.

It is stored before its Service is, as upstream, and removed before it (upstream: after), so that the last revision of
a request is that of the Service. Its UID follows from its name and revision, so that it takes nothing from the
cluster's lots. Upstream: `pkg/registry/core/service/ipallocator/ipallocator.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apiserver.authors import Authors
from k8snb.apiserver.kinds import Kinds
from k8snb.apiserver.registry.service_ranges import address_object
from k8snb.apiserver.registry.service_rules import is_headless, needs_cluster_ip
from k8snb.apiserver.registry.services import ServiceStrategy
from k8snb.clock import Clock
from k8snb.machinery.objects import is_true
from k8snb.machinery.recorded import uid_of
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import User, WatchEvent

FIRST = "kubernetes"
"""The ServiceCIDR that is there from the beginning."""

_SERVER = User("system:apiserver", ("system:masters",))


class ServiceAddresses:
    """Keeps the IPAddresses of Services."""

    def __init__(self, store: Store, kinds: Kinds, clock: Clock, authors: Authors) -> None:
        self._store = store
        self._clock = clock
        self._authors = authors
        self._kind = kinds.named("ipaddresses.networking.k8s.io")
        self._kinds = kinds
        self._blocks: dict[str, list[str]] = {}
        store.watch(store.bucket("servicecidrs.networking.k8s.io"), self._widen)

    def _widen(self, event: WatchEvent) -> None:
        """A ServiceCIDR has changed: tell the strategy of Services from which blocks it may draw."""
        meta, spec = event.object["metadata"], event.object.get("spec") or {}
        strategy = self._kinds.named("services").strategy
        if meta["name"] == FIRST or not isinstance(strategy, ServiceStrategy):
            return
        open = event.type != "DELETED" and "deletionTimestamp" not in meta and is_true(event.object, "Ready")
        self._blocks.pop(meta["name"], None)
        if open:
            self._blocks[meta["name"]] = [block for block in spec.get("cidrs") or () if ":" not in block]
        strategy.widen([block for blocks in self._blocks.values() for block in blocks])

    def settle(self, new: Object | None, old: Object | None) -> None:
        """Keep what the new Service holds, and remove what only the old one held."""
        before, now = _held(old), _held(new)
        for address in before:
            if address not in now and self._kind.bucket.event("", address) is not None:
                self._store.delete(self._kind.bucket, "", address)
        for address in now:
            if new is not None and address not in before:
                self._keep(address, new["metadata"])

    def _keep(self, address: str, service: Object) -> None:
        bucket = self._kind.bucket
        if bucket.event("", address) is not None:
            return
        made = address_object(address, service["namespace"], service["name"])
        uid = uid_of(address, self._store.revision + 1)
        own = {**made["metadata"], "uid": uid, "creationTimestamp": self._clock.timestamp()}
        by = self._authors.of(self._kind.resource, "", _SERVER)
        self._store.create(bucket, "", address, {**made, "metadata": own}, 0, by)


def _held(service: Object | None) -> Sequence[str]:
    """The cluster IPs of a Service."""
    spec = (service or {}).get("spec") or {}
    if not needs_cluster_ip(spec) or is_headless(spec):
        return ()
    return spec.get("clusterIPs") or ()
