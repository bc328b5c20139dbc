"""The Endpoints controller: the deprecated twin of a Service's slices.

Since 1.33 the Endpoints API is deprecated, yet every Service with a selector still gets its object. It says what
the slices say, so it is made from them: one object for all addresses, those that are not ready apart, a thousand
at most. `Settings.mirror_endpoints` turns it off. Upstream: `pkg/controller/endpoint/endpoints_controller.go`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.controllers.endpoint import HEADLESS, SERVICE_NAME, TRIGGER_TIME, is_headless, port_key
from k8snb.controllers.endpoint import MANAGED_BY as SLICE_MANAGED_BY
from k8snb.controllers.endpointslice import CONTROLLER, SLICES
from k8snb.controllers.refusals import delete, namespace_is_terminating
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MAX_ADDRESSES = 1000


class EndpointsController(Controller):
    """Keeps each Service's Endpoints object in step with its slices."""

    name = "endpoint-controller"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._enabled = settings.mirror_endpoints
        self._services = self.informers.of("services")
        self._slices = self.informers.of(SLICES)
        self._endpoints = self.informers.of("endpoints")
        self._written = Written()

    def start(self) -> None:
        if not self._enabled:
            return
        self._slices.add_index("mirrored", _service_of)
        self.follow("services")
        self._slices.on_change(self._slice_changed)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        if labels_of(obj).get(SLICE_MANAGED_BY) == CONTROLLER:
            namespace = obj["metadata"]["namespace"]
            self.queue.add(ObjectKey(namespace, labels_of(obj).get(SERVICE_NAME, "")), revision_of(obj))

    def reconcile(self, key: ObjectKey) -> float | None:
        service, current = self._services.get(*key), self._endpoints.get(*key)
        if service is None:
            self._delete(key, current)
            return None
        if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            self.wants(_("no Service with a selector: no Endpoints"))
            return None
        if current is not None:
            current = self._written.newest(current)
        desired = endpoints_of(service, self._slices.by_index("mirrored", str(key)))
        if current is None:
            self.compares(_("addresses"), _("none"), _addresses(desired))
            self.wants(_("the Service has no Endpoints: create them"))
            self._create(desired)
        elif _differs(current, desired):
            self.compares(_("addresses"), _addresses(current), _addresses(desired))
            self.wants(_("the slices have changed: update the Endpoints"))
            meta = {**current["metadata"], **{k: desired["metadata"].get(k, {}) for k in ("labels", "annotations")}}
            rest = {k: v for k, v in current.items() if k != "subsets"}
            self._written.note(self.client.update("endpoints", {**rest, **desired, "metadata": meta}))
        else:
            self.wants(_("the Endpoints say what the slices say: nothing to do"))
        return None

    def _create(self, desired: Object) -> None:
        try:
            self._written.note(self.client.create("endpoints", desired))
        except StatusError as error:
            if not namespace_is_terminating(error):
                raise

    def _delete(self, key: ObjectKey, current: Object | None) -> None:
        if current is None or labels_of(current).get(MANAGED_BY) != self.name:
            return
        self.compares("Endpoints", key.name, _("none"))
        self.wants(_("the Service is gone: delete its Endpoints"))
        self._written.forget(current["metadata"]["uid"])
        delete(self.client, "endpoints", key.name, key.namespace)


def endpoints_of(service: Object, slices: Iterable[Object]) -> Object:
    """The Endpoints object that says what the slices say. Pure."""
    slices = list(slices)
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    subsets: dict[str, dict[str, Any]] = {}
    room = MAX_ADDRESSES
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            if room <= 0 or (endpoint["conditions"].get("terminating") and not publish):
                continue
            room -= 1
            subset = subsets.setdefault(port_key(each.get("ports")), {"ports": _ports(each)})
            kind = "addresses" if endpoint["conditions"].get("ready", True) else "notReadyAddresses"
            subset.setdefault(kind, []).append(_address(endpoint))
    labels = {**labels_of(service), MANAGED_BY: "endpoint-controller"}
    if is_headless(service):
        labels[HEADLESS] = ""
    meta: dict[str, Any] = {"name": service["metadata"]["name"], "namespace": service["metadata"]["namespace"]}
    meta["labels"] = labels
    triggers = [annotations_of(each).get(TRIGGER_TIME, "") for each in slices]
    annotations = {TRIGGER_TIME: max(triggers)} if any(triggers) else {}
    if room <= 0:
        annotations[OVER_CAPACITY] = "truncated"
    if annotations:
        meta["annotations"] = annotations
    endpoints: dict[str, Any] = {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta}
    if subsets:
        endpoints["subsets"] = [_sorted(subsets[key]) for key in sorted(subsets)]
    return endpoints


def _address(endpoint: Object) -> Object:
    address: dict[str, Any] = {"ip": endpoint["addresses"][0]}
    address.update((name, endpoint[name]) for name in ("hostname", "nodeName", "targetRef") if name in endpoint)
    return address


def _ports(slice_: Object) -> list[Object]:
    return [{k: v for k, v in port.items() if v != ""} for port in slice_.get("ports") or ()]


def _sorted(subset: Object) -> Object:
    result: dict[str, Any] = {}
    for kind in ("addresses", "notReadyAddresses"):
        if kind in subset:
            result[kind] = sorted(subset[kind], key=lambda address: _number(address["ip"]))
    if subset["ports"]:
        result["ports"] = subset["ports"]
    return result


@lru_cache(maxsize=65_536)
def _number(ip: str) -> int:
    """Where an address stands among others."""
    return int(ip_address(ip))


def _differs(current: Object, desired: Object) -> bool:
    same = (current.get("subsets") or []) == desired.get("subsets", []) and labels_of(current) == labels_of(desired)
    return not same


def _service_of(slice_: Object) -> tuple[str, ...]:
    labels = labels_of(slice_)
    if labels.get(SLICE_MANAGED_BY) != CONTROLLER:
        return ()
    namespace, _name = key_of(slice_)
    return (f"{namespace}/{labels.get(SERVICE_NAME, '')}",)


def _addresses(endpoints: Object) -> str:
    """How many addresses are ready, and how many are not."""
    subsets = endpoints.get("subsets") or ()
    ready, unready = (sum(len(each.get(name) or ()) for each in subsets) for name in ("addresses", "notReadyAddresses"))
    return _("{ready} ready, {unready} not ready").format(ready=ready, unready=unready)
