"""The way of a packet: every hop is told, and both sides see the addresses that they would see on real nodes."""

from __future__ import annotations

import pytest

from k8snb.network.path import Connection
from k8snb.packet import HTTPRequest, NetworkError
from tests.network.town import AGNHOST, OUTSIDE, PORT, Town

NETEXEC = {"args": ["netexec"]}


def told(connection: Connection) -> list[str]:
    """The hops in one line each: kind, node, how the packet looks, and the words."""
    return [f"{h.kind} {h.node or '-'} {h.source} > {h.address or '-'}: {h.text}" for h in connection.hops]


@pytest.fixture
def caller(town: Town) -> str:
    return town.pod("caller", "node-1")


def test_a_packet_to_a_service_is_resolved_rewritten_routed_and_received(town: Town, caller: str) -> None:
    web = town.pod("web-1", "node-2", app="web")
    ip = town.service()["spec"]["clusterIP"]
    assert told(town.connect(caller, "web")) == [
        f"dns node-1 {caller} > {ip}: 10.96.0.10 answers: {ip}",
        f"service node-1 {caller} > {web}:9376: the only endpoint: {web}",
        f"node node-2 {caller} > {web}:9376: routed from node-1 to node-2",
        f"pod node-2 {caller} > {web}:9376: pod web-1 accepts the connection",
    ]


def test_a_hop_names_the_objects_that_it_rests_on(town: Town, caller: str) -> None:
    town.pod("web-1", "node-1", app="web")
    town.service()
    slices = town.client.list("endpointslices", "default", labels="kubernetes.io/service-name=web")
    dns, service, pod = town.connect(caller, "web").hops
    assert list(dns.objects) == ["Service/web"]
    assert list(service.objects) == ["Service/web", f"EndpointSlice/{slices[0]['metadata']['name']}", "Pod/web-1"]
    assert list(pod.objects) == ["Pod/web-1"]
    rules = dict(service.saw).pop("rules").split(" → ")
    assert [name[:9] for name in rules] == ["KUBE-SERV", "KUBE-SVC-", "KUBE-SEP-"]
    assert list(service.saw)[:3] == [("Service", "default/web"), ("address", "cluster IP"), ("usable", "1")]


def test_on_one_node_nothing_is_routed(town: Town, caller: str) -> None:
    web = town.pod("web-1", "node-1")
    assert told(town.connect(caller, web, PORT)) == [
        f"pod node-1 {caller} > {web}:9376: pod web-1 accepts the connection"
    ]


def test_from_outside_a_packet_meets_the_rules_of_the_node_that_it_reaches(town: Town) -> None:
    web = town.pod("web-1", "node-2", app="web")
    town.service(type="NodePort")
    door, port = town.node("node-1"), town.port_of("web")
    assert told(town.connect(OUTSIDE, door, port)) == [
        f"node node-1 {OUTSIDE} > {door}:{port}: from outside to node-1",
        f"service node-1 {door} > {web}:9376: the only endpoint: {web}",
        f"node node-2 {door} > {web}:9376: routed from node-1 to node-2",
        f"pod node-2 {door} > {web}:9376: pod web-1 accepts the connection",
    ]


def test_a_failure_is_told_where_it_happens(town: Town, caller: str) -> None:
    ip = town.service()["spec"]["clusterIP"]
    web = town.pod("alone", "node-2")
    cases = {
        ("nobody", 80): ("dns", "not found", "nobody: no such name"),
        ("web", 80): ("service", "refused", "Service default/web has no endpoint: the connection is refused"),
        (ip, 81): ("service", "timeout", f"no Service has port 81 at {ip}"),
        (web, 1): ("pod", "refused", f"nobody listens on port 1 of {web}"),
        ("10.244.0.250", 80): ("node", "timeout", "nobody has the address 10.244.0.250"),
    }
    for (host, port), expected in cases.items():
        connection = town.connect(caller, host, port)
        last = connection.hops[-1]
        assert connection.error is not None
        assert (last.kind, connection.error.kind, last.text) == expected
        assert [hop.failed for hop in connection.hops] == [False] * (len(connection.hops) - 1) + [True]


def test_a_program_hears_of_the_address_that_it_asked_for(town: Town, caller: str) -> None:
    town.pod("web-1", app="web")
    ip = town.service(ports=[{"port": 80, "targetPort": 9999}])["spec"]["clusterIP"]
    connection = town.connect(caller, "web")
    assert connection.error is not None
    assert connection.error.address == f"{ip}:80", "it knows nothing of what the node made of it"


def test_an_alias_is_told_as_one(town: Town, caller: str) -> None:
    town.service("db", type="ExternalName", externalName="db.example.com", selector=None, ports=None)
    connection = town.connect(caller, "db", 5432)
    assert connection.hops[-1].text == "db is another name for db.example.com"
    assert connection.error is not None
    assert connection.error.address == "db.example.com"


def test_localhost_is_oneself(town: Town) -> None:
    web = town.pod("web-1")
    assert town.ask(web, "localhost", PORT) == town.ask(web, "127.0.0.1", PORT) == "web-1"
    assert town.ask(web, "127.example.com", PORT) == "not found"


