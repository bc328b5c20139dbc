"""Which daemons are missing and which are too many, node by node.

A daemon that failed is deleted so that a new one comes, after a delay that doubles with each failure on the same node:
it may be the kubelet that refuses it. Upstream: `podsShouldBeOnNode` in `daemon_controller.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.controllers.daemonset.daemons import Placement, is_updated, oldest_first
from k8snb.controllers.history import revision_name
from k8snb.controllers.podstate import is_available, is_ready, phase_of
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

FIRST_SECONDS = 1.0
MOST_SECONDS = 900.0


class Backoff:
    """How long to wait before a failed daemon is deleted again, per DaemonSet, generation and node."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, int, str], tuple[float, float]] = {}

    def wait(self, key: tuple[str, int, str], now: float) -> float:
        """The seconds to wait; where it is 0, the next wait is longer from now on."""
        entry = self._entries.get(key)
        if entry is None or now - entry[1] > 2 * MOST_SECONDS:
            self._entries[key] = (FIRST_SECONDS, now)
            return 0.0
        delay, last = entry
        if now - last < delay:
            return delay
        self._entries[key] = (min(delay * 2, MOST_SECONDS), now)
        return 0.0

    def forget(self, uid: str) -> None:
        """The DaemonSet is gone."""
        self._entries = {key: entry for key, entry in self._entries.items() if key[0] != uid}


@dataclass(slots=True)
class Plan:
    """What is to be done with the daemons of a DaemonSet."""

    create: list[str] = field(default_factory=list)
    """The nodes that are to get one."""
    delete: list[Object] = field(default_factory=list)
    failed: list[tuple[Object, str]] = field(default_factory=list)
    """Those of them that ended by themselves, and their node."""
    again: float | None = None
    """In how many seconds to look again."""

    def __bool__(self) -> bool:
        return bool(self.create or self.delete)


class Manager:
    """Makes the plan for one look at a DaemonSet."""

    def __init__(self, ds: Object, hash: str, placement: Placement, backoff: Backoff, now: float) -> None:
        self._ds = ds
        self._hash = hash
        self._placement = placement
        self._backoff = backoff
        self._now = now
        update = ds["spec"].get("updateStrategy") or {}
        self._surges = update.get("type") == "RollingUpdate" and (update.get("rollingUpdate") or {}).get(
            "maxSurge", 0
        ) not in (0, "0%")

    def plan(self, nodes: Sequence[Object], pods: Mapping[str, Sequence[Object]]) -> Plan:
        """What to create and to delete."""
        plan = Plan()
        for node in nodes:
            self._node(plan, node, pods.get(node["metadata"]["name"]))
        names = {node["metadata"]["name"] for node in nodes}
        for name, lost in pods.items():
            if name not in names:
                plan.delete += [pod for pod in lost if not pod["spec"].get("nodeName") and not is_deleting(pod)]
        return plan

    def _node(self, plan: Plan, node: Object, pods: Sequence[Object] | None) -> None:
        fit = self._placement.fit(node)
        name = node["metadata"]["name"]
        if fit.should_run and pods is None:
            plan.create.append(name)
        elif fit.may_stay:
            running = self._running(plan, name, pods or ())
            if not self._surges:
                plan.delete += oldest_first(running)[1:]
            elif not running:
                plan.create += [name] if fit.should_run else []
            else:
                plan.delete += self._surplus(running)
        elif pods is not None:
            plan.delete += [pod for pod in pods if not is_deleting(pod)]

    def _running(self, plan: Plan, node: str, pods: Sequence[Object]) -> list[Object]:
        """The daemons of a node that have not ended; those that have are to be deleted."""
        running: list[Object] = []
        for pod in pods:
            if is_deleting(pod):
                continue
            phase = phase_of(pod)
            if phase == "Failed":
                wait = self._backoff.wait((self._ds["metadata"]["uid"], self._generation, node), self._now)
                if wait:
                    plan.again = wait if plan.again is None else min(plan.again, wait)
                    continue
            if phase in ("Failed", "Succeeded"):
                plan.failed.append((pod, node))
                plan.delete.append(pod)
            else:
                running.append(pod)
        return running

    @property
    def _generation(self) -> int:
        return int((self._ds.get("status") or {}).get("observedGeneration", 0))

    def _surplus(self, running: Sequence[Object]) -> list[Object]:
        """Where daemons surge, a node may have two: a ready one of an old template and a new one not yet available."""
        pods = oldest_first(running)
        new = [pod for pod in pods if revision_name(pod) == self._hash]
        old = [pod for pod in pods if revision_name(pod) != self._hash]
        surplus = new[1:] + old[1:]
        if new and old and len(pods) > 1:
            available = is_available(new[0], self._ds["spec"].get("minReadySeconds", 0), self._now)
            if not is_ready(old[0]) or available:
                surplus.append(old[0])
        return surplus


def split(ds: Object, pods: Sequence[Object], hash: str) -> tuple[Object | None, Object | None] | None:
    """The new and the old daemon of a node; None if there are several of a kind."""
    living = [pod for pod in pods if not is_deleting(pod)]
    new = [pod for pod in living if is_updated(ds, pod, hash)]
    old = [pod for pod in living if not is_updated(ds, pod, hash)]
    if len(new) > 1 or len(old) > 1:
        return None
    return (new[0] if new else None), (old[0] if old else None)
