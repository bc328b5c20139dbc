"""The status of a pod as a pure function of its containers, as upstream computes it.

Upstream: `getPhase` and `generateAPIPodStatus` in `pkg/kubelet/kubelet_pods.go`, and `pkg/kubelet/status`.
Condition lists and states are kept per second: pods that become ready together share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from k8snb.kubelet.plan import INIT, SIDECAR, PodPlan
from k8snb.machinery.resizing import IN_PROGRESS, PENDING
from k8snb.typing import Object

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
"""The conditions that the kubelet writes, in the order in which it writes them."""

_OWNED = frozenset((*OWNED, PENDING, IN_PROGRESS))

_NONE: Mapping[str, Any] = {}
NO_RESOURCES: Object = {}


@lru_cache(maxsize=1024)
def condition(
    type: str, status: str, since: str, generation: int | None, reason: str = "", message: str = ""
) -> Object:
    """One condition; equal ones are one object."""
    made: dict[str, Any] = {"type": type, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    if generation is not None:
        made["observedGeneration"] = generation
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


@lru_cache(maxsize=1024)
def running_since(stamp: str) -> Object:
    """The state of a container that runs."""
    return {"running": {"startedAt": stamp}}


@lru_cache(maxsize=1024)
def conditions_at_first(unready: str, generation: int | None, scheduled: str, now: str) -> list[Object]:
    """The conditions of a pod without init containers whose containers are still being made."""
    message = f"containers with unready status: [{unready}]"
    return [
        condition("PodReadyToStartContainers", "False", now, generation),
        condition("Initialized", "True", now, generation),
        condition("Ready", "False", now, generation, "ContainersNotReady", message),
        condition("ContainersReady", "False", now, generation, "ContainersNotReady", message),
        condition("PodScheduled", "True", scheduled, generation),
    ]


@lru_cache(maxsize=1024)
def conditions_when_ready(generation: int | None, scheduled: str, began: str, now: str) -> list[Object]:
    """The conditions of a pod whose containers have just become ready."""
    return [
        condition("PodReadyToStartContainers", "True", now, generation),
        condition("Initialized", "True", began, generation),
        condition("Ready", "True", now, generation),
        condition("ContainersReady", "True", now, generation),
        condition("PodScheduled", "True", scheduled, generation),
    ]


def scheduled_at(before: Iterable[Object], otherwise: str) -> str | None:
    """When the pod was bound, by the conditions it has; None if there are conditions that others keep."""
    since = otherwise
    for found in before:
        type = found["type"]
        if type == "PodScheduled":
            since = found["lastTransitionTime"] or otherwise
        elif type not in OWNED:
            return None
    return since


def phase(plan: PodPlan, statuses: Mapping[str, Object], *, terminal: bool) -> str:
    """The phase that the containers' statuses make; `terminal` says that none of them runs again."""
    uninitialized, failed_init, waiting, running = _initialization(plan, statuses)
    stopped = succeeded = 0
    for container in plan.mains:
        state, last = _state(statuses, container.name)
        if "running" in state:
            running += 1
        elif "terminated" in state:
            stopped += 1
            succeeded += state["terminated"]["exitCode"] == 0
        elif "terminated" in last:
            stopped += 1
        else:
            waiting += 1
    if failed_init and plan.restart_policy == "Never":
        return "Failed"
    if (uninitialized and not _any_started(plan, statuses)) or waiting:
        return "Failed" if terminal else "Pending"
    if running:
        return "Running"
    if terminal:
        return "Succeeded" if stopped == succeeded else "Failed"
    if plan.restart_policy == "Always":
        return "Running"
    if stopped == succeeded:
        return "Succeeded"
    return "Failed" if plan.restart_policy == "Never" else "Running"


