from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.clock import EPOCH, rfc3339
from k8snb.controllers.ranking import CRITERIA, DELETION_COST, victims
from k8snb.typing import Object

NOW = EPOCH + 100_000


def pod(
    name: str,
    node: str = "node-1",
    phase: str = "Running",
    ready: float | None = 1000,
    age: float = 5000,
    cost: str | None = None,
    restarts: int = 0,
    **more: Any,
) -> Object:
    """A pod that has been ready for `ready` seconds (None: is not) and exists for `age`."""
    since = rfc3339(NOW - (ready or 0))
    condition = {"type": "Ready", "status": "False" if ready is None else "True", "lastTransitionTime": since}
    meta: dict[str, Any] = {"name": name, "uid": name, "creationTimestamp": rfc3339(NOW - age)}
    if cost is not None:
        meta["annotations"] = {DELETION_COST: cost}
    status = {"phase": phase, "conditions": [condition], "containerStatuses": [{"name": "c", "restartCount": restarts}]}
    return {"metadata": meta, "spec": {"nodeName": node} if node else {}, "status": {**status, **more}}


def first(*pods: Object) -> str:
    """The pod that goes first."""
    chosen = victims(pods, pods, 1, NOW)
    name: str = chosen[0]["metadata"]["name"]
    return name


@pytest.mark.parametrize(
    ("criterion", "loser"),
    [
        (CRITERIA[0], pod("b", node="", phase="Pending", ready=None)),
        (CRITERIA[1], pod("b", phase="Pending", ready=None, age=9000)),
        (CRITERIA[2], pod("b", ready=None)),
        (CRITERIA[3], pod("b", cost="-10")),
        (CRITERIA[5], pod("b", ready=10)),
        (CRITERIA[6], pod("b", restarts=3)),
        (CRITERIA[7], pod("b", age=1200)),
    ],
)
def test_what_costs_least_goes_first(criterion: str, loser: Object) -> None:
    assert first(pod("a"), loser) == "b", criterion


def test_a_node_with_many_pods_of_a_kind_gives_one_up_first() -> None:
    mine = [pod("a", node="node-1"), pod("b", node="node-2")]
    related = [*mine, pod("c", node="node-2"), pod("d", node="node-1", phase="Failed")]
    assert [p["metadata"]["name"] for p in victims(mine, related, 1, NOW)] == ["b"]


def test_an_earlier_criterion_outweighs_every_later_one() -> None:
    assert first(pod("a", cost="-100", restarts=9, age=10), pod("b", ready=None, cost="100")) == "b"


def test_ages_of_the_same_magnitude_are_decided_by_uid() -> None:
    assert first(pod("b", ready=1000, age=5000), pod("a", ready=1010, age=5000)) == "a"


def test_a_cost_that_is_no_number_counts_as_none() -> None:
    assert first(pod("a", cost="cheap"), pod("b", cost="-1")) == "b"


some_pods = st.lists(
    st.builds(
        lambda node, ready, cost, restarts, age: (node, ready, cost, restarts, age),
        st.sampled_from(("", "node-1", "node-2")),
        st.sampled_from((None, 10, 100, 1000)),
        st.sampled_from((None, "1", "-1")),
        st.integers(0, 2),
        st.sampled_from((1, 30, 300, 3000)),
    ),
    max_size=8,
)


@given(some_pods, st.integers(0, 9), st.randoms(use_true_random=False))
def test_who_goes_does_not_depend_on_the_order_in_which_pods_are_listed(rows: Any, count: int, random: Any) -> None:
    pods = [pod(str(i), n, ready=r, cost=c, restarts=x, age=a) for i, (n, r, c, x, a) in enumerate(rows)]
    chosen = {each["metadata"]["name"] for each in victims(pods, pods, count, NOW)}
    assert len(chosen) == min(count, len(pods))
    random.shuffle(pods)
    assert {each["metadata"]["name"] for each in victims(pods, pods, count, NOW)} == chosen
