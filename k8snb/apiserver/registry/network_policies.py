"""NetworkPolicies: who may talk to whom.

Upstream: `pkg/apis/networking/v1/defaults.go`, `ValidateNetworkPolicySpec` in
`pkg/apis/networking/validation/validation.go`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry.addresses import cidr
from k8snb.apiserver.registry.filling import filled, within_each, within_new
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import validate_label_selector
from k8snb.typing import Object

Findings = Iterator[FieldError]

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")
_PEERS = {"ingress": "from", "egress": "to"}


class NetworkPolicyStrategy(Strategy):
    """The rules of NetworkPolicies."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _default_spec)

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_spec(obj.get("spec") or {}))


def _default_spec(spec: Object) -> Object:
    for direction in _PEERS:
        spec = within_each(spec, direction, lambda rule: within_each(rule, "ports", _default_port))
    if spec.get("policyTypes"):
        return spec
    return {**spec, "policyTypes": ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]}


def _default_port(port: Object) -> Object:
    return filled(port, {"protocol": "TCP"})


def _validate_spec(spec: Object) -> Findings:
    yield from validate_label_selector(spec.get("podSelector") or {}, "spec.podSelector")
    for direction, peers in _PEERS.items():
        for at, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{at}]"
            for index, port in enumerate(rule.get("ports") or ()):
                yield from _validate_port(port, f"{path}.ports[{index}]")
            for index, peer in enumerate(rule.get(peers) or ()):
                yield from _validate_peer(peer, f"{path}.{peers}[{index}]")
    types = spec.get("policyTypes") or ()
    if len(types) > len(_TYPES):
        yield invalid_value("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for at, type in enumerate(types):
        if type not in _TYPES:
            yield not_supported(f"spec.policyTypes[{at}]", type, _TYPES)


def _validate_port(port: Object, path: str) -> Findings:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in _PROTOCOLS:
        yield not_supported(f"{path}.protocol", protocol, _PROTOCOLS)
    if number is None:
        if end is not None:
            yield invalid_value(f"{path}.endPort", end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            yield invalid_value(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        for message in formats.port_name(number):
            yield invalid_value(f"{path}.port", number, message)
    else:
        for message in formats.port_number(number):
            yield invalid_value(f"{path}.port", number, message)
        if end is not None:
            if end < number:
                yield invalid_value(f"{path}.endPort", end, "must be greater than or equal to `port`")
            for message in formats.port_number(end):
                yield invalid_value(f"{path}.endPort", end, message)


def _validate_peer(peer: Object, path: str) -> Findings:
    named = [name for name in ("podSelector", "namespaceSelector") if peer.get(name) is not None]
    for name in named:
        yield from validate_label_selector(peer[name], f"{path}.{name}")
    block = peer.get("ipBlock")
    if block is not None:
        yield from _validate_block(block, f"{path}.ipBlock")
        if named:
            yield field_forbidden(path, "may not specify both ipBlock and another peer")
    elif not named:
        yield required(path, "must specify a peer")


def _validate_block(block: Object, path: str) -> Findings:
    text = block.get("cidr") or ""
    if not text:
        yield required(f"{path}.cidr")
        return
    yield from cidr(f"{path}.cidr", text)
    whole = _network(text)
    if whole is None:
        return
    for at, hole in enumerate(block.get("except") or ()):
        yield from cidr(f"{path}.except[{at}]", hole)
        inner = _network(hole)
        if inner is not None and not _is_within(inner, whole):
            yield invalid_value(f"{path}.except[{at}]", hole, "must be a strict subset of `cidr`")


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_within(inner: _Network, whole: _Network) -> bool:
    return inner.network_address in whole and inner.prefixlen > whole.prefixlen


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "networkpolicies.networking.k8s.io": lambda _: NetworkPolicyStrategy(),
}