def _initialization(plan: PodPlan, statuses: Mapping[str, Object]) -> tuple[int, int, int, int]:
    """How many init containers are not through, failed, wait for the first time, and (sidecars) run."""
    pending = failed = waiting = running = 0
    for container in plan.inits:
        state, last = _state(statuses, container.name)
        if container.kind == SIDECAR:
            if "running" in state:
                running += 1
                pending += not statuses[container.name].get("started")
            elif "waiting" in state and "terminated" not in last:
                pending += 1
                waiting += 1
        elif "terminated" in state:
            failed += state["terminated"]["exitCode"] != 0
        elif "waiting" in state and "terminated" in last:
            failed += last["terminated"]["exitCode"] != 0
        else:
            pending += 1
    return pending, failed, waiting, running


def _state(statuses: Mapping[str, Object], name: str) -> tuple[Object, Object]:
    found = statuses[name]
    return found["state"], found["lastState"]


def _any_started(plan: PodPlan, statuses: Mapping[str, Object]) -> bool:
    """Whether a regular container has ever run."""
    for container in plan.mains:
        state, last = _state(statuses, container.name)
        if "running" in state or "terminated" in state or "terminated" in last:
            return True
    return False


def conditions(
    plan: PodPlan,
    statuses: Mapping[str, Object],
    pod_phase: str,
    *,
    sandbox: bool,
    before: Sequence[Object],
    resizing: Sequence[Object] = (),
    generation: int | None,
    now: str,
) -> list[Object]:
    """The conditions of a pod, those that others wrote first; times move only where a status changes."""
    known = {found["type"]: found for found in before}

    def made(type: str, status: str, reason: str = "", message: str = "") -> Object:
        old = known.get(type)
        since = old["lastTransitionTime"] if old is not None and old["status"] == status else now
        return condition(type, status, since or now, generation, reason, message)

    foreign = [found for found in before if found["type"] not in _OWNED]
    containers = _containers_ready(plan, statuses, pod_phase)
    ready = containers if containers[0] != "True" else _gates(plan, foreign)
    return [
        *foreign,
        *resizing,
        made("PodReadyToStartContainers", "True" if sandbox else "False"),
        made("Initialized", *_initialized(plan, statuses, pod_phase)),
        made("Ready", *ready),
        made("ContainersReady", *containers),
        made("PodScheduled", "True"),
    ]


def _initialized(plan: PodPlan, statuses: Mapping[str, Object], pod_phase: str) -> tuple[str, str, str]:
    if pod_phase == "Succeeded":
        return "True", "PodCompleted", ""
    if _any_started(plan, statuses):
        return "True", "", ""
    incomplete = [
        c.name
        for c in plan.inits
        if not (statuses[c.name]["ready"] if c.kind == INIT else statuses[c.name].get("started"))
    ]
    if incomplete:
        names = " ".join(incomplete)
        return "False", "ContainersNotInitialized", f"containers with incomplete status: [{names}]"
    return "True", "", ""


def _containers_ready(plan: PodPlan, statuses: Mapping[str, Object], pod_phase: str) -> tuple[str, str, str]:
    if pod_phase == "Succeeded":
        return "False", "PodCompleted", ""
    if pod_phase == "Failed":
        return "False", "PodFailed", ""
    unready = [c.name for c in plan.containers if c.kind != INIT and not statuses[c.name]["ready"]]
    if unready:
        return "False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return "True", "", ""


def _gates(plan: PodPlan, others: Sequence[Object]) -> tuple[str, str, str]:
    """Readiness gates: conditions that somebody else must make true before the pod counts as ready."""
    known = {found["type"]: found["status"] for found in others}
    messages: list[str] = []
    for gate in plan.gates:
        if gate not in known:
            messages.append(f'corresponding condition of pod readiness gate "{gate}" does not exist.')
        elif known[gate] != "True":
            messages.append(f'the status of pod readiness gate "{gate}" is not "True", but {known[gate]}')
    return ("False", "ReadinessGatesNotReady", ", ".join(messages)) if messages else ("True", "", "")
