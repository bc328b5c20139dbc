"""A verdict says what holds and what is missing, and asks no further than that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8snb import Cluster
from k8snb.lab.verdict import Claim, Reader, Verdict, check


@check
def check_nodes(cluster: Reader) -> Iterator[Claim]:
    """A check for these tests."""
    count = len(cluster.client.list("nodes"))
    yield Claim(True, "there is a cluster")
    yield Claim(count > 1, "it has two nodes", f"it has {count}")
    yield Claim(count > 2, "it has <three> nodes")
    yield Claim(count > 3, "it has four nodes")


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return check_nodes(Cluster(nodes=1))


def test_a_check_stops_at_the_first_claim_that_does_not_hold(verdict: Verdict) -> None:
    assert [claim.holds for claim in verdict.claims] == [True, False]


def test_a_verdict_says_in_words_what_is_missing(verdict: Verdict) -> None:
    assert repr(verdict) == "Not yet.\n✓ there is a cluster\n✗ it has two nodes\n  → it has 1"


def test_a_hint_is_optional() -> None:
    assert repr(check_nodes(Cluster(nodes=2))).endswith("\n✗ it has <three> nodes")


def test_a_solved_exercise_is_true(verdict: Verdict) -> None:
    assert check_nodes(Cluster(nodes=4))
    assert not verdict


def test_a_solved_exercise_lists_what_holds() -> None:
    assert repr(check_nodes(Cluster(nodes=4))).splitlines()[0] == "Solved."


def test_the_html_says_the_same_and_escapes_it() -> None:
    shown = check_nodes(Cluster(nodes=2))._repr_html_()
    assert "<span>✗</span> <div>it has &lt;three&gt; nodes</div></li>" in shown
    assert shown.count("<li ") == 3


def test_a_check_keeps_its_name_and_its_words() -> None:
    assert (check_nodes.__name__, check_nodes.__doc__) == ("check_nodes", "A check for these tests.")
