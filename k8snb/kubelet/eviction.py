"""Node-pressure eviction: a kubelet ends pods before its machine runs out of memory or disk.

Every ten seconds it compares what is free with its thresholds. If one is crossed it says so (the node's condition,
from which a controller makes a taint) and ends one pod: one that uses more than it requests before one that does not,
then one of lower priority, then the one that is furthest above its request. Then it looks again. The API does not take
part in that, nor do disruption budgets; critical and static pods are spared.

A kubelet begins to look when it has a reason: a small machine, a process that
has grown, or settings of its own.
Upstream: `pkg/kubelet/eviction/eviction_manager.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8snb.i18n import _
from k8snb.kubelet.node import reference
from k8snb.kubelet.thresholds import (
    DISK,
    MEMORY,
    MONITOR_SECONDS,
    EvictionSettings,
    Observed,
    Signal,
    Threshold,
    Watch,
)
from k8snb.machinery import quantity
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

EVICTED = "Evicted"
MACHINE_MEMORY = 384 * 1024 * 1024
"""What a machine itself uses."""
SMALL, SMALL_DISK = 4 * 1024**3, 20 * 1024**3
"""A machine with less memory or disk than this is watched from the start."""
CRITICAL = 2_000_000_000
"""Pods of this priority and above are not evicted."""
IMMEDIATELY = 1.0
"""The grace, in seconds, of a pod that a hard threshold ends."""
_NONE: Mapping[str, Any] = {}
_WORDS = {
    "MemoryPressure": ("memory-pressure", "NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
    "DiskPressure": ("disk-pressure", "NodeHasDiskPressure", "NodeHasNoDiskPressure"),
}
"""For each condition the taint that goes with it, and the events that say that it has begun and ended."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod in the order in which pods are ended, and why it stands there."""

    pod: str
    """Namespace and name."""
    used: int
    requested: int
    priority: int
    spared: bool
    """Whether it is critical, or static."""

    @property
    def over(self) -> int:
        """How much more it uses than it requests."""
        return self.used - self.requested

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What is compared, in this order."""
        return (self.over <= 0, self.priority, -self.over)


@dataclass(frozen=True)
class Pressure:
    """What a kubelet saw when it last looked: what is free, what of that is too little, and whom it would end first."""

    node: str
    observed: Mapping[Signal, Observed]
    thresholds: Sequence[Threshold]
    met: Sequence[Threshold]
    conditions: Sequence[str]
    candidates: Sequence[Candidate]

    def __repr__(self) -> str:
        return "\n".join(
            (f"{self.node}: {', '.join(self.conditions) or _('no pressure reported')}", *self._signals(), *self._pods())
        )

    def _signals(self) -> list[str]:
        lines = []
        for each in self.thresholds:
            there = self.observed[each.signal]
            words = _("free {free} of {capacity}, threshold {value}").format(
                free=_said(there.available), capacity=_said(there.capacity), value=_said(each.amount(there.capacity))
            )
            kind = _("soft, {seconds:g} s").format(seconds=each.seconds) if each.soft else _("hard")
            short = each in self.met or there.available < each.amount(there.capacity)
            lines.append(f"  {'✗' if short else '✓'} {each.signal.name} ({kind}): {words}")
        return lines

    def _pods(self) -> list[str]:
        width = max((len(each.pod) for each in self.candidates), default=0)
        line = _("uses {used:>9}, requests {requested:>9}, priority {priority}")
        return [
            f"  {number:>2}  {each.pod:<{width}}  "
            + line.format(used=_said(each.used), requested=_said(each.requested), priority=each.priority)
            + (_(" (spared)") if each.spared else "")
            for number, each in enumerate(self.candidates, 1)
        ]


def _said(amount: int) -> str:
    return quantity.of_value(amount, quantity.BINARY_SI)


def is_small(capacity: Mapping[str, str]) -> bool:
    """Whether a machine has so little that it is watched from the start."""
    return quantity.value(capacity["memory"]) < SMALL or quantity.value(capacity["ephemeral-storage"]) < SMALL_DISK


class EvictionManager:
    """Watches one node. It takes turns of its own, in the background."""

    def __init__(self, kubelet: Kubelet, settings: EvictionSettings, *, watching: bool = True) -> None:
        self.host = kubelet
        self.key = ObjectKey("", kubelet.name)
        self.epoch = 0
        self.watch = Watch(settings)
        self._conditions: set[str] = set()
        if watching:
            self.host.pool.later(MONITOR_SECONDS, self, "look for pressure", background=True)

    @property
    def conditions(self) -> set[str]:
        """The conditions that hold."""
        return self._conditions

    def deliver(self, event: str) -> None:
        """Look, and end a pod if that is needed; then look again soon."""
        evicted = self._synchronize()
        self.host.pool.later(1.0 if evicted else MONITOR_SECONDS, self, "look for pressure", background=True)

    # -- looking -----------------------------------------------------------------------------------

    def observed(self) -> Mapping[Signal, Observed]:
        """What the node has and what of that is free."""
        workers = self._active()
        capacity = self.host.capacity
        memory, disk = quantity.value(capacity["memory"]), quantity.value(capacity["ephemeral-storage"])
        used = MACHINE_MEMORY + sum(self._uses(worker, MEMORY) for worker in workers)
        written = sum(self._uses(worker, DISK) for worker in workers)
        return {MEMORY: Observed(max(memory - used, 0), memory), DISK: Observed(max(disk - written, 0), disk)}

    def report(self, signal: Signal = MEMORY) -> Pressure:
        """All of it, for readers."""
        ranked = [candidate for candidate, _worker in self._ranked(signal)]
        watch = self.watch
        return Pressure(
            self.host.name, self.observed(), watch.thresholds, list(watch.met), sorted(self._conditions), ranked
        )

    def _active(self) -> list[PodWorker]:
        return [each for each in self.host.workers.values() if each.state in {"Preparing", "Running", "Terminating"}]

    @staticmethod
    def _uses(worker: PodWorker, signal: Signal) -> int:
        scratch = worker.volumes.scratch if signal is DISK and worker.volumes is not None else 0
        return sum(_use(worker, signal).values()) + scratch

    def _ranked(self, signal: Signal) -> list[tuple[Candidate, PodWorker]]:
        found = []
        for worker in self._active():
            spec = worker.pod["spec"]
            priority = int(spec.get("priority") or 0)
            spared = worker.is_static or priority >= CRITICAL
            requested = sum(_requests(plan.spec, signal) for plan in worker.plan.mains)
            made = Candidate(str(worker.key), self._uses(worker, signal), requested, priority, spared)
            found.append((made, worker))
        return sorted(found, key=lambda each: each[0].rank)

    # -- acting ------------------------------------------------------------------------------------

    def _synchronize(self) -> bool:
        """Whether a pod was ended, or one that was is still there."""
        now = self.host.clock.now()
        observed = self.observed()
        due = self.watch.look(observed, now)
        self._tell(self.watch.conditions(now))
        if not due:
            return False
        first = due[0]
        there = observed[first.signal]
        pool = self.host.pool
        pool.compares(first.signal.name, _said(there.available), _said(first.amount(there.capacity)))
        if any(worker.reason is not None for worker in self._active()):
            pool.wants(_("A pod is being ended: see what that gives back."))
            return True
        resource = first.signal.resource
        about = reference({"metadata": {"name": self.host.name}})
        self.host.events.record(about, "Warning", "EvictionThresholdMet", f"Attempting to reclaim {resource}")
        for candidate, worker in self._ranked(first.signal):
            if not candidate.spared:
                pool.wants(_("End the pod {name}.").format(name=candidate.pod))
                self._evict(worker, first, there)
                return True
        return False

    def _evict(self, worker: PodWorker, threshold: Threshold, there: Observed) -> None:
        resource = threshold.signal.resource
        amounts = (_said(threshold.amount(there.capacity)), _said(there.available))
        message = f"The node was low on resource: {resource}. "
        message += "Threshold quantity: {}, available: {}. ".format(*amounts)
        for name, used in _use(worker, threshold.signal).items():
            spec = next(plan.spec for plan in worker.plan.every if plan.name == name)
            requested = _requests(spec, threshold.signal)
            if used > requested:
                words = f"Container {name} was using {_said(used)}, request is {_said(requested)}, "
                message += f"{words}has larger consumption of {resource}. "
        grace = self.watch.settings.evictionMaxPodGracePeriod if threshold.soft else IMMEDIATELY
        self.host.events.record(worker.pod, "Warning", EVICTED, message)
        worker.evict(EVICTED, message, min(grace, float(worker.plan.grace)) if threshold.soft else grace)

    def _tell(self, conditions: set[str]) -> None:
        """Let the node say it, if there is news."""
        if conditions == self._conditions:
            return
        before, self._conditions = self._conditions, conditions
        about = reference({"metadata": {"name": self.host.name}})
        for name in sorted(before ^ conditions):
            reason = _WORDS[name][1 if name in conditions else 2]
            self.host.events.normal(about, reason, f"Node {self.host.name} status is now: {reason}")
        self.host.report()

    # -- pods that come ----------------------------------------------------------------------------

    def refuses(self, pod: Object) -> tuple[str, str] | None:
        """Why a pod may not begin now, if the node is under pressure; best effort is all that memory turns away."""
        if not self._conditions or int(pod["spec"].get("priority") or 0) >= CRITICAL:
            return None
        only_memory = self._conditions == {"MemoryPressure"}
        if only_memory and ((pod.get("status") or {}).get("qosClass") != "BestEffort" or _tolerates_memory(pod)):
            return None
        return (EVICTED, f"The node had condition: [{' '.join(sorted(self._conditions))}]. ")


def _tolerates_memory(pod: Object) -> bool:
    taint = "node.kubernetes.io/memory-pressure"
    return any(
        each.get("key", taint) == taint and each.get("effect", "NoSchedule") in ("", "NoSchedule")
        for each in pod["spec"].get("tolerations") or ()
    )


def _requests(container: Object, signal: Signal) -> int:
    requests = (container.get("resources") or _NONE).get("requests") or _NONE
    return quantity.value(requests[signal.resource]) if signal.resource in requests else 0


def _use(worker: PodWorker, signal: Signal) -> Mapping[str, int]:
    """What each running container of a pod uses."""
    running = [(u.plan.name, u.container) for u in worker.units if u.container and u.container.state == "running"]
    if signal is MEMORY:
        return {name: container.usage().memory_bytes for name, container in running}
    return {name: container.written() for name, container in running}
