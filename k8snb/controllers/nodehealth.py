"""When a node counts as lost, and what is then said of it.

`Heartbeats` knows when each node was last heard of and when it will be overdue; it costs one dictionary entry
per heartbeat, however many nodes there are. The rest are pure functions: the conditions of a silent node, and the
taints that follow from conditions. Upstream: `pkg/controller/nodelifecycle/node_lifecycle_controller.go`.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.machinery.objects import condition
from k8snb.typing import Object

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
TAINTS: Mapping[tuple[str, str], str] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
"""Which condition of a node becomes which taint."""

HEALTH_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that the kubelet posts, and that become Unknown when it does not."""

_OWN_KEYS = {*TAINTS.values(), UNSCHEDULABLE}


class Heartbeats:
    """When each node was last heard of. Times in seconds since the Unix epoch."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._heard: dict[str, float] = {}
        self._entry: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []

    def hear(self, node: str, when: float) -> None:
        """The node gave a sign of life."""
        if when < self._heard.get(node, float("inf")):
            self._expect(node, when + self._grace)
        self._heard[node] = when

    def _expect(self, node: str, due: float) -> None:
        """Look at the node then. A node has one entry in the heap that counts; heartbeats do not move it."""
        self._entry[node] = due
        heapq.heappush(self._due, (due, node))

    def forget(self, node: str) -> None:
        """The node is gone."""
        self._heard.pop(node, None)
        self._entry.pop(node, None)

    def known(self, node: str) -> bool:
        """Whether the node was ever heard of."""
        return node in self._heard

    def is_silent(self, node: str, now: float) -> bool:
        """Whether the node has been silent for longer than it may."""
        heard = self._heard.get(node)
        return heard is not None and heard + self._grace <= now

    def overdue(self, now: float) -> list[str]:
        """The nodes that have become silent; each is named once until it is heard of again."""
        result: list[str] = []
        while self._due and self._due[0][0] <= now:
            due, node = heapq.heappop(self._due)
            if self._entry.get(node) != due:
                continue
            next_due = self._heard[node] + self._grace
            if next_due <= now:
                result.append(node)
                next_due = now + self._grace
            self._expect(node, next_due)
        return result

    def next_due(self) -> float | None:
        """When somebody has to be looked at next."""
        return self._due[0][0] if self._due else None


def is_ready(node: Object) -> bool:
    """Whether the node's kubelet says that it can run pods."""
    found = condition(node, "Ready")
    return found is not None and found["status"] == "True"


def silenced(node: Object, now: str) -> list[Object]:
    """The conditions of a node that is not heard of: what its kubelet used to post is Unknown now."""
    conditions: list[Object] = list((node.get("status") or {}).get("conditions") or ())
    types = [each["type"] for each in conditions]
    result = [_unknown(each, now) if each["type"] in HEALTH_CONDITIONS else each for each in conditions]
    created = node["metadata"].get("creationTimestamp", now)
    return [*result, *(_never(type, created, now) for type in HEALTH_CONDITIONS if type not in types)]


def _unknown(old: Object, now: str) -> Object:
    if old["status"] == "Unknown":
        return old
    message = "Kubelet stopped posting node status."
    return {**old, "status": "Unknown", "lastTransitionTime": now, "reason": "NodeStatusUnknown", "message": message}


def _never(type: str, created: str, now: str) -> Object:
    return {
        "type": type,
        "status": "Unknown",
        "lastHeartbeatTime": created,
        "lastTransitionTime": now,
        "reason": "NodeStatusNeverUpdated",
        "message": "Kubelet never posted node status.",
    }


def schedule_taints(node: Object) -> list[str]:
    """The keys of the NoSchedule taints that follow from the node's conditions."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    keys = [TAINTS[found] for each in conditions if (found := (each["type"], each["status"])) in TAINTS]
    return [*keys, UNSCHEDULABLE] if node["spec"].get("unschedulable") else keys


def execute_taint(node: Object) -> str:
    """The key of the NoExecute taint that follows from the node's readiness; empty when it is ready or says nothing."""
    found = condition(node, "Ready")
    return TAINTS.get(("Ready", found["status"]), "") if found is not None else ""


def with_taints(node: Object, schedule: Sequence[str], execute: str | None, now: str) -> list[Object]:
    """The node's taints with these of ours and all of others.

    `execute` is the NoExecute taint to have, empty for none, None to leave those as they are.
    """
    wanted = {(key, "NoSchedule"): None for key in schedule}
    if execute:
        wanted[execute, "NoExecute"] = None
    result: list[Object] = []
    for taint in node["spec"].get("taints") or ():
        if _is_ours(taint, execute) and (taint["key"], taint["effect"]) not in wanted:
            continue
        wanted.pop((taint["key"], taint["effect"]), None)
        result.append(taint)
    return [*result, *({"key": key, "effect": effect, "timeAdded": now} for key, effect in wanted)]


def _is_ours(taint: Object, execute: str | None) -> bool:
    if taint["effect"] == "NoSchedule":
        return taint["key"] in _OWN_KEYS
    return execute is not None and taint["effect"] == "NoExecute" and taint["key"] in (NOT_READY, UNREACHABLE)


def unready_pod_status(pod: Object, now: str) -> Object | None:
    """The status of a pod whose node is lost: not ready. None if it says so already."""
    status: dict[str, Any] = dict(pod.get("status") or {})
    conditions: list[Object] = list(status.get("conditions") or ())
    for index, each in enumerate(conditions):
        if each["type"] == "Ready" and each["status"] == "True":
            conditions[index] = {**each, "status": "False", "lastTransitionTime": now}
            return {**status, "conditions": conditions}
    return None
