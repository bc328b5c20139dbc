"""Services: defaults, addresses, node ports, and what changes with their type."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from k8snb.apiserver.registry.service_plan import SERVICE_CIDR
from tests.apiserver.registry.services import (
    change_refusals,
    changed,
    refused,
    service,
    services,
    spec_of,
)
from tests.apiserver.registry.writing import create, made

# -- defaults ----------------------------------------------------------------------------------------------


def test_a_service_is_a_cluster_ip_of_one_family_unless_it_says_otherwise() -> None:
    stored = create(services(), service(ports=[{"port": 80, "targetPort": "http"}, {"name": "b", "port": 81}][:1]))
    address = stored["spec"]["clusterIP"]
    assert stored["spec"] == {
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": "http", "protocol": "TCP"}],
        "sessionAffinity": "None",
        "type": "ClusterIP",
        "internalTrafficPolicy": "Cluster",
        "ipFamilyPolicy": "SingleStack",
        "ipFamilies": ["IPv4"],
        "clusterIP": address,
        "clusterIPs": [address],
    }
    assert stored["status"] == {"loadBalancer": {}}


def test_the_target_port_is_the_port_unless_given() -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81, "targetPort": 8081, "protocol": "UDP"}]
    assert create(services(), service(ports=ports))["spec"]["ports"] == [
        {"name": "a", "port": 80, "protocol": "TCP", "targetPort": 80},
        {"name": "b", "port": 81, "protocol": "UDP", "targetPort": 8081},
    ]


def test_client_ip_affinity_lasts_three_hours_unless_given() -> None:
    stored = create(services(), service(sessionAffinity="ClientIP"))
    assert stored["spec"]["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    dropped = changed(services(), stored, sessionAffinity="None")
    assert "sessionAffinityConfig" not in dropped["spec"]


def test_a_load_balancer_has_node_ports_and_both_traffic_policies() -> None:
    stored = create(services(), service(type="LoadBalancer"))
    expected = ["Cluster", "Cluster", True]
    assert (
        spec_of(stored, "externalTrafficPolicy", "internalTrafficPolicy", "allocateLoadBalancerNodePorts") == expected
    )
    assert stored["spec"]["ports"][0]["nodePort"] in range(30086, 32768)


def test_a_load_balancer_that_stays_local_gets_a_health_check_port_until_it_no_longer_does() -> None:
    rules = services()
    stored = create(rules, service(type="LoadBalancer", externalTrafficPolicy="Local"))
    port = stored["spec"]["healthCheckNodePort"]
    assert port in range(30000, 32768)
    assert changed(rules, stored, selector={"a": "b"})["spec"]["healthCheckNodePort"] == port
    assert "healthCheckNodePort" not in changed(rules, stored, externalTrafficPolicy="Cluster")["spec"]


def test_a_load_balancer_may_do_without_node_ports() -> None:
    stored = create(services(), service(type="LoadBalancer", allocateLoadBalancerNodePorts=False))
    assert "nodePort" not in stored["spec"]["ports"][0]


def test_a_cluster_ip_with_external_ips_has_an_external_traffic_policy() -> None:
    stored = create(services(), service(externalIPs=["192.0.2.1"]))
    assert stored["spec"]["externalTrafficPolicy"] == "Cluster"


def test_an_external_name_has_no_address_and_no_families() -> None:
    stored = create(services(), made("Service", "ext", spec={"type": "ExternalName", "externalName": "example.com."}))
    assert stored["spec"] == {"type": "ExternalName", "externalName": "example.com.", "sessionAffinity": "None"}


def test_a_headless_service_has_none_for_an_address() -> None:
    stored = create(services(), service(clusterIP="None"))
    assert spec_of(stored, "clusterIP", "clusterIPs", "ipFamilies") == ["None", ["None"], ["IPv4"]]


def test_a_headless_service_without_selector_speaks_both_families() -> None:
    stored = create(services(), service(clusterIP="None", selector={}))
    assert spec_of(stored, "ipFamilies", "ipFamilyPolicy") == [["IPv4", "IPv6"], "RequireDualStack"]


# -- addresses ---------------------------------------------------------------------------------------------


def test_addresses_come_from_the_upper_band_and_are_the_same_for_the_same_seed() -> None:
    def addresses(seed: int) -> list[str]:
        rules = services(seed)
        return [create(rules, service(f"s{n}"))["spec"]["clusterIP"] for n in range(200)]

    drawn = addresses(1)
    assert drawn == addresses(1) != addresses(2)
    assert len(set(drawn)) == 200
    low = ipaddress.ip_address("10.96.1.1")
    assert all(ipaddress.ip_address(a) in SERVICE_CIDR and ipaddress.ip_address(a) >= low for a in drawn)  # type: ignore[operator]


def test_preparing_a_service_takes_nothing() -> None:
    rules, other = services(), services()
    for _ in range(3):
        rules.prepare_create(rules.default(service("dry", type="NodePort")))
    assert create(rules, service(type="NodePort")) == create(other, service(type="NodePort"))


def test_an_address_can_be_asked_for_once_and_again_when_it_is_released() -> None:
    rules = services()
    first = create(rules, service("a", clusterIP="10.96.0.10"))
    told = 'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: '
    assert refused(rules, service("b", clusterIP="10.96.0.10")) == f"{told}provided IP is already allocated"
    rules.release(first)
    assert create(rules, service("b", clusterIP="10.96.0.10"))["spec"]["clusterIPs"] == ["10.96.0.10"]


@pytest.mark.parametrize("address", ["10.9.9.9", "10.96.0.0", "10.96.255.255"])
def test_an_address_outside_the_range_cannot_be_had(address: str) -> None:
    why = "the provided network does not match the current range"
    told = f'spec.clusterIPs: Invalid value: ["{address}"]: failed to allocate IP {address}: {why}'
    assert refused(services(), service(clusterIP=address)) == f'Service "web" is invalid: {told}'


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {"clusterIP": "300.1.1.1"},
            'spec.clusterIPs[0]: Invalid value: "300.1.1.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
        ({"clusterIP": "010.96.0.9"}, 'spec.clusterIPs[0]: Invalid value: "010.96.0.9": must not have leading 0s'),
        (
            {"clusterIPs": ["10.96.0.9"]},
            'spec.clusterIPs: Invalid value: ["10.96.0.9"]: must be empty when `clusterIP` is not specified',
        ),
        (
            {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.8"]},
            'spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`',
        ),
        (
            {"clusterIP": "None", "clusterIPs": ["None", "10.96.0.8"]},
            'spec.clusterIPs: Invalid value: ["None","10.96.0.8"]: \'None\' must be the first and only value',
        ),
        (
            {"clusterIP": "fd00::1"},
            'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
        ),
        ({"ipFamilies": ["IPv6"]}, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        ({"ipFamilies": ["IPv5"]}, 'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'),
        (
            {"ipFamilyPolicy": "RequireDualStack"},
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
        ),
        (
            {"ipFamilies": ["IPv4", "IPv6"]},
            "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
        ),
        (
            {"ipFamilies": ["IPv6"], "clusterIP": "10.96.0.9"},
            'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
        ),
    ],
)
def test_addresses_and_families_agree(spec: dict[str, Any], told: str) -> None:
    assert refused(services(), service(**spec)) == f'Service "web" is invalid: {told}'


def test_preferring_two_families_gets_the_one_there_is() -> None:
    stored = create(services(), service(ipFamilyPolicy="PreferDualStack"))
    assert stored["spec"]["ipFamilies"] == ["IPv4"]
    assert changed(services(), stored, selector={"a": "b"})["spec"]["clusterIPs"] == stored["spec"]["clusterIPs"]


# -- node ports --------------------------------------------------------------------------------------------


def test_a_node_port_outside_the_range_is_what_a_bad_service_hears_first() -> None:
    bad = service("bad", type="NodePort", ports=[{"port": 70000, "nodePort": 80}, {"port": 80}])
    told = "provided port is not in the valid range. The range of valid ports is 30000-32767"
    assert refused(services(), bad) == f'Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 80: {told}'


def test_a_node_port_can_be_taken_once() -> None:
    rules = services()
    create(rules, service("a", type="NodePort", ports=[{"port": 80, "nodePort": 30080}]))
    told = "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"
    again = service("b", type="NodePort", ports=[{"port": 80, "nodePort": 30080}])
    assert refused(rules, again) == f'Service "b" is invalid: {told}'


def test_tcp_and_udp_of_one_port_share_a_node_port() -> None:
    ports = [{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}]
    stored = create(services(), service(type="NodePort", ports=ports))
    assert len({port["nodePort"] for port in stored["spec"]["ports"]}) == 1


def test_node_ports_run_out() -> None:
    rules = services()
    for number in range(30000, 32768):
        create(rules, service(f"s{number}", type="NodePort", ports=[{"port": 80, "nodePort": number}]))
    told = "Internal error occurred: failed to allocate a nodePort: range is full"
    assert refused(rules, service("last", type="NodePort")) == told


def test_a_put_without_node_ports_keeps_those_there_are() -> None:
    rules = services()
    stored = create(rules, service(type="NodePort"))
    sent = service(type="NodePort", ports=[{"port": 80}, {"name": "b", "port": 81}])
    sent["spec"]["ports"][0]["name"] = ""
    after = rules.prepare_update(rules.default(sent), stored)
    numbers = [port["nodePort"] for port in after["spec"]["ports"]]
    assert numbers[0] == stored["spec"]["ports"][0]["nodePort"] != numbers[1]
    assert after["spec"]["clusterIPs"] == stored["spec"]["clusterIPs"]


# -- changes -----------------------------------------------------------------------------------------------


def test_the_address_of_a_service_does_not_change() -> None:
    stored = create(services(), service())
    told = ['spec.clusterIPs[0]: Invalid value: ["10.9.9.9"]: may not change once set']
    assert change_refusals(services(), stored, clusterIP="10.9.9.9") == told
    assert change_refusals(services(), stored, clusterIP="None")[0].endswith('["None"]: may not change once set')


def test_from_node_port_to_cluster_ip_the_ports_are_given_back() -> None:
    rules = services()
    stored = create(rules, service(type="NodePort", ports=[{"port": 80, "nodePort": 30080}]))
    after = changed(rules, stored, type="ClusterIP")
    assert "nodePort" not in after["spec"]["ports"][0]
    assert "externalTrafficPolicy" not in after["spec"]
    assert after["spec"]["clusterIP"] == stored["spec"]["clusterIP"]
    create(rules, service("next", type="NodePort", ports=[{"port": 80, "nodePort": 30080}]))


def test_to_external_name_and_back_the_address_is_another() -> None:
    rules = services()
    stored = create(rules, service(clusterIP="10.96.0.50"))
    named = changed(rules, stored, type="ExternalName", externalName="example.com")
    assert spec_of(named, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy") == [None] * 4
    create(rules, service("taker", clusterIP="10.96.0.50"))
    back = changed(rules, named, type="ClusterIP", externalName=None)
    assert back["spec"]["clusterIP"] not in ("10.96.0.50", None)


def test_a_service_that_stops_being_a_load_balancer_loses_what_belonged_to_it() -> None:
    rules = services()
    stored = create(rules, service(type="LoadBalancer", loadBalancerClass="example.com/lb"))
    stored = {**stored, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    after = changed(rules, stored, type="ClusterIP")
    gone = ("allocateLoadBalancerNodePorts", "loadBalancerClass", "externalTrafficPolicy")
    assert spec_of(after, *gone) == [None] * 3
    assert after["status"] == {"loadBalancer": {}}


def test_the_class_of_a_load_balancer_does_not_change() -> None:
    stored = create(services(), service(type="LoadBalancer", loadBalancerClass="example.com/a"))
    told = 'spec.loadBalancerClass: Invalid value: "example.com/b": may not change once set'
    assert change_refusals(services(), stored, loadBalancerClass="example.com/b") == [told]
