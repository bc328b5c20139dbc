"""The lab that ends the chapter "Workloads and automation": ten faults of what runs beside the tiers, or limits them.

The application is that of `production`, with `operated: true`: a StatefulSet, a migration, a backup, a collector on
every node, an autoscaler, a budget, a quota, priorities. A repair must not cost any of them (`lab/operated.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from k8snb.i18n import _
from k8snb.lab import notes
from k8snb.lab.exercise import exercise
from k8snb.lab.operated import AUTOSCALERS, BACKUP_SECONDS, CRONJOBS, not_backed_up, operated
from k8snb.lab.puzzles import Bench, Fault, Puzzles, kind, typed
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.scheduling import SCHEDULER
from k8snb.lab.verdict import Claim, check
from k8snb.machinery.nodeselection import selection_of
from k8snb.machinery.objects import condition, controller_of, is_true, labels_of
from k8snb.scheduler.nodeinfo import untolerated
from k8snb.scheduler.plugins.node_resources_fit import fits_empty
from k8snb.typing import Object

JOBS = "jobs.batch"

DRAIN = "drain {node} --ignore-daemonsets --timeout=15s"

_MIGRATION = """apply -f -
apiVersion: batch/v1
kind: Job
metadata: {name: notes-migrate-2}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: client
        image: postgres:17
        command: [psql, -c, ALTER TABLE notes ADD COLUMN IF NOT EXISTS author text]
        env:
        - {name: PGHOST, value: notes-db-0.notes-db}
        - {name: PGUSER, value: notes}
        - name: PGPASSWORD
          valueFrom: {secretKeyRef: {name: notes-db, key: password}}
"""
_RENAMED = """apply -f -
apiVersion: v1
kind: Service
metadata: {name: notes-database}
spec:
  clusterIP: None
  selector: {app: notes, tier: db}
  ports: [{name: postgres, port: 5432, targetPort: postgres}]
"""
_REPORT = """apply -f -
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000000
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: report}
spec:
  replicas: 3
  selector: {matchLabels: {app: report}}
  template:
    metadata: {labels: {app: report}}
    spec:
      priorityClassName: urgent
      containers:
      - name: report
        image: busybox:1.36
        command: [sleep, infinity]
        resources: {requests: {cpu: 7900m}}
"""
_AGAIN = ("scale deployment notes-api --replicas=0", "scale deployment notes-api --replicas=2")


# -- what happens ----------------------------------------------------------------------------------------


def _probe(port: int, partition: int) -> str:
    """A patch of the database's set: which port its readiness probe asks, and where its update stops."""
    probe = f'{{"exec": {{"command": ["pg_isready", "-p", "{port}"]}}}}'
    template = f'{{"spec": {{"containers": [{{"name": "postgres", "readinessProbe": {probe}}}]}}}}'
    update = f'{{"type": "RollingUpdate", "rollingUpdate": {{"partition": {partition}}}}}'
    return f'patch statefulset notes-db -p \'{{"spec": {{"template": {template}, "updateStrategy": {update}}}}}\''


def _api(patch: str) -> str:
    return f'patch deployment notes-api --type=json -p \'[{{"path": "/spec/template/spec/{patch}}}]\''


def _close_a_node(cluster: Bench) -> None:
    """The budget demands as many pods as there are, and a node with one of them is to be emptied."""
    cluster.kubectl('patch pdb notes-api -p \'{"spec": {"maxUnavailable": null, "minAvailable": 2}}\'')
    node = pods_labelled(cluster, {"app": "notes", "tier": "api"})[0]["spec"]["nodeName"]
    cluster.settle(5)
    cluster.kubectl(f"cordon {node}")


def _forget_requests(cluster: Bench) -> None:
    cluster.kubectl(_api('containers/0/resources", "op": "remove"'))
    cluster.advance(60)


def _dedicate_a_node(cluster: Bench) -> None:
    """A node is kept for the database, by a taint, and restarted."""
    cluster.kubectl("taint node node-3 dedicated=notes:NoSchedule")
    for pod in pods_labelled(cluster, {"app": "notes", "tier": "agent"}):
        if pod["spec"]["nodeName"] == "node-3":
            cluster.kubectl(f"delete pod {pod['metadata']['name']}")


def _run_reports(cluster: Bench) -> None:
    typed(_REPORT)(cluster)
    cluster.advance(60)


