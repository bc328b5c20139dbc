"""Pods that have a node and are not bound yet: they wait at Permit for somebody's leave, at PreBind for their volumes.

As long as a pod may be turned away, what happens meanwhile is written down for it (`flights`); after Permit only errors
can end its way. A pod that is deleted, or makes room for a more important one, gives its node back at once.
Upstream: `bindingCycle` and `handleBindingCycleError` in `pkg/scheduler/schedule_one.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.clock import Clock
from k8snb.scheduler.cycle import Cycle
from k8snb.scheduler.flights import Flights
from k8snb.scheduler.framework import SUCCESS, Code, CycleState, Status
from k8snb.scheduler.permits import Waiting, WaitingRoom, not_allowed, not_bound, not_let_through, too_late
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.queued import QueuedPod

Settle = Callable[[QueuedPod, Callable[[], bool]], None]
"""Ends a pod's attempt: what is handed over binds it (False if it goes on waiting) or raises `Rejection`."""


class Binding(NamedTuple):
    """What is kept of a pod to go on with it."""

    cycle: Cycle
    queued: QueuedPod
    state: CycleState


class Bindings:
    """All of them."""

    def __init__(self, clock: Clock, settle: Settle) -> None:
        self.permits: WaitingRoom[Binding] = WaitingRoom(clock, self._permitted, not_allowed)
        self.volumes: WaitingRoom[Binding] = WaitingRoom(clock, self._resume, too_late)
        self.stirred = False
        """Whether anything happened that those may have waited for that wait for volumes or devices."""
        self._settle = settle
        self.flights = Flights()

    @property
    def waiting(self) -> list[Waiting[Binding]]:
        """Who waits."""
        return [*self.permits.pods.values(), *self.volumes.pods.values()]

    def wait(self, info: PodInfo, binding: Binding, status: Status) -> None:
        """A pod waits with its node."""
        if binding.state.permits:
            self.flights.begin(info.uid)
            self.permits.add(info, binding, binding.state.permits)
            return
        self.flights.end(info.uid)
        self.volumes.add(info, binding, {status.plugin: status.timeout})

    def look(self) -> None:
        """Go on with the pods whose volumes are bound by now, or will not be."""
        self.stirred = False
        for uid, waiting in list(self.volumes.pods.items()):
            framework, state = waiting.kept.cycle.framework, waiting.kept.state
            status = framework.ask("PreBind", state, waiting.pod, waiting.info.node_name)
            if status.code is not Code.WAIT:
                self.volumes.allow(uid, next(iter(waiting.pending)))

    def __contains__(self, uid: object) -> bool:
        return uid in self.permits.pods or uid in self.volumes.pods

    def withdraw(self, uid: str) -> None:
        """Take the node back from a pod for a more important one; it is tried again later."""
        self.permits.turn_away(uid, lambda plugin: not_let_through("preempted"))
        self.volumes.turn_away(uid, lambda plugin: not_bound(plugin, "context canceled"))

    def lose(self, uid: str, name: str) -> None:
        """A pod is gone, or will be: it needs no node any more."""
        gone = f'pod does not exist any more: pod "{name}" not found'
        self.permits.turn_away(uid, lambda plugin: Status.unschedulable("removed"))
        self.volumes.turn_away(uid, lambda plugin: not_bound(plugin, gone))

    def _permitted(self, waiting: Waiting[Binding], status: Status) -> None:
        """A pod that waited at Permit is let through or turned away."""
        waiting.kept.state.permits = {}
        self._resume(waiting, status)

    def _resume(self, waiting: Waiting[Binding], status: Status) -> None:
        self._settle(waiting.kept.queued, lambda: self._go_on(waiting, status))

    def _go_on(self, waiting: Waiting[Binding], status: Status) -> bool:
        cycle, _queued, state = waiting.kept
        info = waiting.info
        if status is not SUCCESS:
            raise cycle.refuse(info, state, status)
        self.flights.end(info.uid)
        again = cycle.go_on(info, state)
        if again.code is Code.WAIT:
            self.wait(info, waiting.kept, again)
        return again.code is not Code.WAIT
