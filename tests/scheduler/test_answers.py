"""What is kept of extenders' answers: the last attempt of each pod, and of all pods the newest."""

from __future__ import annotations

from k8snb.scheduler.answers import Answers, Binding, Filtering, Scoring

NODES = ("n1", "n2", "n3")
REFUSED = Filtering("x", NODES, {"n1": "full"}, (), "")
SCORED = Scoring("x", ("n2", "n3"), {"n2": 7}, "")


def test_of_each_pod_the_last_attempt_is_kept() -> None:
    said = Answers()
    for at in (1.0, 2.0):
        said.begin("a", at)
        said.add("a", REFUSED)
    said.add("a", SCORED)
    found = said.of("a")
    assert found is not None
    assert (found.at, found.answers, found.size) == (2.0, [REFUSED, SCORED], 6)
    assert said.of("b") is None


def test_nodes_that_are_filtered_anew_are_spoken_of_once() -> None:
    said = Answers()
    said.begin("a", 1.0)
    said.add("a", REFUSED)
    said.filter_anew("a")
    said.add("a", Filtering("x", NODES, {}, (), "EOF"))
    found = said.of("a")
    assert found is not None
    assert [each.error for each in found.filters] == ["EOF"]


def test_of_too_many_the_oldest_go_first_and_the_newest_stays_however_much_it_says() -> None:
    said = Answers(most=9)
    for uid in "abc":
        said.begin(uid, 0.0)
        said.add(uid, REFUSED)
    assert [uid for uid in "abc" if said.of(uid)] == ["b", "c"]
    said.begin("b", 1.0)
    said.begin("d", 1.0)
    said.add("d", Filtering("x", [f"n{i}" for i in range(20)], {}, (), ""))
    assert [uid for uid in "abcd" if said.of(uid)] == ["d"]
    said.add("c", Binding("x", "n1", ""))
    assert len(said) == 1
