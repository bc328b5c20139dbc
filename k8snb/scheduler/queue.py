"""The pods that wait for a node.

`active` holds those to be tried next, by priority and time. One that failed goes to the pool of unschedulable pods
and stays there until something happens that interests a plugin which turned it away (or five minutes have passed).
Then it is tried again, but not within 1 s of the last failure, 2 s of the second, up to 10 s: until then it backs
off, unless there is nothing else to do. One whose attempt failed with an error backs off in any case. What happens
during an attempt that waits counts, too (`flights`). A pod that PreEnqueue keeps out waits for what interests
the plugin that does so.

Upstream: `pkg/scheduler/backend/queue`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8snb.clock import Clock, Timer
from k8snb.machinery.objects import revision_of
from k8snb.scheduler.changes import own_changes
from k8snb.scheduler.flights import Flights, Happened
from k8snb.scheduler.framework import (
    NODE,
    SUCCESS,
    TARGET_POD,
    Action,
    ClusterEvent,
    Hint,
    Interest,
    Status,
)
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.queued import Line, QueuedPod
from k8snb.scheduler.standing import ACTIVE, BACKOFF, GATED, UNSCHEDULABLE, Standing, events
from k8snb.typing import Object

INITIAL_BACKOFF = 1.0
MAX_BACKOFF = 10.0
MAX_IN_POOL = 300.0
"""Seconds after which a pod is tried again though nothing has happened."""
FOREGROUND_ERRORS = 8
"""After so many errors in a row a retry no longer keeps the cluster from counting as settled."""
NO_NODES = "no nodes"
"""What a pod is turned away by when there is no node at all."""

NOBODY: frozenset[str] = frozenset()
_ANY: Callable[[Any], bool] = lambda queued: True  # noqa: E731

PreEnqueue = Callable[[Object], Status]
SortKey = Callable[[int, float], tuple[float, float]]


class Blamed(NamedTuple):
    """The plugins that turned a pod away, and those of them that only wait for something to be done."""

    plugins: tuple[str, ...]
    pending: frozenset[str] = NOBODY


class _Missed(NamedTuple):
    """Something that happened while a pod was out, and whether it is tried again without back-off because of it."""

    happened: Happened
    at_once: bool


class SchedulingQueue:
    """Every pod that waits, in one of four places: active, backing off, backing off after an error, or the pool."""

    def __init__(
        self,
        clock: Clock,
        pre_enqueue: PreEnqueue,
        sort_key: SortKey,
        interests: Iterable[tuple[str, Interest]],
        wake: Callable[[], None],
        backoff: tuple[float, float] = (INITIAL_BACKOFF, MAX_BACKOFF),
        flights: Flights | None = None,
    ) -> None:
        self._backoff_times = backoff
        self._clock = clock
        self._pre_enqueue = pre_enqueue
        self._sort_key = sort_key
        self._wake = wake
        self._pods: dict[str, QueuedPod] = {}
        self._active, self._backoff, self._errors = Line(), Line(), Line()
        self.pool: dict[str, QueuedPod] = {}
        """Those that wait for something to happen, by uid."""
        self.flights = Flights() if flights is None else flights
        """The pods whose attempt takes longer than a turn."""
        self._turned_away: dict[str, dict[str, QueuedPod]] = {}
        self._interests = [*interests, (NO_NODES, Interest(NODE, Action.ADD))]
        self._timers: dict[str, Timer] = {}

    def __len__(self) -> int:
        """How many pods could be tried now."""
        return self._active.count + self._backoff.count

    def standing(self) -> list[Standing]:
        """The pods that wait, in the order in which they came; for people."""
        return [self._stand(queued) for queued in self._pods.values()]

    def _stand(self, queued: QueuedPod) -> Standing:
        pod, plugins = queued.info.pod, queued.plugins
        if queued.info.uid not in self.pool:
            active = queued.line is self._active
            until = 0.0 if active else queued.backoff_until
            return Standing(pod, ACTIVE if active else BACKOFF, queued.attempts, queued.timestamp, until, plugins, ())
        gated = self._pre_enqueue(pod) is not SUCCESS
        until = 0.0 if gated else queued.timestamp + MAX_IN_POOL
        hoped = tuple(dict.fromkeys(events(self._interests, plugins)))
        place = GATED if gated else UNSCHEDULABLE
        return Standing(pod, place, queued.attempts, queued.timestamp, until, plugins, hoped)

    # -- pods come and go --------------------------------------------------------------------------

    def add(self, pod: Object) -> None:
        """A pod without a node."""
        queued = QueuedPod(PodInfo(pod), self._clock.now(), revision_of(pod), self._backoff_times)
        self._pods[queued.info.uid] = queued
        self._enter(queued)

    def update(self, old: Object, new: Object) -> None:
        """A waiting pod has changed; its own change may be what lets it fit."""
        queued = self._pods.get(new["metadata"]["uid"])
        if queued is None:
            return
        actions = own_changes(old, new)
        queued.refresh(new)
        if actions and queued.info.uid in self.pool:
            self._reconsider(ClusterEvent(TARGET_POD, actions), old, new, lambda other: other is queued)

    def update_in_flight(self, old: Object, new: Object) -> None:
        """A pod has changed whose attempt is not over yet; if it is turned away, that may be what lets it fit."""
        if new["metadata"]["uid"] in self.flights.pods:
            event = ClusterEvent(TARGET_POD, own_changes(old, new))
            if self._interested(event):
                self.flights.note(Happened(event, old, new))

    def remove(self, uid: str) -> None:
        """A waiting pod is gone, or somebody else placed it."""
        queued = self._pods.pop(uid, None)
        if queued is not None:
            self._leave(queued)

    def waiting(self, uid: str) -> bool:
        """Whether the pod waits here."""
        return uid in self._pods

    def pop(self) -> QueuedPod | None:
        """The pod to try next. It is out of the queue until `fail` puts it back."""
        queued = self._active.pop() or self._backoff.pop()
        if queued is not None:
            queued.attempts += 1
            del self._pods[queued.info.uid]
        return queued

    # -- failures ----------------------------------------------------------------------------------

    def fail(self, queued: QueuedPod, plugins: tuple[str, ...], pending: frozenset[str] = NOBODY) -> None:
        """The attempt failed: turned away by these plugins, or with an error if there are none."""
        uid = queued.info.uid
        queued.timestamp = self._clock.now()
        queued.plugins, queued.pending = plugins, pending
        self._pods[uid] = queued
        if plugins:
            queued.failures += 1
            queued.errors = 0
            missed = self._missed(queued)
            self.flights.end(uid)
            if missed is None:
                self._into_pool(queued)
                return
            queued.cause = _revision_of(missed.happened)
            self._enter(queued, patient=not missed.at_once)
            return
        self.flights.end(uid)
        queued.errors += 1
        self._errors.push(queued, (queued.backoff_until,))
        self._arm("errors", queued.backoff_until, self._retry_errors, background=queued.errors > FOREGROUND_ERRORS)

    def activate(self, uid: str) -> None:
        """Try a pod again now, however recent its last attempt was."""
        queued = self._pods.get(uid)
        if queued is not None and (uid in self.pool or queued.line is self._backoff):
            self._leave(queued)
            self._enter(queued, patient=False)

    def move(
        self, event: ClusterEvent, old: Object | None, new: Object | None, worth: Callable[[QueuedPod], bool] = _ANY
    ) -> None:
        """Something happened: try the pods again that it may let fit, of those that are `worth` it."""
        if self.pool or self.flights.pods:
            self._reconsider(event, old, new, worth)

    def _reconsider(
        self, event: ClusterEvent, old: Object | None, new: Object | None, worth: Callable[[QueuedPod], bool]
    ) -> None:
        interested = self._interested(event)
        if not interested:
            return
        happened = Happened(event, old, new)
        if event.resource != TARGET_POD:
            self.flights.note(happened)
        plugins = {plugin for plugin, _hint in interested}
        hopes: dict[QueuedPod, bool] = {}
        for plugin, hint in interested:
            for queued in self._turned_away.get(plugin, {}).values():
                at_once = plugin in queued.pending
                if queued in hopes and (hopes[queued] or not at_once):
                    continue
                open_to_it = not queued.gate or queued.gate in plugins
                if open_to_it and worth(queued) and _hopeful(hint, queued.info.pod, old, new):
                    hopes[queued] = at_once
        for queued, at_once in hopes.items():
            queued.cause = _revision_of(happened)
            self._requeue(queued, patient=not at_once)

    def _interested(self, event: ClusterEvent) -> list[tuple[str, Hint | None]]:
        return [
            (plugin, hint)
            for plugin, (resource, actions, hint) in self._interests
            if resource == event.resource and actions & event.actions
        ]

    def _missed(self, queued: QueuedPod) -> _Missed | None:
        """What happened while the pod was out and may let it fit, what ends its waiting before anything else."""
        found: _Missed | None = None
        for happened in self.flights.seen(queued.info.uid):
            if happened.event.resource == TARGET_POD and not _is_about(happened, queued.info.uid):
                continue
            for plugin, hint in self._interested(happened.event):
                at_once = plugin in queued.pending
                wanted = plugin in queued.plugins and (found is None or at_once)
                if wanted and _hopeful(hint, queued.info.pod, happened.old, happened.new):
                    found = _Missed(happened, at_once)
                    if at_once:
                        return found
        return found

    # -- places ------------------------------------------------------------------------------------

    def _requeue(self, queued: QueuedPod, *, patient: bool = True) -> None:
        self._leave(queued)
        self._enter(queued, patient=patient)

    def _enter(self, queued: QueuedPod, *, patient: bool = True) -> None:
        status = self._pre_enqueue(queued.info.pod)
        if status is not SUCCESS:
            queued.gate = status.plugin
            queued.plugins = tuple(dict.fromkeys((*queued.plugins, status.plugin)))
            self._into_pool(queued)
            return
        queued.gate = ""
        if patient and (queued.failures or queued.errors) and queued.backoff_until > self._clock.now():
            self._backoff.push(queued, (queued.backoff_until, *self._key(queued)))
            self._arm("backoff", queued.backoff_until, self._end_backoff, background=True)
        else:
            self._active.push(queued, self._key(queued))
        self._wake()

    def _key(self, queued: QueuedPod) -> tuple[float, float]:
        return self._sort_key(queued.info.pod_class.priority, queued.timestamp)

    def _leave(self, queued: QueuedPod) -> None:
        uid = queued.info.uid
        if queued.line is not None:
            queued.line.drop(queued)
        elif self.pool.pop(uid, None) is not None:
            for plugin in queued.plugins:
                self._turned_away[plugin].pop(uid, None)

    def _into_pool(self, queued: QueuedPod) -> None:
        uid = queued.info.uid
        self.pool[uid] = queued
        for plugin in queued.plugins:
            self._turned_away.setdefault(plugin, {})[uid] = queued
        self._arm("pool", queued.timestamp + MAX_IN_POOL, self._flush_pool, background=True)

    # -- time --------------------------------------------------------------------------------------

    def _arm(self, name: str, when: float, call: Callable[[], None], *, background: bool) -> None:
        """Set a timer unless one is set for that time or before."""
        timer = self._timers.get(name)
        if timer is not None and timer.call is not None:
            if timer.when <= when and (background or not timer.background):
                return
            timer.cancel()
        self._timers[name] = self._clock.call_at(when, call, background=background)

    def _end_backoff(self) -> None:
        self._release(self._backoff)
        found = self._backoff.first()
        if found is not None:
            self._arm("backoff", found.key[0], self._end_backoff, background=True)

    def _retry_errors(self) -> None:
        self._release(self._errors)
        found = self._errors.first()
        if found is not None:
            background = found.errors > FOREGROUND_ERRORS
            self._arm("errors", found.key[0], self._retry_errors, background=background)

    def _release(self, line: Line) -> None:
        """Those that have backed off long enough become active."""
        found = line.first()
        while found is not None and found.key[0] <= self._clock.now():
            line.drop(found)
            self._active.push(found, self._key(found))
            self._wake()
            found = line.first()

    def _flush_pool(self) -> None:
        oldest = self._clock.now() - MAX_IN_POOL
        for queued in list(self.pool.values()):
            if queued.timestamp <= oldest and self._pre_enqueue(queued.info.pod) is SUCCESS:
                self._requeue(queued)
        waiting = [q.timestamp for q in self.pool.values() if q.timestamp > oldest]
        if waiting:
            self._arm("pool", min(waiting) + MAX_IN_POOL, self._flush_pool, background=True)


def _revision_of(happened: Happened) -> int:
    changed = happened.new if happened.new is not None else happened.old
    assert changed is not None
    return revision_of(changed)


def _is_about(happened: Happened, uid: str) -> bool:
    return happened.new is not None and happened.new["metadata"]["uid"] == uid


def _hopeful(hint: Hint | None, pod: Object, old: Object | None, new: Object | None) -> bool:
    return hint is None or hint(pod, old, new)
