from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.replicaset_status import Counts, Failure, Tally, standing, status_of
from k8snb.typing import Object

NOW = "2026-01-01T00:00:00Z"
LABELS = ({"app": "web"}, {"app": "web", "tier": "a"}, {"app": "db"})


def pod(phase: str = "Running", ready: bool = True, deleting: bool = False, labels: Any = LABELS[0]) -> Object:
    meta = {"labels": labels, **({"deletionTimestamp": NOW} if deleting else {})}
    return {"metadata": meta, "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}}


pods = st.builds(
    pod,
    st.sampled_from(("Pending", "Running", "Succeeded", "Failed")),
    st.booleans(),
    st.booleans(),
    st.sampled_from(LABELS).map(lambda labels: labels) | st.sampled_from(LABELS).map(dict),
)


def figures(tally: Tally) -> tuple[object, ...]:
    matching = tally.matching(lambda labels: labels["app"] == "web")
    return tally.active, tally.ready, tally.terminating, tally.empty, matching, tally.labelled(LABELS[1])


def counted(living: list[Object]) -> tuple[object, ...]:
    fresh = Tally()
    for each in living:
        fresh.add(each)
    return figures(fresh)


@given(st.lists(pods, max_size=8), st.data())
def test_counting_change_by_change_comes_to_the_same_as_counting_afresh(living: list[Object], data: Any) -> None:
    tally = Tally()
    for each in living:
        tally.add(each)
    for _ in range(data.draw(st.integers(0, 12))):
        if living and data.draw(st.booleans()):
            index = data.draw(st.integers(0, len(living) - 1))
            new = data.draw(pods | st.none())
            if new is None:
                tally.remove(living.pop(index))
            else:
                tally.change(living[index], new)
                living[index] = new
        else:
            living.append(data.draw(pods))
            tally.add(living[-1])
        assert figures(tally) == counted(living)


def test_a_change_that_makes_no_difference_is_reported_as_none() -> None:
    tally = Tally()
    before = pod()
    tally.add(before)
    assert not tally.change(before, {**before, "spec": {"nodeName": "node-1"}})
    assert tally.change(before, pod(ready=False))


def test_standings_are_exclusive() -> None:
    assert [standing(each) for each in (pod("Failed"), pod(deleting=True), pod(ready=False), pod())] == [0, 1, 2, 3]
    assert standing(pod("Succeeded", deleting=True)) == 0, "an ended pod is not on its way out any more"


def rs(**status: Any) -> Object:
    return {"metadata": {"generation": 4}, "status": status}


def test_the_status_shows_counters_that_are_not_zero_and_the_two_that_are_always_shown() -> None:
    assert status_of(rs(), Counts(0, 0, 0, 0, 0), None, NOW) == {
        "replicas": 0,
        "terminatingReplicas": 0,
        "observedGeneration": 4,
    }
    assert status_of(rs(), Counts(3, 3, 2, 1, 0), None, NOW) == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 0,
        "observedGeneration": 4,
    }


def test_a_failure_is_a_condition_for_as_long_as_it_lasts() -> None:
    failed = status_of(rs(), Counts(0, 0, 0, 0, 0), Failure("FailedCreate", "quota"), NOW)
    expected = {"type": "ReplicaFailure", "status": "True", "lastTransitionTime": NOW}
    assert failed["conditions"] == [{**expected, "reason": "FailedCreate", "message": "quota"}]
    assert "conditions" not in status_of(rs(**failed), Counts(0, 0, 0, 0, 0), None, NOW)
