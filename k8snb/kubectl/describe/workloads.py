"""The pages of what runs pods: Deployments, ReplicaSets and their kin."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apiserver.printing.durations import human_duration
from k8snb.clock import parse_time
from k8snb.kubectl.describe.context import Describing
from k8snb.kubectl.describe.templates import describe_template
from k8snb.kubectl.describe.writer import NONE, UNSET, Page, long_time, true_or_false
from k8snb.kubectl.printing.tables import labels_text
from k8snb.kubectl.replicasets import replica_sets
from k8snb.machinery.selectors import of_object, of_set, text_of
from k8snb.typing import Object


def describe_deployment(describing: Describing, obj: Object) -> None:
    """A Deployment, with its ReplicaSets."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    describing.head(obj)
    page.line(f"CreationTimestamp:\t{long_time(obj['metadata'].get('creationTimestamp'))}")
    describing.marks(obj)
    page.line(f"Selector:\t{of_object(spec.get('selector'))}")
    counts = ("updatedReplicas", "replicas", "availableReplicas", "unavailableReplicas")
    words = ("updated", "total", "available", "unavailable")
    numbers = [f"{status.get(field, 0)} {word}" for field, word in zip(counts, words, strict=True)]
    page.line("Replicas:\t" + " | ".join([f"{spec.get('replicas', 0)} desired", *numbers]))
    strategy = spec.get("strategy") or {}
    page.line(f"StrategyType:\t{strategy.get('type', '')}")
    page.line(f"MinReadySeconds:\t{spec.get('minReadySeconds', 0)}")
    rolling = strategy.get("rollingUpdate")
    if rolling:
        limits = f"{rolling.get('maxUnavailable', 0)} max unavailable, {rolling.get('maxSurge', 0)} max surge"
        page.line(f"RollingUpdateStrategy:\t{limits}")
    describe_template(page, spec["template"])
    describe_conditions(page, status.get("conditions") or ())
    old, new = replica_sets(describing.session, obj)
    if old or new is not None:
        page.line(f"OldReplicaSets:\t{_sets(old)}")
        page.line(f"NewReplicaSet:\t{_sets([new] if new is not None else [])}")
    describing.events(obj)


def _sets(sets: Sequence[Object]) -> str:
    texts = [
        f"{rs['metadata']['name']} ({(rs.get('status') or {}).get('replicas', 0)}/{rs['spec'].get('replicas', 0)} "
        "replicas created)"
        for rs in sets
    ]
    return ", ".join(texts) or NONE


def describe_conditions(page: Page, conditions: Sequence[Object]) -> None:
    """Conditions with their reasons."""
    if conditions:
        page.line("Conditions:\n  Type\tStatus\tReason")
        page.line("----\t------\t------", 1)
    for each in conditions:
        page.line(f"{each['type']} \t{each['status']}\t{each.get('reason', '')}", 1)


def describe_replica_set(describing: Describing, obj: Object) -> None:
    """A ReplicaSet or ReplicationController."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    plain = obj["kind"] == "ReplicationController"
    describing.head(obj)
    shown = labels_text(spec.get("selector")) if plain else text_of(spec.get("selector"))
    page.line(f"Selector:\t{shown}")
    describing.marks(obj)
    if not plain:
        describing.controlled_by(obj)
    page.line(f"Replicas:\t{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired")
    selector = of_set(spec.get("selector")) if plain else of_object(spec.get("selector"))
    page.line(f"Pods Status:\t{describing.pods_status(obj, selector)}")
    describe_template(page, spec["template"])
    describe_conditions(page, status.get("conditions") or ())
    describing.events(obj)


def describe_daemon_set(describing: Describing, obj: Object) -> None:
    """A DaemonSet."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    selector = of_object(spec.get("selector"))
    describing.head(obj)
    page.line(f"Selector:\t{selector}")
    page.line(f"Node-Selector:\t{labels_text(spec['template']['spec'].get('nodeSelector'))}")
    describing.marks(obj)
    for title, field in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        page.line(f"{title}: {status.get(field, 0)}")
    page.line(f"Pods Status:\t{describing.pods_status(obj, selector)}")
    describe_template(page, spec["template"])
    describing.events(obj)


