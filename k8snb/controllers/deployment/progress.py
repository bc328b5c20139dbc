"""The condition Progressing: whether a rollout gets on, is done, or has stalled.

Progress is a pod more that is up to date, ready or available, or one old pod less. Without any for
`progressDeadlineSeconds` the condition becomes False; nothing else happens: the old pods keep serving, and the
rollout goes on as soon as it can. Pure functions. Upstream: `deployment/progress.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.clock import parse_time
from k8snb.controllers.deployment.status import (
    FAILURE,
    PROGRESSING,
    condition,
    find_condition,
    is_complete,
    set_condition,
    without_condition,
)
from k8snb.typing import Object

NO_DEADLINE = 2**31 - 1
DONE = "NewReplicaSetAvailable"
UPDATED = "ReplicaSetUpdated"
TIMED_OUT = "ProgressDeadlineExceeded"
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
CREATE_FAILED = "ReplicaSetCreateError"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


def deadline(deployment: Object) -> int | None:
    """Seconds that a rollout may go without progress; None where there is no limit."""
    seconds: int = deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE)
    return None if seconds == NO_DEADLINE else seconds


def has_progressed(old: Object, new: Object) -> bool:
    """Whether the new status is nearer to completion than the old one."""

    def count(status: Object, name: str) -> int:
        number: int = status.get(name, 0)
        return number

    def outdated(status: Object) -> int:
        return count(status, "replicas") - count(status, "updatedReplicas")

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return outdated(new) < outdated(old) or any(count(new, name) > count(old, name) for name in grown)


def has_timed_out(deployment: Object, status: Object, now: float) -> bool:
    """Whether the last progress was longer ago than the deadline."""
    limit = deadline(deployment)
    found = find_condition(status, PROGRESSING)
    if limit is None or found is None or found.get("reason") == DONE:
        return False
    if found.get("reason") == TIMED_OUT:
        return True
    return parse_time(found["lastUpdateTime"]) + limit < now


def with_progress(
    deployment: Object, status: Object, new: Object | None, sets: Sequence[Object], now: float, stamp: str
) -> Object:
    """The status with its conditions Progressing and ReplicaFailure. `stamp` is `now` as objects show time."""
    conditions = list(status["conditions"])
    if deadline(deployment) is None:
        conditions = without_condition(conditions, PROGRESSING)
    else:
        conditions = _progress(deployment, {**status, "conditions": conditions}, new, now, stamp)
    failure = replica_failure(new, sets)
    if failure is not None:
        conditions = set_condition(conditions, failure)
    else:
        conditions = without_condition(conditions, FAILURE)
    return {**status, "conditions": conditions}


def _progress(deployment: Object, status: Object, new: Object | None, now: float, stamp: str) -> list[Object]:
    conditions: list[Object] = list(status["conditions"])
    old_status: Object = deployment.get("status") or {}
    current = find_condition(old_status, PROGRESSING)
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if settled and current is not None and current.get("reason") == DONE:
        return conditions
    meta = (deployment if new is None else new)["metadata"]
    subject = f'{"Deployment" if new is None else "ReplicaSet"} "{meta["name"]}"'
    if is_complete(deployment, status):
        done = condition(PROGRESSING, "True", DONE, f"{subject} has successfully progressed.", stamp)
        return set_condition(conditions, done)
    if has_progressed(old_status, status):
        moving = condition(PROGRESSING, "True", UPDATED, f"{subject} is progressing.", stamp)
        if current is not None and current["status"] == "True":
            moving = {**moving, "lastTransitionTime": current["lastTransitionTime"]}
        return set_condition(without_condition(conditions, PROGRESSING), moving)
    if has_timed_out(deployment, status, now):
        late = condition(PROGRESSING, "False", TIMED_OUT, f"{subject} has timed out progressing.", stamp)
        return set_condition(conditions, late)
    return conditions


def replica_failure(new: Object | None, sets: Sequence[Object]) -> Object | None:
    """The first ReplicaFailure of a ReplicaSet, the new one's before all others, as a Deployment's condition."""
    for rs in [new, *sets] if new is not None else sets:
        found = find_condition(rs.get("status") or {}, FAILURE)
        if found is not None:
            return {**found, "lastUpdateTime": found["lastTransitionTime"]}
    return None


def paused_condition(deployment: Object, stamp: str) -> Object | None:
    """What Progressing has to say when the Deployment was paused or resumed; None when nothing new."""
    current = find_condition(deployment.get("status") or {}, PROGRESSING)
    if deadline(deployment) is None or (current is not None and current.get("reason") == TIMED_OUT):
        return None
    noted = current is not None and current.get("reason") == PAUSED
    paused = bool(deployment["spec"].get("paused"))
    if paused and not noted:
        return condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", stamp)
    if noted and not paused:
        return condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", stamp)
    return None


def next_check(deployment: Object, status: Object, now: float) -> float | None:
    """In how many seconds a rollout that does not move must be looked at again; None if it need not be."""
    limit = deadline(deployment)
    current = find_condition(status, PROGRESSING)
    if limit is None or current is None or is_complete(deployment, status) or current.get("reason") == TIMED_OUT:
        return None
    left = parse_time(current["lastUpdateTime"]) + limit - now
    return max(left, 0.0) + 1.0
