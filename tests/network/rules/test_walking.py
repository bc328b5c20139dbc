"""A packet follows the rules: what upstream's tests expect of it, and that three ways to hold the rules agree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb.network.rules import iptables_proxier, nft_walking, nftables_proxier, walking
from k8snb.network.rules.growth import growth
from k8snb.network.rules.ports import ServicePort
from k8snb.network.rules.walking import Walk
from tests.network.rules.made import NODE, PLACE, RANGE, Fixed, packet, ports

CASES = 2_000 if os.environ.get("K8SNB_PROPERTIES") == "long" else 60


def by_iptables(made: Sequence[ServicePort], source: str, destination: str, kernel: Fixed | None = None) -> Walk:
    kernel, arrives = kernel or Fixed(), source != PLACE.ip
    return walking.walk(iptables_proxier.tables(made, PLACE), packet(source, destination), kernel, arrives=arrives)


def by_nft(made: Sequence[ServicePort], source: str, destination: str, kernel: Fixed | None = None) -> Walk:
    kernel, arrives = kernel or Fixed(), source != PLACE.ip
    table = nftables_proxier.table(made, PLACE, RANGE)
    return nft_walking.walk(table, packet(source, destination), kernel, arrives=arrives)


POD, OUTSIDE, BLOCKED = "10.0.0.2", "203.0.113.2", "203.0.113.130"
FENCED = ports(
    "ns1/svc1",
    "172.30.0.41",
    "10.180.0.1",
    node_port=3001,
    balancers=["1.2.3.4"],
    loadBalancerSourceRanges=["192.168.0.0/24", "203.0.113.0/25"],
)
LOCAL = ports(
    "ns1/svc1",
    "172.30.0.41",
    "10.180.0.1",
    "10.180.2.1@test-node",
    node_port=3001,
    balancers=["1.2.3.4"],
    externalIPs=["192.168.99.11"],
    externalTrafficPolicy="Local",
)
TO = "ACCEPT to 10.180.0.1:80"


@pytest.mark.parametrize(
    ("made", "source", "destination", "outcome"),
    [
        (FENCED, POD, "172.30.0.41:80", TO),
        (FENCED, "10.180.0.1", "172.30.0.41:80", f"{TO}, masqueraded"),  # it reaches itself
        (FENCED, OUTSIDE, "192.168.0.2:3001", f"{TO}, masqueraded"),
        (FENCED, BLOCKED, "192.168.0.2:3001", f"{TO}, masqueraded"),  # a node port knows no source ranges
        (FENCED, OUTSIDE, "1.2.3.4:80", f"{TO}, masqueraded"),
        (FENCED, BLOCKED, "1.2.3.4:80", "DROP"),
        (FENCED, POD, "1.2.3.4:80", "DROP"),
        (FENCED, PLACE.ip, "1.2.3.4:80", f"{TO}, masqueraded"),
        (FENCED, "1.2.3.4", "1.2.3.4:80", f"{TO}, masqueraded"),  # the node, as the balancer would show it
        (LOCAL, OUTSIDE, "192.168.99.11:80", "ACCEPT to 10.180.2.1:80"),
        (LOCAL, OUTSIDE, "1.2.3.4:80", "ACCEPT to 10.180.2.1:80"),
        (LOCAL, OUTSIDE, "192.168.0.2:3001", "ACCEPT to 10.180.2.1:80"),
        (LOCAL, POD, "1.2.3.4:80", TO),
        (LOCAL, PLACE.ip, "192.168.0.2:3001", f"{TO}, masqueraded"),
        (ports("ns1/svc1", "172.30.0.41"), POD, "172.30.0.41:80", "REJECT"),
        (ports("ns1/svc1", "172.30.0.41", internalTrafficPolicy="Local"), POD, "172.30.0.41:80", "REJECT"),
        (ports("ns1/svc1", "172.30.0.41", "10.1.0.1", internalTrafficPolicy="Local"), POD, "172.30.0.41:80", "DROP"),
    ],
)
def test_a_packet_goes_where_upstream_sends_it(
    made: list[ServicePort], source: str, destination: str, outcome: str
) -> None:
    outcomes = [walk(made, source, destination).outcome for walk in (by_iptables, by_nft)]
    assert outcomes == [outcome, outcome]


def test_only_nftables_answers_for_cluster_ips_that_nobody_has() -> None:
    wrong = [
        [walk(FENCED, POD, to).verdict for to in ("172.30.0.41:443", "172.30.0.50:80")]
        for walk in (by_iptables, by_nft)
    ]
    assert wrong == [["ACCEPT", "ACCEPT"], ["REJECT", "DROP"]]


def test_a_caller_stays_with_its_endpoint_until_it_was_quiet_for_too_long() -> None:
    made = ports("ns1/svc1", "172.30.0.41", "10.180.0.1", "10.180.0.2", sessionAffinity="ClientIP")
    for walk in (by_iptables, by_nft):
        kernel = Fixed(0)
        went = []
        for now, number in ((0.0, 0), (9_000.0, 1), (19_000.0, 1), (30_000.0, 1)):
            kernel.now, kernel.number = now, number
            found = walk(made, POD, "172.30.0.41:80", kernel)
            went.append((found.packet.ip, found.stuck, found.of))
        first, second = "10.180.0.1", "10.180.0.2"
        assert went == [(first, False, 2), (first, True, 2), (first, True, 2), (second, False, 2)]


def test_a_walk_tells_the_rules_that_it_passed() -> None:
    found = by_iptables(FENCED, OUTSIDE, "1.2.3.4:80")
    names = [name.rpartition("-")[0] for name in found.chains]
    assert names == ["KUBE", "KUBE-FW", "KUBE-EXT", "KUBE-MARK", "KUBE-SVC", "KUBE-SEP", "KUBE", "KUBE"]
    assert str(found).splitlines()[-4:] == [
        "  POSTROUTING → KUBE-POSTROUTING",
        "  KUBE-POSTROUTING → MARK --xor-mark 0x4000",
        "  KUBE-POSTROUTING → MASQUERADE --random-fully",
        f"ACCEPT to 10.180.0.1:80, masqueraded; rules looked at: {found.looked}",
    ]


def test_a_packet_is_held_against_every_service_with_iptables_and_against_a_map_with_the_others() -> None:
    few, many = growth((10, 200), PLACE, Fixed()).rows
    assert (few.iptables_looks + 190, few.nftables_looks, few.ipvs_looks) == (
        many.iptables_looks,
        many.nftables_looks,
        many.ipvs_looks,
    )


# -- any Services ------------------------------------------------------------------------------------------

ADDRESSES = st.sampled_from([f"10.180.{third}.{last}" for third in (0, 1) for last in (1, 2, 3)])
ENDPOINTS = st.lists(
    st.builds(
        lambda ip, here, state: {"addresses": [ip], "conditions": state, **({"nodeName": NODE} if here else {})},
        ADDRESSES,
        st.booleans(),
        st.sampled_from(
            [{"ready": True}, {"ready": False}, {"ready": False, "serving": True, "terminating": True}, {}]
        ),
    ),
    max_size=4,
)
POLICIES = st.sampled_from(["Cluster", "Local"])
SPECS = st.fixed_dictionaries(
    {
        "externalTrafficPolicy": POLICIES,
        "internalTrafficPolicy": POLICIES,
        "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
    },
    optional={
        "externalIPs": st.just(["192.168.99.11"]),
        "loadBalancerSourceRanges": st.sampled_from([["203.0.113.0/25"], ["192.168.0.0/24", "203.0.113.0/25"]]),
    },
)
SOURCES = st.sampled_from([POD, "10.180.0.1", OUTSIDE, BLOCKED, PLACE.ip])
DOORS = st.sampled_from(["172.30.0.41:80", "192.168.99.11:80", "1.2.3.4:80", "192.168.0.2:3001", "172.30.0.42:80"])


@settings(max_examples=CASES, deadline=None)
@given(ENDPOINTS, SPECS, st.booleans(), st.booleans(), SOURCES, DOORS, st.integers(0, 5))
def test_all_ways_to_hold_the_rules_send_a_packet_the_same_way(
    endpoints: list[dict[str, Any]],
    spec: dict[str, Any],
    node_port: bool,
    balancer: bool,
    source: str,
    door: str,
    number: int,
) -> None:
    more = {"node_port": 3001 if node_port else 0, "balancers": ["1.2.3.4"] if balancer else []}
    made = ports("ns1/svc1", "172.30.0.41", *endpoints, **more, **spec)
    others = ports("ns0/svc0", "172.30.0.40", "10.180.0.9", node_port=3000) + ports("ns2/svc2", "172.30.0.42")
    alone = made if not door.startswith("172.30.0.42") else others
    outcomes = [
        walk.outcome if walk.packet.rewritten or walk.verdict != "ACCEPT" else "nothing"
        for walk in (
            by_iptables([*made, *others], source, door, Fixed(number)),
            by_iptables(alone, source, door, Fixed(number)),
            by_nft([*made, *others], source, door, Fixed(number)),
        )
    ]
    if made[0].has_endpoints or door.startswith("172.30"):
        assert outcomes[0] == outcomes[1]
        told_apart = outcomes[0] == "nothing" and source == PLACE.ip  # iptables lets the node's own go out undecided
        assert told_apart or outcomes[2] == outcomes[0]
    else:
        assert outcomes[0] == outcomes[1], "nobody is behind it: the modes word their refusal differently"
