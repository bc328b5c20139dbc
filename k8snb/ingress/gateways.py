"""From Gateways to listeners: what each of them asks for, what is wrong with it, and who may attach.

A listener is a port, a protocol and a host; with TLS it names the Secrets with its certificates. Nothing is wrong with
a Gateway that is not wrong with a listener, so each listener has its own conditions. Source: `Listener` and
`ListenerConditionReason` of Gateway API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.ingress import certificates
from k8snb.ingress.cache import Cache
from k8snb.ingress.conditions import Condition
from k8snb.ingress.grants import GROUP, Reference
from k8snb.machinery.objects import labels_of
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object, ObjectKey

HTTP, HTTPS = "HTTP", "HTTPS"
ROUTE: Object = {"group": GROUP, "kind": "HTTPRoute"}


@dataclass(frozen=True, slots=True)
class Door:
    """One listener of a Gateway, looked at."""

    gateway: Object
    spec: Object
    unsupported: bool = False
    conflict: str = ""
    refs: tuple[str, str] = ("", "")
    """Why its references do not resolve: reason and message."""
    kinds: Sequence[Object] = (ROUTE,)
    certificates: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the Gateway calls it."""
        return str(self.spec["name"])

    @property
    def host(self) -> str:
        """The host that it is for; empty for all."""
        return str(self.spec.get("hostname") or "")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.spec["port"])

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS."""
        return bool(self.spec["protocol"] == HTTPS)

    @property
    def works(self) -> bool:
        """Whether requests can come in: nothing is wrong with it, or only with some of the kinds that it allows."""
        refs = not self.refs[0] or (self.refs[0] == "InvalidRouteKinds" and bool(self.kinds))
        return not self.unsupported and not self.conflict and refs

    def conditions(self) -> Iterator[Condition]:
        """What its status says."""
        protocol = self.spec["protocol"]
        if self.unsupported:
            yield Condition("Accepted", False, "UnsupportedProtocol", f"protocol {protocol} is not supported")
        elif self.conflict:
            yield Condition("Accepted", False, self.conflict, "another listener of the port has another protocol")
        else:
            yield Condition("Accepted", True, "Accepted", "Listener is accepted")
        clear = Condition("Conflicted", False, "NoConflicts", "No conflicts")
        yield Condition("Conflicted", True, self.conflict, "Protocols differ") if self.conflict else clear
        reason, message = self.refs
        fine = Condition("ResolvedRefs", True, "ResolvedRefs", "All references are resolved")
        yield Condition("ResolvedRefs", False, reason, message) if reason else fine
        if self.works:
            yield Condition("Programmed", True, "Programmed", "Listener is programmed")
        else:
            yield Condition("Programmed", False, "Invalid", "Listener is invalid")

    def allows(self, route: Object, namespace: Object | None) -> bool:
        """Whether routes of that kind and namespace may attach."""
        if {"group": GROUP, "kind": route["kind"]} not in self.kinds:
            return False
        allowed = (self.spec.get("allowedRoutes") or {}).get("namespaces") or {}
        origin = allowed.get("from", "Same")
        if origin == "Selector":
            return of_object(allowed.get("selector") or {}).matches(labels_of(namespace) if namespace else {})
        same = route["metadata"]["namespace"] == self.gateway["metadata"]["namespace"]
        return bool(origin == "All" or (origin == "Same" and same))


def doors_of(gateway: Object, cache: Cache, grants: Sequence[Object]) -> list[Door]:
    """The listeners of a Gateway."""
    specs = gateway["spec"].get("listeners") or ()
    by_port: dict[int, set[str]] = {}
    for spec in specs:
        by_port.setdefault(spec["port"], set()).add(spec["protocol"])
    return [_door(gateway, spec, by_port[spec["port"]], cache, grants) for spec in specs]


def _door(gateway: Object, spec: Object, protocols: set[str], cache: Cache, grants: Sequence[Object]) -> Door:
    if spec["protocol"] not in (HTTP, HTTPS):
        return Door(gateway, spec, unsupported=True, kinds=())
    conflict = "ProtocolConflict" if len(protocols) > 1 else ""
    asked = (spec.get("allowedRoutes") or {}).get("kinds") or [ROUTE]
    kinds = [ROUTE for each in asked if {"group": each.get("group", GROUP), "kind": each["kind"]} == ROUTE]
    refs = ("InvalidRouteKinds", "only HTTPRoutes are supported") if len(kinds) < len(asked) else ("", "")
    found: dict[str, tuple[str, str]] = {}
    if spec["protocol"] == HTTPS:
        found, wrong = _certificates(gateway, spec, cache, grants)
        refs = wrong if wrong[0] else refs
    return Door(gateway, spec, False, conflict, refs, kinds[:1], found)


def _certificates(
    gateway: Object, spec: Object, cache: Cache, grants: Sequence[Object]
) -> tuple[dict[str, tuple[str, str]], tuple[str, str]]:
    """The certificates by host, the first for whoever asks for another one; and why one cannot be had."""
    found: dict[str, tuple[str, str]] = {}
    for ref in (spec.get("tls") or {}).get("certificateRefs") or ():
        namespace = gateway["metadata"]["namespace"]
        key = ObjectKey(ref.get("namespace") or namespace, ref["name"])
        if (ref.get("group", ""), ref.get("kind", "Secret")) != ("", "Secret"):
            return {}, ("InvalidCertificateRef", f"{ref.get('kind')} {key} is no Secret")
        if not Reference("Gateway", namespace, "Secret", *key).is_permitted(grants):
            return {}, ("RefNotPermitted", f"no ReferenceGrant allows to refer to Secret {key}")
        pem, wrong = certificates.of_secret(cache.secret(key))
        if wrong:
            return {}, ("InvalidCertificateRef", f"Secret {key} {wrong}")
        shown = (f"Secret/{key.name}", pem)
        for name in certificates.read(pem).names.dns:
            found.setdefault(name, shown)
        found.setdefault("", shown)
    return found, (("", "") if found else ("InvalidCertificateRef", "no certificate is referred to"))
