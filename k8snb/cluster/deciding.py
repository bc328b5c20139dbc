"""What a cluster tells about its scheduler: the decision about a pod, and who waits where and for what.

Nothing is recorded for it but what extenders answer, where there are any. A decision is worked out from the store's
history when somebody asks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8snb.apiserver.server import APIServer
from k8snb.cluster.snapshot import Looking
from k8snb.errors import not_found
from k8snb.scheduler.decision import decision
from k8snb.scheduler.scheduler import Scheduler
from k8snb.store.mvcc import Store

if TYPE_CHECKING:
    from k8snb.clock import Clock
    from k8snb.view.decision import DecisionView
    from k8snb.view.queue import QueueView


class Deciding(Looking):
    """Questions about the scheduler."""

    server: APIServer
    store: Store
    clock: Clock

    @property
    @abstractmethod
    def scheduler(self) -> Scheduler:
        """The scheduler that acts."""

    def decision(
        self, pod: str, *, namespace: str = "default", weights: Mapping[str, int] | None = None
    ) -> DecisionView:
        """What every plugin said of every node for a pod: when it was bound, or now if it waits.

        What its extenders said is there as they said it then; of a pod that waits, in the last attempt. `weights` are
        other weights than those of its profile and of its extenders. Raises StatusError (NotFound) if there is no such
        pod, ValueError if its scheduler is none of this cluster's.
        """
        from k8snb.view.decision import DecisionView

        kind = self.server.kinds.named("pods")
        if self.store.get(kind.bucket, namespace, pod) is None:
            raise not_found(kind.resource, pod)
        events = self.store.history(kind.bucket, namespace, pod)
        born = max(index for index, event in enumerate(events) if event.type == "ADDED" or not index)
        versions = [(event.revision, kind.load(event.object)) for event in events[born:]]
        scheduler = self.scheduler
        profiles = scheduler.configuration.profiles
        found = decision(versions, self.at, profiles, self.store.revision, scheduler.extenders)
        return DecisionView(found, self.at(found.revision), weights)

    def scheduling_queue(self) -> QueueView:
        """The pods that the scheduler has not bound: where each waits, since when, why and for what."""
        from k8snb.view.queue import QueueView

        return QueueView(self.scheduler.waiting(), self.clock.now())
