"""A machine that has come up again: what its kubelet makes of the pods that ran on it before.

Nothing runs any more. The runtime finds on its disk that there were containers, which ended nobody knows how (exit code
255, `Unknown`), and the images; everything else the kubelet takes from the API. A pod whose containers are to be
restarted gets a new sandbox and begins with its init containers; each run is one more. One that is not to be restarted
has failed.

Upstream: `computePodActions` in `pkg/kubelet/kuberuntime/kuberuntime_manager.go`, `MachineInfo` in
`pkg/kubelet/nodestatus`, and containerd's `internal/cri/server/restart.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8snb.clock import parse_time, rfc3339
from k8snb.kubelet import node as nodes
from k8snb.kubelet.container import ContainerUnit
from k8snb.kubelet.plan import EPHEMERAL, MAIN
from k8snb.kubelet.references import parse
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

UNKNOWN = 255
"""The exit code of a container that the runtime did not see end."""
_OVER = frozenset({"Succeeded", "Failed"})
_STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def come_up(kubelet: Kubelet, node: Object) -> None:
    """The machine has been booted: its images are there, and its node hears of it."""
    info = (node.get("status") or {}).get("nodeInfo") or {}
    for image in (node.get("status") or {}).get("images") or ():
        kubelet.runtime.preload(parse(image["names"][-1]))
    about = nodes.reference(node)
    kubelet.events.normal(about, "Starting", "Starting kubelet.")
    for reason, message in nodes.EVENTS:
        kubelet.events.normal(about, reason, message.format(kubelet.name))
    boot = nodes.boot_id(kubelet.name, kubelet.pool.boots)
    if info.get("bootID") not in (None, boot):
        said = f"Node {kubelet.name} has been rebooted, boot id: {boot}"
        kubelet.events.record(about, "Warning", "Rebooted", said)


def ran_before(kubelet: Kubelet, pod: Object) -> bool:
    """Whether the pod was this kubelet's before the machine came up."""
    return kubelet.pool.boots > 0 and "startTime" in (pod.get("status") or {})


def take_up(worker: PodWorker) -> None:
    """Go on with a pod from what the API says of it."""
    status, kubelet, plan = worker.pod["status"], worker.kubelet, worker.plan
    worker.began, worker.status = status["startTime"], status
    known = {each["name"]: each for field in _STATUSES for each in status.get(field) or ()}
    units = tuple(_recalled(worker, ContainerUnit(worker, each), known.get(each.name)) for each in plan.every)
    worker.settle_units(units)
    if status.get("phase") in _OVER:
        worker.state = "Finished"
        worker.reason = (status["reason"], status.get("message", "")) if "reason" in status else None
        return
    refusal = kubelet.admit(plan, worker.pod, static=worker.is_static)
    if refusal is not None:
        worker.refuse(*refusal)
        return
    worker.watch_deadline(parse_time(worker.began))
    if not _goes_on(worker):
        worker.state = "Running"
        worker.fire("all ended")
        return
    worker.state = "Preparing"
    if any(unit.attempt >= 0 for unit in units):
        said = "Pod sandbox changed, it will be killed and re-created."
        kubelet.events.record(worker.pod, "Normal", "SandboxChanged", said)
    worker.write()
    kubelet.pool.post(worker, "retry")


def _goes_on(worker: PodWorker) -> bool:
    """Whether the pod is to run: nothing of it has run yet, or something that did may run again."""
    waiting = [unit for unit in worker.units if unit.plan.kind == MAIN and unit.state == "Waiting"]
    if worker.plan.restart_policy != "Never":
        return bool(waiting)
    ran = any(unit.attempt >= 0 and unit.plan.kind != EPHEMERAL for unit in worker.units)
    return not ran or any(unit.attempt >= 0 for unit in waiting)


def _recalled(worker: PodWorker, unit: ContainerUnit, said: Mapping[str, Any] | None) -> ContainerUnit:
    """A container as the runtime finds it: not there yet, or ended."""
    if said is None or not said.get("containerID"):
        return unit
    worker.kubelet.runtime.preload(unit.plan.config.reference)
    unit.attempt = said["restartCount"]
    unit.container = worker.kubelet.runtime.recall(worker, unit.plan.config, unit.attempt)
    unit.ended = ended = _end(said, rfc3339(worker.kubelet.clock.now()))
    code = ended["exitCode"]
    if unit.plan.kind == EPHEMERAL or (unit.plan.kind == MAIN and not unit.plan.restarts_after(code)):
        unit.state = "Exited"
    return unit


def _end(said: Mapping[str, Any], now: str) -> Object:
    """How the newest run ended: as the API says, or with the machine."""
    state = said["state"]
    ended: Object | None = state.get("terminated") or (said.get("lastState") or {}).get("terminated")
    if ended is not None and "running" not in state:
        return ended
    began = (state.get("running") or {}).get("startedAt", now)
    end = {"exitCode": UNKNOWN, "reason": "Unknown", "startedAt": began, "finishedAt": now}
    return {**end, "containerID": said["containerID"]}