# -- who the other side sees -------------------------------------------------------------------------------


@pytest.fixture
def mirror(town: Town) -> Town:
    """Pods on node-1 and node-2 that answer with the address they are called from."""
    town.pods("web", "node-1", "node-2", container=NETEXEC)
    return town


def seen(town: Town, source: str, host: str, port: int = 80) -> set[str]:
    return {town.ask(source, host, port, "/clientip").partition(":")[0] for _ in range(20)}


TARGET = {"ports": [{"port": 80, "targetPort": 8080}]}


def test_a_pod_is_seen_by_its_own_address(mirror: Town, caller: str) -> None:
    mirror.service(**TARGET)
    assert seen(mirror, caller, "web") == {caller}


def test_a_pod_that_reaches_itself_sees_its_node(mirror: Town) -> None:
    mirror.service(**TARGET)
    me, node = mirror.address("web-1"), mirror.node("node-1")
    assert seen(mirror, me, "web") == {me, node}


def test_a_caller_from_outside_is_seen_as_the_node_that_it_came_through(mirror: Town) -> None:
    mirror.service(type="NodePort", **TARGET)
    door = mirror.node("node-3")
    assert seen(mirror, OUTSIDE, door, mirror.port_of("web")) == {door}


def test_a_local_policy_keeps_the_callers_address(mirror: Town) -> None:
    mirror.service(type="NodePort", externalTrafficPolicy="Local", **TARGET)
    assert seen(mirror, OUTSIDE, mirror.node("node-1"), mirror.port_of("web")) == {OUTSIDE}


def test_a_pod_that_calls_another_node_is_seen_as_its_own_node(mirror: Town, caller: str) -> None:
    mirror.service(type="NodePort", externalTrafficPolicy="Local", **TARGET)
    port = mirror.port_of("web")
    assert seen(mirror, caller, mirror.node("node-2"), port) == {mirror.node("node-1")}
    assert seen(mirror, caller, mirror.node("node-1"), port) == {caller}


# -- the host's network ------------------------------------------------------------------------------------


def test_a_pod_on_the_hosts_network_is_reached_at_its_node(town: Town, caller: str) -> None:
    town.pod("agent", "node-2", hostNetwork=True)
    assert town.ask(caller, town.node("node-2"), PORT) == "node-2", "and has its node's host name"
    assert town.ask(caller, town.node("node-3"), PORT) == "refused"


def test_two_pods_share_a_hosts_network_by_their_ports(town: Town, caller: str) -> None:
    agents = (("a", "--port=9001"), ("b", "--port=9002"))
    for name, port in agents:
        container = {"image": AGNHOST, "args": ["serve-hostname", port]}
        town.pod(name, "node-2", hostNetwork=True, container=container)
    host = town.node("node-2")
    assert [town.connect(caller, host, port).hops[-1].text for port in (9001, 9002)] == [
        f"pod {name} accepts the connection" for name, _port in agents
    ]
    town.client.delete("pods", "a", "default", grace=0)
    town.cluster.settle()
    assert [town.ask(caller, host, port) for port in (9001, 9002)] == ["refused", "node-2"]


def test_a_service_may_stand_before_pods_on_the_hosts_network(town: Town, caller: str) -> None:
    town.pod("web-1", "node-2", app="web", hostNetwork=True)
    town.service()
    assert town.ask(caller, "web") == "node-2"


def test_a_pod_on_the_hosts_network_calls_as_its_node(town: Town) -> None:
    town.pod("web-1", "node-1", app="web", container=NETEXEC)
    town.pod("agent", "node-2", hostNetwork=True)
    town.service(**TARGET)
    assert seen(town, town.address("agent"), "web") == {town.node("node-2")}


# -- other words -------------------------------------------------------------------------------------------


def test_text_travels_the_same_way_as_requests(town: Town, caller: str) -> None:
    town.pod("redis-1", app="redis", container={"image": "redis:8", "args": []})
    town.service("redis", ports=[{"port": 6379}])
    assert town.cluster.network.tcp(caller, "redis", 6379, "PING\n") == "PONG\n"
    with pytest.raises(NetworkError, match=r"timeout: 10\.96\.\d+\.\d+:80"):
        town.cluster.network.tcp(caller, "redis", 80)


def test_a_request_that_finds_no_way_says_how_long_it_was_tried(town: Town, caller: str) -> None:
    with pytest.raises(NetworkError) as caught:
        town.send(HTTPRequest("GET", "10.244.0.250", 80, source=caller))
    assert caught.value.seconds == 30


def test_a_stopped_kubelet_does_not_cut_its_pods_off(town: Town, caller: str) -> None:
    town.pod("web-1", "node-2", app="web")
    town.service()
    town.cluster.stop_kubelet("node-2")
    town.cluster.advance(5)
    assert town.ask(caller, "web") == "web-1", "containers run on, and nobody has noticed yet"
    town.cluster.advance(60)
    assert town.ask(caller, "web") == "refused", "the node is lost, so its pods are not ready"
