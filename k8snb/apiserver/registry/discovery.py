"""EndpointSlices: who stands behind a Service, up to a hundred (at most a thousand) endpoints to an object.

Upstream: `pkg/apis/discovery/v1/defaults.go`, `pkg/apis/discovery/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from k8snb.apiserver.registry import addresses, checks
from k8snb.apiserver.registry.filling import filled, within_each
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, duplicate, invalid_value, required, too_many
from k8snb.machinery import formats, validation
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MAX_ENDPOINTS = 1000
MAX_ADDRESSES = 100
MAX_PORTS = 20000
MAX_TOPOLOGY_LABELS = 16
MAX_ZONE_HINTS = 8
MAX_NODE_HINTS = 8
REMEMBERED = 20_000
"""How many sound endpoints are remembered."""


class EndpointSliceStrategy(Strategy):
    """The rules of EndpointSlices.

    A slice is written again whenever one of its endpoints changes, and the others are the same objects as
    before: those that were found sound are remembered, by identity, and not looked at again.
    """

    def __init__(self) -> None:
        self._sound: dict[tuple[str, int], Object] = {}

    def default(self, obj: Object) -> Object:
        return within_each(obj, "ports", _default_port)

    def validate(self, obj: Object) -> list[FieldError]:
        kind = obj.get("addressType", "")
        errors = checks.one_of("addressType", kind, ADDRESS_TYPES)
        errors += _validate_ports(obj.get("ports") or ())
        return errors + self._validate_endpoints(obj.get("endpoints") or (), kind)

    def _validate_endpoints(self, endpoints: Sequence[Object], kind: str) -> list[FieldError]:
        if len(endpoints) > MAX_ENDPOINTS:
            return [too_many("endpoints", len(endpoints), MAX_ENDPOINTS)]
        errors: list[FieldError] = []
        sound = self._sound
        for index, endpoint in enumerate(endpoints):
            key = (kind, id(endpoint))
            if sound.get(key) is endpoint:
                continue
            if not _is_plain(endpoint, kind) and (found := _validate_endpoint(f"endpoints[{index}]", endpoint, kind)):
                errors += found
            elif len(sound) < REMEMBERED:
                sound[key] = endpoint
            else:
                self._sound = sound = {key: endpoint}
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return checks.immutable("addressType", new.get("addressType", ""), old.get("addressType", ""))


def _default_port(port: Object) -> Object:
    port = filled(port, {"protocol": "TCP"})
    return {**port, "name": ""} if port.get("name") is None else port


def _is_plain(endpoint: Object, kind: str) -> bool:
    """Whether an endpoint is, at a glance, the address of a pod on a node, with nothing else to check."""
    found = endpoint.get("addresses")
    if kind != "IPv4" or not found or len(found) > 1 or not addresses.is_plain_endpoint(found[0]):
        return False
    return endpoint.keys().isdisjoint(_CHECKED) and _is_node(endpoint.get("nodeName"))


@lru_cache(maxsize=REMEMBERED)
def _is_node(name: str | None) -> bool:
    return name is None or not checks.dns_subdomain("nodeName", name)


_CHECKED = frozenset({"deprecatedTopology", "hostname", "hints"})


def _validate_endpoint(path: str, endpoint: Object, kind: str) -> list[FieldError]:
    found = endpoint.get("addresses") or ()
    errors: list[FieldError] = []
    if not found:
        errors.append(required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(found) > MAX_ADDRESSES:
        errors.append(too_many(f"{path}.addresses", len(found), MAX_ADDRESSES))
    for index, address in enumerate(found):
        errors += _validate_address(f"{path}.addresses[{index}]", address, kind)
    if endpoint.get("nodeName") is not None:
        errors += checks.dns_subdomain(f"{path}.nodeName", endpoint["nodeName"])
    topology = endpoint.get("deprecatedTopology")
    if topology:
        errors += _validate_topology(f"{path}.deprecatedTopology", topology)
    if endpoint.get("hostname") is not None:
        errors += checks.dns_label(f"{path}.hostname", endpoint["hostname"])
    hints = endpoint.get("hints")
    return errors + _validate_hints(f"{path}.hints", hints) if hints else errors


def _validate_topology(path: str, topology: Mapping[str, str]) -> list[FieldError]:
    errors = [too_many(path, len(topology), MAX_TOPOLOGY_LABELS)] if len(topology) > MAX_TOPOLOGY_LABELS else []
    return errors + validation.validate_labels(topology, path)


def _validate_address(path: str, address: str, kind: str) -> list[FieldError]:
    if kind == "IPv4" and addresses.is_plain_endpoint(address):
        return []
    if kind == "FQDN":
        return _fully_qualified(path, address)
    if kind not in ADDRESS_TYPES:
        return []
    found = addresses.parse_ip(address)
    wanted = kind.removeprefix("IP")
    errors = []
    if found is None or addresses.family_of(address) != kind:
        errors.append(invalid_value(path, address, f"must be a valid IP{wanted} address"))
    return errors + addresses.endpoint_ip(path, address)


def _fully_qualified(path: str, name: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    name = name.removesuffix(".")
    if messages := formats.dns_subdomain(name):
        return checks.each(path, name, messages)
    if "." not in name:
        return [invalid_value(path, name, "should be a domain with at least two segments separated by dots")]
    return [error for label in name.split(".") for error in checks.dns_label(path, label)]


def _validate_hints(path: str, hints: Object) -> list[FieldError]:
    zones, nodes = hints.get("forZones") or (), hints.get("forNodes") or ()
    errors = _validate_hint(f"{path}.forZones", zones, MAX_ZONE_HINTS, formats.label_value)
    return errors + _validate_hint(f"{path}.forNodes", nodes, MAX_NODE_HINTS, formats.dns_subdomain)


def _validate_hint(path: str, targets: Sequence[Object], limit: int, rule: formats.Check) -> list[FieldError]:
    if len(targets) > limit:
        return [too_many(path, len(targets), limit)]
    errors: list[FieldError] = []
    seen: list[str] = []
    for index, target in enumerate(targets):
        name = target.get("name", "")
        if name in seen:
            errors.append(duplicate(f"{path}[{index}].name", name))
        seen.append(name)
        errors += checks.each(f"{path}[{index}].name", name, rule(name))
    return errors


def _validate_ports(ports: Sequence[Object]) -> list[FieldError]:
    if len(ports) > MAX_PORTS:
        return [too_many("ports", len(ports), MAX_PORTS)]
    errors: list[FieldError] = []
    seen: list[str] = []
    for index, port in enumerate(ports):
        name = port.get("name") or ""
        errors += _validate_port(f"ports[{index}]", port, name, name in seen)
        seen.append(name)
    return errors


def _validate_port(path: str, port: Object, name: str, seen: bool) -> list[FieldError]:
    errors = checks.dns_label(f"{path}.name", name) if name else []
    if seen:
        errors.append(duplicate(f"{path}.name", name))
    errors += checks.one_of(f"{path}.protocol", port.get("protocol", ""), checks.PROTOCOLS)
    if port.get("appProtocol") is not None:
        errors += checks.qualified_name(f"{path}.appProtocol", port["appProtocol"])
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "endpointslices.discovery.k8s.io": lambda _: EndpointSliceStrategy(),
}
