"""The simulated network does what the judgement says, and drops packets on the node where real agents would."""

from __future__ import annotations

import pytest

from k8snb.network.path import Connection
from k8snb.typing import Object
from tests.network.policies.few_words import block, inward, outward, peer, policy
from tests.network.town import AGNHOST, OUTSIDE, PORT, Town


@pytest.fixture(scope="module")
def built() -> Town:
    town = Town()
    town.pod("caller", "node-1", app="caller")
    town.pod("web-1", "node-2", app="web")
    town.pod("host", "node-3", app="host", hostNetwork=True)
    town.service(type="NodePort")
    return town


@pytest.fixture
def town(built: Town) -> Town:
    for each in built.client.list("networkpolicies", "default"):
        built.client.delete("networkpolicies", each["metadata"]["name"], "default")
    built.cluster.enforce_policies(True)
    built.cluster.settle()
    return built


def apply(town: Town, *policies: Object) -> None:
    for each in policies:
        town.client.create("networkpolicies", each)
    town.cluster.settle()


def told(connection: Connection) -> list[str]:
    return [f"{hop.kind} {hop.node}: {hop.text}" for hop in connection.hops if hop.kind in ("policy", "pod", "dns")]


def test_what_is_not_let_in_is_dropped_on_the_node_of_the_receiver(town: Town) -> None:
    apply(town, policy("closed", "app=web", ingress=[]))
    tried = town.connect(town.address("caller"), town.address("web-1"), PORT)
    assert told(tried) == [
        "policy node-2: web-1 is isolated for ingress by closed, and no rule lets this in: the packet is dropped"
    ]
    assert tried.error is not None
    assert (tried.error.kind, tried.error.seconds) == ("timeout", 30.0)
    assert list(tried.hops[-1].objects) == ["NetworkPolicy/closed"]


def test_what_is_not_let_out_is_dropped_on_the_node_of_the_sender(town: Town) -> None:
    apply(town, policy("shut", "app=caller", egress=[outward(peer("app=db"))]))
    assert told(town.connect(town.address("caller"), town.address("web-1"), PORT)) == [
        "policy node-1: caller is isolated for egress by shut, and no rule lets this out: the packet is dropped"
    ]


def test_policies_see_the_pod_behind_a_service_and_say_who_let_the_packet_through(town: Town) -> None:
    out = policy("out", "app=caller", egress=[outward(peer("app=web"), ports=[{"port": PORT, "protocol": "TCP"}])])
    apply(town, out, policy("in", "app=web", ingress=[inward(peer("app=caller"))]))
    ip = town.client.get("services", "web", "default")["spec"]["clusterIP"]
    assert told(town.connect(town.address("caller"), ip, 80)) == [
        "policy node-1: out lets it out of caller: spec.egress[0]",
        "policy node-2: in lets it in to web-1: spec.ingress[0]",
        "pod node-2: pod web-1 accepts the connection",
    ]


def test_an_isolated_pod_gets_no_name_resolved_until_a_rule_names_the_dns(town: Town) -> None:
    apply(town, policy("shut", "app=caller", egress=[outward(peer("app=web"))]))
    assert town.ask(town.address("caller"), "web") == "not found"
    assert told(town.connect(town.address("caller"), "web")) == [
        "dns node-1: caller is isolated for egress by shut, and no rule lets this out: the packet is dropped"
    ]
    names = outward(
        peer("k8s-app=kube-dns", "kubernetes.io/metadata.name=kube-system"), ports=[{"port": 53, "protocol": "UDP"}]
    )
    apply(town, policy("names", "app=caller", egress=[names]))
    assert town.ask(town.address("caller"), "web") == "web-1"


def test_a_lookup_that_is_not_let_out_is_waited_for_as_long_as_the_program_has_time(town: Town) -> None:
    apply(town, policy("shut", "app=caller", egress=[]))
    assert town.connect(town.address("caller"), "web").error.seconds == 10.0  # type: ignore[union-attr]

    def said(command: str) -> str:
        return town.cluster.kubectl(f"exec caller -- {command}").splitlines()[0]

    assert said("curl -sS web") == "curl: (6) Could not resolve host: web"
    assert said("curl -sS -m 3 web") == "curl: (28) Resolving timed out after 3001 milliseconds"
    assert said("nslookup web") == ";; connection timed out; no servers could be reached"


def test_the_sender_is_known_as_long_as_the_node_of_the_pod_is_the_one_that_masquerades(town: Town) -> None:
    apply(town, policy("outside", "app=web", ingress=[inward(block("203.0.113.0/24"))]))
    port = town.port_of("web")
    assert town.ask(OUTSIDE, town.node("node-2"), port) == "web-1"
    assert town.ask(OUTSIDE, town.node("node-1"), port) == "timeout"


def test_a_node_reaches_its_pods_and_pods_on_its_network_are_the_node(town: Town) -> None:
    apply(town, policy("closed", ingress=[], egress=[]))
    web = town.address("web-1")
    assert [town.ask(town.node(node), web, PORT) for node in ("node-2", "node-3")] == ["web-1", "timeout"]
    assert town.ask(town.address("host"), town.node("node-3"), PORT) == "node-3"


def test_a_label_that_changes_puts_a_pod_under_other_policies(town: Town) -> None:
    apply(town, policy("closed", "app=web,open=no", ingress=[]))
    assert town.ask(town.address("caller"), town.address("web-1"), PORT) == "web-1"
    town.change("pods", "web-1", {"metadata": {"labels": {"open": "no"}}})
    assert town.ask(town.address("caller"), town.address("web-1"), PORT) == "timeout"
    town.change("pods", "web-1", {"metadata": {"labels": {"open": None}}})


def test_a_network_that_does_not_enforce_policies_pays_no_heed_to_them_and_neither_does_its_fork(town: Town) -> None:
    apply(town, policy("closed", ingress=[], egress=[]))
    town.cluster.enforce_policies(False)
    caller, web = town.address("caller"), town.address("web-1")
    assert town.ask(caller, web, PORT) == "web-1"
    fork = town.cluster.fork()
    assert fork.network.connect(caller, web, PORT).error is None
    fork.enforce_policies(True)
    assert fork.network.connect(caller, web, PORT).error is not None
    assert AGNHOST in str(fork.client.get("pods", "caller", "default"))
