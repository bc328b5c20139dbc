"""What Services may say: refusals in upstream's words, and warnings."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.registry.services import (
    service,
    services,
)
from tests.apiserver.registry.writing import create, refusals


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"ports": []}, ["spec.ports: Required value"]),
        (
            {"ports": [{"port": 70000}]},
            [
                "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            ],
        ),
        (
            {"ports": [{"port": 1}, {"port": 2, "name": "B"}]},
            [
                "spec.ports[0].name: Required value",
                "spec.ports[1].name: Invalid value: \"B\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name', or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ],
        ),
        (
            {"ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "a"}]},
            [
                'spec.ports[1].name: Duplicate value: "a"',
                'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}',
            ],
        ),
        (
            {"ports": [{"port": 1, "protocol": "ICMP"}]},
            ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
        ),
        (
            {"ports": [{"port": 1, "nodePort": 30000}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
        ),
        (
            {"sessionAffinity": "Cookie"},
            ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
        ),
        (
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}},
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400"
            ],
        ),
        (
            {"externalIPs": ["127.0.0.1", "0.0.0.0", "x"], "externalTrafficPolicy": "Cluster"},
            [
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
                'spec.externalIPs[1]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
                'spec.externalIPs[2]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
            ],
        ),
        (
            {"externalTrafficPolicy": "Local"},
            ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
        ),
        (
            {"internalTrafficPolicy": "Near"},
            ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
        ),
        (
            {"trafficDistribution": "Near"},
            [
                'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"'
            ],
        ),
        (
            {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
            ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
        ),
        (
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.1/8", "nope"]},
            [
                'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
                'spec.LoadBalancerSourceRanges[1]: Invalid value: "nope": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
            ],
        ),
        (
            {"allocateLoadBalancerNodePorts": True},
            ["spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"],
        ),
        (
            {"type": "NodePort", "clusterIP": "None"},
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
        ),
        ({"type": "ExternalName", "externalName": ""}, ["spec.externalName: Required value"]),
        (
            {"type": "ExternalName", "externalName": "a", "clusterIP": "10.96.0.9"},
            ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
        ),
        (
            {"type": "Magic"},
            [
                'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
        ),
        (
            {"healthCheckNodePort": 30100},
            [
                "spec.healthCheckNodePort: Invalid value: 30100: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            ],
        ),
    ],
)
def test_what_a_service_says_is_checked_in_upstreams_words(spec: dict[str, Any], expected: list[str]) -> None:
    assert refusals(services(), service(**spec)) == expected


@pytest.mark.parametrize(
    ("ingress", "expected"),
    [
        ([{"ip": "192.0.2.1", "ipMode": "VIP"}, {"hostname": "lb.example.com"}], []),
        (
            [{"ip": "192.0.2.1"}],
            ["status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set"],
        ),
        (
            [{"hostname": "192.0.2.1"}],
            [
                'status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'
            ],
        ),
    ],
)
def test_a_load_balancer_reports_addresses_or_names(ingress: list[Any], expected: list[str]) -> None:
    rules = services()
    stored = {**create(rules, service(type="LoadBalancer")), "status": {"loadBalancer": {"ingress": ingress}}}
    assert [str(error) for error in rules.validate_status(stored, stored)] == expected


def test_the_address_of_a_load_balancer_is_virtual_unless_it_says_otherwise() -> None:
    rules = services()
    stored = create(rules, service(type="LoadBalancer"))
    reported = rules.prepare_status({**stored, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, stored)
    assert reported["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]
    assert rules.validate_status(reported, stored) == []


def test_only_a_load_balancer_reports_addresses() -> None:
    rules = services()
    stored = {**create(rules, service()), "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    told = "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
    assert [str(error) for error in rules.validate_status(stored, stored)] == [told]


def test_services_are_selected_by_type_and_address() -> None:
    rules = services()
    stored = create(rules, service(clusterIP="10.96.0.10"))
    selected = {path: value(stored) for path, value in rules.fields.items()}
    assert selected == {"spec.clusterIP": "10.96.0.10", "spec.type": "ClusterIP"}


@pytest.mark.parametrize(
    ("spec", "warnings"),
    [
        ({}, []),
        ({"externalIPs": ["192.0.2.9"]}, ["spec.externalIPs is deprecated"]),
        ({"clusterIP": "None", "externalIPs": ["192.0.2.9"]}, ["spec.externalIPs is ignored for headless services"]),
        (
            {"clusterIP": "None", "sessionAffinity": "ClientIP"},
            ["spec.SessionAffinity is ignored for headless services"],
        ),
        ({"externalName": "db.example.com"}, ['spec.externalName is ignored when spec.type is not "ExternalName"']),
        (
            {"trafficDistribution": "PreferClose"},
            ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
        ),
        ({"trafficDistribution": "PreferSameZone"}, []),
    ],
)
def test_a_service_that_says_what_is_idle_or_old_earns_a_warning(spec: dict[str, Any], warnings: list[str]) -> None:
    rules = services()
    assert rules.warnings(create(rules, service(**spec))) == warnings
