"""What the reachability matrix says, packets do: random policies, and every pod tries every port of every other."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snb.typing import Object
from tests.network.policies.few_words import block, inward, outward, peer, policy
from tests.network.town import PORT, Town

CASES = 400 if os.environ.get("K8SNB_PROPERTIES") == "long" else 12
SPACES = ("default", "other")
ROLES = ("a", "b")


def built() -> Town:
    """Two pods in each of two namespaces, on three nodes, each with one port that it names."""
    town = Town()
    town.namespace("other")
    container = {"ports": [{"containerPort": PORT, "name": "host"}]}
    for number, (space, role) in enumerate((space, role) for space in SPACES for role in ROLES):
        town.pod(role, f"node-{number % 3 + 1}", namespace=space, app=role, container=container)
    return town


TOWN: list[Town] = []

pods = st.sampled_from(["", "app=a", "app=b", "app=c"])
spaces = st.sampled_from(["", *(f"kubernetes.io/metadata.name={space}" for space in SPACES)])
blocks = st.sampled_from([("10.244.0.0/16",), ("10.244.0.0/16", "10.244.1.0/24"), ("203.0.113.0/24",), ("0.0.0.0/0",)])
peers = st.one_of(
    st.builds(peer, pods), st.builds(lambda space: peer(None, space), spaces), st.builds(peer, pods, spaces),
    blocks.map(lambda words: block(*words)),
)  # fmt: skip
ports = st.sampled_from([{}, {"port": PORT}, {"port": "host"}, {"port": 9000, "endPort": 9999}, {"port": 80}])
rules = st.tuples(st.lists(peers, max_size=2), st.lists(ports, max_size=2))
directions = st.dictionaries(st.sampled_from(["ingress", "egress"]), st.lists(rules, max_size=2), min_size=1)
policies = st.lists(st.tuples(pods, st.sampled_from(SPACES), directions), max_size=4)


def written(number: int, selects: str, space: str, given: dict[str, list[tuple[list[Object], list[Object]]]]) -> Object:
    makers = {"ingress": inward, "egress": outward}
    made = {way: [makers[way](*peers, ports=ports) for peers, ports in rules] for way, rules in given.items()}
    return policy(f"p{number}", selects, space, **made)


@settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(policies)
def test_every_way_of_the_matrix_is_as_open_as_a_real_connection_on_it(
    drawn: list[tuple[str, str, dict[str, list]]],
) -> None:  # type: ignore[type-arg]
    if not TOWN:
        TOWN.append(built())
    (town,) = TOWN
    client = town.client
    for space in SPACES:
        for each in client.list("networkpolicies", space):
            client.delete("networkpolicies", each["metadata"]["name"], space)
    for number, (selects, space, rules_of) in enumerate(drawn):
        client.create("networkpolicies", written(number, selects, space, rules_of))
    town.cluster.settle()
    found = town.cluster.reachability(namespaces=SPACES)
    assert len(found.now) == 12
    connect = town.cluster.network.connect
    tried = {way: connect(way.source.ip, way.target.ip, way.port, way.source.node).error is None for way in found.now}
    assert {way: bool(judged) for way, judged in found.now.items()} == tried
