"""A node whose proxy does not run keeps the rules that it had; the others follow what happens."""

from __future__ import annotations

import pytest

from tests.network.town import OUTSIDE, Town


@pytest.fixture
def callers(town: Town) -> list[str]:
    town.pods("web", "node-3")
    town.service(type="NodePort")
    return [town.pod(f"caller-{number}", f"node-{number}") for number in (1, 2)]


def test_a_node_without_its_proxy_goes_on_with_the_rules_that_it_has(town: Town, callers: list[str]) -> None:
    town.cluster.stop("kube-proxy", on="node-1")
    town.client.delete("pods", "web-1", "default", grace=0)
    town.pod("web-2", "node-3", app="web")
    # its rules lead to an address that another pod may have by now, or nobody
    assert [town.ask(caller, "web") for caller in callers] != ["web-2", "web-2"]
    assert town.ask(callers[1], "web") == "web-2"
    town.cluster.start("kube-proxy", on="node-1")
    assert [town.ask(caller, "web") for caller in callers] == ["web-2", "web-2"]


def test_a_new_service_is_unknown_where_the_proxy_is_stopped(town: Town, callers: list[str]) -> None:
    town.cluster.stop("kube-proxy", on="node-1")
    town.pods("late", "node-3")
    town.service("late")
    assert [town.ask(caller, "late") for caller in callers] == ["timeout", "late-1"]
    rules = [town.cluster.proxy(f"node-{number}").iptables_save("late") for number in (1, 2)]
    assert (rules[0], "default/late cluster IP" in rules[1]) == ("", True)


def test_a_stopped_proxy_stays_stopped_in_a_fork(town: Town, callers: list[str]) -> None:
    town.cluster.stop("kube-proxy", on="node-1")
    twin = town.cluster.fork()
    assert [twin.proxy(f"node-{number}").running for number in (1, 2)] == [False, True]


def test_a_proxy_is_stopped_on_a_node(town: Town) -> None:
    with pytest.raises(ValueError, match="no process kube-proxy runs here"):
        town.cluster.stop("kube-proxy")


def test_the_kernel_remembers_what_it_rewrote_for_a_while(town: Town, callers: list[str]) -> None:
    address, pod = town.client.get("services", "web", "default")["spec"]["clusterIP"], town.address("web-1")
    proxy = town.cluster.proxy("node-1")
    assert town.ask(callers[0], address) == "web-1"
    there = f"src={callers[0]} dst={address} sport=32770 dport=80"
    back = f"src={pod} dst={callers[0]} sport=9376 dport=32770"
    assert proxy.conntrack() == f"tcp      6 120 TIME_WAIT {there} {back} [ASSURED] mark=0 use=1\n"
    town.cluster.advance(121)
    assert proxy.conntrack() == ""


def test_to_think_of_a_packet_decides_nothing(town: Town, callers: list[str]) -> None:
    address = town.client.get("services", "web", "default")["spec"]["clusterIP"]
    proxy = town.cluster.proxy("node-1")
    walks = [proxy.walk(callers[0], f"{address}:80", mode=mode) for mode in ("iptables", "nftables")]
    assert [each.outcome for each in walks] == [f"ACCEPT to {town.address('web-1')}:9376"] * 2
    assert proxy.conntrack() == ""


def test_a_node_port_of_a_stale_node_leads_where_it_led(town: Town, callers: list[str]) -> None:
    town.cluster.stop("kube-proxy", on="node-1")
    port = town.port_of("web")
    town.client.delete("services", "web", "default")
    town.cluster.settle()
    assert [town.ask(OUTSIDE, town.node(f"node-{number}"), port) for number in (1, 2)] == ["web-1", "refused"]