def describe_stateful_set(describing: Describing, obj: Object) -> None:
    """A StatefulSet."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    selector = of_object(spec.get("selector"))
    describing.head(obj)
    page.line(f"CreationTimestamp:\t{long_time(obj['metadata'].get('creationTimestamp'))}")
    page.line(f"Selector:\t{selector}")
    describing.marks(obj)
    page.line(f"Replicas:\t{spec.get('replicas', 0)} desired | {status.get('replicas', 0)} total")
    strategy = spec.get("updateStrategy") or {}
    page.line(f"Update Strategy:\t{strategy.get('type', '')}")
    rolling = strategy.get("rollingUpdate") or {}
    if "partition" in rolling:
        page.line(f"Partition:\t{rolling['partition']}", 1)
        if "maxUnavailable" in rolling:
            page.line(f"MaxUnavailable:\t{rolling['maxUnavailable']}", 1)
    page.line(f"Pods Status:\t{describing.pods_status(obj, selector)}")
    describe_template(page, spec["template"])
    _claims(page, spec.get("volumeClaimTemplates") or ())
    describing.events(obj)


def _claims(page: Page, templates: Sequence[Object]) -> None:
    page.line("Volume Claims:" if templates else "Volume Claims:\t<none>")
    for claim in templates:
        meta, spec = claim["metadata"], claim["spec"]
        page.line(f"Name:\t{meta['name']}", 1)
        page.line(f"StorageClass:\t{spec.get('storageClassName', '')}", 1)
        page.labels("  Labels", meta.get("labels"))
        page.labels("  Annotations", meta.get("annotations"))
        requests = (spec.get("resources") or {}).get("requests") or {}
        page.line(f"Capacity:\t{requests.get('storage', '<default>')}", 1)
        page.line(f"Access Modes:\t[{' '.join(spec.get('accessModes') or ())}]", 1)


def describe_job(describing: Describing, obj: Object) -> None:
    """A Job."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    describing.head(obj)
    page.line(f"Selector:\t{of_object(spec.get('selector'))}")
    describing.marks(obj)
    describing.controlled_by(obj)
    if "parallelism" in spec:
        page.line(f"Parallelism:\t{spec['parallelism']}")
    page.line(f"Completions:\t{spec.get('completions', UNSET)}")
    for title, field in (("Completion Mode", "completionMode"), ("Backoff Limit", "backoffLimit")):
        if field == "backoffLimit" and "suspend" in spec:
            page.line(f"Suspend:\t{str(spec['suspend']).lower()}")
        if field in spec:
            page.line(f"{title}:\t{spec[field]}")
    if "ttlSecondsAfterFinished" in spec:
        page.line(f"TTL Seconds After Finished:\t{spec['ttlSecondsAfterFinished']}")
    _times(page, spec, status)
    ready = f" ({status['ready']} Ready)" if "ready" in status else ""
    counts = f"{status.get('succeeded', 0)} Succeeded / {status.get('failed', 0)} Failed"
    page.line(f"Pods Statuses:\t{status.get('active', 0)} Active{ready} / {counts}")
    if spec.get("completionMode") == "Indexed":
        page.line(f"Completed Indexes:\t{_indexes(status.get('completedIndexes', ''))}")
    describe_template(page, spec["template"])
    describing.events(obj)


def _times(page: Page, spec: Object, status: Object) -> None:
    began, ended = status.get("startTime"), status.get("completionTime")
    if began:
        page.line(f"Start Time:\t{long_time(began)}")
    if ended:
        page.line(f"Completed At:\t{long_time(ended)}")
    if began and ended:
        page.line(f"Duration:\t{human_duration(parse_time(ended) - parse_time(began))}")
    if "activeDeadlineSeconds" in spec:
        page.line(f"Active Deadline Seconds:\t{spec['activeDeadlineSeconds']}s")


def _indexes(text: str, limit: int = 50) -> str:
    comma = text.find(",", limit)
    return (text if comma < 0 else text[: comma + 1] + "...") or NONE


def describe_cron_job(describing: Describing, obj: Object) -> None:
    """A CronJob."""
    page, spec, status = describing.page, obj["spec"], obj.get("status") or {}
    describing.head(obj)
    describing.marks(obj)
    page.line(f"Schedule:\t{spec.get('schedule', '')}")
    page.line(f"Concurrency Policy:\t{spec.get('concurrencyPolicy', '')}")
    page.line(f"Suspend:\t{true_or_false(spec['suspend']) if 'suspend' in spec else UNSET}")
    page.line(f"Successful Job History Limit:\t{spec.get('successfulJobsHistoryLimit', UNSET)}")
    page.line(f"Failed Job History Limit:\t{spec.get('failedJobsHistoryLimit', UNSET)}")
    deadline = spec.get("startingDeadlineSeconds")
    page.line(f"Starting Deadline Seconds:\t{UNSET if deadline is None else f'{deadline}s'}")
    job = spec["jobTemplate"]["spec"]
    page.line(f"Selector:\t{of_object(job['selector']) if job.get('selector') else UNSET}")
    page.line(f"Parallelism:\t{job.get('parallelism', UNSET)}")
    page.line(f"Completions:\t{job.get('completions', UNSET)}")
    if "activeDeadlineSeconds" in job:
        page.line(f"Active Deadline Seconds:\t{job['activeDeadlineSeconds']}s")
    describe_template(page, job["template"])
    last = status.get("lastScheduleTime")
    page.line(f"Last Schedule Time:\t{long_time(last) if last else UNSET}")
    page.line(f"Active Jobs:\t{', '.join(each['name'] for each in status.get('active') or ()) or NONE}")
    describing.events(obj)
