"""The StatefulSet controller: pods with numbers, in order, each the same one after it was replaced.

It looks at one set at a time: takes over what belongs to it, finds the revisions of its template, lets `Round` take the
next step, and writes the status. Pods, claims and revisions are followed from the first set on. Upstream:
`stateful_set.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.client.controller import Context, Controller
from k8snb.controllers import history, owners
from k8snb.controllers.claiming import claim
from k8snb.controllers.history import REVISIONS
from k8snb.controllers.podstate import available_at
from k8snb.controllers.refusals import delete
from k8snb.controllers.statefulset.claims import CLAIMS, Claims
from k8snb.controllers.statefulset.identity import is_member, replicas_of
from k8snb.controllers.statefulset.revisions import Revisions, find_or_make, forgettable
from k8snb.controllers.statefulset.round import Hands, Round
from k8snb.controllers.statefulset.status import status_of
from k8snb.controllers.unseen import AGAIN_SECONDS, Unseen
from k8snb.controllers.written import Written
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import controller_of, is_deleting, key_of, labels_of, revision_of
from k8snb.typing import Object, ObjectKey

STATEFULSETS = "statefulsets.apps"
KIND = "StatefulSet"


class StatefulSetController(Controller):
    """Keeps each StatefulSet's pods."""

    name = "statefulset-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sets = self.informers.of(STATEFULSETS)
        self._pods = self.informers.of("pods")
        self._written = Written()
        self._unseen = Unseen(self._pods, self.clock)
        self._follows = False

    def start(self) -> None:
        self._sets.on_change(self._set_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._written.forget(old["metadata"]["uid"])
            self._unseen.forget(key_of(old))
            self.queue.add(key_of(old), revision_of(old))
            return
        self._follow()
        self.queue.add(key_of(new), revision_of(new))

    def _follow(self) -> None:
        """Begin to follow what sets are made of, with the first set."""
        if self._follows:
            return
        self._follows = True
        self._revisions = self.informers.of(REVISIONS)
        self._unseen_revisions = Unseen(self._revisions, self.clock)
        claims = self.informers.of(CLAIMS)
        self._hands = Hands(self.client, self.events, Claims(self.client, claims.get), self._unseen)
        self._pods.on_change(self._pod_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new) if len(self._sets) else ():
            owner = controller_of(pod) if pod is not None else None
            if pod is None or (owner is not None and owner["kind"] != KIND):
                continue
            if owner is not None:
                self.queue.add(ObjectKey(pod["metadata"]["namespace"], owner["name"]), revision_of(new or pod))
            elif pod is new:
                self._orphan_appeared(pod)

    def _orphan_appeared(self, pod: Object) -> None:
        """A pod that nobody controls concerns every set that selects it."""
        for sts in self._sets.list(pod["metadata"]["namespace"]):
            if selectors.of_object(sts["spec"]["selector"]).matches(labels_of(pod)):
                self.queue.add(key_of(sts), revision_of(pod))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        sts = self._sets.get(*key)
        if sts is None:
            self.wants(_("the StatefulSet is gone: nothing to do"))
            return None
        if self._unseen.behind(key) or self._unseen_revisions.behind(key):
            self.wants(_("the cache does not show yet what was written last: look again when it does"))
            return AGAIN_SECONDS
        sts = self._written.newest(sts)
        known = self._claim_revisions(sts)
        pods = self._claim_pods(sts)
        revisions: Revisions | None = None
        try:
            revisions = find_or_make(self.client, sts, known, lambda obj: self._unseen_revisions.wrote(key, obj))
            self._look(sts, pods, revisions)
        finally:
            self._forget(key, forgettable(sts, known, revisions, pods))
        return self._again(sts, pods)

    def _look(self, sts: Object, pods: Sequence[Object], revisions: Revisions) -> None:
        round = Round(sts, pods, revisions, self._hands, self.clock.now(), self.wants)
        self.compares("pods", round.counts["readyReplicas"], replicas_of(sts))
        self.saw(
            wanted=replicas_of(sts),
            exist=round.counts["replicas"],
            ready=round.counts["readyReplicas"],
            updated=round.counts["updatedReplicas"],
        )
        try:
            round.run()
        finally:
            self._write_status(sts, status_of(sts, round.counts, *revisions.names, revisions.collisions))

    def _again(self, sts: Object, pods: Sequence[Object]) -> float | None:
        """In how many seconds the next pod becomes available."""
        least = int(sts["spec"].get("minReadySeconds", 0))
        if not least:
            return None
        now = self.clock.now()
        times = [when - now for pod in pods if (when := available_at(pod, least)) is not None and when > now]
        return min(times, default=None)

    # -- claiming ----------------------------------------------------------------------------------

    def _claim_pods(self, sts: Object) -> list[Object]:
        """The set's pods, after adopting and releasing those that changed sides."""
        matches = selectors.of_object(sts["spec"]["selector"]).matches
        return claim(
            self.client,
            self._pods,
            sts,
            lambda pod: matches(labels_of(pod)) and is_member(sts, pod),
            tell=self.wants,
            note=lambda pod: self._unseen.wrote(key_of(sts), pod),
        )

    def _claim_revisions(self, sts: Object) -> list[Object]:
        """The set's revisions in order, after adopting those that nobody controls."""
        matches = selectors.of_object(sts["spec"]["selector"]).matches
        mine = [each for each in owners.controlled(self._revisions, sts) if matches(labels_of(each))]
        for revision in owners.orphans(self._revisions, sts["metadata"]["namespace"]):
            if matches(labels_of(revision)):
                adopted = None if is_deleting(sts) else owners.adopt(self.client, REVISIONS, sts, revision)
                if adopted is not None:
                    self._unseen_revisions.wrote(key_of(sts), adopted)
                mine.append(adopted or revision)
        return history.in_order(mine)

    def _forget(self, key: ObjectKey, revisions: Sequence[Object]) -> None:
        for revision in revisions:
            delete(self.client, REVISIONS, revision["metadata"]["name"], key.namespace)

    # -- telling -----------------------------------------------------------------------------------

    def _write_status(self, sts: Object, status: Object) -> None:
        if status == sts.get("status"):
            return
        self.wants(_("bring its status up to date"))
        self._written.put_status(self.client, STATEFULSETS, sts, status)
