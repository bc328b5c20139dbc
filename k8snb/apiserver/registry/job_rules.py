"""What is wrong with a Job, and what of it may change.

Upstream: `ValidateJob`, `ValidateJobSpecUpdate` in `pkg/apis/batch/validation/validation.go` and
`validationOptionsForJob` in `pkg/registry/batch/job/strategy.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from k8snb.apiserver.registry.job_policies import validate_failure_policy, validate_success_policy
from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.apiserver.registry.templates import MISMATCH, validate_template
from k8snb.errors import FieldError, invalid_value, not_supported, required, too_long
from k8snb.machinery import formats, selectors
from k8snb.machinery.internal import internal
from k8snb.machinery.objects import is_true
from k8snb.machinery.validation import IMMUTABLE, validate_label_selector
from k8snb.typing import Object

Findings = Iterator[FieldError]

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"

_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_LONGEST_MANAGER = 63
_MOST_INDEXED = 100_000
_MOST_FOR_MANY = 10_000
_FOR_MANY = f"when completions are above {_MOST_INDEXED} and used with backoff limit per index"
_REPLACEMENT = ("Failed", "TerminatingOrFailed")
_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", re.ASCII)
_FROZEN = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_TYPES = {"podFailurePolicy": "PodFailurePolicy", "successPolicy": "SuccessPolicy"}
_SCHEDULING = ("nodeSelector", "tolerations", "schedulingGates")


def validate_generated(job: Object) -> Findings:
    """The labels that were made on create are there and say what they must."""
    meta, spec = job["metadata"], job.get("spec") or {}
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return
    uid, name = meta.get("uid", ""), meta.get("name", "")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    wanted = {"controller-uid": uid, "job-name": name, CONTROLLER_UID: uid, JOB_NAME: name}
    for key, value in wanted.items():
        yield from _validate_label(labels, key, value)
    try:
        matches = selectors.of_object(selector).matches(wanted)
    except selectors.SelectorError:
        return
    if not matches:
        yield invalid_value("spec.selector", selector, "`selector` not auto-generated")


def _validate_label(labels: Object, key: str, wanted: str) -> Findings:
    path = f"spec.template.metadata.labels[{key}]"
    if key not in labels:
        yield required(path, f"must be '{wanted}'")
    elif labels[key] != wanted:
        yield invalid_value(path, labels, f"must be '{wanted}'")


def validate_hostnames(job: Object) -> Findings:
    """The pods of an indexed Job are called after it, and that must be a name that a host can have."""
    spec, name = job.get("spec") or {}, job["metadata"].get("name", "")
    completions = spec.get("completions") or 0
    if spec.get("completionMode") == "Indexed" and completions > 0:
        longest = f"{name}-{completions - 1}"
        if formats.dns_label(longest):
            text = f"will not able to create pod with invalid DNS label: {longest}"
            yield invalid_value("metadata.name", name, text)


def validate_job_with_selector(spec: Object) -> Findings:
    """The spec of a Job, its selector included."""
    yield from validate_job_spec(spec, "spec")
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    else:
        yield from validate_label_selector(selector, "spec.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    try:
        matches = selectors.of_object(selector).matches(labels or {})
    except selectors.SelectorError:
        return
    if not matches:
        yield invalid_value("spec.template.metadata.labels", labels, MISMATCH)


def validate_job_spec(spec: Object, path: str) -> Findings:
    """The spec of a Job without its selector, as it also stands in a CronJob."""
    yield from validate_counts(spec, path, *_COUNTS)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.get("managedBy") is not None:
        yield from validate_domain_path(f"{path}.managedBy", spec["managedBy"])
        if len(spec["managedBy"]) > _LONGEST_MANAGER:
            yield too_long(f"{path}.managedBy", spec["managedBy"], _LONGEST_MANAGER)
    yield from _validate_mode(spec, path)
    if spec.get("podFailurePolicy") is not None:
        yield from validate_failure_policy(spec, f"{path}.podFailurePolicy")
    if spec.get("successPolicy") is not None:
        yield from validate_success_policy(spec, f"{path}.successPolicy")
    yield from _validate_replacement(spec, f"{path}.podReplacementPolicy")
    yield from validate_template(spec.get("template") or {}, f"{path}.template")
    yield from _validate_restart(spec, f"{path}.template.spec.restartPolicy")


def validate_domain_path(path: str, text: str) -> Findings:
    """`example.com/some/path`: who manages something."""
    domain, slash, rest = text.partition("/")
    if not text:
        yield required(path)
    elif not slash or not domain or not rest:
        yield invalid_value(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        for message in formats.dns_subdomain(domain):
            yield invalid_value(path, domain, message)
        if not _PATH.fullmatch(rest):
            yield invalid_value(path, rest, f"Invalid path (regex used for validation is '{_PATH.pattern}')")


def _validate_mode(spec: Object, path: str) -> Findings:
    mode = spec.get("completionMode")
    if mode is not None and mode not in ("NonIndexed", "Indexed"):
        yield not_supported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        yield from _validate_indexed(spec, path)
    elif mode in (None, "NonIndexed"):
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(name) is not None:
                yield invalid_value(f"{path}.{name}", spec[name], "requires indexed completion mode")


def _validate_indexed(spec: Object, path: str) -> Findings:
    completions, failed, pods = (spec.get(n) for n in ("completions", "maxFailedIndexes", "parallelism"))
    if completions is None:
        yield required(f"{path}.completions", "when completion mode is Indexed")
    if pods is not None and pods > _MOST_INDEXED:
        text = f"must be less than or equal to {_MOST_INDEXED} when completion mode is Indexed"
        yield invalid_value(f"{path}.parallelism", pods, text)
    if completions is not None and failed is not None and failed > completions:
        yield invalid_value(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")
    if failed is not None and failed > _MOST_INDEXED:
        yield invalid_value(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {_MOST_INDEXED}")
    if (completions or 0) > _MOST_INDEXED and spec.get("backoffLimitPerIndex") is not None:
        if failed is None:
            text = f"must be specified when completions is above {_MOST_INDEXED}"
            yield required(f"{path}.maxFailedIndexes", text)
        for name, number in (("parallelism", pods), ("maxFailedIndexes", failed)):
            if number is not None and number > _MOST_FOR_MANY:
                text = f"must be less than or equal to {_MOST_FOR_MANY} {_FOR_MANY}"
                yield invalid_value(f"{path}.{name}", number, text)


def _validate_replacement(spec: Object, path: str) -> Findings:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return
    supported = _REPLACEMENT if spec.get("podFailurePolicy") is None else ("Failed",)
    if policy not in supported:
        yield not_supported(path, policy, supported)


def _validate_restart(spec: Object, path: str) -> Findings:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or ""
    if policy in ("", "Always"):
        yield required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        yield not_supported(path, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        yield invalid_value(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def validate_job_change(new: Object, old: Object) -> Findings:
    """What of a Job may not change."""
    spec, before = new["spec"], old["spec"]
    yield from _validate_completions(spec, before)
    yield from _frozen(spec, before, "selector")
    if _template(spec) != (_template(before) if not _is_waiting(old) else _rescheduled(before, spec)):
        yield invalid_value("spec.template", internal("PodTemplateSpec", spec.get("template") or {}), IMMUTABLE)
    for name in _FROZEN:
        yield from _frozen(spec, before, name)


def _frozen(spec: Object, before: Object, name: str) -> Findings:
    value = spec.get(name)
    if value != before.get(name):
        shown = internal(_TYPES[name], value) if name in _TYPES and value is not None else value
        yield invalid_value(f"spec.{name}", shown, IMMUTABLE)


def _validate_completions(spec: Object, before: Object) -> Findings:
    completions = spec.get("completions")
    if spec.get("completionMode") != "Indexed":
        yield from _frozen(spec, before, "completions")
    elif completions not in (None, before.get("completions"), spec.get("parallelism")):
        text = "can only be modified in tandem with spec.parallelism"
        yield invalid_value("spec.completions", completions, text)


def _is_waiting(job: Object) -> bool:
    """Whether the Job is suspended and has no pods, so that its pods may still be sent elsewhere."""
    status = job.get("status") or {}
    stopped = is_true(job, "Suspended") and not status.get("active")
    return bool(job["spec"].get("suspend")) and (stopped or not status.get("startTime"))


def _template(spec: Object) -> Any:
    return spec.get("template")


def _rescheduled(before: Object, spec: Object) -> Object:
    """The old template with what the new one says about where its pods run."""
    old, new = before.get("template") or {}, spec.get("template") or {}
    old_pod, new_pod = dict(old.get("spec") or {}), new.get("spec") or {}
    for name in _SCHEDULING:
        old_pod.pop(name, None)
        if name in new_pod:
            old_pod[name] = new_pod[name]
    affinity = {k: v for k, v in (old_pod.pop("affinity", None) or {}).items() if k != "nodeAffinity"}
    given = new_pod.get("affinity")
    if given is not None and "nodeAffinity" in given:
        affinity["nodeAffinity"] = given["nodeAffinity"]
    if affinity or given is not None:
        old_pod["affinity"] = affinity
    meta = {k: v for k, v in (old.get("metadata") or {}).items() if k not in ("labels", "annotations")}
    moved = {k: v for k, v in (new.get("metadata") or {}).items() if k in ("labels", "annotations")}
    return {**old, "metadata": {**meta, **moved}, "spec": old_pod}
