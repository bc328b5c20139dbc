"""One request, step by step: what the stepper shows is what the network did, and the network did it."""

from __future__ import annotations

import pytest

from k8snb.network.rules.iptables_proxier import chain_name
from k8snb.view.packet import PACKET
from k8snb.view.stepper import Stepper
from tests.ingress.entry import Entry
from tests.network.town import OUTSIDE, PORT, Town


@pytest.fixture
def town() -> Town:
    town = Town()
    town.pod("client", "node-1")
    return town


def actors(story: Stepper) -> list[str]:
    return [frame.actor for frame in story]


def places(story: Stepper) -> list[str]:
    """Where the packet is, frame by frame; empty where there is none."""
    return [str(frame.scene.get(PACKET, {}).get("place", "")).removeprefix("Node/") for frame in story]


THERE_AND_BACK = """\
One request to web · 8 steps
  1  +0.0 s  @{at}  pod client   [●●]
       observe  nameserver 10.96.0.10, search default.svc.cluster.local svc.cluster.local cluster.local
       diff     web is a name, and packets need an address
       act      ask 10.96.0.10 for web
  2  +0.0 s  @{at}  DNS 10.96.0.10   [●●]
       observe  name web, found as web.default.svc.cluster.local
       diff     10.96.0.10 answers: {service}
       act      answer {service}
  3  +0.0 s  @{at}  pod client   [●●]
       diff     GET /path for {service}:80
       act      send packet
                  source: ∅ → {client}
                  destination: ∅ → {service}:80
  4  +0.0 s  @{at}  kernel node-1   [●●]
       observe  Service default/web, address cluster IP, usable 1, rules {rules}
       diff     the only endpoint: {pod}
       act      rewrite packet
                  destination: {service}:80 → {pod}:9376
  5  +0.0 s  @{at}  network   [●●]
       diff     routed from node-1 to node-2
       act      carry packet
  6  +0.0 s  @{at}  pod web-1   [●●]
       observe  caller {client}
       diff     pod web-1 accepts the connection
       act      answer 200 web-1
  7  +0.0 s  @{at}  kernel node-1   [●●]
       diff     the kernel remembers the connection and puts back what it had replaced
       act      rewrite answer
                  source: {pod}:9376 → {service}:80
  8  +0.0 s  @{at}  pod client   [●●]
       diff     the answer comes from {service}:80, where the request went
       act      receive 200 web-1"""


def test_a_request_goes_to_a_pod_behind_a_service_and_comes_back(town: Town) -> None:
    pod = town.pod("web-1", "node-2", app="web")
    service = town.service()["spec"]["clusterIP"]
    told = str(town.cluster.packet("client", "http://web/path"))
    client, at = town.address("client"), town.cluster.revision
    svc, sep = (
        chain_name(f"KUBE-{kind}-", "default/webtcp", at) for kind, at in (("SVC", ""), ("SEP", f"{pod}:{PORT}"))
    )
    rules = f"KUBE-SERVICES → {svc} → {sep}"
    assert told == THERE_AND_BACK.format(client=client, service=service, pod=pod, at=at, rules=rules)


def test_the_packet_is_drawn_where_it_is(town: Town) -> None:
    town.pod("web-1", "node-2", app="web")
    town.service()
    story = town.cluster.packet("client", "web")
    assert places(story) == ["", "", "node-1", "node-1", "node-2", "node-2", "node-1", "node-1"]


def test_an_address_needs_no_dns(town: Town) -> None:
    ip = town.pod("web-1", "node-1")
    story = town.cluster.packet("client", f"{ip}:{PORT}")
    assert actors(story) == ["pod client", "pod web-1", "pod client"]


def test_somebody_outside_comes_through_a_node(town: Town) -> None:
    town.pod("web-1", "node-2", app="web")
    town.service(type="NodePort")
    door, port = town.node("node-3"), town.port_of("web")
    story = town.cluster.packet(OUTSIDE, f"http://{door}:{port}")
    assert actors(story) == [
        f"outside {OUTSIDE}", "network", "kernel node-3", "network", "pod web-1", "kernel node-3", f"outside {OUTSIDE}",
    ]  # fmt: skip
    assert places(story) == ["outside", "node-3", "node-3", "node-2", "node-2", "node-3", "outside"]
    assert f"source: {OUTSIDE} → {door}" in str(story)
    assert f"destination: {door} → {OUTSIDE}" in str(story)


def test_a_service_without_endpoints_ends_the_story_at_the_first_node(town: Town) -> None:
    town.service()
    story = town.cluster.packet("client", "web")
    assert actors(story) == ["pod client", "DNS 10.96.0.10", "pod client", "kernel node-1", "pod client"]
    assert story[3].error == "Service default/web has no endpoint: the connection is refused"
    assert story[4].acts[0].object == "connection refused"


