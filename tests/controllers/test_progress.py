from __future__ import annotations

from typing import Any

from k8snb.clock import EPOCH, rfc3339
from k8snb.controllers.deployment import progress
from k8snb.controllers.deployment.status import condition, find_condition, set_condition, status_of
from k8snb.typing import Object
from tests.controllers.world import deployment

THEN, NOW = rfc3339(EPOCH), rfc3339(EPOCH + 30)


def rs(size: int, available: int, **status: Any) -> Object:
    counts = {"replicas": size, "readyReplicas": available, "availableReplicas": available, "terminatingReplicas": 0}
    counts["observedGeneration"] = 1
    meta = {"name": "web-abc", "uid": "1", "creationTimestamp": THEN}
    return {"metadata": meta, "spec": {"replicas": size}, "status": {**counts, **status}}


def since(reason: str, status: str = "True") -> Object:
    return condition("Progressing", status, reason, "", THEN)


def judged(
    new: Object, *conditions: Object, seconds: float = 30, old: Object | None = None, **spec: Any
) -> Object | None:
    """The condition Progressing of a Deployment that had these conditions `seconds` ago."""
    before = {**(old or {}), "conditions": list(conditions)}
    target = {**deployment(progressDeadlineSeconds=60, **spec), "status": before}
    status = status_of(target, new, [], rfc3339(EPOCH + seconds))
    return find_condition(
        progress.with_progress(target, status, new, [new], EPOCH + seconds, rfc3339(EPOCH + seconds)), "Progressing"
    )


def test_progress_renews_the_time_of_the_last_update_but_not_of_the_transition() -> None:
    found = judged(rs(3, 1), since("ReplicaSetUpdated"))
    assert found is not None
    assert (found["lastUpdateTime"], found["lastTransitionTime"]) == (NOW, THEN)


def test_without_progress_the_condition_stays_as_it_was_until_the_deadline() -> None:
    old = {"replicas": 3, "updatedReplicas": 3}
    assert judged(rs(3, 0), since("ReplicaSetUpdated"), seconds=60, old=old) == since("ReplicaSetUpdated")
    late = judged(rs(3, 0), since("ReplicaSetUpdated"), seconds=61, old=old)
    assert late is not None
    assert (late["status"], late["reason"]) == ("False", "ProgressDeadlineExceeded")


def test_a_deployment_that_was_complete_is_not_judged_again_when_a_pod_fails() -> None:
    old = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}
    done = since("NewReplicaSetAvailable")
    assert judged(rs(3, 2), done, seconds=10_000, old=old) == done


def test_without_a_deadline_there_is_no_such_condition() -> None:
    target = {**deployment(), "status": {"conditions": [since("ReplicaSetUpdated")]}}
    status = status_of(target, rs(3, 1), [], NOW)
    assert find_condition(progress.with_progress(target, status, None, [], EPOCH, NOW), "Progressing") is None


def test_the_failure_of_a_replicaset_is_the_deployments_too() -> None:
    failed = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "no",
        "lastTransitionTime": THEN,
    }
    new = rs(3, 0, conditions=[failed])
    status = progress.with_progress(deployment(), status_of(deployment(), new, [], NOW), new, [new], EPOCH, NOW)
    assert find_condition(status, "ReplicaFailure") == {**failed, "lastUpdateTime": THEN}
    well = progress.with_progress({**deployment(), "status": status}, status, rs(3, 0), [], EPOCH, NOW)
    assert find_condition(well, "ReplicaFailure") is None


def test_pausing_is_noted_once_and_a_timeout_is_not_overwritten() -> None:
    paused = {**deployment(paused=True, progressDeadlineSeconds=60), "status": {}}
    note = progress.paused_condition(paused, NOW)
    assert note is not None
    assert note["reason"] == "DeploymentPaused"
    assert progress.paused_condition({**paused, "status": {"conditions": [note]}}, NOW) is None
    late = since("ProgressDeadlineExceeded", "False")
    assert progress.paused_condition({**paused, "status": {"conditions": [late]}}, NOW) is None


def test_a_condition_changes_only_with_its_status_or_reason() -> None:
    old = [since("A"), condition("Available", "True", "B", "", THEN)]
    assert set_condition(old, condition("Progressing", "True", "A", "other words", NOW)) == old
    moved = set_condition(old, condition("Progressing", "True", "C", "", NOW))
    assert [each["type"] for each in moved] == ["Available", "Progressing"]
    assert moved[1]["lastTransitionTime"] == THEN


def test_terminating_pods_are_counted_unless_a_replicaset_does_not_say() -> None:
    target = deployment()
    assert status_of(target, rs(3, 3, terminatingReplicas=2), [], NOW)["terminatingReplicas"] == 2
    silent = rs(1, 1)
    del silent["status"]["terminatingReplicas"]
    assert "terminatingReplicas" not in status_of(target, rs(3, 3), [silent], NOW)
