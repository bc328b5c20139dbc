"""The loops of Gateway API: they compare what there should be with what there is, and write the difference.

As with Ingresses, every replica may do so. A Gateway gets a Service of its own in the controller's namespace; through
it requests for the Gateway's ports reach the router at ports that no other Gateway has. The Service itself remembers
which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.client.controller import Context, Controller
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.ingress.conditions import Condition, said
from k8snb.ingress.controller import addresses_of
from k8snb.ingress.survey import (
    CLASSES,
    GATEWAYS,
    OWNER,
    OWNER_SPACE,
    ROUTES,
    Attachments,
    Gateways,
    service_name,
)
from k8snb.machinery.objects import is_deleting, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

FIRST_PORT = 10_001

FEATURES = (
    "Gateway", "GatewayHTTPListenerIsolation", "GatewayPort8080", "HTTPRoute",
    "HTTPRouteBackendRequestHeaderModification", "HTTPRouteHostRewrite", "HTTPRouteMethodMatching",
    "HTTPRouteParentRefPort", "HTTPRoutePathRedirect", "HTTPRoutePathRewrite", "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching", "HTTPRouteRequestMirror", "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror", "HTTPRouteResponseHeaderModification", "HTTPRouteSchemeRedirect",
    "ReferenceGrant",
)  # fmt: skip
"""What of the conformance suite's features is there, in the order of their names."""


class _Loop(Controller):
    """A loop over one kind that looks at all of its objects after each change of anything."""

    resource = ""

    def __init__(self, context: Context, gateways: Gateways) -> None:
        super().__init__(context)
        self.gateways = gateways

    def start(self) -> None:
        self.gateways.tell(self._all)
        self._all(0)

    def _all(self, cause: int) -> None:
        for obj in self.informers.of(self.resource).list():
            self.queue.add(key_of(obj), cause)

    def put(self, obj: Object, status: Object) -> None:
        """Write a status, if it is another one."""
        if status != (obj.get("status") or {}):
            self.wants(_("write its status"))
            self.client.update_status(self.resource, {**obj, "status": status})


class GatewayClassController(_Loop):
    """Says which classes are accepted, and what they can do."""

    name = "gatewayclass-controller"
    resource = CLASSES

    def start(self) -> None:
        self.follow(CLASSES)

    def reconcile(self, key: ObjectKey) -> float | None:
        found = self.informers.of(CLASSES).get(*key)
        if found is None or not self.gateways.is_ours(found):
            return None
        wanted = Condition("Accepted", True, "Accepted", f"Handled by {self.gateways.options.gateway_class}")
        if found["spec"].get("parametersRef"):
            wanted = Condition("Accepted", False, "InvalidParameters", "parametersRef is not supported")
        status = found.get("status") or {}
        before, generation = status.get("conditions") or (), found["metadata"]["generation"]
        conditions = said([wanted], before, generation, self.clock.timestamp())
        self.put(
            found, {**status, "conditions": conditions, "supportedFeatures": [{"name": each} for each in FEATURES]}
        )
        return None


