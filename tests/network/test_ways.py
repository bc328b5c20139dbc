"""Two pods with one address, and addresses of no node's range: packets come out where the nodes' routes lead."""

from __future__ import annotations

import pytest

from k8snb.typing import Object
from tests.network.policies.few_words import inward, outward, peer, policy
from tests.network.town import PORT, Town


def misread(town: Town, node: str, cidr: str) -> None:
    """Give a node a list of plugins with another range."""
    own = town.client.get("nodes", node)["spec"]["podCIDR"]
    town.cluster.configure_cni(node, town.cluster.cni_config(node).replace(own, cidr))


@pytest.fixture
def twins(town: Town) -> Town:
    """`first` on node-1 and `second` on node-2 have the same address; `third` is beside `second`."""
    town.pod("first", "node-1")
    town.pod("caller", "node-3")
    misread(town, "node-2", "10.244.0.0/24")
    town.pod("second", "node-2")
    town.pod("third", "node-2")
    return town


def ask(town: Town, source: str, target: str) -> str:
    """Who answers a pod that asks another one's address; or what curl's exit code is."""
    address = town.address(target)
    return town.cluster.kubectl(f"exec {source} -- curl -s -m 5 http://{address}:{PORT}").splitlines()[-1]


LOST = "command terminated with exit code 28"


def test_of_two_pods_with_one_address_routes_lead_to_that_in_whose_nodes_range_it_is(twins: Town) -> None:
    assert twins.address("first") == twins.address("second") == "10.244.0.2"
    assert [ask(twins, who, "second") for who in ("caller", "third", "second")] == ["first", "second", "second"]


def test_answers_go_where_routes_lead_too_so_the_other_one_hears_nothing(twins: Town) -> None:
    assert ask(twins, "second", "caller") == LOST
    assert ask(twins, "first", "caller") == "caller"
    connection = twins.cluster.network.connect("10.244.0.2", twins.address("caller"), PORT, "node-2")
    assert connection.hops[-1].text == "node-3 sends what is for 10.244.0.2 to node-1, so whoever asked hears nothing"


def test_its_bridge_is_reached_only_from_the_bridge(twins: Town) -> None:
    assert ask(twins, "second", "third") == "third"
    assert ask(twins, "caller", "third") == LOST
    hop = twins.connect(twins.address("caller"), twins.address("third"), PORT).hops[-1]
    assert hop.text == "routes lead to node-1, where nobody has the address 10.244.0.3"


@pytest.mark.parametrize(("gone", "left"), [("first", "second"), ("second", "first")])
def test_one_goes_and_the_other_keeps_the_address(twins: Town, gone: str, left: str) -> None:
    twins.cluster.kubectl(f"delete pod {gone} --grace-period=1")
    twins.cluster.settle()
    assert ask(twins, "caller", left) == (left if left == "first" else LOST)
    assert ask(twins, "third", left) == (left if left == "second" else LOST)
    assert len(twins.cluster.network.addresses) == 3


def test_a_replacement_is_reached_and_no_address_is_lost(twins: Town) -> None:
    for _ in range(2):
        twins.cluster.kubectl("delete pod first second --grace-period=1")
        twins.cluster.settle()
        twins.pod("second", "node-2")
        twins.pod("first", "node-1")
        assert ask(twins, "caller", "first") == "first"
    machine = twins.cluster.network.addresses.wiring.machine
    assert len([each for each in machine("node-1").host.namespaces if each]) == 1
    assert len([each for each in machine("node-2").host.namespaces if each]) == 2


def policed(twins: Town, *policies: Object) -> Town:
    for pod in ("first", "second", "third", "caller"):
        twins.change("pods", pod, {"metadata": {"labels": {"who": pod}}})
    for each in policies:
        twins.client.create("networkpolicies", each)
    twins.cluster.settle()
    return twins


def test_a_policy_counts_for_the_one_that_it_selects_and_not_for_the_one_with_the_same_address(twins: Town) -> None:
    policed(twins, policy("in", "who=second", ingress=[]), policy("out", "who=first", egress=[]))
    assert ask(twins, "caller", "first") == "first"
    assert ask(twins, "third", "second") == LOST
    assert ask(twins, "second", "third") == "third"
    assert ask(twins, "first", "caller") == LOST


def test_questions_for_names_are_let_out_of_the_one_that_no_policy_selects(twins: Town) -> None:
    policed(twins, policy("out", "who=second", egress=[outward(peer("who=third"))]))
    asking = "-- nslookup kubernetes.default"
    assert "Address" in twins.cluster.kubectl(f"exec first {asking}")
    assert "exit code" in twins.cluster.kubectl(f"exec second {asking}")


def test_a_rule_about_one_lets_the_other_through_too_since_from_afar_only_the_address_is_seen(twins: Town) -> None:
    policed(twins, policy("in", "who=third", ingress=[inward(peer("who=first"))]))
    assert ask(twins, "second", "third") == "third"


def test_judged_by_name_it_is_the_pod_of_that_name_and_both_are_in_the_matrix(twins: Town) -> None:
    policed(twins, policy("in", "who=second", ingress=[]))
    told = {name: bool(twins.cluster.may_reach("caller", name, PORT)) for name in ("first", "second")}
    assert told == {"first": True, "second": False}
    assert len(twins.cluster.reachability(port=PORT).sources) == 4


def test_probes_of_a_node_ask_whoever_its_routes_lead_to(twins: Town) -> None:
    node = twins.node("node-2")
    assert twins.connect(node, "10.244.0.2", PORT).hops[-1].text == "pod first accepts the connection"


def test_to_an_address_of_no_nodes_range_there_is_no_route(town: Town) -> None:
    town.pod("caller", "node-3")
    misread(town, "node-2", "10.244.9.0/24")
    town.pod("lonely", "node-2")
    town.pod("near", "node-2")
    assert ask(town, "caller", "lonely") == LOST
    hop = town.connect(town.address("caller"), "10.244.9.2", PORT).hops[-1]
    assert hop.text.startswith("node-3 has no route to 10.244.9.2: the packet leaves by the default route")
    assert ask(town, "near", "lonely") == "lonely"
    assert ask(town, "lonely", "caller") == LOST


def test_pods_that_came_before_the_range_was_changed_stay_reachable(town: Town) -> None:
    town.pod("caller", "node-3")
    town.pod("old", "node-2")
    misread(town, "node-2", "10.244.9.0/24")
    town.pod("new", "node-2")
    assert [ask(town, *pair) for pair in (("caller", "old"), ("new", "old"), ("old", "new"))] == ["old", "old", "new"]