def _shown(*commands: str) -> Callable[[Bench], str]:
    """Commands of kubectl and what they print."""
    return lambda cluster: "".join(f"$ kubectl {each}\n{cluster.kubectl(each)}" for each in commands)


def _drains(cluster: Bench) -> str:
    names = closed(cluster)
    command = DRAIN.format(node=names[0] if names else "node-1")
    return f"$ kubectl {command}\n{cluster.kubectl(command)}"


# -- what has to hold ------------------------------------------------------------------------------------


def _all(cluster: Bench) -> Claims:
    yield from notes.works(cluster)
    yield from notes.intact(cluster)
    yield from operated(cluster)


@check
def check_notes(cluster: Bench) -> Claims:
    """The application works, and nothing beside it is missing."""
    yield from _all(cluster)


check_partition = check_headless = check_agent = check_spread = check_notes


@exercise("workloads/capstone", "After the restart", minutes=15)
def check_quota(cluster: Bench) -> Claims:
    """… and whoever makes pods has tried again."""
    cluster.advance(120)
    yield from _all(cluster)


@check
def check_drain(cluster: Bench) -> Claims:
    """A node is empty, and the next one can be emptied, too."""
    notes.let_time_pass(cluster)
    names = closed(cluster)
    yield Claim(bool(names), _("a node is closed"), _("all are open; which one was to be emptied?"))
    pods = [pod for pod in cluster.client.list("pods", NAMESPACE) if pod["spec"].get("nodeName") in names]
    left = [
        pod["metadata"]["name"] for pod in pods if (controller_of(pod) or {}).get("kind") not in ("DaemonSet", "Job")
    ]
    yield Claim(not left, _("only the collector is left on it"), says(_("still there"), left))
    yield from _all(cluster)


@exercise("workloads/capstone", "Slow at noon", minutes=15)
def check_autoscaler(cluster: Bench) -> Claims:
    """… and the autoscaler has a number to compute with."""
    cluster.advance(60)
    hpa = find(cluster, AUTOSCALERS, "notes-api")
    yield exists(hpa, _("there is an autoscaler notes-api"))
    active = condition(hpa, "ScalingActive") or {}
    yield Claim(active.get("status") == "True", _("it can compute"), str(active.get("message", "")))
    yield from _all(cluster)


@exercise("workloads/capstone", "Version 1.1", minutes=15)
def check_migration(cluster: Bench) -> Claims:
    """… and the new version runs."""
    notes.let_time_pass(cluster)
    image = notes.container_of(notes.owner_of(cluster, "api"))["image"]
    yield Claim(image.endswith(":1.1"), _("version 1.1 of the API runs"), says("image", image))
    yield from _all(cluster)


@check
def check_backup(cluster: Bench) -> Claims:
    """… and within the next quarter of an hour a backup is made, by itself."""
    backup = find(cluster, CRONJOBS, "notes-backup")
    yield exists(backup, _("the CronJob notes-backup is still there"))
    idle = next(iter(not_backed_up(cluster)), "")
    yield Claim(not idle, _("it is to make one soon, and the next ones, too"), idle)
    before = {job["metadata"]["uid"] for job in cluster.client.list(JOBS, NAMESPACE)}
    waited = 0.0
    while waited < BACKUP_SECONDS and not _completed(cluster, before):
        cluster.advance(30)
        waited += 30
    none = _("a quarter of an hour went by, and it made no Job that completed")
    yield Claim(_completed(cluster, before), _("it makes backups by itself"), none)
    yield from _all(cluster)


def _completed(cluster: Bench, before: Iterable[str]) -> bool:
    """Whether the CronJob has made a Job since then that is complete."""
    runs = [job for job in cluster.client.list(JOBS, NAMESPACE) if job["metadata"]["uid"] not in before]
    mine = [job for job in runs if (controller_of(job) or {}).get("name") == "notes-backup"]
    return any(is_true(job, "Complete") for job in mine)