class GatewayController(_Loop):
    """Gives each Gateway a Service, and says how its listeners are."""

    name = "gateway-controller"
    resource = GATEWAYS

    def start(self) -> None:
        super().start()
        self.informers.of(GATEWAYS).on_change(self._gone, ("DELETED",))
        self.gateways.cache.services.on_change(self._service_changed)

    def _gone(self, old: Object | None, new: Object | None) -> None:
        if old is not None:
            self.queue.add(key_of(old), revision_of(old))

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        owner = labels_of(obj).get(OWNER) if obj is not None else None
        if obj is not None and owner and obj["metadata"]["namespace"] == self.gateways.options.namespace:
            self.queue.add(ObjectKey(labels_of(obj)[OWNER_SPACE], owner), revision_of(obj))

    def reconcile(self, key: ObjectKey) -> float | None:
        found, gateway = self.gateways.survey().gateways.get(key), self.informers.of(GATEWAYS).get(*key)
        if found is None or gateway is None or is_deleting(gateway):
            self._forget(key)
            return None
        self._serve(key, found)
        self.gateways.listen()
        self.put(gateway, self._status(key, found, gateway))
        return None

    def _forget(self, key: ObjectKey) -> None:
        """Delete the Service of a Gateway that is gone, or somebody else's."""
        service = self.gateways.service(key)
        if service is not None and labels_of(service).get(OWNER) == key.name and not is_deleting(service):
            self.wants(_("delete its Service"))
            self.client.delete("services", service["metadata"]["name"], service["metadata"]["namespace"])

    # -- its Service -------------------------------------------------------------------------------

    def _serve(self, key: ObjectKey, found: Attachments) -> None:
        ports = sorted({door.port for door in found.doors if not door.unsupported})
        service = self.gateways.service(key)
        if not ports:
            return
        known = {each["port"]: each for each in service["spec"]["ports"]} if service is not None else {}
        if service is not None and list(known) == ports:
            return
        free = self._free_ports()
        wanted = [known.get(port) or {"name": f"port-{port}", "port": port, "targetPort": next(free)} for port in ports]
        self.wants(_("let a Service lead the ports {ports} to the router"), ports=", ".join(map(str, ports)))
        try:
            if service is None:
                self.client.create("services", self._made(key, found.gateway, wanted))
            else:
                self.client.update("services", {**service, "spec": {**service["spec"], "ports": wanted}})
        except StatusError as error:
            if error.code != 409:  # another replica was faster
                raise

    def _free_ports(self) -> Iterator[int]:
        taken = {
            port["targetPort"]
            for each in self.gateways.cache.services.list(self.gateways.options.namespace)
            for port in each["spec"].get("ports") or ()
        }
        return (port for port in range(FIRST_PORT, 65_536) if port not in taken)

    def _made(self, key: ObjectKey, gateway: Object, ports: Sequence[Object]) -> Object:
        labels = {OWNER: key.name, OWNER_SPACE: key.namespace}
        wanted = next((each["value"] for each in gateway["spec"].get("addresses") or () if each.get("value")), "")
        asked = {"loadBalancerIP": wanted} if wanted else {}
        spec = {"type": "LoadBalancer", "selector": dict(self.gateways.options.labels), "ports": list(ports), **asked}
        meta = {"name": service_name(key), "namespace": self.gateways.options.namespace, "labels": labels}
        return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}

    # -- its status --------------------------------------------------------------------------------

    def _status(self, key: ObjectKey, found: Attachments, gateway: Object) -> Object:
        """What is to be said of a Gateway. A survey may be older than its status, which alone brings no new one."""
        now = self.clock.timestamp()
        before, generation = gateway.get("status") or {}, gateway["metadata"]["generation"]
        addresses = [
            {"type": "Hostname" if "hostname" in each else "IPAddress", "value": each.get("hostname") or each["ip"]}
            for each in addresses_of(self.gateways.service(key))
        ]
        known = {each["name"]: each for each in before.get("listeners") or ()}
        listeners = [
            {
                "name": door.name,
                "supportedKinds": list(door.kinds),
                "attachedRoutes": found.counts.get(door.name, 0),
                "conditions": said(
                    door.conditions(), known.get(door.name, {}).get("conditions") or (), generation, now
                ),
            }
            for door in found.doors
        ]
        self.saw(routes=sum(found.counts.values()), addresses=len(addresses))
        conditions = said(_about(found, addresses), before.get("conditions") or (), generation, now)
        return {**before, "addresses": addresses, "conditions": conditions, "listeners": listeners}


def _about(found: Attachments, addresses: Sequence[Object]) -> list[Condition]:
    """What is said of a Gateway as a whole."""
    working = [door for door in found.doors if door.works]
    asked = [each.get("value") for each in found.gateway["spec"].get("addresses") or () if each.get("value")]
    kinds = {each.get("type", "IPAddress") for each in found.gateway["spec"].get("addresses") or ()}
    if kinds - {"IPAddress", "Hostname"}:
        return [
            Condition("Accepted", False, "UnsupportedAddress", "Only addresses of the type IPAddress are supported"),
            Condition("Programmed", False, "Invalid", "Gateway is invalid"),
        ]
    if len(working) == len(found.doors):
        accepted = Condition("Accepted", True, "Accepted", "Gateway is accepted")
    else:
        accepted = Condition("Accepted", bool(working), "ListenersNotValid", "Not all listeners are valid")
    if not working:
        return [accepted, Condition("Programmed", False, "Invalid", "No listener is valid")]
    if not addresses:
        waiting = "No addresses have been assigned to the Gateway"
        return [accepted, Condition("Programmed", False, "AddressNotAssigned", waiting)]
    if asked and not {each["value"] for each in addresses} & set(asked):
        return [accepted, Condition("Programmed", False, "AddressNotUsable", "The address asked for is not to be had")]
    return [accepted, Condition("Programmed", True, "Programmed", "Gateway is programmed")]


class HTTPRouteController(_Loop):
    """Says of each route whether its parents take it, and whether all is there that it refers to."""

    name = "httproute-controller"
    resource = ROUTES

    def reconcile(self, key: ObjectKey) -> float | None:
        route = self.informers.of(ROUTES).get(*key)
        if route is None:
            return None
        status, now, ours = route.get("status") or {}, self.clock.timestamp(), self.gateways.options.gateway_class
        before = status.get("parents") or ()
        parents = []
        for ref, conditions in self.gateways.survey().parents.get(key, ()):
            own = (each for each in before if each["parentRef"] == ref and each["controllerName"] == ours)
            known: Object = next(own, {})
            written = said(conditions, known.get("conditions") or (), route["metadata"]["generation"], now)
            parents.append({"parentRef": ref, "controllerName": ours, "conditions": written})
            reasons = {each["type"]: each["reason"] for each in known.get("conditions") or ()}
            for each in conditions:
                self.compares(f"{each.type} by {ref['name']}", reasons.get(each.type, "-"), each.reason)
        others = [each for each in before if each["controllerName"] != ours]
        self.saw(parents=len(parents))
        if parents or others or before:
            self.put(route, {**status, "parents": [*parents, *others]})
        return None
