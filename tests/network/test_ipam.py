"""Pod addresses: each node gives out its own range, one after the other, and takes back what is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.network.ipam import Exhausted, Range
from k8snb.packet import NetworkError
from tests.network.town import Town


def test_addresses_come_one_after_the_other_behind_the_bridge() -> None:
    pods = Range("10.244.1.0/24")
    assert [pods.take() for _ in range(3)] == ["10.244.1.2", "10.244.1.3", "10.244.1.4"]


def test_an_address_that_came_back_is_not_given_out_at_once() -> None:
    pods = Range("10.244.1.0/24")
    first = pods.take()
    pods.give_back(first)
    assert pods.take() != first


def test_a_range_goes_round_and_finds_what_is_free() -> None:
    pods = Range("10.0.0.8/29")
    taken = [pods.take() for _ in range(5)]
    assert taken == [f"10.0.0.{last}" for last in range(10, 15)]
    pods.give_back("10.0.0.12")
    assert pods.take() == "10.0.0.12"


def test_a_full_range_says_so() -> None:
    pods = Range("10.0.0.0/30")
    pods.take()
    with pytest.raises(
        Exhausted,
        match=r"no IP addresses available in range set: 10\.0\.0\.1-10\.0\.0\.2",
    ):
        pods.take()


def test_ranges_may_be_wider_than_a_byte() -> None:
    pods = Range("10.8.0.0/22")
    assert [pods.take() for _ in range(300)][-1] == "10.8.1.45"


@given(st.lists(st.booleans(), max_size=60))
def test_nobody_ever_gets_an_address_that_somebody_has(steps: list[bool]) -> None:
    pods = Range("10.0.0.0/28")
    held: list[str] = []
    for take in steps:
        if take and len(held) < 13:
            new = pods.take()
            assert new not in held
            held.append(new)
        elif held:
            pods.give_back(held.pop(0))
        assert len(pods) == len(held)


def test_a_pods_address_is_of_its_nodes_range(town: Town) -> None:
    for node in town.client.list("nodes"):
        name, prefix = node["metadata"]["name"], node["spec"]["podCIDR"].removesuffix(".0/24")
        assert town.pod(f"on-{name}", name).startswith(f"{prefix}.")


def test_an_address_is_free_again_when_its_pod_is_gone(town: Town) -> None:
    ip = town.pod("one", "node-1")
    addresses = town.cluster.network.addresses
    found = addresses.pod(ip)
    assert found is not None
    assert (found.namespace, found.name) == ("default", "one")
    town.client.delete("pods", "one", "default", grace=0)
    town.cluster.settle()
    assert addresses.pod(ip) is None
    assert len(addresses) == 0


def test_a_pod_on_the_hosts_network_has_its_nodes_address(town: Town) -> None:
    ip = town.pod("agent", "node-2", hostNetwork=True)
    assert (ip, town.cluster.network.addresses.pod(ip)) == (town.node("node-2"), None)


def test_detaching_twice_frees_nobody_elses_address(town: Town) -> None:
    addresses = town.cluster.network.addresses
    ip = town.pod("one", "node-1")
    stranger = addresses.pod(town.pod("two", "node-1"))
    assert stranger is not None
    addresses.detach(ip, stranger.endpoint)
    assert addresses.pod(ip) is not None


def test_a_node_without_a_range_has_no_addresses(town: Town) -> None:
    pod = {"metadata": {"name": "x", "namespace": "default"}, "spec": {"nodeName": "node-9"}}
    known = town.cluster.network.addresses.pod(town.pod("one", "node-1"))
    assert known is not None
    with pytest.raises(NetworkError, match="node-9 has no podCIDR"):
        town.cluster.network.attach(pod, "", known.endpoint)
