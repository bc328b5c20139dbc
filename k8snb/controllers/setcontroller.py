"""What controllers of sets of pods share: which changes concern which set.

A set's own change concerns it, a pod's change the set that controls it, and a pod that nobody controls every set that
selects it. Pods are followed from the first set of the kind on, so that a kind that is not used costs nothing.
StatefulSets, DaemonSets and Jobs have this in common; ReplicaSets, of which there are most, count pods as they change.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.controllers.unseen import Unseen
from k8snb.controllers.written import Written
from k8snb.machinery import selectors
from k8snb.machinery.objects import controller_of, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey


class SetController(Controller):
    """A controller of sets of pods. Subclasses set `resource` and `kind` and implement `reconcile`."""

    resource = ""
    kind = ""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sets = self.informers.of(self.resource)
        self._pods = self.informers.of("pods")
        self._written = Written()
        self._unseen = Unseen(self._pods, self.clock)
        self._follows = False

    def start(self) -> None:
        self._sets.on_change(self._set_changed)

    # -- what subclasses add -----------------------------------------------------------------------

    def _begin(self) -> None:
        """There is a first set: follow what else it is made of."""

    def _left(self, obj: Object) -> None:
        """A set is gone."""

    def _concerns(self, key: ObjectKey, cause: int) -> None:
        """A pod has changed that concerns a set."""
        self.queue.add(key, cause)

    # -- noticing ----------------------------------------------------------------------------------

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._written.forget(old["metadata"]["uid"])
            self._unseen.forget(key_of(old))
            self._left(old)
            self.queue.add(key_of(old), revision_of(old))
            return
        if not self._follows:
            self._follows = True
            self._begin()
            self._pods.on_change(self._pod_changed)
        self.queue.add(key_of(new), revision_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            owner = controller_of(pod) if pod is not None else None
            if pod is None or (owner is not None and owner["kind"] != self.kind):
                continue
            cause = revision_of(new or pod)
            if owner is not None:
                self._concerns(ObjectKey(pod["metadata"]["namespace"], owner["name"]), cause)
            elif pod is new:
                self._orphan_changed(pod, cause)

    def _orphan_changed(self, pod: Object, cause: int) -> None:
        """A pod that nobody controls concerns every set that selects it."""
        for each in self._sets.list(pod["metadata"]["namespace"]):
            if selectors.of_object(each["spec"]["selector"]).matches(labels_of(pod)):
                self._concerns(key_of(each), cause)
