"""The status of a Job: counters that only grow, and conditions that do not contradict each other.

Upstream: `ValidateJobUpdateStatus` in `pkg/apis/batch/validation/validation.go`, with the checks that
`getStatusValidationOptions` of the Job's strategy turns on.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.job_policies import IndexesError, count_indexes
from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.errors import FieldError, bad_field, invalid_value, required
from k8snb.machinery.objects import is_true
from k8snb.typing import Object

Findings = Iterator[FieldError]

_EXCLUSIVE = (
    ("Complete", "Failed", "cannot set Complete=True and Failed=true conditions"),
    ("Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    ("SuccessCriteriaMet", "Failed", "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
    ("SuccessCriteriaMet", "FailureTarget", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
)
_TERMINAL = ("Failed", "Complete", "FailureTarget")
_CONDITIONS = "status.conditions"


def validate_job_status(new: Object, old: Object) -> Findings:
    """A change of a Job's status."""
    status, before = new.get("status") or {}, old.get("status") or {}
    yield from validate_counts(status, "status", "active", "succeeded", "failed", "ready", "terminating")
    for one, other, text in _EXCLUSIVE[:2]:
        if is_true(new, one) and is_true(new, other):
            yield bad_field(_CONDITIONS, text)
    yield from _validate_times(new, status)
    if is_true(new, "Failed") and not is_true(new, "FailureTarget") and not is_true(old, "Failed"):
        text = "cannot set Failed=True condition without the FailureTarget=true condition"
        yield bad_field(_CONDITIONS, text)
    if is_true(new, "Complete") and not is_true(new, "SuccessCriteriaMet") and not is_true(old, "Complete"):
        text = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
        yield bad_field(_CONDITIONS, text)
    yield from _validate_finished(new, status)
    yield from _validate_indexes(new, status)
    if (status.get("ready") or 0) > (status.get("active") or 0):
        yield invalid_value("status.ready", status["ready"], "cannot set more ready pods than active")
    for one, other, text in _EXCLUSIVE[2:]:
        if is_true(new, one) and is_true(new, other):
            yield bad_field(_CONDITIONS, text)
    yield from _validate_change(new, old, status, before)


def _validate_times(job: Object, status: Object) -> Findings:
    done, began = status.get("completionTime"), status.get("startTime")
    if done and not is_true(job, "Complete"):
        text = "cannot set completionTime when there is no Complete=True condition"
        yield invalid_value("status.completionTime", done, text)
    if not done and is_true(job, "Complete"):
        yield required("status.completionTime", "completionTime is required for Complete jobs")
    if done and began and done < began:
        yield invalid_value("status.completionTime", done, "completionTime cannot be set before startTime")


def _validate_finished(job: Object, status: Object) -> Findings:
    if not is_true(job, "Complete") and not is_true(job, "Failed"):
        return
    if status.get("active"):
        yield invalid_value("status.active", status["active"], "active>0 is invalid for finished job")
    if not status.get("startTime") and not (job["spec"].get("suspend") and job["spec"].get("completions") == 0):
        yield required("status.startTime", "startTime is required for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if uncounted.get("succeeded") or uncounted.get("failed"):
        text = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid_value("status.uncountedTerminatedPods", uncounted, text)
    if status.get("terminating"):
        yield invalid_value("status.terminating", status["terminating"], "terminating>0 is invalid for finished job")


def _validate_indexes(job: Object, status: Object) -> Findings:
    spec = job["spec"]
    completed, failed = status.get("completedIndexes") or "", status.get("failedIndexes")
    for name, text in (("completedIndexes", completed), ("failedIndexes", failed)):
        if text and spec.get("completions") is not None:
            try:
                count_indexes(text, spec["completions"])
            except IndexesError as error:
                yield invalid_value(f"status.{name}", text, f"error parsing {name}: {error}")
    if completed and spec.get("completionMode") != "Indexed":
        text = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid_value("status.completedIndexes", completed, text)
    if failed is not None and spec.get("backoffLimitPerIndex") is None:
        text = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid_value("status.failedIndexes", failed, text)


def _validate_change(new: Object, old: Object, status: Object, before: Object) -> Findings:
    for type in _TERMINAL:
        if is_true(old, type) and not is_true(new, type):
            yield bad_field(_CONDITIONS, f"cannot disable the terminal {type}=True condition")
    for name in ("failed", "succeeded"):
        if (status.get(name) or 0) < (before.get(name) or 0):
            yield invalid_value(f"status.{name}", status.get(name) or 0, f"cannot decrease the {name} counter")
    done, was_done = status.get("completionTime"), before.get("completionTime")
    if done and was_done and done != was_done:
        yield invalid_value("status.completionTime", done, "completionTime cannot be mutated")
    began = before.get("startTime")
    resumes = is_true(old, "Suspended") and not is_true(new, "Suspended")
    if began and began != status.get("startTime") and not new["spec"].get("suspend") and not resumes:
        yield required("status.startTime", "startTime cannot be removed for unsuspended job")
    if is_true(old, "SuccessCriteriaMet") and not is_true(new, "SuccessCriteriaMet"):
        yield bad_field(_CONDITIONS, "cannot disable the SuccessCriteriaMet=True condition")
