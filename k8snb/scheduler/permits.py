"""Pods that have a node and wait: at Permit for somebody's leave, at PreBind for their volumes.

Such a pod counts as being on its node. It goes on when every plugin that wanted to wait has allowed it, and is turned
away when one rejects it or the first of their times is up. Upstream: `framework/runtime/waiting_pods_map.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from k8snb.clock import Clock, Timer
from k8snb.machinery.durations import go_duration
from k8snb.scheduler.framework import SUCCESS, Status
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object

_Kept = TypeVar("_Kept")


class Waiting(Generic[_Kept]):
    """One pod that waits: which plugins have to allow it yet, and what its scheduler kept to go on."""

    def __init__(self, info: PodInfo, kept: _Kept, since: float) -> None:
        self.info = info
        self.kept = kept
        self.since = since
        self.pending: dict[str, Timer] = {}

    @property
    def until(self) -> float:
        """When the first of those who let it wait gives up."""
        return min(timer.when for timer in self.pending.values())

    @property
    def pod(self) -> Object:
        """The pod."""
        return self.info.pod


class WaitingRoom(Generic[_Kept]):
    """All pods that wait; `done(waiting, status)` is called when one is let through or turned away.

    `late` says what a plugin's silence for so many seconds comes to.
    """

    def __init__(
        self,
        clock: Clock,
        done: Callable[[Waiting[_Kept], Status], None],
        late: Callable[[str, float], Status],
    ) -> None:
        self._clock = clock
        self._done = done
        self._late = late
        self.pods: dict[str, Waiting[_Kept]] = {}
        """By uid."""

    def add(self, info: PodInfo, kept: _Kept, permits: Mapping[str, float]) -> None:
        """Let a pod wait: plugin → for how many seconds."""
        waiting = self.pods[info.uid] = Waiting(info, kept, self._clock.now())
        for plugin, seconds in permits.items():
            call = self._end_of(info.uid, plugin, seconds)
            waiting.pending[plugin] = self._clock.call_at(waiting.since + seconds, call, background=True)

    def _end_of(self, uid: str, plugin: str, seconds: float) -> Callable[[], None]:
        return lambda: self._turn_away(uid, self._late(plugin, seconds))

    def turn_away(self, uid: str, why: Callable[[str], Status]) -> None:
        """Let a pod wait no more, if it does; `why` is told the first plugin that it waits for."""
        if uid in self.pods:
            self._turn_away(uid, why(next(iter(self.pods[uid].pending))))

    def allow(self, uid: str, plugin: str) -> None:
        """A plugin lets a pod through; when all have, it is bound."""
        waiting = self.pods.get(uid)
        if waiting is None or plugin not in waiting.pending:
            return
        waiting.pending.pop(plugin).cancel()
        if not waiting.pending:
            del self.pods[uid]
            self._done(waiting, SUCCESS)

    def reject(self, uid: str, plugin: str, message: str) -> None:
        """A plugin turns a pod away."""
        self._turn_away(uid, Status.unschedulable(message, plugin=plugin))

    def _turn_away(self, uid: str, status: Status) -> None:
        waiting = self.pods.pop(uid, None)
        if waiting is None:
            return
        for timer in waiting.pending.values():
            timer.cancel()
        self._done(waiting, status)


def not_allowed(plugin: str, seconds: float) -> Status:
    """A Permit plugin has said nothing for so long."""
    said = f"rejected due to timeout after waiting {go_duration(seconds)} at plugin {plugin}"
    return Status.unschedulable(said, plugin=plugin)


def not_let_through(why: str) -> Status:
    """Something else than a Permit plugin ended the waiting: the pod is tried again."""
    return Status.error(f"waiting on permit for pod: {why}")


def too_late(plugin: str, seconds: float) -> Status:
    """Volumes were not bound, or devices not ready, within so long."""
    return not_bound(plugin, "context deadline exceeded")


def not_bound(plugin: str, why: str) -> Status:
    """Volumes were not bound, or devices not ready, and it is no use to wait."""
    said = why
    if plugin != "DynamicResources":
        said = f"binding volumes: {why}"
    elif why == "context deadline exceeded":
        said = "device binding timeout"
    return Status.error(f'running PreBind plugin "{plugin}": {said}', plugin)
