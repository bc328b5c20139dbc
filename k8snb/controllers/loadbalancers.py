"""The cloud's part: a Service of type LoadBalancer gets an address from outside.

No such thing is in a bare cluster, and its Services stay `<pending>`. With `Cluster(cloud=True)` this controller plays
the cloud, as kind's cloud provider does: it hands out addresses from one range and takes them back. The order of what
it does is that of upstream's controller for all clouds: a finalizer first, so that nothing is deleted whose load
balancer still stands, then the load balancer, then the status. One with a `loadBalancerClass` belongs to somebody else.
Upstream: `cloud-provider/controllers/service/controller.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from k8snb.client.controller import Context, Controller
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, is_true, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
RANGE = "198.51.100.0/24"
"""Addresses of which everybody knows that they are examples (RFC 5737)."""
FIRST = 10
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


class ServiceController(Controller):
    """Gives LoadBalancer Services their addresses."""

    name = "service-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._services, self._nodes = self.informers.of("services"), self.informers.of("nodes")
        self._given: dict[ObjectKey, str] = {}
        self._seen: dict[ObjectKey, object] = {}
        """What of each Service the load balancer was made from."""
        self._wrote: dict[ObjectKey, int] = {}
        """The revision of each Service that was written here last: what is older is no news."""
        self._hosts: Sequence[str] = ()

    def start(self) -> None:
        self._hosts = self._usable()
        self.follow("services")
        self._nodes.on_change(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        hosts, before = self._usable(), self._hosts
        if hosts == before:
            return
        self._hosts = hosts
        for key in list(self._given):
            self._seen.pop(key, None)
            self.queue.add(key, revision_of(new) if new is not None else 0)

    def _usable(self) -> Sequence[str]:
        """The nodes that a load balancer may send to."""
        ready = (node for node in self._nodes.list() if is_true(node, "Ready") and EXCLUDED not in labels_of(node))
        return [node["metadata"]["name"] for node in ready]

    def reconcile(self, key: ObjectKey) -> float | None:
        service = self._services.get(*key)
        if service is None:
            for known in (self._given, self._seen, self._wrote):
                known.pop(key, None)
        elif revision_of(service) < self._wrote.get(key, 0):
            return None
        elif not _wants(service) or is_deleting(service):
            self._clean_up(key, service)
        elif self._seen.get(key) != _shape(service) or not _address_of(service):
            self._ensure(key, service)
        return None

    # -- there ---------------------------------------------------------------------------------------

    def _ensure(self, key: ObjectKey, service: Object) -> None:
        """Make a load balancer, or bring it in line."""
        again = key in self._given and self._seen.get(key) is None
        known = self._given.get(key) or _address_of(service)
        address = known or self._next(service["spec"].get("loadBalancerIP", ""))
        if not address:
            self.events.warning(service, "SyncLoadBalancerFailed", "Error syncing load balancer: no address is free")
            return
        self._given[key], self._seen[key] = address, _shape(service)
        if again and known:
            self.events.normal(service, "UpdatedLoadBalancer", "Updated load balancer with new hosts")
            return
        self.events.normal(service, "EnsuringLoadBalancer", "Ensuring load balancer")
        self.compares(_("address"), _address_of(service) or _("none"), address)
        self.wants(_("give it the address {address}"), address=address)
        if FINALIZER not in (service["metadata"].get("finalizers") or ()):
            service = self._finalizers(service, [*(service["metadata"].get("finalizers") or ()), FINALIZER])
        if not self._hosts:
            self.events.warning(service, "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer")
        self.events.normal(service, "EnsuredLoadBalancer", "Ensured load balancer")
        self._write(service, [{"ip": address, "ipMode": "VIP"}])

    def _next(self, wanted: str) -> str:
        """A free address: the one that is asked for, if it is one of ours, else the lowest."""
        taken = set(self._given.values()) | {_address_of(each) for each in self._services.list()}
        network = ip_network(RANGE)
        if wanted and ip_address(wanted) in network and wanted not in taken:
            return wanted
        free = (str(network[number]) for number in range(FIRST, network.num_addresses - 1))
        return next((address for address in free if address not in taken), "")

    # -- gone ----------------------------------------------------------------------------------------

    def _clean_up(self, key: ObjectKey, service: Object) -> None:
        """Take the load balancer away, and let the Service go."""
        finalizers = service["metadata"].get("finalizers") or ()
        if key not in self._given and FINALIZER not in finalizers:
            return
        self.compares(_("address"), _address_of(service) or _("none"), _("none"))
        self.wants(_("take its load balancer away"))
        self.events.normal(service, "DeletingLoadBalancer", "Deleting load balancer")
        self._given.pop(key, None)
        self._seen.pop(key, None)
        if FINALIZER in finalizers:
            service = self._finalizers(service, [each for each in finalizers if each != FINALIZER])
        self.events.normal(service, "DeletedLoadBalancer", "Deleted load balancer")
        if _address_of(service) and not is_deleting(service):
            self._write(service, [])

    def _finalizers(self, service: Object, wanted: Sequence[str]) -> Object:
        meta = service["metadata"]
        change = {"metadata": {"finalizers": list(wanted) or None}}
        return self.client.patch("services", meta["name"], change, meta["namespace"], subresource="status")

    def _write(self, service: Object, ingress: Sequence[Object]) -> None:
        meta = service["metadata"]
        change = {"status": {"loadBalancer": {"ingress": list(ingress) or None}}}
        try:
            written = self.client.patch("services", meta["name"], change, meta["namespace"], subresource="status")
            self._wrote[ObjectKey(meta["namespace"], meta["name"])] = revision_of(written)
        except StatusError as error:
            if error.code != 404:
                raise


def _wants(service: Object) -> bool:
    spec = service["spec"]
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass")


def _shape(service: Object) -> object:
    """What a load balancer is made from."""
    spec, meta = service["spec"], service["metadata"]
    names = ("ports", "loadBalancerSourceRanges", "sessionAffinity", "externalTrafficPolicy", "loadBalancerIP")
    return [meta["uid"], meta.get("annotations"), *(spec.get(name) for name in names)]


def _address_of(service: Object) -> str:
    points = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return str(points[0].get("ip", "")) if points else ""
