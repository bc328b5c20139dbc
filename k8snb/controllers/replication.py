"""The ReplicationController controller: the ReplicaSet's, for the older kind.

A ReplicationController is a ReplicaSet whose selector is a plain set of labels. So it has the same controller, which
follows pods from the first object of the kind on. Upstream: `pkg/controller/replication`, an adapter of the same sort.
"""

from __future__ import annotations

from k8snb.client.controller import Context
from k8snb.controllers.replicaset import ReplicaSetController
from k8snb.controllers.replicaset_status import Counts, Failure
from k8snb.machinery import selectors
from k8snb.machinery.selectors import LabelSelector
from k8snb.typing import Object


class ReplicationControllerController(ReplicaSetController):
    """Keeps each ReplicationController's number of pods at its size."""

    name = "replication-controller"
    resource = "replicationcontrollers"
    kind = "ReplicationController"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._follows = False

    def start(self) -> None:
        self._sets.on_change(self._set_changed)

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        if not self._follows:
            self._follows = True
            self._pods.on_change(self._pod_changed)
        super()._set_changed(old, new)

    def selector(self, rs: Object) -> LabelSelector:
        return selectors.of_set(rs["spec"]["selector"])

    def status(self, rs: Object, counts: Counts, failure: Failure | None) -> Object:
        """That of a ReplicaSet, but for what a ReplicationController does not count."""
        return {k: v for k, v in super().status(rs, counts, failure).items() if k != "terminatingReplicas"}
