"""Endpoints and EndpointSlices name who answers for a Service."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.registry.endpoints import DEPRECATED

from .writing import create, made, refusals, strategy, update, update_refusals

ENDPOINTS = strategy("endpoints")
SLICES = strategy("endpointslices.discovery.k8s.io")


def subset(**fields: Any) -> dict[str, Any]:
    return made("Endpoints", subsets=[{"addresses": [{"ip": "10.0.0.1"}], **fields}])


def test_ports_of_endpoints_are_tcp_unless_they_say_otherwise() -> None:
    stored = create(ENDPOINTS, subset(ports=[{"port": 80}]))
    assert stored["subsets"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]
    assert ENDPOINTS.deprecation == DEPRECATED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"addresses": []}, ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
        (
            {"addresses": [{"ip": "x"}]},
            [
                'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
                'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
            ],
        ),
        (
            {"notReadyAddresses": [{"ip": "169.254.1.1"}]},
            [
                'subsets[0].notReadyAddresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'
            ],
        ),
        (
            {"ports": [{"port": 0}]},
            ["subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
        ),
        ({"ports": [{"port": 1}, {"port": 2, "name": "b"}]}, ["subsets[0].ports[0].name: Required value"]),
    ],
)
def test_endpoints_can_be_reached(fields: dict[str, Any], expected: list[str]) -> None:
    assert refusals(ENDPOINTS, subset(**fields)) == expected


def slice(kind: str = "IPv4", *, endpoints: Any = (), **fields: Any) -> dict[str, Any]:
    return made("EndpointSlice", addressType=kind, endpoints=list(endpoints), **fields)


def at(*addresses: str, **fields: Any) -> dict[str, Any]:
    return {"addresses": list(addresses), **fields}


def test_ports_of_slices_have_a_name_and_a_protocol() -> None:
    assert create(SLICES, slice(ports=[{"port": 80}]))["ports"] == [{"port": 80, "protocol": "TCP", "name": ""}]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (slice(""), ["addressType: Required value"]),
        (slice("IP"), ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"']),
        (slice(endpoints=[at()]), ["endpoints[0].addresses: Required value: must contain at least 1 address"]),
        (
            slice(endpoints=[at(*(["10.0.0.1"] * 101))]),
            ["endpoints[0].addresses: Too many: 101: must have at most 100 items"],
        ),
        (slice(endpoints=[at("10.0.0.1")] * 1001), ["endpoints: Too many: 1001: must have at most 1000 items"]),
        (
            slice(endpoints=[at("fd00::1")]),
            ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address'],
        ),
        (
            slice("IPv6", endpoints=[at("fd00::1"), at("10.0.0.1")]),
            ['endpoints[1].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address'],
        ),
        (
            slice(endpoints=[at("127.0.0.1")]),
            [
                'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'
            ],
        ),
        (
            slice("FQDN", endpoints=[at("example.com."), at("short")]),
            [
                'endpoints[1].addresses[0]: Invalid value: "short": should be a domain with at least two segments separated by dots'
            ],
        ),
        (slice(ports=[{"name": "a", "port": 1}, {"name": "a", "port": 2}]), ['ports[1].name: Duplicate value: "a"']),
        (
            slice(ports=[{"name": "a", "port": 1, "protocol": "X"}]),
            ['ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
        ),
        (
            slice(endpoints=[at("10.0.0.1", hints={"forZones": [{"name": "a"}, {"name": "a"}]})]),
            ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
        ),
    ],
)
def test_a_slice_is_of_one_kind_of_address(given: dict[str, Any], expected: list[str]) -> None:
    assert refusals(SLICES, given) == expected


def test_an_endpoint_found_sound_is_sound_for_its_kind_of_address_only() -> None:
    endpoint = at("10.0.0.1")
    assert refusals(SLICES, slice(endpoints=[endpoint, endpoint])) == []
    assert refusals(SLICES, slice(endpoints=[endpoint])) == []
    told = 'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address'
    assert refusals(SLICES, slice("IPv6", endpoints=[endpoint])) == [told]


def test_the_kind_of_address_of_a_slice_does_not_change() -> None:
    stored = create(SLICES, slice(endpoints=[at("10.0.0.1")]))
    told = 'addressType: Invalid value: "FQDN": field is immutable'
    assert update_refusals(SLICES, stored, addressType="FQDN", endpoints=[]) == [told]
    assert update(SLICES, stored, endpoints=[])["endpoints"] == []
