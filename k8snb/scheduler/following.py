"""What a change of a pod is to the scheduler: one to place, one that takes up its node, one whose place is free again.

A pod that has a node and is not bound yet is followed as well: whoever deletes it gets the room back at once. Where a
node was kept for a pod and is not any more, those that are no more important are tried again. That a pod has come, or
has other labels, is news for those alone that seek such a pod by a required affinity, or were not spread well enough in
its namespace. Upstream: `pkg/scheduler/eventhandlers.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from k8snb.machinery.objects import is_deleting, labels_of
from k8snb.machinery.resizing import charged_spec
from k8snb.scheduler.binding import Bindings
from k8snb.scheduler.cache import Cache
from k8snb.scheduler.changes import pod_event
from k8snb.scheduler.framework import ASSIGNED_POD, Action, ClusterEvent
from k8snb.scheduler.nominator import Nominator, nominated_node
from k8snb.scheduler.picture import FINISHED
from k8snb.scheduler.plugins.pod_topology_spread import NAME as SPREAD
from k8snb.scheduler.podinfo import CLASSES, PodInfo
from k8snb.scheduler.queue import SchedulingQueue
from k8snb.scheduler.queued import QueuedPod
from k8snb.typing import Object

GONE = ClusterEvent(ASSIGNED_POD, Action.DELETE)


class PodFollower:
    """Tells cache, queue, nominator and bindings what happens to pods; `profiles` are the schedulers to follow for.

    `namespaces` gives the labels of one.
    """

    def __init__(
        self,
        cache: Cache,
        queue: SchedulingQueue,
        nominator: Nominator,
        bindings: Bindings,
        profiles: Container[str | None],
        namespaces: Callable[[str], Mapping[str, str]],
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._nominator = nominator
        self._bindings = bindings
        self._profiles = profiles
        self._namespaces = namespaces

    def changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._gone(old)
        elif new["spec"].get("nodeName"):
            if new["status"].get("phase") in FINISHED:
                self._gone(new)
                return
            news, queue = self._cache.put_pod(new), self._queue
            if news == "new":
                self._forget_waiting(new["metadata"]["uid"])
            if news != "same" and (queue.pool or queue.flights.pods):
                self._tell_waiting(None if news == "new" else old, new)
        elif old is not None:
            self._unplaced_changed(old, new)
        elif new["spec"].get("schedulerName") in self._profiles:
            self._queue.add(new)
            if nominated_node(new):
                self._nominator.put(PodInfo(new), None)

    def _unplaced_changed(self, old: Object, new: Object) -> None:
        uid = new["metadata"]["uid"]
        if self._cache.assumed(uid):
            if is_deleting(new) and not is_deleting(old):
                self._give_up(new)
            else:
                self._queue.update_in_flight(old, new)
            return
        self._queue.update(old, new)
        if self._nominator.pods or nominated_node(new):
            self._nominator.update(old, new)
        if nominated_node(old) not in ("", nominated_node(new)):
            self._no_longer_kept(old)

    def _no_longer_kept(self, pod: Object) -> None:
        """The room that was kept for a pod is there for those that are no more important."""
        priority = CLASSES.of(pod["spec"]).priority
        self._queue.move(GONE, pod, None, lambda queued: queued.info.pod_class.priority <= priority)

    def _give_up(self, pod: Object) -> None:
        """A pod that has a node and is not bound yet is deleted."""
        meta = pod["metadata"]
        if meta["uid"] in self._bindings:
            self._bindings.lose(meta["uid"], meta["name"])
        else:
            self._cache.forget(meta["uid"])
            self._queue.move(GONE, pod, None)

    def _tell_waiting(self, old: Object | None, new: Object) -> None:
        """What happened to a placed pod may let another one fit."""
        if old is None or new["spec"] is not old["spec"] or charged_spec(old) is not old["spec"]:
            placed_before = old is not None and old["spec"].get("nodeName")
            event = pod_event(old if placed_before else None, new)
            if event is None:
                return
            if Action.SCALE_DOWN in event.actions:
                self._queue.move(event, old, new)
            else:
                self._queue.move(event, old, new, self._concerned(new))

    def _concerned(self, pod: Object) -> Callable[[QueuedPod], bool]:
        """Whether a waiting pod may care that there is such a pod."""
        namespace, labels = pod["metadata"]["namespace"], labels_of(pod)
        about = self._namespaces(namespace)

        def cares(queued: QueuedPod) -> bool:
            info = queued.info
            if SPREAD in queued.plugins and info.namespace == namespace:
                return True
            return any(term.matches(info.namespace, namespace, labels, about) for term in info.pod_class.affinity)

        return cares

    def _forget_waiting(self, uid: str) -> None:
        self._nominator.remove(uid)
        self._queue.remove(uid)

    def _gone(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        self._forget_waiting(uid)
        if pod["spec"].get("nodeName"):
            if self._cache.remove_pod(uid) is not None:
                self._queue.move(GONE, pod, None)
        elif self._cache.assumed(uid):
            self._give_up(pod)
        elif nominated_node(pod):
            self._no_longer_kept(pod)