@exercise("workloads/capstone", "The end of the month", minutes=15)
def check_priority(cluster: Bench) -> Claims:
    """… and the reports are still made, when there is room."""
    notes.let_time_pass(cluster)
    report = find(cluster, notes.DEPLOYMENTS, "report")
    yield exists(report, _("the Deployment report is still there"))
    wanted = report["spec"].get("replicas", 1)
    yield Claim(wanted == 3, _("all three reports are still wanted"), says("replicas", wanted))
    pods = pods_labelled(cluster, report["spec"]["selector"]["matchLabels"])
    refused = (condition(report, "ReplicaFailure") or {}).get("message")
    each = _("each of them has a pod")
    yield Claim(len(pods) >= wanted, each, refused or says(_("their number"), len(pods)))
    nowhere = next(_without_a_place(cluster, pods), "")
    yield Claim(not nowhere, _("… for which there is a node, when it has nothing else to do"), nowhere)
    yield from _all(cluster)


def _without_a_place(cluster: Bench, pods: Iterable[Object]) -> Iterator[str]:
    """Pods that no node will ever take, and what the scheduler says of them."""
    nodes = cluster.client.list("nodes")
    for pod in pods:
        if not pod["spec"].get("nodeName") and not any(_would_take(node, pod) for node in nodes):
            said = (condition(pod, "PodScheduled") or {}).get("message") or _("nobody looks for a node for it")
            yield f"{pod['metadata']['name']}: {said.partition(' preemption:')[0]}"


def _would_take(node: Object, pod: Object) -> bool:
    """Whether a node would take a pod if it had nothing else to do."""
    spec = pod["spec"]
    if spec.get("schedulingGates") or spec.get("schedulerName") != SCHEDULER:
        return False
    taints = [each for each in node["spec"].get("taints") or () if each["effect"] != "PreferNoSchedule"]
    means = selection_of(pod).matches(node["metadata"]["name"], labels_of(node))
    return means and untolerated(tuple(spec.get("tolerations") or ()), tuple(taints)) is None and fits_empty(pod, node)


def closed(cluster: Bench) -> list[str]:
    """The nodes that take no new pods."""
    return [each["metadata"]["name"] for each in cluster.client.list("nodes") if each["spec"].get("unschedulable")]


# -- the table -------------------------------------------------------------------------------------------


_row = kind(check_notes, notes.show)


def faults() -> dict[str, Fault]:
    """The faults by name."""
    rack = 'topologySpreadConstraints/0/topologyKey", "op": "replace", "value": "topology.kubernetes.io/rack"'
    return {
        "partition": _row(
            _("The database's probe was wrong. It has been corrected, and the page is still down."),
            typed(_probe(5433, 0), _probe(5432, 1)),
        ),
        "headless": _row(
            _("Services were given clearer names. The database is up, and cannot be found."),
            typed("delete service notes-db", _RENAMED),
        ),
        "drain": _row(
            _("A node is to get a new kernel, and will not be emptied."), _close_a_node, check_drain, _drains
        ),
        "autoscaler": _row(
            _("At noon the page was slow, and there were no more pods than at night."),
            _forget_requests,
            check_autoscaler,
            _shown("get hpa notes-api"),
        ),
        "quota": _row(
            _("The nodes were restarted. The API did not come back."),
            typed('patch quota notes -p \'{"spec": {"hard": {"pods": "6"}}}\'', *_AGAIN),
            check_quota,
        ),
        "migration": _row(
            _("Version 1.1 of the API is out. Its migration ran while the database was restarting."),
            typed(
                "scale statefulset notes-db --replicas=0",
                _MIGRATION,
                "scale statefulset notes-db --replicas=1",
                "set image deployment notes-api api=k8snb.dev/notes-api:1.1",
            ),
            check_migration,
        ),
        "backup": _row(
            _("Somebody asks for the latest backup. There is none."),
            typed('patch cronjob notes-backup -p \'{"spec": {"suspend": true}}\''),
            check_backup,
            _shown("get cronjobs"),
        ),
        "agent": _row(
            _("Logs of one node are missing, since it was set aside for the database."),
            _dedicate_a_node,
            check_agent,
            _shown("get daemonset notes-agent", "get nodes"),
        ),
        "spread": _row(_("The API was to be spread more widely. Now it is nowhere."), typed(_api(rack), *_AGAIN)),
        "priority": _row(
            _("The end of the month: reports are being made, and the page is gone."), _run_reports, check_priority
        ),
    }


def puzzles(cluster: Bench) -> Puzzles:
    """The lab, in a cluster whose application is healthy."""
    return Puzzles(cluster, faults())
