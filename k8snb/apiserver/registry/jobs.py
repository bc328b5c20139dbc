"""Jobs and CronJobs: pods that come to an end, now or on a schedule.

A Job finds its pods by its own UID: unless the selector is manual, selector and labels are made on create.
Upstream: `pkg/apis/batch/v1/defaults.go`, `pkg/registry/batch/job/strategy.go` and
`pkg/registry/batch/cronjob/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apiserver.registry.cron_rules import validate_cron_job
from k8snb.apiserver.registry.filling import filled, within, within_each, within_new
from k8snb.apiserver.registry.job_rules import (
    CONTROLLER_UID,
    JOB_NAME,
    validate_generated,
    validate_hostnames,
    validate_job_change,
    validate_job_with_selector,
)
from k8snb.apiserver.registry.job_status import validate_job_status
from k8snb.apiserver.registry.pod_defaults import default_template
from k8snb.apiserver.registry.pod_warnings import spec_warnings
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, invalid_value
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import labels_of, with_meta
from k8snb.typing import Object

_JOB = {"completionMode": "NonIndexed", "suspend": False, "manualSelector": False}
_CRON_JOB = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}
_BACKOFF = 6
_NO_BACKOFF = 2**31 - 1
_MANY_COMPLETIONS, _MANY_PODS = 100_000, 10_000
_LONGEST_CRON_JOB_NAME = 52
_NAMES_PODS = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
    "a DNS label is recommended"
)
_TOO_MANY_INDEXES = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes "
    "might not be able to track completedIndexes when a big number of indexes fail"
)


class JobStrategy(Strategy):
    """The rules of Jobs."""

    fields: Mapping[str, Field] = {"status.successful": lambda obj: str((obj.get("status") or {}).get("succeeded", 0))}
    dependents = "Orphan"

    def default(self, obj: Object) -> Object:
        return within_new(_labelled(obj), "spec", _default_job)

    def prepare_create(self, obj: Object) -> Object:
        return {**_labelled(_with_selector(obj)), "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return [*validate_generated(obj), *validate_job_with_selector(obj.get("spec") or {}), *validate_hostnames(obj)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(validate_job_change(new, old))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(validate_job_status(new, old))

    def warnings(self, obj: Object) -> list[str]:
        return [*_name_warning(obj), *_job_warnings(obj["spec"], "spec")]


def _labelled(job: Object) -> Object:
    """A Job without labels has those of its pods."""
    template = (job.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return with_meta(job, labels=labels) if labels and not labels_of(job) else job


def _default_job(spec: Object) -> Object:
    counted = {"parallelism": 1}
    if spec.get("completions") is None and spec.get("parallelism") is None:
        counted["completions"] = 1
    per_index = spec.get("backoffLimitPerIndex") is not None
    counted["backoffLimit"] = _NO_BACKOFF if per_index else _BACKOFF
    policy = "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed"
    spec = filled(spec, {**counted, **_JOB, "podReplacementPolicy": policy})
    return _default_parts(spec)


def _default_parts(spec: Object) -> Object:
    """What a Job's spec gets inside a CronJob too: the defaults of its template and of its failure policy."""
    spec = within(spec, "podFailurePolicy", lambda policy: within_each(policy, "rules", _default_rule))
    return within_new(spec, "template", default_template)


def _default_rule(rule: Object) -> Object:
    return within_each(rule, "onPodConditions", lambda pattern: filled(pattern, {"status": "True"}))


def _with_selector(job: Object) -> Object:
    """The Job with a selector on its UID, and labels on its template that fit."""
    meta, spec = job["metadata"], job.get("spec") or {}
    if spec.get("manualSelector"):
        return job
    template = spec.get("template") or {}
    uid, name = meta.get("uid", ""), meta.get("name", "")
    own = {CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name}
    template_meta = template.get("metadata") or {}
    labels = {**own, **(template_meta.get("labels") or {})}
    selector = spec.get("selector") or {}
    matched = {CONTROLLER_UID: uid, **(selector.get("matchLabels") or {})}
    return {
        **job,
        "spec": {
            **spec,
            "selector": {**selector, "matchLabels": matched},
            "template": {**template, "metadata": {**template_meta, "labels": labels}},
        },
    }


def _name_warning(obj: Object) -> Iterator[str]:
    found = formats.dns_label(obj["metadata"].get("name", ""))
    if found:
        yield f"{_NAMES_PODS}: [{' '.join(found)}]"


def _job_warnings(spec: Object, path: str) -> Iterator[str]:
    many = (spec.get("completions") or 0) > _MANY_COMPLETIONS and (spec.get("parallelism") or 0) > _MANY_PODS
    if spec.get("completionMode") == "Indexed" and many:
        yield _TOO_MANY_INDEXES
    template = spec.get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    yield from spec_warnings(template.get("spec") or {}, annotations, f"{path}.template.")


class CronJobStrategy(Strategy):
    """The rules of CronJobs."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _default_cron_job)

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate_create(self, obj: Object) -> list[FieldError]:
        found = list(validate_cron_job(obj.get("spec") or {}, None))
        name = obj["metadata"].get("name", "")
        if len(name) > _LONGEST_CRON_JOB_NAME:
            text = f"must be no more than {_LONGEST_CRON_JOB_NAME} characters"
            found.append(invalid_value("metadata.name", name, text))
        return found

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(validate_cron_job(new.get("spec") or {}, old.get("spec") or {}))

    def warnings(self, obj: Object) -> list[str]:
        spec: Mapping[str, Any] = obj["spec"]
        found = [*_name_warning(obj)]
        if "TZ" in spec.get("schedule", ""):
            found.append(
                "CRON_TZ or TZ used in spec.schedule is not officially supported, see "
                "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            )
        return [*found, *_job_warnings((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")]


def _default_cron_job(spec: Object) -> Object:
    spec = filled(spec, _CRON_JOB)
    return within_new(spec, "jobTemplate", lambda template: within_new(template, "spec", _default_parts))


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "jobs.batch": lambda _: JobStrategy(),
    "cronjobs.batch": lambda _: CronJobStrategy(),
}
