"""Who may reach whom, for readers: as a table, as a story, and as a matrix with what has changed."""

from __future__ import annotations

import pytest

from tests.network.policies.few_words import block, inward, peer, policy
from tests.network.town import PORT, Town


@pytest.fixture(scope="module")
def town() -> Town:
    town = Town()
    for name, node in (("db", "node-1"), ("web", "node-2"), ("job", "node-3")):
        ports = [{"containerPort": PORT, "name": "names"}] if name == "db" else []
        town.pod(name, node, app=name, container={"ports": ports})
    rules = [inward(peer("app=web"), ports=[{"port": "names"}]), inward(block("203.0.113.0/24"))]
    town.before = town.cluster.revision  # type: ignore[attr-defined]
    town.client.create("networkpolicies", policy("db-in", "app=db", ingress=rules))
    town.client.create("networkpolicies", policy("job-in", "app=job", ingress=[]))
    town.cluster.settle()
    return town


def test_a_connection_is_held_against_every_policy_of_its_two_ends(town: Town) -> None:
    found = town.cluster.may_reach("job", "db", PORT)
    assert not found
    rows = [[policy.text, policy.more, *(cell.text for cell in row)] for policy, *row in found.grid().rows]
    address = town.address("job")
    assert rows == [
        ["db-in", "podSelector", "ingress", "app=db", "app=db", "✓"],
        ["db-in", "ingress[0].ports[0]", "ingress", "TCP names (9376)", "TCP 9376", "✓"],
        ["db-in", "ingress[0].from[0].podSelector", "ingress", "app=web", "app=job", "✗"],
        ["db-in", "ingress[1].ports", "ingress", "any port", "whatever it is", "✓"],
        ["db-in", "ingress[1].from[0].ipBlock.cidr", "ingress", "203.0.113.0/24", address, "✗"],
        ["job-in", "podSelector", "ingress", "app=job", "app=db", "✗"],
    ]
    assert found.title == "job may not reach db:9376/TCP"
    assert found.reasons == [
        "egress of job: no policy isolates job for egress",
        "ingress to db: db is isolated for ingress by db-in, and no rule lets this in: the packet is dropped",
    ]


def test_the_story_of_a_connection_ends_where_it_is_dropped_or_accepted(town: Town) -> None:
    def actors(source: str) -> list[str]:
        return [frame.actor for frame in town.cluster.may_reach(source, "db", PORT).stepper().frames]

    said = ["NetworkPolicy db-in", "NetworkPolicy db-in", "NetworkPolicy db-in", "NetworkPolicy job-in", "agent node-1"]
    assert actors("job") == ["pod job", "agent node-3", *said]
    assert actors("web") == ["pod web", "agent node-2", *said, "pod db"]


def test_every_step_of_a_judgement_says_what_it_looked_at(town: Town) -> None:
    frames = town.cluster.may_reach("web", "db", PORT).stepper().frames
    assert all(frame.observed or frame.compared for frame in frames)
    labels = dict(frames[0].observed)
    assert (labels["web"].split(", ")[-1], labels["db"].split(", ")[-1]) == ("app=web", "app=db")


def test_a_matrix_says_what_is_open_which_side_closes_it_and_what_it_was(town: Town) -> None:
    before = town.before  # type: ignore[attr-defined]
    found = town.cluster.reachability(outside=["203.0.113.9", "198.51.100.1"], since=before)
    assert str(found).splitlines() == [
        "Who reaches whom: 2 of 4 ways are open",
        "from ↓ to →   db:9376",
        "db            –",
        "job           ✗ (ingress, was ✓)",
        "web           ✓",
        "203.0.113.9   ✓",
        "198.51.100.1  ✗ (ingress, was ✓)",
        "opened: none",
        "closed: job → db:9376, 198.51.100.1 → db:9376",
    ]
    assert found.open == ["web → db:9376", "203.0.113.9 → db:9376"]


def test_where_the_network_enforces_nothing_everything_is_open_and_that_is_said(town: Town) -> None:
    fork = town.cluster.fork()
    fork.enforce_policies(False)
    assert fork.may_reach("job", "db", PORT)
    assert str(fork.reachability()).splitlines()[-1] == "this network does not enforce policies"


def test_a_pod_without_an_address_cannot_be_asked_about(town: Town) -> None:
    with pytest.raises(ValueError, match="there is no pod nobody with an address"):
        town.cluster.may_reach("nobody", "db", PORT)
