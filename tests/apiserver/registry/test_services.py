"""Services are defaulted, addressed and checked as upstream does it."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from k8snb.apiserver.registry.service_plan import SERVICE_CIDR
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import StatusError
from k8snb.typing import Object

from .writing import create, made, refusals, strategy, update, update_refusals

PORT = {"port": 80}


def services(seed: int = 1) -> Strategy:
    return strategy("services", seed)


def service(name: str = "web", *, ports: Any = (PORT,), selector: Any = None, **spec: Any) -> dict[str, Any]:
    selector = {"app": name} if selector is None else selector
    return made("Service", name, spec={"selector": selector, "ports": [dict(port) for port in ports], **spec})


def refused(rules: Strategy, obj: Object) -> str:
    with pytest.raises(StatusError) as caught:
        create(rules, obj)
    return caught.value.message


def spec_of(obj: Object, *names: str) -> list[Any]:
    return [obj["spec"].get(name) for name in names]


def changed(rules: Strategy, old: Object, **spec: Any) -> Object:
    new = {name: value for name, value in {**old["spec"], **spec}.items() if value is not None}
    return update(rules, old, spec=new)


def change_refusals(rules: Strategy, old: Object, **spec: Any) -> list[str]:
    new = {name: value for name, value in {**old["spec"], **spec}.items() if value is not None}
    return update_refusals(rules, old, spec=new)


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


# -- validation --------------------------------------------------------------------------------------------


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
