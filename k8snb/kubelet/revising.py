"""A running pod whose spec has been written: images and ephemeral containers at once, resources if there is room.

Upstream: `HandlePodUpdates` in `pkg/kubelet/kubelet.go`, `computePodActions` in `kuberuntime_manager.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8snb.kubelet import resizing
from k8snb.kubelet.container import ContainerUnit
from k8snb.kubelet.podstatus import status_of, with_claims

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker

ADMITTED = frozenset({"Preparing", "Running", "Terminating"})
"""The states in which the node holds what a pod was given."""


def revise(worker: PodWorker) -> None:
    """Containers whose image changed run anew; everything else that may change takes effect as it is."""
    units, former, kubelet = worker.units, worker.plan, worker.kubelet
    admitted = worker.state in ADMITTED
    given = resizing.as_given(worker) if admitted else worker.pod
    worker.plan = plan = kubelet.pool.plans.of(given)
    if admitted:
        kubelet.release(former)
        kubelet.reserve(plan)
    if units:
        added = plan.every[len(units) :]
        worker.settle_units((*units, *(ContainerUnit(worker, each) for each in added)))
    for unit, new in zip(units, plan.every, strict=False):
        old, unit.plan = unit.plan, new
        if old.image != new.image and unit.state == "Running":
            unit.replace(f"Container {new.name} definition changed, will be restarted")
        elif old.image != new.image and unit.state == "Refused":
            unit.fire("retry")
    if given is worker.pod:
        resizing.settle(worker)
    if worker.state == "Running" and len(worker.units) > len(units):
        worker.progress()
    else:
        worker.write()
    if given is not worker.pod and worker.state in {"Preparing", "Running"}:
        resizing.weigh(worker)


def write_over(worker: PodWorker) -> None:
    """Somebody wrote the pod in the meantime: write the status on top of that."""
    client, (namespace, name) = worker.kubelet.client, worker.key
    fresh = client.find("pods", name, namespace)
    if fresh is not None and fresh["metadata"]["uid"] == worker.uid:
        before = worker.pod["spec"]
        status = with_claims(status_of(worker), fresh["status"])
        worker.wrote(client.update_status("pods", {**fresh, "status": status}))
        if worker.pod["spec"] != before:  # what somebody wrote was the spec, and the news of it will be no news
            revise(worker)
