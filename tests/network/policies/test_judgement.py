"""What policies make of a connection: selection isolates, rules add up, and both ends must consent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from k8snb.network.policies.judgement import Judgement, Look, judge
from k8snb.network.policies.parties import Party
from k8snb.typing import Object
from tests.network.policies.few_words import block, inward, outward, party, peer, policy

DB = party("db", "role=db", ip="10.0.0.1")
WEB = party("web", "role=web", ip="10.0.0.2", node="n2")
GUEST = party("guest", "role=web", ip="10.0.0.3", space="other")
OUTSIDE = Party("203.0.113.7")


def asked(source: Party, target: Party, *policies: Object, port: int = 80, protocol: str = "TCP") -> Judgement:
    return judge(
        source, target, port, protocol, lambda space: [p for p in policies if p["metadata"]["namespace"] == space]
    )


def may(source: Party, target: Party, *policies: Object, port: int = 80, protocol: str = "TCP") -> bool:
    return bool(asked(source, target, *policies, port=port, protocol=protocol))


def test_without_policies_everybody_reaches_everybody() -> None:
    assert all(may(source, target) for source in (DB, WEB, GUEST, OUTSIDE) for target in (DB, WEB, GUEST, OUTSIDE))


def test_a_pod_that_a_policy_selects_is_isolated_in_its_directions_and_no_other_is() -> None:
    closed = policy(selects="role=db", ingress=[])
    assert not may(WEB, DB, closed)
    assert may(DB, WEB, closed)
    assert may(WEB, GUEST, closed)
    assert not may(DB, WEB, policy(selects="role=db", egress=[]))


def test_a_policy_is_about_pods_of_its_own_namespace() -> None:
    assert may(WEB, DB, policy(space="other", ingress=[]))


def test_both_ends_must_consent() -> None:
    out = policy("out", "role=web", egress=[outward(peer("role=db"))])
    assert may(WEB, DB, out)
    assert not may(WEB, DB, out, policy("in", "role=db", ingress=[]))


def test_where_several_pods_have_an_address_it_may_be_any_of_them_from_afar_and_is_one_at_home() -> None:
    either = replace(WEB, doubles=(party("twin", "role=cache", ip=WEB.ip, node="n3"),))
    assert may(either, DB, policy(ingress=[inward(peer("role=cache"))]))
    assert may(either, DB, policy(ingress=[inward(peer("role=web"))]))
    assert not may(either, DB, policy(ingress=[inward(peer("role=db"))]))
    assert not may(DB, either, policy("closed", "role=web", ingress=[]))
    assert may(DB, either, policy("closed", "role=cache", ingress=[]))


def test_a_named_port_is_that_of_any_pod_that_has_the_address_and_of_the_pod_itself_at_home() -> None:
    named = [{"port": "http"}]
    either = replace(WEB, ports={}, doubles=(party("twin", ip=WEB.ip, node="n3"),))
    assert may(DB, either, policy(selects="role=db", egress=[outward(ports=named)]))
    assert not may(DB, either, policy(selects="role=web", ingress=[inward(ports=named)]))


def test_policies_and_rules_add_up() -> None:
    one, two = (
        policy("one", ingress=[inward(peer("role=web"))]),
        policy("two", ingress=[inward(block("203.0.113.0/24"))]),
    )
    assert [may(source, DB, one, two) for source in (WEB, OUTSIDE, GUEST)] == [True, True, False]
    both = policy(ingress=[inward(peer("role=web")), inward(block("203.0.113.0/24"))])
    assert [may(source, DB, both) for source in (WEB, OUTSIDE, GUEST)] == [True, True, False]


def test_two_selectors_in_one_peer_must_both_hold_and_two_peers_are_each_enough() -> None:
    stranger = party("stranger", "role=x", ip="10.0.0.4", space="other")
    one = policy(ingress=[inward(peer("role=web", "is=other"))])
    two = policy(ingress=[inward(peer("role=web"), peer(spaces="is=other"))])
    assert [may(each, DB, one) for each in (GUEST, WEB, stranger)] == [True, False, False]
    assert [may(each, DB, two) for each in (GUEST, WEB, stranger)] == [True, True, True]


@pytest.mark.parametrize(
    ("rule", "reached"),
    [
        (inward(), [True, True, True, True]),
        (inward(peer("")), [True, True, False, False]),
        (inward(peer(spaces="")), [True, True, True, False]),
        (inward(peer("", "")), [True, True, True, False]),
        (inward(block("0.0.0.0/0")), [True, True, True, True]),
        (inward(block("10.0.0.0/8", "10.0.0.2/31")), [True, False, False, False]),
        (inward(block("2001:db8::/32")), [True, False, False, False]),
    ],
)
def test_a_rule_lets_in_whom_it_names(rule: Object, reached: list[bool]) -> None:
    everybody = (DB, WEB, GUEST, OUTSIDE)
    assert [may(source, DB, policy(ingress=[rule])) for source in everybody] == reached


@pytest.mark.parametrize(
    ("port", "open"),
    [
        ({}, [80, 443, 8080]),
        ({"port": 80}, [80]),
        ({"port": 80, "endPort": 500}, [80, 443]),
        ({"port": "http"}, [80]),
        ({"port": "https"}, []),
        ({"port": 80, "protocol": "UDP"}, []),
    ],
)
def test_a_port_is_a_number_a_range_or_the_name_of_a_port_of_the_pod_that_is_asked(
    port: Object, open: list[int]
) -> None:
    for policies in (policy(ingress=[inward(ports=[port])]), policy(egress=[outward(ports=[port])])):
        assert [number for number in (80, 443, 8080) if may(WEB, DB, policies, port=number)] == open


def test_nobody_can_be_kept_from_itself_nor_a_node_from_its_pods() -> None:
    closed = policy(ingress=[], egress=[])
    own, other = Party("172.18.0.2", node="n1"), Party("172.18.0.3", node="n2")
    assert may(DB, DB, closed)
    assert [may(own, DB, closed), may(DB, own, closed)] == [True, True]
    assert [may(other, DB, closed), may(DB, other, closed)] == [False, False]


def test_an_address_that_is_no_pod_is_found_by_blocks_alone() -> None:
    node = Party("172.18.0.3", node="n2")
    assert not may(node, DB, policy(ingress=[inward(peer("", ""))]))
    assert may(node, DB, policy(ingress=[inward(block("172.18.0.0/16"))]))


def test_a_policy_without_types_isolates_for_what_its_rules_speak_of() -> None:
    spec = {"podSelector": {}, "egress": [{}]}
    silent = {**policy(), "spec": spec}
    assert not may(WEB, DB, silent)
    assert not may(WEB, DB, {**silent, "spec": {"podSelector": {}}})
    assert may(DB, GUEST, {**silent, "spec": {"podSelector": {}}})


def test_of_everything_that_was_looked_at_it_is_told_what_was_wanted_and_found() -> None:
    rules = [inward(peer("role=web", "is=other"), peer("role=web"), ports=[{"port": 81}, {"port": "http"}])]
    (judged,) = asked(GUEST, DB, policy("only", "role=db", ingress=rules)).ingress.policies
    assert judged.selects == Look("spec.podSelector", "podSelector", "role=db", "role=db", True)
    (rule,) = judged.rules
    at = "spec.ingress[0]"
    assert list(rule.ports) == [
        Look(f"{at}.ports[0]", "port", "TCP 81", "TCP 80", False),
        Look(f"{at}.ports[1]", "named port", "TCP http (80)", "TCP 80", True),
    ]
    assert list(rule.peers) == [
        Look(f"{at}.from[0].podSelector", "podSelector", "role=web", "role=web", True),
        Look(f"{at}.from[1]", "namespace", "default", "other", False),
    ]


def test_of_a_peer_the_first_thing_that_does_not_hold_is_told() -> None:
    rules = [inward(peer("role=web", "is=other"), block("203.0.113.0/24", "203.0.113.0/29"), block("10.0.0.0/8"))]
    closed = policy(ingress=rules)

    def first(source: Party) -> list[str]:
        return [
            look.path.removeprefix("spec.ingress[0].")
            for look in asked(source, DB, closed).ingress.policies[0].rules[0].peers
        ]

    assert first(WEB) == ["from[0].namespaceSelector", "from[1].ipBlock.cidr", "from[2].ipBlock.cidr"]
    assert first(OUTSIDE) == ["from[0].podSelector", "from[1].ipBlock.except[0]", "from[2].ipBlock.cidr"]