def test_a_name_that_nobody_has_sends_no_packet(town: Town) -> None:
    story = town.cluster.packet("client", "nobody")
    assert (len(story), places(story)) == (3, ["", "", ""])
    assert story[1].error == "nobody: no such name"
    assert story[2].acts[0].object == "unknown host"


def test_a_packet_that_is_dropped_is_waited_for(town: Town) -> None:
    town.service()
    story = town.cluster.packet("client", "web:81")
    assert story[-1].acts[0].object == "timeout"


def test_only_what_has_to_do_with_the_request_is_drawn(town: Town) -> None:
    town.pod("web-1", "node-2", app="web")
    town.pod("web-2", "node-3", app="web", container={"readinessProbe": {"httpGet": {"port": 1}}})
    town.pod("stranger", "node-2", app="other")
    town.service()
    drawn = [name for name in town.cluster.packet("client", "web")[0].scene if not name.startswith("EndpointSlice/")]
    assert drawn == [
        "Service/web", "Pod/client", "Pod/web-1", "Pod/web-2", "Node/node-1", "Node/node-2", "Node/node-3",
    ]  # fmt: skip


def test_a_pod_that_a_lost_packet_was_meant_for_is_drawn_and_the_packet_where_it_is_lost(town: Town) -> None:
    address = town.pod("there", "node-2")
    home = town.address("client").rpartition(".")[0]
    town.cluster.ip("node-2", f"route del {home}.0/24")
    story = town.cluster.packet("client", f"http://{address}:{PORT}")
    assert "no route back" in story[1].error
    assert all("Pod/there" in frame.scene for frame in story)
    assert places(story)[1] == "node-2"


def test_a_service_of_another_namespace_is_drawn_as_well(town: Town) -> None:
    town.namespace("shop")
    town.pod("till-1", "node-2", app="till", namespace="shop")
    town.service("till", namespace="shop")
    scene = town.cluster.packet("client", "till.shop")[-1].scene
    assert {"Service/till", "Pod/till-1", "Pod/client"} <= set(scene)


def test_the_request_really_arrives(town: Town) -> None:
    town.pod("web-1", "node-2", app="web", container={"image": "nginx", "args": []})
    town.service(ports=[{"port": 80}])
    assert str(town.cluster.packet("client", "web/nowhere")).endswith("receive 404 <html>")
    assert '"GET /nowhere HTTP/1.1" 404' in town.cluster.kubectl("logs web-1")


def test_who_answers_next_is_not_changed_by_looking_twice(town: Town) -> None:
    town.pods("web", "node-1", "node-2", "node-3")
    town.service()
    for _ in range(3):
        town.cluster.packet("client", "web")
    twin = town.cluster.fork()
    assert [str(town.cluster.packet("client", "web")) for _ in range(5)] == [
        str(twin.packet("client", "web")) for _ in range(5)
    ]


def test_a_pod_that_is_not_there_sends_nothing(town: Town) -> None:
    with pytest.raises(ValueError, match="there is no pod nobody with an address"):
        town.cluster.packet("nobody", "web")


def test_a_router_on_the_way_tells_what_it_decides() -> None:
    entry = Entry("one", "two", cloud=True)
    entry.ingress("way", ("a.example.com", "/", "Prefix", "one"), ("a.example.com", "/x", "Prefix", "two"))
    story = entry.cluster.packet("203.0.113.10", "http://a.example.com/x/y", to="198.51.100.10")
    told = [(frame.actor.partition("-")[0], frame.caption) for frame in story]
    there = entry.client.get("pods", "two", "default")["status"]["podIP"]
    router = "pod ingress"
    assert [caption for actor, caption in told if actor == router][1:-1] == [
        "rules for the host a.example.com: 2",
        "of these, for the path /x/y: 2",
        "the longest path wins: 1 left",
        f"ready endpoints of Service two: 1; it is the turn of {there}:80",
    ]
    assert told[-4:-2] == [("pod two", "pod two answers 200"), (router, "the answer goes to whoever asked")]
    assert "Ingress/way" in story.frames[4].scene
    assert "Pod/two" in story.frames[0].scene, "what it may choose from"


def test_a_router_that_answers_by_itself_asks_nobody() -> None:
    entry = Entry("one", cloud=True)
    story = entry.cluster.packet("203.0.113.10", "http://a.example.com/", to="198.51.100.10")
    assert [frame.caption for frame in story][-4:-2] == [
        "nothing fits, and there is no default backend",
        "the answer goes to whoever asked",
    ]
