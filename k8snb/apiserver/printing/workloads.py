"""What runs pods: apps, batch, autoscaling and policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.apiserver.printing.columns import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    NONE,
    UNSET,
    Column,
    Printer,
    age,
    containers_of,
    dig,
    format_labels,
    format_selector,
    is_deleting,
    name_of,
    selector_text,
    true_or_false,
    wide,
)
from k8snb.apiserver.printing.durations import human_duration, since
from k8snb.clock import parse_time
from k8snb.typing import Object


def _replicas(obj: Object) -> Any:
    return dig(obj, "spec", "replicas", default=1)


def _status(obj: Object, field: str) -> Any:
    return dig(obj, "status", field, default=0)


def _replication_controller(obj: Object, now: float) -> list[Any]:
    counts = [_replicas(obj), _status(obj, "replicas"), _status(obj, "readyReplicas")]
    template = containers_of(dig(obj, "spec", "template"))
    return [name_of(obj), *counts, age(obj, now), *template, format_labels(dig(obj, "spec", "selector"))]


def _replica_set(obj: Object, now: float) -> list[Any]:
    counts = [_replicas(obj), _status(obj, "replicas"), _status(obj, "readyReplicas")]
    template = containers_of(dig(obj, "spec", "template"))
    return [name_of(obj), *counts, age(obj, now), *template, format_selector(dig(obj, "spec", "selector"))]


def _deployment(obj: Object, now: float) -> list[Any]:
    ready = f"{_status(obj, 'readyReplicas')}/{_replicas(obj)}"
    counts = [_status(obj, "updatedReplicas"), _status(obj, "availableReplicas")]
    template = containers_of(dig(obj, "spec", "template"))
    return [name_of(obj), ready, *counts, age(obj, now), *template, selector_text(dig(obj, "spec", "selector"))]


def _stateful_set(obj: Object, now: float) -> list[Any]:
    ready = f"{_status(obj, 'readyReplicas')}/{_replicas(obj)}"
    return [name_of(obj), ready, age(obj, now), *containers_of(dig(obj, "spec", "template"))]


_DAEMON_COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
)


def _daemon_set(obj: Object, now: float) -> list[Any]:
    template = dig(obj, "spec", "template")
    return [
        name_of(obj),
        *(_status(obj, field) for field in _DAEMON_COUNTS),
        format_labels(dig(template, "spec", "nodeSelector")),
        age(obj, now),
        *containers_of(template),
        format_selector(dig(obj, "spec", "selector")),
    ]


def _controller_revision(obj: Object, now: float) -> list[Any]:
    owner = next((o for o in obj["metadata"].get("ownerReferences") or () if o.get("controller")), None)
    controller = NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        kind = f"{owner['kind']}.{group}" if group else owner["kind"]
        controller = f"{kind.lower()}/{owner['name']}"
    return [name_of(obj), controller, obj.get("revision", 0), age(obj, now)]


def _pod_template(obj: Object, now: float) -> list[Any]:
    template = obj.get("template")
    return [name_of(obj), *containers_of(template), format_labels(dig(template, "metadata", "labels"))]


def _job_status(obj: Object) -> str:
    holds = {c["type"] for c in dig(obj, "status", "conditions", default=()) if c.get("status") == "True"}
    for type, shown in (("Complete", "Complete"), ("Failed", "Failed")):
        if type in holds:
            return shown
    if is_deleting(obj):
        return "Terminating"
    return next((type for type in ("Suspended", "FailureTarget") if type in holds), "Running")


def _completions(obj: Object) -> str:
    succeeded, wanted = _status(obj, "succeeded"), dig(obj, "spec", "completions")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    parallelism = dig(obj, "spec", "parallelism", default=0)
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(obj: Object, now: float) -> str:
    started, completed = dig(obj, "status", "startTime"), dig(obj, "status", "completionTime")
    if not started:
        return ""
    return human_duration((parse_time(completed) if completed else now) - parse_time(started))


def _job(obj: Object, now: float) -> list[Any]:
    shown = [_job_status(obj), _completions(obj), _job_duration(obj, now), age(obj, now)]
    template = containers_of(dig(obj, "spec", "template"))
    return [name_of(obj), *shown, *template, format_selector(dig(obj, "spec", "selector"))]


def _cron_job(obj: Object, now: float) -> list[Any]:
    last = dig(obj, "status", "lastScheduleTime")
    job = dig(obj, "spec", "jobTemplate", "spec")
    return [
        name_of(obj),
        dig(obj, "spec", "schedule", default=""),
        dig(obj, "spec", "timeZone", default=NONE),
        true_or_false(dig(obj, "spec", "suspend")),
        len(dig(obj, "status", "active", default=())),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers_of(dig(job, "template")),
        format_selector(dig(job, "selector")),
    ]


def _disruption_budget(obj: Object, now: float) -> list[Any]:
    least = str(dig(obj, "spec", "minAvailable", default="N/A"))
    most = str(dig(obj, "spec", "maxUnavailable", default="N/A"))
    return [name_of(obj), least, most, _status(obj, "disruptionsAllowed"), age(obj, now)]


def _autoscaler(obj: Object, now: float) -> list[Any]:
    target = dig(obj, "spec", "scaleTargetRef", default={})
    return [
        name_of(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(*_metrics(obj)),
        str(dig(obj, "spec", "minReplicas", default=UNSET)),
        dig(obj, "spec", "maxReplicas", default=0),
        _status(obj, "currentReplicas"),
        age(obj, now),
    ]


def _metrics(obj: Object) -> tuple[Sequence[Object], Sequence[Object]]:
    """Wanted and current metrics; version 1 knows only the CPU, and says it in fields of its own."""
    wanted = dig(obj, "spec", "targetCPUUtilizationPercentage")
    if wanted is None:
        return dig(obj, "spec", "metrics", default=()), dig(obj, "status", "currentMetrics", default=())
    target = {"averageUtilization": wanted}
    spec = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    current = dig(obj, "status", "currentCPUUtilizationPercentage")
    status = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": current}}}
    return [spec], [] if current is None else [status]


_SOURCES = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


def _targets(specs: Sequence[Object], statuses: Sequence[Object]) -> str:
    if not specs:
        return NONE
    shown = [_target(spec, statuses[i] if i < len(statuses) else {}) for i, spec in enumerate(specs)]
    more = f" + {len(shown) - 2} more..." if len(shown) > 2 else ""
    return ", ".join(shown[:2]) + more


def _target(spec: Object, status: Object) -> str:
    """One metric as current/wanted."""
    source = _SOURCES.get(spec.get("type", ""))
    if source is None:
        return "<unknown type>"
    metric, now = dig(spec, source, default={}), dig(status, source, "current", default={})
    wanted = metric.get("target") or {}
    if source in ("resource", "containerResource"):
        if "averageValue" in wanted:
            return f"{metric['name']}: {now.get('averageValue', '<unknown>')}/{wanted['averageValue']}"
        return f"{metric['name']}: {_percent(now, '<unknown>')}/{_percent(wanted, '<auto>')}"
    if "averageValue" in wanted:
        suffix = "" if source == "pods" else " (avg)"
        return f"{now.get('averageValue', '<unknown>')}/{wanted['averageValue']}{suffix}"
    return f"{now.get('value', '<unknown>')}/{wanted.get('value', '0')}"


def _percent(values: Object, missing: str) -> str:
    utilization = values.get("averageUtilization")
    return missing if utilization is None else f"{utilization}%"


def _scale(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), dig(obj, "spec", "replicas", default=0), _status(obj, "replicas"), age(obj, now)]


def _counts(group: str, kind: str) -> tuple[Column, ...]:
    """Desired, current and ready."""
    spec, status = f"api.{group}.v1.{kind}Spec", f"api.{group}.v1.{kind}Status"
    return (
        Column("Desired", type="integer", doc=(spec, "replicas")),
        Column("Current", type="integer", doc=(status, "replicas")),
        Column("Ready", type="integer", doc=(status, "readyReplicas")),
    )


def _template(definition: str) -> tuple[Column, ...]:
    return (wide(CONTAINERS), wide(IMAGES), wide(Column("Selector", doc=(definition, "selector"))))


_READY = Column("Ready", "Number of the pod with ready state")
_DEPLOYMENT, _DAEMON_SET = "api.apps.v1.DeploymentStatus", "api.apps.v1.DaemonSetStatus"
_CRON_JOB, _CRON_STATUS = "api.batch.v1.CronJobSpec", "api.batch.v1.CronJobStatus"
_HPA, _HPA_STATUS = "api.autoscaling.v2.HorizontalPodAutoscalerSpec", "api.autoscaling.v2.HorizontalPodAutoscalerStatus"

PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "ReplicationController"): Printer(
        (
            NAME,
            *_counts("core", "ReplicationController"),
            AGE,
            *_template("api.core.v1.ReplicationControllerSpec"),
        ),
        _replication_controller,
    ),
    ("apps", "ReplicaSet"): Printer(
        (NAME, *_counts("apps", "ReplicaSet"), AGE, *_template("api.apps.v1.ReplicaSetSpec")), _replica_set
    ),
    ("apps", "Deployment"): Printer(
        (
            NAME,
            _READY,
            Column("Up-to-date", doc=(_DEPLOYMENT, "updatedReplicas")),
            Column("Available", doc=(_DEPLOYMENT, "availableReplicas")),
            AGE,
            *_template("api.apps.v1.DeploymentSpec"),
        ),
        _deployment,
    ),
    ("apps", "StatefulSet"): Printer((NAME, _READY, AGE, wide(CONTAINERS), wide(IMAGES)), _stateful_set),
    ("apps", "DaemonSet"): Printer(
        (
            NAME,
            *(
                Column(title, type="integer", doc=(_DAEMON_SET, field))
                for title, field in zip(
                    ("Desired", "Current", "Ready", "Up-to-date", "Available"), _DAEMON_COUNTS, strict=True
                )
            ),
            Column("Node Selector", doc=("api.core.v1.PodSpec", "nodeSelector")),
            AGE,
            *_template("api.apps.v1.DaemonSetSpec"),
        ),
        _daemon_set,
    ),
    ("apps", "ControllerRevision"): Printer(
        (
            NAME,
            Column("Controller", "Controller of the object"),
            Column("Revision", doc=("api.apps.v1.ControllerRevision", "revision")),
            AGE,
        ),
        _controller_revision,
    ),
    ("", "PodTemplate"): Printer(
        (NAME, CONTAINERS, IMAGES, Column("Pod Labels", "The labels for the pod template.")), _pod_template
    ),
    ("batch", "Job"): Printer(
        (
            NAME,
            Column("Status", "Status of the job."),
            Column("Completions", doc=("api.batch.v1.JobStatus", "succeeded")),
            Column("Duration", "Time required to complete the job."),
            AGE,
            *_template("api.batch.v1.JobSpec"),
        ),
        _job,
    ),
    ("batch", "CronJob"): Printer(
        (
            NAME,
            Column("Schedule", doc=(_CRON_JOB, "schedule")),
            Column("Timezone", doc=(_CRON_JOB, "timeZone")),
            Column("Suspend", type="boolean", doc=(_CRON_JOB, "suspend")),
            Column("Active", type="integer", doc=(_CRON_STATUS, "active")),
            Column("Last Schedule", doc=(_CRON_STATUS, "lastScheduleTime")),
            AGE,
            *_template("api.batch.v1.JobSpec"),
        ),
        _cron_job,
    ),
    ("policy", "PodDisruptionBudget"): Printer(
        (
            NAME,
            Column("Min Available", "The minimum number of pods that must be available."),
            Column("Max Unavailable", "The maximum number of pods that may be unavailable."),
            Column(
                "Allowed Disruptions",
                "Calculated number of pods that may be disrupted at this time.",
                type="integer",
            ),
            AGE,
        ),
        _disruption_budget,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        (
            NAME,
            Column("Reference", doc=(_HPA, "scaleTargetRef")),
            Column("Targets", doc=(_HPA, "metrics")),
            Column("MinPods", doc=(_HPA, "minReplicas")),
            Column("MaxPods", doc=(_HPA, "maxReplicas")),
            Column("Replicas", doc=(_HPA_STATUS, "currentReplicas")),
            AGE,
        ),
        _autoscaler,
    ),
    ("autoscaling", "Scale"): Printer(
        (
            Column("Name", doc=NAME.doc),
            Column("Desired", type="integer", doc=("api.autoscaling.v1.ScaleSpec", "replicas")),
            Column("Available", type="integer", doc=("api.autoscaling.v1.ScaleStatus", "replicas")),
            AGE,
        ),
        _scale,
    ),
}
