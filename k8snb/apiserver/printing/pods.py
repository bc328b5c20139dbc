"""Pods: the one line in which people read a pod.

STATUS is not the phase. It starts as the phase, and whatever is more telling replaces it: the init
container that is in the way, the reason why a container waits or ended, the deletion. The order of these
replacements is upstream's (`printPod` in `pkg/printers/internalversion`), because people and scripts
know it by heart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from k8snb.apiserver.printing.columns import AGE, NAME, NONE, Column, Printer, age, dig, is_deleting, name_of, wide
from k8snb.apiserver.printing.durations import since
from k8snb.typing import Object

_SPEC, _STATUS = "api.core.v1.PodSpec", "api.core.v1.PodStatus"
_ENDED = ("Succeeded", "Failed")
_LOST_NODE = "NodeLost"


@dataclass
class Summary:
    """What the columns READY, STATUS and RESTARTS say; `last_restart` is when the last container ended."""

    reason: str
    total: int
    ready: int = 0
    restarts: int = 0
    last_restart: str = ""

    def count(self, container: Object) -> None:
        """Add the restarts of a container."""
        self.restarts += container.get("restartCount", 0)
        self.last_restart = max(self.last_restart, dig(container, "lastState", "terminated", "finishedAt", default=""))


def summarize(pod: Object) -> Summary:
    """Read a pod as `kubectl get pods` shows it."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = {c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    phase = status.get("phase", "")
    summary = Summary(status.get("reason") or phase, len(spec.get("containers") or ()) + len(sidecars))
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    if conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated":
        summary.reason = "SchedulingGated"
    initializing = _read_init_containers(summary, spec, status, sidecars)
    if not initializing or _is_true(conditions.get("Initialized")):
        _read_containers(summary, status, sidecars, _is_true(conditions.get("Ready")))
    if is_deleting(pod):
        if status.get("reason") == _LOST_NODE:
            summary.reason = "Unknown"
        elif phase not in _ENDED:
            summary.reason = "Terminating"
    return summary


def _is_true(condition: Object | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def _read_init_containers(summary: Summary, spec: Object, status: Object, sidecars: Iterable[str]) -> bool:
    """Whether an init container is still in the way; its reason is then the pod's."""
    for index, container in enumerate(status.get("initContainerStatuses") or ()):
        summary.count(container)
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if container["name"] in sidecars and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        if terminated is not None:
            summary.reason = "Init:" + _ending(terminated)
        elif waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
            summary.reason = "Init:" + waiting["reason"]
        else:
            summary.reason = f"Init:{index}/{len(spec.get('initContainers') or ())}"
        return True
    return False


def _ending(terminated: Object) -> str:
    """Why a container ended, in one word."""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _read_containers(summary: Summary, status: Object, sidecars: Iterable[str], pod_ready: bool) -> None:
    """The main containers, last one first: the first one's reason is said last and so stays."""
    summary.restarts, summary.last_restart = 0, ""
    for container in status.get("initContainerStatuses") or ():
        if container["name"] in sidecars:
            summary.count(container)
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        summary.count(container)
        state = container.get("state") or {}
        if dig(state, "waiting", "reason"):
            summary.reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            summary.reason = _ending(state["terminated"])
        elif container.get("ready") and state.get("running") is not None:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if pod_ready else "NotReady"


def cells(pod: Object, now: float) -> list[Any]:
    """The cells of a pod."""
    summary = summarize(pod)
    restarts = str(summary.restarts)
    if summary.restarts and summary.last_restart:
        restarts += f" ({since(summary.last_restart, now)} ago)"
    return [
        name_of(pod),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        age(pod, now),
        _ip(pod) or NONE,
        dig(pod, "spec", "nodeName") or NONE,
        dig(pod, "status", "nominatedNodeName") or NONE,
        _readiness_gates(pod),
    ]


def _ip(pod: Object) -> str:
    ips = dig(pod, "status", "podIPs", default=())
    return str(ips[0].get("ip", "")) if ips else str(dig(pod, "status", "podIP", default=""))


def _readiness_gates(pod: Object) -> str:
    gates = dig(pod, "spec", "readinessGates", default=())
    if not gates:
        return NONE
    open_gates = {c["type"] for c in dig(pod, "status", "conditions", default=()) if c.get("status") == "True"}
    return f"{sum(gate['conditionType'] in open_gates for gate in gates)}/{len(gates)}"


_COMPLETED = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


def row_conditions(pod: Object) -> list[Object]:
    """What a table says about the whole row: a pod that has ended is marked, so that clients can hide it."""
    condition = _COMPLETED.get(dig(pod, "status", "phase", default=""))
    return [condition] if condition else []


PODS = Printer(
    (
        NAME,
        Column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
        Column("Status", "The aggregate status of the containers in this pod."),
        Column(
            "Restarts",
            "The number of times the containers in this pod have been restarted and when the last container in"
            " this pod has restarted.",
        ),
        AGE,
        wide(Column("IP", doc=(_STATUS, "podIP"))),
        wide(Column("Node", doc=(_SPEC, "nodeName"))),
        wide(Column("Nominated Node", doc=(_STATUS, "nominatedNodeName"))),
        wide(Column("Readiness Gates", doc=(_SPEC, "readinessGates"))),
    ),
    cells,
)
