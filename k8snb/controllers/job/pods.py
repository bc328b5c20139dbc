"""What a Job asks of a pod: whether it failed, which index it works on, when it ended.

Pure. Upstream: `isPodFailed`, `getCompletionIndex`, `getFinishedTime` in `pkg/controller/job`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.clock import parse_time
from k8snb.controllers.podstate import has_ended, phase_of, ready_condition
from k8snb.controllers.replicaset import pod_from_template
from k8snb.machinery.objects import annotations_of, is_deleting
from k8snb.typing import Object

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
UNKNOWN = -1
_MAX_PREFIX = 58
_NO_STATUS: Object = {}


def is_indexed(job: Object) -> bool:
    """Whether each pod works on an index of its own."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_suspended(job: Object) -> bool:
    """Whether it shall not run now."""
    return bool(job["spec"].get("suspend"))


def per_index(job: Object) -> bool:
    """Whether failures are counted for each index."""
    return job["spec"].get("backoffLimitPerIndex") is not None


def waits_for_the_end(job: Object) -> bool:
    """Whether a pod is replaced only when it has ended, not already when it is on its way out."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def is_tracked(pod: Object) -> bool:
    """Whether it has not been counted yet."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def is_failed(job: Object, pod: Object) -> bool:
    """Whether it counts as a failure; one on its way out does, unless the Job waits for the end."""
    phase = phase_of(pod)
    if phase == "Failed" or waits_for_the_end(job):
        return phase == "Failed"
    return is_deleting(pod) and phase != "Succeeded"


def is_terminating(pod: Object) -> bool:
    """Whether it is on its way out and has not ended."""
    return is_deleting(pod) and not has_ended(pod)


def index_of(pod: Object) -> int:
    """The index that it works on; `UNKNOWN` where it says none."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isascii() and text.isdecimal() else UNKNOWN


def valid_index(job: Object, pod: Object) -> int:
    """The index that it works on, if the Job has that; else `UNKNOWN`."""
    index = index_of(pod)
    return index if index < int(job["spec"].get("completions") or 0) else UNKNOWN


def count_in(pod: Object, annotation: str) -> int:
    """The number that an annotation holds, 0 where there is none."""
    text = annotations_of(pod).get(annotation, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def failures_of(pod: Object) -> int:
    """How many pods of its index failed before it, ignored ones too."""
    return count_in(pod, FAILURES) + count_in(pod, IGNORED_FAILURES)


def ended_at(pod: Object) -> float:
    """When it ended, as well as can be told."""
    status = pod.get("status") or _NO_STATUS
    states = [each.get("state") or {} for each in status.get("containerStatuses") or ()]
    times = [state["terminated"].get("finishedAt") for state in states if "terminated" in state]
    if states and len(times) == len(states) and all(times):
        return max(parse_time(time) for time in times)
    ready = ready_condition(pod)
    if ready is not None and ready["status"] == "False" and ready.get("lastTransitionTime"):
        return parse_time(ready["lastTransitionTime"])
    meta = pod["metadata"]
    if is_deleting(pod):
        return parse_time(meta["deletionTimestamp"]) - float(meta.get("deletionGracePeriodSeconds") or 0)
    return parse_time(meta["creationTimestamp"])


def restarts_of(pod: Object) -> int:
    """How often its containers have been started again."""
    status = pod.get("status") or _NO_STATUS
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return sum(int(each.get("restartCount", 0)) for each in statuses)


def blueprint(job: Object) -> Object:
    """The pod that the Job makes; what depends on its index comes on top."""
    pod = pod_from_template(job["spec"]["template"], job)
    meta = pod["metadata"]
    finalizers = list(meta.get("finalizers") or ())
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)
    spec = _with_index_variable(pod["spec"]) if is_indexed(job) else pod["spec"]
    return {**pod, "metadata": {**meta, "finalizers": finalizers}, "spec": spec}


def for_index(pod: Object, job: Object, index: int, counts: Sequence[int] | None) -> Object:
    """The pod for an index; `counts` are the failures of that index, counted and ignored, where they matter."""
    meta, name, text = pod["metadata"], job["metadata"]["name"], str(index)
    annotations = {**(meta.get("annotations") or {}), INDEX: text}
    if counts is not None:
        annotations[FAILURES] = str(counts[0])
        if counts[1]:
            annotations[IGNORED_FAILURES] = str(counts[1])
    suffix = f"-{text}-"
    new: dict[str, Any] = {
        **meta,
        "generateName": name[: _MAX_PREFIX - len(suffix)] + suffix,
        "labels": {**(meta.get("labels") or {}), INDEX: text},
        "annotations": annotations,
    }
    return {**pod, "metadata": new, "spec": {**pod["spec"], "hostname": f"{name}-{text}"}}


def _with_index_variable(spec: Object) -> Object:
    variable = {"name": INDEX_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}}

    def added(container: Object) -> Object:
        env = container.get("env") or []
        return container if any(e["name"] == INDEX_VARIABLE for e in env) else {**container, "env": [*env, variable]}

    parts = {name: [added(each) for each in spec[name]] for name in ("initContainers", "containers") if spec.get(name)}
    return {**spec, **parts}
