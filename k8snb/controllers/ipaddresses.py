"""The IPAddresses of Services: one that somebody deleted is made again, and the Service is told.

Upstream looks through all Services every three minutes; here that is done at the next such moment after an address of
a Service that is still there has gone. Upstream: `pkg/registry/core/service/ipallocator/controller/repairip.go`.
"""

from __future__ import annotations

from k8snb.apiserver.registry.addresses import family_of
from k8snb.apiserver.registry.service_ranges import address_object
from k8snb.apiserver.registry.service_rules import is_headless, needs_cluster_ip
from k8snb.client.controller import Controller
from k8snb.i18n import _
from k8snb.typing import Object, ObjectKey

ADDRESSES = "ipaddresses.networking.k8s.io"
PERIOD_SECONDS = 180.0


class RepairController(Controller):
    """Keeps an IPAddress for every cluster IP. A key is a Service."""

    name = "ipallocator-repair-controller"

    def start(self) -> None:
        self.informers.of(ADDRESSES).on_change(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        parent = old["spec"].get("parentRef") or {} if old is not None and new is None else {}
        if parent.get("resource") != "services" or parent.get("group"):
            return
        key = ObjectKey(parent.get("namespace", ""), parent["name"])
        if self.client.find("services", key.name, key.namespace) is not None:
            self.queue.add_after(key, PERIOD_SECONDS - self.clock.now() % PERIOD_SECONDS, background=True)

    def reconcile(self, key: ObjectKey) -> float | None:
        service = self.client.find("services", key.name, key.namespace)
        spec = service["spec"] if service is not None else {}
        if service is None or not needs_cluster_ip(spec) or is_headless(spec):
            return None
        for address in spec.get("clusterIPs") or ():
            if self.client.find(ADDRESSES, address) is None:
                self.compares(_("IPAddress of {service}").format(service=key.name), _("none"), address)
                self.wants(_("{address} has no IPAddress: make it again"), address=address)
                text = f"Cluster IP [{family_of(address)}]: {address} is not allocated; repairing"
                self.events.warning(service, "ClusterIPNotAllocated", text)
                self.client.create(ADDRESSES, address_object(address, key.namespace, key.name))
        return None
