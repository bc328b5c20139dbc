"""Whether a Job is over, and why.

What ends a Job is noted first (`FailureTarget`, `SuccessCriteriaMet`), while its pods are still there; the last word
(`Failed`, `Complete`) follows when none is left. Pure. Upstream: `syncJob` in `job_controller.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.clock import parse_time, rfc3339
from k8snb.controllers.job.look import Look
from k8snb.controllers.job.pods import is_failed, is_indexed, is_suspended, restarts_of
from k8snb.controllers.job.policies import success_message, verdict_on
from k8snb.controllers.podstate import phase_of
from k8snb.machinery.objects import condition, is_true
from k8snb.typing import Object

FAILURE_TARGET, SUCCESS_MET = "FailureTarget", "SuccessCriteriaMet"
FAILED, COMPLETE = "Failed", "Complete"


def job_condition(type: str, reason: str, message: str, now: float, status: str = "True") -> Object:
    """A condition of a Job."""
    when = rfc3339(now)
    found = {"type": type, "status": status, "lastProbeTime": when, "lastTransitionTime": when}
    return {**found, **({"reason": reason, "message": message} if reason else {})}


def is_over(job: Object) -> bool:
    """Whether it has its last condition."""
    return is_true(job, COMPLETE) or is_true(job, FAILED)


def decide(look: Look, now: float) -> Object | None:
    """The condition by which the Job is over, apart from having enough completions; None if it goes on."""
    job = look.job
    for type in (SUCCESS_MET, FAILURE_TARGET):
        if is_true(job, type):
            return condition(job, type)
    for reason, message in _failures(look, now):
        return job_condition(FAILURE_TARGET, reason, message, now)
    if is_indexed(job) and (message := success_message(job, look.done)):
        return job_condition(SUCCESS_MET, "SuccessPolicy", message, now)
    return None


def _failures(look: Look, now: float) -> Iterator[tuple[str, str]]:
    """Why the Job fails, in the order in which it is asked: reason and message."""
    job, spec = look.job, look.job["spec"]
    for pod in look.pods:
        if is_failed(job, pod) and (message := verdict_on(job, pod).message):
            yield "PodFailurePolicy", message
    if look.failed > int(spec.get("backoffLimit", 6)) or _too_many_restarts(job, look.pods):
        yield "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    if (left := deadline_in(look, now)) is not None and left <= 0:
        yield "DeadlineExceeded", "Job was active longer than specified deadline"
    if look.lost is not None:
        most = spec.get("maxFailedIndexes")
        if most is not None and len(look.lost) > most:
            yield "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
        if look.lost and len(look.lost) + len(look.done) >= (look.completions or 0):
            yield "FailedIndexes", "Job has failed indexes"


def _too_many_restarts(job: Object, pods: Sequence[Object]) -> bool:
    """Where containers are restarted in their pod, restarts are failures."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(restarts_of(pod) for pod in pods if phase_of(pod) in ("Running", "Pending"))
    limit = int(job["spec"].get("backoffLimit", 6))
    return restarts > 0 if limit == 0 else restarts >= limit


def deadline_in(look: Look, now: float) -> float | None:
    """In how many seconds the Job has been active for too long; None if it has no deadline or is suspended."""
    seconds, began = look.job["spec"].get("activeDeadlineSeconds"), look.status.get("startTime")
    if seconds is None or began is None or is_suspended(look.job):
        return None
    return parse_time(began) + float(seconds) - now


def is_complete(look: Look, active: int) -> bool:
    """Whether enough pods have succeeded and none is left."""
    if active:
        return False
    return look.succeeded > 0 if look.completions is None else look.succeeded >= look.completions
