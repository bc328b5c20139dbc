"""The status of a container as the API shows it, put together from its unit.

Upstream: `convertToAPIContainerStatuses` in `pkg/kubelet/kubelet_pods.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snb.clock import rfc3339
from k8snb.kubelet.plan import ContainerPlan
from k8snb.kubelet.runtime import ContainerView
from k8snb.kubelet.status import running_since
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit

_NEVER_RAN = "1970-01-01T00:00:00Z"


def container_status(unit: ContainerUnit) -> Object:
    """The container's status."""
    plan = unit.plan
    if unit.replaced is not None and not unit.reason:
        return unit.replaced
    container = unit.before if unit.state == "Starting" else unit.container
    if container is None:
        return {**plan.waiting, "state": {"waiting": _waits(unit)}} if unit.reason else plan.waiting
    state = _state(unit, container)
    last = unit.last if "terminated" in state else unit.ended
    changes: dict[str, Any] = {
        "state": state,
        "lastState": {"terminated": last} if last is not None else {},
        "ready": unit.ready,
        "restartCount": container.attempt,
        "containerID": f"containerd://{container.id}",
        "started": unit.started,
    }
    if "running" in state:
        if unit.actual is not None:
            changes["resources"] = unit.actual
        return {**plan.running, **changes}
    return {**{k: v for k, v in plan.running.items() if k != "resources"}, **changes}


def _state(unit: ContainerUnit, container: ContainerView) -> Object:
    if unit.state in {"Running", "Stopping"}:
        return running_since(rfc3339(container.started_at))
    return {"waiting": _waits(unit)} if unit.reason else {"terminated": unit.ended}


def _waits(unit: ContainerUnit) -> Object:
    return {"reason": unit.reason, "message": unit.message} if unit.message else {"reason": unit.reason}


def terminated(container: ContainerView, plan: ContainerPlan) -> Object:
    """The state of a container that has ended."""
    state: dict[str, Any] = {"exitCode": container.exit_code, "reason": container.reason}
    message = container.message
    if not message and container.exit_code and plan.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        message = container.last_lines()
    if message:
        state["message"] = message
    state["startedAt"] = rfc3339(container.started_at) if container.started_at else _NEVER_RAN
    state["finishedAt"] = rfc3339(container.finished_at)
    return {**state, "containerID": f"containerd://{container.id}"}
