"""Preemptions that were decided and are carried out: one victim after another, while the scheduler goes on.

The pod that they are for is told first that it does not fit yet and which node is kept for it. Meanwhile it does not
enter the queue (`DefaultPreemption` at PreEnqueue), so that it does not try in vain when the first victims leave, only
when the last one does. A victim that is not bound yet is not deleted: it gives its node back and is tried again.
Upstream: `framework/preemption/executor.go`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from k8snb.machinery.objects import is_deleting
from k8snb.scheduler.nominator import nominated_node
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.scheduler.api import Api

IN_MEMORY = " (in kube-scheduler memory)."
Find = Callable[[str, str], Object | None]


class Preemption:
    """One that is being carried out: for which pod, on which node, and who has to go yet."""

    def __init__(self, pod: Object, node: str, victims: Sequence[Object], outranked: Sequence[Object]) -> None:
        self.pod = pod
        self.node = node
        self.victims = deque(victims)
        self.outranked = outranked
        """Less important pods that the node was kept for."""

    @property
    def uid(self) -> str:
        """Of the pod that it is for."""
        uid: str = self.pod["metadata"]["uid"]
        return uid


class Unbound(Protocol):
    """The pods that have a node and are not bound yet."""

    def __contains__(self, uid: object) -> bool: ...

    def withdraw(self, uid: str) -> None: ...


class Evictions:
    """All of them, the oldest first.

    `find` gives a pod as the scheduler knows it, those `unbound` need not be deleted, `activate` tries a pod again, and
    `wake` asks for a turn.
    """

    def __init__(
        self,
        api: Api,
        find: Find = lambda namespace, name: None,
        unbound: Unbound | None = None,
        activate: Callable[[str], None] = lambda uid: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._find = find
        self._unbound = unbound
        self._activate = activate
        self._wake = wake
        self.running: dict[str, Preemption] = {}
        """By the uid of the pod that they are for."""

    def begin(self, pod: Object, node: str, victims: Sequence[PodInfo], outranked: Sequence[PodInfo]) -> None:
        """Make the victims leave the node for the pod, and the less important look for another one."""
        staying = [info.pod for info in victims if not is_deleting(info.pod)]
        if staying:
            found = Preemption(pod, node, staying, [info.pod for info in outranked])
            self.running[found.uid] = found
            self._wake()

    def hold(self, uid: str) -> bool:
        """Whether a pod has to wait for its preemption: until the last victim has begun to go."""
        found = self.running.get(uid)
        if found is None:
            return False
        if len(found.victims) > 1:
            return True
        meta = found.victims[0]["metadata"]
        last = self._find(meta["namespace"], meta["name"])
        return last is not None and not is_deleting(last)

    def step(self) -> None:
        """Send one victim of the oldest preemption away."""
        found = next(iter(self.running.values()))
        for pod in found.outranked:
            if nominated_node(pod):
                self._api.nominate(pod, "")
        found.outranked = ()
        victim = found.victims[0]
        if self._unbound is not None and victim["metadata"]["uid"] in self._unbound:
            self._passed(found)
            self._unbound.withdraw(victim["metadata"]["uid"])
            self._api.tell_preempted(victim, found.pod, found.node, IN_MEMORY)
        elif self._api.preempt(victim, found.pod, found.node):
            self._passed(found)
        else:
            del self.running[found.uid]
            self._activate(found.uid)

    def _passed(self, found: Preemption) -> None:
        """The first victim needs no more attention."""
        found.victims.popleft()
        if not found.victims:
            del self.running[found.uid]
