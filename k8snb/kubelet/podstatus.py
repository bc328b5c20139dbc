"""The status of a pod, put together from its worker.

Nearly all pods at scale have one container that is ready as soon as it runs; their status is one of two, made in
one stroke from shared parts. Everything else goes through the rules in `status`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snb.kubelet.containerstatus import container_status
from k8snb.kubelet.status import (
    NO_RESOURCES,
    conditions,
    conditions_at_first,
    conditions_when_ready,
    phase,
    running_since,
    scheduled_at,
)
from k8snb.machinery.forms import form
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker


_ADDRESS = form({"ip": ""})
_RUNNING = form(
    {
        "observedGeneration": None,
        "phase": "Running",
        "conditions": [],
        "hostIP": "",
        "hostIPs": [],
        "podIP": "",
        "podIPs": [],
        "startTime": "",
        "containerStatuses": [],
        "qosClass": "",
        "resources": NO_RESOURCES,
    }
)
"""What the statuses of running pods have in common."""


def status_of(worker: PodWorker) -> Object:
    """The status of a worker's pod, in the order of fields in which upstream has them."""
    if worker.plan.plain and worker.reason is None:
        quick = _quick(worker)
        if quick is not None:
            return quick
    return _full(worker)


def _quick(worker: PodWorker) -> Object | None:
    """The status of a pod with one plain container that is being made, or runs for the first time."""
    unit = worker.units[0]
    if unit.container is None:
        if unit.reason or worker.state not in {"New", "Preparing"}:
            return None
    elif unit.state != "Running" or unit.attempt or worker.state != "Running" or _is_running(worker):
        return None
    pod = worker.pod
    before = pod["status"]
    scheduled = scheduled_at(before.get("conditions") or (), worker.began)
    if scheduled is None:
        return None
    generation = pod["metadata"].get("generation")
    if unit.container is None:
        return _pending(worker, before, scheduled, generation)
    return _runs(worker, before, scheduled, generation, unit.container.id)


def _pending(worker: PodWorker, before: Object, scheduled: str, generation: int | None) -> Object:
    return {
        "observedGeneration": generation,
        "phase": "Pending",
        "conditions": conditions_at_first(worker.plan.mains[0].name, generation, scheduled, worker.began),
        "hostIP": worker.kubelet.address,
        "hostIPs": worker.kubelet.addresses,
        "startTime": worker.began,
        "containerStatuses": worker.plan.waiting,
        "qosClass": before.get("qosClass", "BestEffort"),
        "resources": NO_RESOURCES,
    }


def _runs(worker: PodWorker, before: Object, scheduled: str, generation: int | None, container: str) -> Object:
    now = worker.kubelet.clock.timestamp()
    running = worker.plan.mains[0].running.copy()
    running["state"] = running_since(now)
    running["containerID"] = f"containerd://{container}"
    address = _ADDRESS.copy()
    address["ip"] = worker.ip
    status = _RUNNING.copy()
    status["observedGeneration"] = generation
    status["conditions"] = conditions_when_ready(generation, scheduled, worker.began, now)
    status["hostIP"] = worker.kubelet.address
    status["hostIPs"] = worker.kubelet.addresses
    status["podIP"] = worker.ip
    status["podIPs"] = [address]
    status["startTime"] = worker.began
    status["containerStatuses"] = [running]
    status["qosClass"] = before.get("qosClass", "BestEffort")
    return status


def _is_running(worker: PodWorker) -> bool:
    return worker.status is not None and worker.status["phase"] == "Running"


def _full(worker: PodWorker) -> Object:
    """The status in general."""
    pod, plan, kubelet = worker.pod, worker.plan, worker.kubelet
    before = pod.get("status") or {}
    generation = pod["metadata"].get("generation")
    named = {unit.plan.name: container_status(unit) for unit in worker.units}
    statuses = named or {each.name: each.waiting for each in plan.containers}
    terminal = worker.state in {"Finished", "Gone"}
    sandbox = worker.sandbox is not None and bool(worker.ip) and not terminal
    pod_phase = "Failed" if worker.reason is not None and terminal else phase(plan, statuses, terminal=terminal)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "phase": pod_phase,
        "conditions": conditions(
            plan,
            statuses,
            pod_phase,
            sandbox=sandbox,
            before=before.get("conditions") or (),
            generation=generation,
            now=kubelet.clock.timestamp(),
        ),
    }
    if worker.reason is not None:
        status["message"], status["reason"] = worker.reason[1], worker.reason[0]
    status["hostIP"] = kubelet.address
    status["hostIPs"] = kubelet.addresses
    if worker.ip:
        status["podIP"] = worker.ip
        status["podIPs"] = [{"ip": worker.ip}]
    status["startTime"] = worker.began
    if plan.inits:
        status["initContainerStatuses"] = [statuses[each.name] for each in plan.inits]
    if named:
        status["containerStatuses"] = [statuses[each.name] for each in plan.mains]
    status["qosClass"] = before.get("qosClass", "BestEffort")
    status["resources"] = pod["spec"].get("resources") or NO_RESOURCES
    return status
