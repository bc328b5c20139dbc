"""Services: who answers behind an address, by type, policy and readiness."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.network.town import OUTSIDE, PORT, Town

UNREADY = {"readinessProbe": {"httpGet": {"port": 1}}}


@pytest.fixture
def caller(town: Town) -> str:
    return town.pod("caller", "node-1")


# -- cluster IPs -------------------------------------------------------------------------------------------


def test_every_ready_pod_gets_its_share(town: Town, caller: str) -> None:
    pods = town.pods("web", "node-1", "node-2", "node-3")
    town.service()
    counts = town.count(caller, "web", times=300)
    assert set(counts) == set(pods)
    assert all(70 < count < 130 for count in counts.values())


def test_the_same_cluster_chooses_the_same_pods() -> None:
    def answers() -> list[str]:
        town = Town()
        town.pods("web", "node-1", "node-2", "node-3")
        town.service()
        return [town.ask(town.node("node-1"), "web") for _ in range(20)]

    assert answers() == answers()


def test_a_service_reaches_pods_by_address_from_any_node(town: Town) -> None:
    town.pod("web-1", "node-2", app="web")
    ip = town.service()["spec"]["clusterIP"]
    assert [town.ask(town.node(f"node-{number}"), ip) for number in (1, 2, 3)] == ["web-1"] * 3


def test_a_pod_reaches_itself_through_its_service(town: Town) -> None:
    town.pod("web-1", app="web")
    town.service()
    assert town.ask(town.address("web-1"), "web") == "web-1"


def test_without_endpoints_a_connection_is_refused(town: Town, caller: str) -> None:
    town.service()
    assert town.ask(caller, "web") == "refused"


def test_a_port_that_the_service_does_not_have_answers_nobody(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service()
    assert town.ask(caller, "web", 81) == "timeout"


def test_a_wrong_target_port_is_refused_by_the_pod(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service(ports=[{"port": 80, "targetPort": 9999}])
    assert town.ask(caller, "web") == "refused"


def test_the_target_port_is_the_port_if_nobody_says_otherwise(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service(ports=[{"port": PORT}])
    assert town.ask(caller, "web", PORT) == "web-1"


def test_a_named_target_port_is_each_pods_own(town: Town, caller: str) -> None:
    for name, port in (("web-1", 9376), ("web-2", 8888)):
        args = ["serve-hostname", f"--port={port}"]
        town.pod(name, app="web", container={"args": args, "ports": [{"name": "http", "containerPort": port}]})
    town.service(ports=[{"port": 80, "targetPort": "http"}])
    assert town.who(caller, "web") == {"web-1", "web-2"}


def test_a_pod_without_the_named_port_is_left_out(town: Town, caller: str) -> None:
    town.pod("web-1", app="web", container={"ports": [{"name": "http", "containerPort": PORT}]})
    town.pod("web-2", app="web")
    town.service(ports=[{"port": 80, "targetPort": "http"}])
    assert town.who(caller, "web") == {"web-1"}


def test_several_ports_lead_to_their_own_targets(town: Town, caller: str) -> None:
    containers = [
        {"name": str(port), "image": "registry.k8s.io/e2e-test-images/agnhost:2.53", "args": [*args, f"--port={port}"]}
        for port, args in ((9376, ["serve-hostname"]), (9377, ["serve-hostname"]))
    ]
    town.pod("web-1", app="web", containers=containers)
    ports = [{"name": "a", "port": 80, "targetPort": 9376}, {"name": "b", "port": 81, "targetPort": 9378}]
    town.service(ports=ports)
    assert [town.ask(caller, "web", port) for port in (80, 81)] == ["web-1", "refused"]


def test_a_service_without_a_selector_leads_where_its_slice_says(town: Town, caller: str) -> None:
    ip = town.pod("elsewhere")
    town.service(selector=None)
    town.slice("web", ip)
    assert town.ask(caller, "web") == "elsewhere"


def test_an_endpoint_without_conditions_counts_as_ready(town: Town, caller: str) -> None:
    town.service(selector=None)
    town.slice("web", town.pod("elsewhere"), conditions={})
    assert town.ask(caller, "web") == "elsewhere"


# -- readiness ---------------------------------------------------------------------------------------------


def test_a_pod_that_is_not_ready_gets_nothing(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.pod("web-2", app="web", container=UNREADY)
    town.service()
    assert town.who(caller, "web") == {"web-1"}


def test_a_pod_leaves_the_service_and_returns_with_its_readiness(town: Town, caller: str) -> None:
    probe = {"exec": {"command": ["test", "-e", "/tmp/well"]}, "periodSeconds": 1, "failureThreshold": 1}
    town.pod("web-1", app="web")
    town.pod("web-2", app="web", container={"readinessProbe": probe})
    town.service()

    def after(command: str) -> set[str]:
        town.cluster.kubectl(f"exec web-2 -- {command} /tmp/well")
        town.cluster.advance(5)
        return town.who(caller, "web")

    assert [after("touch"), after("rm"), after("touch")] == [{"web-1", "web-2"}, {"web-1"}, {"web-1", "web-2"}]


def test_a_selector_that_matches_nothing_leaves_nobody(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service(selector={"app": "wbe"})
    assert town.ask(caller, "web") == "refused"
    town.change("services", "web", {"spec": {"selector": {"app": "web"}}})
    assert town.ask(caller, "web") == "web-1"


def test_a_pod_that_is_relabelled_is_let_go(town: Town, caller: str) -> None:
    town.pods("web", "node-1", "node-2")
    town.service()
    town.change("pods", "web-1", {"metadata": {"labels": {"app": "quarantine"}}})
    assert town.who(caller, "web") == {"web-2"}


def leaving(town: Town, *pods: str) -> None:
    """Ask pods to go that take their time."""
    for pod in pods:
        town.client.delete("pods", pod, "default")
    town.cluster.advance(2)


SLOW = {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "20"]}}}}


def test_a_pod_that_terminates_gets_nothing_new_while_another_is_ready(town: Town, caller: str) -> None:
    town.pods("web", "node-1", "node-2", container=SLOW)
    town.service()
    leaving(town, "web-1")
    assert town.who(caller, "web") == {"web-2"}


def test_if_all_pods_terminate_those_that_still_serve_are_used(town: Town, caller: str) -> None:
    town.pods("web", "node-1", "node-2", container=SLOW)
    town.service()
    leaving(town, "web-1", "web-2")
    assert town.who(caller, "web") == {"web-1", "web-2"}
    town.cluster.advance(60)
    assert town.ask(caller, "web") == "refused"


def test_unready_pods_are_used_if_the_service_says_so(town: Town, caller: str) -> None:
    town.pod("web-1", app="web", container=UNREADY)
    town.service(publishNotReadyAddresses=True)
    assert town.ask(caller, "web") == "web-1"


# -- affinity ----------------------------------------------------------------------------------------------


def sticky(seconds: int) -> dict[str, object]:
    return {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": seconds}}}


@pytest.fixture
def crowd(town: Town) -> Iterator[Town]:
    for number in range(6):
        town.pod(f"web-{number}", app="web")
    return iter([town])


def test_with_affinity_a_caller_stays_with_its_pod(town: Town, caller: str, crowd: object) -> None:
    town.service(**sticky(100))
    assert len(town.count(caller, "web")) == 1


def test_each_caller_has_a_pod_of_its_own(town: Town, crowd: object) -> None:
    town.service(**sticky(100))
    chosen = [town.who(town.pod(f"caller-{number}"), "web").pop() for number in range(8)]
    assert len(set(chosen)) > 2


def test_affinity_ends_when_the_caller_is_quiet_for_long_enough(town: Town, caller: str, crowd: object) -> None:
    town.service(**sticky(100))
    first = town.ask(caller, "web")
    for _ in range(5):
        town.cluster.advance(80)
        assert town.ask(caller, "web") == first, "every connection renews it"
    later = set()
    for _ in range(20):
        town.cluster.advance(101)
        later.add(town.ask(caller, "web"))
    assert len(later) > 1


def test_affinity_is_three_hours_by_default(town: Town, crowd: object) -> None:
    service = town.service(sessionAffinity="ClientIP")
    assert service["spec"]["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}


def test_affinity_does_not_hold_on_to_a_pod_that_is_gone(town: Town, caller: str, crowd: object) -> None:
    town.service(**sticky(100))
    first = town.ask(caller, "web")
    town.client.delete("pods", first, "default", grace=0)
    town.cluster.settle()
    second = town.ask(caller, "web")
    assert second != first
    assert town.who(caller, "web") == {second}


def test_affinity_of_one_port_is_none_of_anothers_business(town: Town, caller: str, crowd: object) -> None:
    ports = [{"name": str(port), "port": port, "targetPort": PORT} for port in range(80, 90)]
    town.service(ports=ports, **sticky(100))
    assert len({town.ask(caller, "web", port) for port in range(80, 90)}) > 1


# -- node ports --------------------------------------------------------------------------------------------


def test_a_node_port_is_open_on_every_node(town: Town) -> None:
    town.pod("web-1", "node-1", app="web")
    town.service(type="NodePort")
    port = town.port_of("web")
    assert 30000 <= port <= 32767
    assert [town.ask(OUTSIDE, town.node(f"node-{number}"), port) for number in (1, 2, 3)] == ["web-1"] * 3


def test_a_node_port_can_be_wished_for(town: Town) -> None:
    town.pod("web-1", app="web")
    town.service(type="NodePort", ports=[{"port": 80, "targetPort": PORT, "nodePort": 30007}])
    assert town.ask(OUTSIDE, town.node("node-1"), 30007) == "web-1"


def test_a_node_port_service_has_its_cluster_ip_as_well(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service(type="NodePort")
    assert town.ask(caller, "web") == "web-1"


def test_on_another_port_of_a_node_nobody_listens(town: Town) -> None:
    assert town.ask(OUTSIDE, town.node("node-1"), 30001) == "refused"


def test_a_local_policy_reaches_only_pods_of_the_addressed_node(town: Town) -> None:
    town.pods("web", "node-1", "node-1", "node-2")
    town.service(type="NodePort", externalTrafficPolicy="Local")
    port = town.port_of("web")
    reached = [town.who(OUTSIDE, town.node(f"node-{number}"), port) for number in (1, 2, 3)]
    assert reached == [{"web-1", "web-2"}, {"web-3"}, {"timeout"}]


def test_a_local_policy_does_not_hold_for_pods_that_ask_their_own_node(town: Town) -> None:
    town.pods("web", "node-1")
    town.service(type="NodePort", externalTrafficPolicy="Local")
    caller = town.pod("caller", "node-3")
    assert town.ask(caller, town.node("node-3"), town.port_of("web")) == "web-1"
    assert town.ask(caller, town.node("node-2"), town.port_of("web")) == "timeout"


def test_a_local_policy_is_refused_if_there_is_no_pod_anywhere(town: Town) -> None:
    town.service(type="NodePort", externalTrafficPolicy="Local")
    assert town.ask(OUTSIDE, town.node("node-1"), town.port_of("web")) == "refused"


def test_a_local_policy_serves_on_while_the_nodes_last_pod_terminates(town: Town) -> None:
    town.pods("web", "node-1", "node-2", container=SLOW)
    town.service(type="NodePort", externalTrafficPolicy="Local")
    leaving(town, "web-1")
    assert town.who(OUTSIDE, town.node("node-1"), town.port_of("web")) == {"web-1"}


def test_an_internal_local_policy_reaches_only_pods_of_the_callers_node(town: Town, caller: str) -> None:
    town.pods("web", "node-1", "node-2")
    town.service(internalTrafficPolicy="Local")
    assert town.who(caller, "web") == {"web-1"}
    assert town.who(town.pod("lonely", "node-3"), "web") == {"timeout"}


# -- load balancers and other addresses --------------------------------------------------------------------


def test_a_load_balancer_waits_for_a_cloud(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    service = town.service(type="LoadBalancer")
    assert service["status"]["loadBalancer"] == {}
    assert town.ask(OUTSIDE, town.node("node-1"), town.port_of("web")) == "web-1", "it is a node port as well"
    assert town.ask(caller, "web") == "web-1", "and has a cluster IP"


def test_a_load_balancers_address_leads_to_the_pods(town: Town, caller: str) -> None:
    pods = town.pods("web", "node-1", "node-2", "node-3")
    town.service(type="LoadBalancer")
    town.grant("web", "198.51.100.7")
    assert town.who(OUTSIDE, "198.51.100.7") == set(pods)
    assert town.who(caller, "198.51.100.7") == set(pods)


def test_a_load_balancer_spares_nodes_that_a_local_policy_would_drop_at(town: Town) -> None:
    pods = town.pods("web", "node-1", "node-2")
    town.service(type="LoadBalancer", externalTrafficPolicy="Local")
    town.grant("web", "198.51.100.7")
    assert town.who(OUTSIDE, "198.51.100.7") == set(pods)


def test_a_load_balancer_can_be_closed_to_strangers(town: Town) -> None:
    town.pod("web-1", app="web")
    town.service(type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.0/24"])
    town.grant("web", "198.51.100.7")
    assert town.ask("192.0.2.99", "198.51.100.7") == "web-1"
    assert town.ask(OUTSIDE, "198.51.100.7") == "timeout"


def test_an_address_that_the_balancer_keeps_to_itself_has_no_rule_on_nodes(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service(type="LoadBalancer")
    ingress = {"ip": "198.51.100.7", "ipMode": "Proxy"}
    town.change("services", "web", {"status": {"loadBalancer": {"ingress": [ingress]}}}, subresource="status")
    assert town.ask(caller, "198.51.100.7") == "timeout"


def test_an_external_ip_leads_to_the_pods(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    town.service(externalIPs=["192.0.2.80"])
    assert [town.ask(source, "192.0.2.80") for source in (OUTSIDE, caller)] == ["web-1"] * 2


def test_of_services_with_one_external_ip_the_first_that_has_endpoints_is_reached(town: Town, caller: str) -> None:
    for name in ("web", "zeb"):
        town.pod(f"{name}-1", app=name)
    for name in ("app", "web", "zeb"):
        town.service(name, externalIPs=["192.0.2.80"])
    assert [town.ask(source, "192.0.2.80") for source in (OUTSIDE, caller)] == ["web-1"] * 2
    assert "Service/web" in town.connect(caller, "192.0.2.80").hops[0].objects


def test_a_cluster_ip_means_nothing_outside(town: Town) -> None:
    town.pod("web-1", app="web")
    ip = town.service()["spec"]["clusterIP"]
    assert town.ask(OUTSIDE, ip) == "timeout"
    assert town.ask(OUTSIDE, town.address("web-1"), PORT) == "timeout"
    assert town.ask(OUTSIDE, "web") == "not found"


# -- nearness ----------------------------------------------------------------------------------------------


def test_traffic_may_prefer_the_callers_zone(town: Town) -> None:
    town.pods("web", "node-1", "node-2", "node-3")
    town.service(trafficDistribution="PreferSameZone")
    assert town.who(town.node("node-1"), "web") == {"web-1"}
    assert town.who(town.node("node-2"), "web") == {"web-2", "web-3"}


def test_traffic_may_prefer_the_callers_node_and_then_its_zone(town: Town) -> None:
    town.pods("web", "node-1", "node-2")
    town.service(trafficDistribution="PreferSameNode")
    reached = [town.who(town.node(f"node-{number}"), "web") for number in (1, 2, 3)]
    assert reached == [{"web-1"}, {"web-2"}, {"web-2"}]


def test_a_preference_is_no_condition(town: Town) -> None:
    town.pods("web", "node-2", "node-3")
    town.service(trafficDistribution="PreferClose")
    assert town.who(town.node("node-1"), "web") == {"web-1", "web-2"}


def test_nearness_does_not_count_where_a_local_policy_does(town: Town) -> None:
    town.pods("web", "node-1", "node-2", "node-3")
    town.service(type="NodePort", trafficDistribution="PreferSameZone", externalTrafficPolicy="Local")
    assert town.who(OUTSIDE, town.node("node-2"), town.port_of("web")) == {"web-2"}
