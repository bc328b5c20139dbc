"""Ingresses, IngressClasses, NetworkPolicies and the addresses of Services."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.registry.writing import create, made, refusals, strategy, update_refusals

INGRESSES = strategy("ingresses.networking.k8s.io")
CLASSES = strategy("ingressclasses.networking.k8s.io")
POLICIES = strategy("networkpolicies.networking.k8s.io")
RANGES = strategy("servicecidrs.networking.k8s.io")
ADDRESSES = strategy("ipaddresses.networking.k8s.io")
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def path(path: str = "/", type: str | None = "Prefix", backend: Any = BACKEND) -> dict[str, Any]:
    return {"path": path, "backend": backend, **({"pathType": type} if type else {})}


def ingress(*paths: Any, host: str = "a.example", **spec: Any) -> dict[str, Any]:
    rules = {"rules": [{"host": host, "http": {"paths": [*paths]}}]} if paths else {}
    return made("Ingress", "web", spec={**rules, **spec})


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        (ingress(), ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]),
        (
            ingress(path(type=None)),
            ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
        ),
        (
            ingress(path("/a//b/..", "Exact")),
            [
                "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/..\": must not contain '//'",
                "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/..\": cannot end with '/..'",
            ],
        ),
        (
            ingress(path(type="Any")),
            [
                'spec.rules[0].http.paths[0].pathType: Unsupported value: "Any": supported values: "Exact", '
                '"ImplementationSpecific", "Prefix"'
            ],
        ),
        (
            ingress(path(backend={})),
            ['spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required'],
        ),
        (
            ingress(path(), host="10.0.0.1"),
            ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
        ),
        (
            ingress(defaultBackend={"service": {"name": "web", "port": {"name": "http", "number": 80}}}),
            ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
        ),
    ],
)
def test_a_wrong_ingress_is_refused(obj, found):
    assert refusals(INGRESSES, obj) == found


def test_an_ingress_class_keeps_its_controller():
    old = create(
        CLASSES,
        made("IngressClass", "c", "", spec={"controller": "example.com/c", "parameters": {"kind": "P", "name": "p"}}),
    )
    assert old["spec"]["parameters"]["scope"] == "Cluster"
    assert update_refusals(CLASSES, old, spec={"controller": "example.com/d"}) == [
        'spec.controller: Invalid value: "example.com/d": field is immutable'
    ]


def policy(**spec: Any) -> dict[str, Any]:
    return made("NetworkPolicy", "p", spec={"podSelector": {}, **spec})


def test_a_network_policy_has_the_types_of_its_rules():
    assert create(POLICIES, policy())["spec"]["policyTypes"] == ["Ingress"]
    spec = create(POLICIES, policy(egress=[{"ports": [{"port": 53}]}]))["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["egress"] == [{"ports": [{"port": 53, "protocol": "TCP"}]}]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"ports": [{"port": 0}]}, ["ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"]),
        (
            {"ports": [{"port": 90, "endPort": 80}]},
            ["ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`"],
        ),
        (
            {"ports": [{"endPort": 80}]},
            ["ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified"],
        ),
        ({"from": [{}]}, ["from[0]: Required value: must specify a peer"]),
        (
            {"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]},
            ["from[0]: Forbidden: may not specify both ipBlock and another peer"],
        ),
        (
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]},
            ['from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
        ),
    ],
)
def test_a_wrong_rule_of_a_network_policy_is_refused(rule, found):
    texts = refusals(POLICIES, policy(ingress=[rule]))
    assert [text.removeprefix("spec.ingress[0].") for text in texts] == found


def test_a_service_range_may_only_gain_a_second_family():
    old = create(RANGES, made("ServiceCIDR", "more", "", spec={"cidrs": ["10.1.0.0/16"]}))
    assert update_refusals(RANGES, old, spec={"cidrs": ["10.1.0.0/16", "fd00::/64"]}) == []
    assert update_refusals(RANGES, old, spec={"cidrs": ["10.2.0.0/16"]}) == [
        'spec.cidrs[0]: Invalid value: "10.2.0.0/16": field is immutable'
    ]


def test_an_address_belongs_to_somebody():
    assert refusals(ADDRESSES, made("IPAddress", "10.0.0.1", "", spec={"parentRef": {"resource": "services"}})) == [
        "spec.parentRef.name: Required value"
    ]
