"""Endpoints, the deprecated form of EndpointSlices: what stands behind a Service, in one object.

Upstream: `SetDefaults_Endpoints`, `RepackSubsets`, `ValidateEndpoints`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry import addresses, checks
from k8snb.apiserver.registry.filling import filled, within_each
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, required
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


class EndpointsStrategy(Strategy):
    """The rules of Endpoints."""

    counts_generation = False
    deprecation = DEPRECATED

    def default(self, obj: Object) -> Object:
        return within_each(obj, "subsets", _default_subset)

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        for index, subset in enumerate(obj.get("subsets") or ()):
            errors += _validate_subset(f"subsets[{index}]", subset)
        return errors


def _default_subset(subset: Object) -> Object:
    return within_each(subset, "ports", lambda port: filled(port, {"protocol": "TCP"}))


def _validate_subset(path: str, subset: Object) -> list[FieldError]:
    ready, unready = subset.get("addresses") or (), subset.get("notReadyAddresses") or ()
    errors = [] if ready or unready else [required(path, "must specify `addresses` or `notReadyAddresses`")]
    for index, address in enumerate(ready):
        errors += _validate_address(f"{path}.addresses[{index}]", address)
    for index, address in enumerate(unready):
        errors += _validate_address(f"{path}.notReadyAddresses[{index}]", address)
    ports = subset.get("ports") or ()
    for index, port in enumerate(ports):
        errors += _validate_port(f"{path}.ports[{index}]", port, len(ports) > 1)
    return errors


def _validate_address(path: str, address: Object) -> list[FieldError]:
    value = address.get("ip", "")
    plain = addresses.is_plain_endpoint(value)
    errors = [] if plain else addresses.ip(f"{path}.ip", value)
    if address.get("hostname"):
        errors += checks.dns_label(f"{path}.hostname", address["hostname"])
    if address.get("nodeName") is not None:
        errors += checks.dns_subdomain(f"{path}.nodeName", address["nodeName"])
    return errors if plain else errors + addresses.endpoint_ip(f"{path}.ip", value)


def _validate_port(path: str, port: Object, named: bool) -> list[FieldError]:
    name = port.get("name", "")
    errors = [required(f"{path}.name")] if named and not name else []
    if name:
        errors += checks.dns_label(f"{path}.name", name)
    errors += checks.port_number(f"{path}.port", port.get("port", 0))
    errors += checks.one_of(f"{path}.protocol", port.get("protocol", ""), checks.PROTOCOLS)
    if port.get("appProtocol") is not None:
        errors += checks.qualified_name(f"{path}.appProtocol", port["appProtocol"])
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"endpoints": lambda _: EndpointsStrategy()}
