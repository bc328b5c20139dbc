"""ServiceCIDRs: ready as soon as they are there, and not gone before the addresses that only they have.

A finalizer holds each. One that is being deleted goes when another range has all of it, or when no IPAddress is left
that is in no other range; ten seconds after its deletion at the earliest, so that nobody draws from it any more. Until
then its condition says what it waits for. Upstream: `pkg/controller/servicecidrs/servicecidrs_controller.go`.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from k8snb.client.controller import Controller
from k8snb.clock import parse_time
from k8snb.i18n import _
from k8snb.machinery.objects import condition, key_of, revision_of, with_condition
from k8snb.typing import Object, ObjectKey

RANGES, ADDRESSES = "servicecidrs.networking.k8s.io", "ipaddresses.networking.k8s.io"
FINALIZER = "networking.k8s.io/service-cidr-finalizer"
GRACE_SECONDS = 10.0
_READY = ("True", "", "Kubernetes Service CIDR is ready")
_HELD = (
    "False",
    "Terminating",
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
)


class ServiceCIDRController(Controller):
    """Keeps the finalizer and the condition of ServiceCIDRs."""

    name = "service-cidrs-controller"

    def start(self) -> None:
        self.informers.of(RANGES).on_change(self._range_changed)
        self.informers.of(ADDRESSES).on_change(self._address_changed)

    def _range_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and old is None and new["metadata"]["resourceVersion"] == "1":
            return  # of a new cluster: it is in order already
        changed = new if new is not None else old
        assert changed is not None
        for each in self.informers.of(RANGES).list() if new is None or old is None else (changed,):
            self.queue.add(key_of(each), revision_of(changed))

    def _address_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            for each in self.informers.of(RANGES).list():
                if "deletionTimestamp" in each["metadata"]:
                    self.queue.add(key_of(each), revision_of(old))

    def reconcile(self, key: ObjectKey) -> float | None:
        found = self.informers.of(RANGES).get(*key)
        if found is None:
            return None
        deleted = found["metadata"].get("deletionTimestamp")
        finalizers = found["metadata"].get("finalizers") or []
        if deleted is None:
            if FINALIZER not in finalizers:
                self.compares(_("finalizer"), _("none"), FINALIZER)
                self.wants(_("{name} may not go while addresses are from it: add the finalizer"), name=key.name)
                change = {"metadata": {"finalizers": [*finalizers, FINALIZER]}}
                found = self.client.patch(RANGES, key.name, change)
            self._say(found, *_READY)
        elif not self._may_go(found):
            self._say(found, *_HELD)
        elif (rest := GRACE_SECONDS - (self.clock.now() - parse_time(deleted))) > 0:
            return rest
        elif FINALIZER in finalizers:
            self.compares(_("finalizer"), FINALIZER, _("none"))
            self.wants(_("no address needs {name}: remove the finalizer"), name=key.name)
            rest_of_them = [each for each in finalizers if each != FINALIZER]
            self.client.patch(RANGES, key.name, {"metadata": {"finalizers": rest_of_them or None}})
        return None

    def _say(self, obj: Object, status: str, reason: str, message: str) -> None:
        before = condition(obj, "Ready") or {}
        if (before.get("status"), before.get("reason"), before.get("message")) == (status, reason, message):
            return
        self.compares("Ready", before.get("status") or _("none"), status)
        self.wants(_("say in the status whether the range is ready"))
        now = {"type": "Ready", "status": status, "reason": reason, "message": message}
        now["lastTransitionTime"] = self.clock.timestamp()
        conditions = with_condition((obj.get("status") or {}).get("conditions") or (), now)
        self.client.update_status(RANGES, {**obj, "status": {"conditions": conditions}})

    def _may_go(self, obj: Object) -> bool:
        """Whether other ranges have all addresses of this one that are in use."""
        own = [ip_network(each) for each in obj["spec"]["cidrs"]]
        others = [
            ip_network(block)
            for each in self.informers.of(RANGES).list()
            if each["metadata"]["name"] != obj["metadata"]["name"]
            for block in each["spec"]["cidrs"]
        ]
        lonely = [one for one in own if not any(_holds(other, one) for other in others)]
        used = (ip_address(each["metadata"]["name"]) for each in self.informers.of(ADDRESSES).list() if lonely)
        return not any(
            any(each in one for one in lonely) and not any(each in other for other in others) for each in used
        )


def _holds(outer: object, inner: object) -> bool:
    """Whether a block has all addresses of another."""
    return (
        type(outer) is type(inner)
        and outer.network_address <= inner.network_address  # type: ignore[attr-defined]
        and outer.broadcast_address >= inner.broadcast_address  # type: ignore[attr-defined]
    )
