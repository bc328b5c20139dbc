"""Heartbeats: a small Lease object that says every ten seconds that the kubelet is alive.

The node's status, which is larger, is written when there is news, and every five minutes; the first time it comes with
the node itself. It is news, too, what somebody else has written there: an extended resource is taken up, what is not so
is put right. Upstream: `component-helpers/apimachinery/lease` and `pkg/kubelet/kubelet_node_status.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k8snb.errors import StatusError
from k8snb.kubelet import csinode, rebooting
from k8snb.kubelet import node as nodes
from k8snb.machinery.objects import revision_of
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"

RENEW_SECONDS = 10.0
STATUS_SECONDS = 300.0
LEASE_SECONDS = 40
REGISTER_SECONDS = 7.0
"""After how long a kubelet tries again to register that could not: the longest of its pauses."""


def new_lease(node: Object, namespace: str, now: str, seconds: int) -> Object:
    """The first lease of a node; it goes when the node goes."""
    meta = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": meta["name"], "namespace": namespace, "ownerReferences": [owner]},
        "spec": {"holderIdentity": meta["name"], "leaseDurationSeconds": seconds, "renewTime": now},
    }


def renewed(lease: Object, now: str) -> Object:
    """The lease with another time."""
    return {**lease, "spec": {**lease["spec"], "renewTime": now}}


def _timeless(status: Object) -> Object:
    """A status without the time at which it was written, and its conditions by type."""
    conditions = {
        each["type"]: {field: value for field, value in each.items() if field != "lastHeartbeatTime"}
        for each in status.get("conditions") or ()
    }
    return {**status, "conditions": conditions}


class Heartbeats:
    """What a kubelet tells the API of its node."""

    __slots__ = ("_images", "_kubelet", "_lease", "_looked_at", "_problem", "_reported")

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self._lease: Object | None = None
        self._reported = 0.0
        self._images: Sequence[Object] = ()
        self._problem = ""
        self._looked_at = 0
        """The newest revision of the node that the kubelet wrote itself, or found to be right."""

    def register(self) -> None:
        """Create the node and its CSINode, or write the node's status if it is known; raises StatusError."""
        kubelet = self._kubelet
        found = kubelet.client.find("nodes", kubelet.name)
        if found is not None:
            if kubelet.pool.boots:
                rebooting.come_up(kubelet, found)
            self._report(found)
            csinode.establish(kubelet.client, found)
            return
        now = kubelet.clock.timestamp()
        made = nodes.new_node(kubelet.name, kubelet.address, kubelet.capacity, kubelet.labels, kubelet.taints, now)
        created = kubelet.client.create("nodes", made)
        self._reported, self._looked_at = kubelet.clock.now(), revision_of(created)
        about = nodes.reference(created)
        kubelet.events.normal(about, "Starting", "Starting kubelet.")
        for reason, message in nodes.EVENTS:
            kubelet.events.normal(about, reason, message.format(kubelet.name))
        kubelet.events.normal(about, "NodeReady", f"Node {kubelet.name} status is now: NodeReady")
        csinode.establish(kubelet.client, created)

    def report(self) -> None:
        """Write the node's status, for there is news."""
        node = self._kubelet.client.find("nodes", self._kubelet.name)
        if node is not None:
            self._report(node)

    def beat(self) -> None:
        """Renew the lease; now and then, or when there is news, write the node's status."""
        kubelet = self._kubelet
        kubelet.epoch += 1
        kubelet.pool.later(RENEW_SECONDS, kubelet, "heartbeat", background=True)
        self._renew()
        while kubelet.owing:
            kubelet.owing.popitem()[1].write()
        due = kubelet.clock.now() - self._reported >= STATUS_SECONDS
        if (
            due
            or len(kubelet.runtime.list_images()) != len(self._images)
            or kubelet.network_problem() != self._problem
            or self._is_wrong()
        ):
            self.report()

    def _is_wrong(self) -> bool:
        """Whether somebody has written something else about the node than what the kubelet would."""
        lister = self._kubelet.pool.nodes
        node = lister.get("", self._kubelet.name) if lister is not None else None
        if node is None or revision_of(node) <= self._looked_at:
            return False
        self._looked_at = revision_of(node)
        known = node.get("status") or {}
        return _timeless(known) != _timeless(self._status(node, self._kubelet.runtime.list_images()))

    def _report(self, node: Object) -> None:
        kubelet = self._kubelet
        before = (node.get("status") or {}).get("conditions") or ()
        self._images = kubelet.runtime.list_images()
        self._problem = kubelet.network_problem()
        written = kubelet.client.update_status("nodes", {**node, "status": self._status(node, self._images)})
        self._reported, self._looked_at = kubelet.clock.now(), revision_of(written)
        ready, reason = not self._problem, "NodeNotReady" if self._problem else "NodeReady"
        if any(found["type"] == "Ready" and (found["status"] == "True") is not ready for found in before):
            told = f"Node {kubelet.name} status is now: {reason}"
            kubelet.events.normal(nodes.reference(node), reason, told)

    def _status(self, node: Object, images: Sequence[Object]) -> Object:
        """What the status of a node should be now as the kubelet sees it; what it does not know of it lets stand."""
        kubelet, known, extended = self._kubelet, node.get("status") or {}, nodes.extended(node)
        status = nodes.status(
            kubelet.name,
            kubelet.address,
            {**kubelet.capacity, **extended} if extended else kubelet.capacity,
            images,
            known.get("conditions") or (),
            kubelet.clock.timestamp(),
            kubelet.pool.boots,
            kubelet.network_problem(),
            kubelet.eviction.conditions if kubelet.eviction is not None else (),
        )
        return {**known, **status}

    def _renew(self) -> None:
        client, name, now = self._kubelet.client, self._kubelet.name, self._kubelet.clock.micro_timestamp()
        try:
            if self._lease is not None:
                self._lease = client.update(LEASES, renewed(self._lease, now))
                return
        except StatusError:
            self._lease = None
        found = client.find(LEASES, name, LEASE_NAMESPACE)
        if found is not None:
            self._lease = client.update(LEASES, renewed(found, now))
            return
        node = client.find("nodes", name)
        if node is not None:
            try:
                self._lease = client.create(LEASES, new_lease(node, LEASE_NAMESPACE, now, LEASE_SECONDS))
            except StatusError:
                self._lease = None
