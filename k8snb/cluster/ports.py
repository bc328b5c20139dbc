"""The ports of kube-scheduler and kube-controller-manager, on the machines of the control plane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.componentport import MANAGER, SCHEDULER, ComponentPort
from k8snb.apiserver.exposition import head, sample
from k8snb.apiserver.machine import Server
from k8snb.client.controller import Controller
from k8snb.cluster.hosting import Component
from k8snb.scheduler.scheduler import Scheduler
from k8snb.scheduler.standing import ACTIVE, BACKOFF, GATED, UNSCHEDULABLE

_QUEUES = {ACTIVE: "active", BACKOFF: "backoff", GATED: "gated", UNSCHEDULABLE: "unschedulable"}
_NAMED = {
    "cronjob-controller": "cronjob",
    "daemon-set-controller": "daemonset",
    "deployment-controller": "deployment",
    "disruption-controller": "disruption",
    "endpoint-controller": "endpoint",
    "endpointslice-controller": "endpoint_slice",
    "generic-garbage-collector": "garbage_collector_attempt_to_delete",
    "horizontal-pod-autoscaler": "horizontalpodautoscaler",
    "job-controller": "job",
    "namespace-controller": "namespace",
    "pv-protection-controller": "pvprotection",
    "pvc-protection-controller": "pvcprotection",
    "replicaset-controller": "replicaset",
    "replication-controller": "replicationmanager",
    "resourcequota-controller": "resourcequota_primary",
    "root-ca-cert-publisher": "root_ca_cert_publisher",
    "service-account-controller": "serviceaccount",
    "statefulset-controller": "statefulset",
}
"""What upstream calls the queues that people look at."""
_PENDING = (
    "[STABLE] Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means "
    "number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler "
    "attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted "
    "to schedule because they are gated."
)


def ports(scheduler: Component, manager: Component, now: Callable[[], float], *, elects: bool) -> Mapping[int, Server]:
    """Who listens at which port of a machine with these two."""
    return {
        SCHEDULER.port: ComponentPort(SCHEDULER, scheduler, lambda: _pending(scheduler), now, elects=elects),
        MANAGER.port: ComponentPort(MANAGER, manager, lambda: _depths(manager), now, elects=elects),
    }


def _pending(process: Component) -> Iterator[str]:
    """How many pods wait where."""
    yield from head("scheduler_pending_pods", "gauge", _PENDING)
    waiting = (each for part in process.parts if isinstance(part, Scheduler) for each in part.waiting())
    counts = Counter(each.place for each in waiting)
    for place, name in sorted(_QUEUES.items(), key=lambda each: each[1]):
        yield sample("scheduler_pending_pods", {"queue": name}, counts[place])


def _depths(process: Component) -> Iterator[str]:
    """How many keys wait in the queues of controllers."""
    yield from head("workqueue_depth", "gauge", "[BETA] Current depth of workqueue")
    controllers = [part for part in process.parts if isinstance(part, Controller) and part.name in _NAMED]
    for name, depth in sorted((_NAMED[each.name], len(each.queue)) for each in controllers):
        yield sample("workqueue_depth", {"name": name}, depth)
