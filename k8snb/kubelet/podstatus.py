"""The status of a pod, put together from its worker.

Nearly all pods at scale have one container that is ready as soon as it runs; their status is one of two, made in
one stroke from shared parts. Everything else goes through the rules in `status`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from k8snb.kubelet.containerstatus import container_status
from k8snb.kubelet.status import (
    NO_RESOURCES,
    OWNED,
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
    if worker.plan.plain and worker.reason is None and worker.resizing is None:
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
        return _pending(worker)
    if unit.state != "Running" or unit.attempt or worker.state != "Running" or _is_running(worker):
        return None
    return _running(worker, unit.container.id)


def status_on_arrival(worker: PodWorker) -> Object:
    """The status of a plain pod that its kubelet has just admitted."""
    return _pending(worker) or _full(worker)


def status_when_running(worker: PodWorker) -> Object:
    """The status of a usual pod whose container has just begun to run."""
    assert worker.container is not None
    return _running(worker, worker.container.id) or _full(worker)


def _pending(worker: PodWorker) -> Object | None:
    """Pods of a template that were bound and arrive in the same second have it in common but for their node."""
    before, plan, kubelet = worker.pod["status"], worker.plan, worker.kubelet
    generation, qos = worker.pod["metadata"].get("generation"), before.get("qosClass", "BestEffort")
    circumstances = (id(before.get("conditions")), worker.began, generation, qos)
    known = plan.arrived
    if known is None or known[0] != circumstances:
        scheduled = _scheduled(worker)
        if scheduled is None:
            return None
        made = {
            "observedGeneration": generation,
            "phase": "Pending",
            "conditions": conditions_at_first(plan.mains[0].name, generation, scheduled, worker.began),
            "hostIP": "",
            "hostIPs": [],
            "startTime": worker.began,
            "containerStatuses": plan.waiting,
            "qosClass": qos,
            "resources": NO_RESOURCES,
        }
        known = plan.arrived = (circumstances, before.get("conditions"), made)
    status: dict[str, Any] = known[2].copy()
    status["hostIP"] = kubelet.address
    status["hostIPs"] = kubelet.addresses
    return status


def _running(worker: PodWorker, container: str) -> Object | None:
    scheduled, kubelet, ip = _scheduled(worker), worker.kubelet, worker.ip
    if scheduled is None:
        return None
    pod, now = worker.pod, kubelet.clock.timestamp()
    generation = pod["metadata"].get("generation")
    running = worker.plan.mains[0].running.copy()
    running["state"] = running_since(now)
    running["containerID"] = f"containerd://{container}"
    address = _ADDRESS.copy()
    address["ip"] = ip
    status = _RUNNING.copy()
    status["observedGeneration"] = generation
    status["conditions"] = conditions_when_ready(generation, scheduled, worker.began, now)
    status["hostIP"] = kubelet.address
    status["hostIPs"] = kubelet.addresses
    status["podIP"] = ip
    status["podIPs"] = [address]
    status["startTime"] = worker.began
    status["containerStatuses"] = [running]
    status["qosClass"] = pod["status"].get("qosClass", "BestEffort")
    return status


def _scheduled(worker: PodWorker) -> str | None:
    """When the pod was bound; None if it has conditions that others keep."""
    before = worker.pod["status"]
    found = before.get("conditions") or ()
    if before is worker.status and len(found) == len(OWNED):
        since: str = found[len(OWNED) - 1]["lastTransitionTime"]
        return since
    return scheduled_at(found, worker.began)


def _is_running(worker: PodWorker) -> bool:
    return worker.status is not None and worker.status["phase"] == "Running"


def _full(worker: PodWorker) -> Object:
    """The status in general."""
    pod, plan, kubelet = worker.pod, worker.plan, worker.kubelet
    before = pod.get("status") or {}
    generation = pod["metadata"].get("generation")
    named = {unit.plan.name: container_status(unit) for unit in worker.units}
    statuses = named or {each.name: each.waiting for each in plan.every}
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
            before=_with(worker.disruption, before.get("conditions") or ()),
            resizing=worker.resizing.conditions if worker.resizing is not None and not terminal else (),
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
    if plan.ephemerals:
        status["ephemeralContainerStatuses"] = [
            {k: v for k, v in statuses[each.name].items() if k != "started"} for each in plan.ephemerals
        ]
    status["resources"] = pod["spec"].get("resources") or NO_RESOURCES
    return with_claims(status, before) if plan.devices else status


_CLAIMED = ("resourceClaimStatuses", "extendedResourceClaimStatus")


def with_claims(status: Object, before: Object) -> Object:
    """A status with the claims that were made for the pod, which somebody else has written there."""
    return {**status, **{name: before[name] for name in _CLAIMED if before.get(name)}}


def _with(condition: Object | None, before: Sequence[Object]) -> Sequence[Object]:
    """Conditions, and one more in front unless there is one of its type."""
    if condition is None or any(each["type"] == condition["type"] for each in before):
        return before
    return [condition, *before]
