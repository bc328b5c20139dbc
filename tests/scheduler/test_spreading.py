"""Counting alike pods: incrementally, and always as if counted anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery import selectors
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.spreading import Journal, Spreading
from tests.scheduler.world import World, node, owned_by, pod, replica_set, service

labels = st.dictionaries(st.sampled_from(["app", "tier", "hash"]), st.sampled_from(["a", "b"]), max_size=3)
chosen = st.sampled_from(["app=a", "app=a,tier=b", "app in (a,b)", "!tier", "hash=a", "app=b,hash=b"])
actions = st.lists(
    st.one_of(
        st.tuples(st.just("put"), labels, st.integers(0, 2)),
        st.tuples(st.just("take"), st.integers(0, 9), st.none()),
        st.tuples(st.just("select"), chosen, st.none()),
    ),
    max_size=30,
)


@given(actions)
def test_a_selection_counts_what_its_selector_matches(history: list[tuple[str, object, object]]) -> None:
    spreading, nodes = Spreading(), [NodeInfo(f"n{index}") for index in range(3)]
    placed: list[tuple[PodInfo, NodeInfo]] = []
    selections = {}
    for number, (action, first, second) in enumerate(history):
        if action == "put":
            info = PodInfo(pod(f"p{number}", labels=first))  # type: ignore[arg-type]
            placed.append((info, nodes[second]))  # type: ignore[call-overload]
            spreading.placed(*placed[-1])
        elif action == "take" and placed:
            spreading.taken(*placed.pop(first % len(placed)))  # type: ignore[operator]
        elif action == "select":
            selections[first] = spreading.selection("default", selectors.parse(first))  # type: ignore[arg-type]
        for text, selection in selections.items():
            matches = selectors.parse(text).matches  # type: ignore[arg-type]
            expected = {n: sum(matches(i.labels) for i, where in placed if where is n) for n in nodes}
            assert selection.tally.counts == {n: count for n, count in expected.items() if count}


def test_a_selection_of_one_label_set_shares_its_tally() -> None:
    spreading, where = Spreading(), NodeInfo("n")
    info = PodInfo(pod("p", labels={"app": "a"}))
    spreading.placed(info, where)
    selection = spreading.selection("default", selectors.parse("app=a"))
    assert selection.tally is spreading.label_set(info).tally


def test_a_journal_forgets_what_is_too_old_and_says_so() -> None:
    journal: Journal[int] = Journal(limit=4)
    for number in range(3):
        journal.append(number)
    assert list(journal.since(1) or ()) == [1, 2]
    assert list(journal.since(3) or ()) == []
    for number in range(3, 9):
        journal.append(number)
    assert journal.since(1) is None
    assert list(journal.since(8) or ()) == [8]


def test_a_new_service_changes_what_a_pod_is_spread_among() -> None:
    world = World([node()], [pod("x", labels={"app": "web"}, node="n")])
    info = PodInfo(pod("p", labels={"app": "web"}))
    assert world.selectors.of(info) is None
    web = service("web", {"app": "web"})
    world.selectors.put_service(None, web)
    found = world.selectors.of(info)
    assert found is not None
    assert sum(found.tally.counts.values()) == 1
    world.selectors.put_service(web, None)
    assert world.selectors.of(info) is None


def test_services_and_the_owner_have_to_select_alike() -> None:
    rs = replica_set("web-1", {"app": "web", "pod-template-hash": "1"})
    world = World([node()], owners=[rs], services=[service("web", {"app": "web"}), service("db", {"app": "db"})])
    mine = {"app": "web", "pod-template-hash": "1"}
    found = world.selectors.of(PodInfo(pod(labels=mine, owner=owned_by(rs))))
    assert found is not None
    assert str(found.selector) == "app=web,app=web,pod-template-hash=1"


def test_an_owner_that_is_not_known_yet_is_looked_up_again() -> None:
    world = World([node()])
    rs = replica_set("late", {"app": "web"})
    info = PodInfo(pod(labels={"app": "web"}, owner=owned_by(rs)))
    assert world.selectors.of(info) is None
    world.owners["ReplicaSet", "default", "late"] = rs
    assert world.selectors.of(info) is not None
