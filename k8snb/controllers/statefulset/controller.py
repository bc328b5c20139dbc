"""The StatefulSet controller: pods with numbers, in order, each the same one after it was replaced.

It looks at one set at a time: takes over what belongs to it, finds the revisions of its template, lets `Round` take the
next step, and writes the status. Pods, claims and revisions are followed from the first set on. Upstream:
`stateful_set.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.controllers import history, owners
from k8snb.controllers.claiming import claim
from k8snb.controllers.history import REVISIONS
from k8snb.controllers.podstate import available_at
from k8snb.controllers.refusals import delete
from k8snb.controllers.setcontroller import SetController
from k8snb.controllers.statefulset.claims import CLAIMS, Claims
from k8snb.controllers.statefulset.identity import is_member, replicas_of
from k8snb.controllers.statefulset.revisions import Revisions, find_or_make, forgettable
from k8snb.controllers.statefulset.round import Hands, Round
from k8snb.controllers.statefulset.status import status_of
from k8snb.controllers.unseen import AGAIN_SECONDS, Unseen
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import is_deleting, key_of, labels_of
from k8snb.typing import Object, ObjectKey

STATEFULSETS = "statefulsets.apps"


class StatefulSetController(SetController):
    """Keeps each StatefulSet's pods."""

    name = "statefulset-controller"
    resource = STATEFULSETS
    kind = "StatefulSet"

    def _begin(self) -> None:
        self._revisions = self.informers.of(REVISIONS)
        self._unseen_revisions = Unseen(self._revisions, self.clock)
        claims = self.informers.of(CLAIMS)
        self._hands = Hands(self.client, self.events, Claims(self.client, claims.get), self._unseen)

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
        self.compares(_("pods"), round.counts["readyReplicas"], replicas_of(sts))
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
