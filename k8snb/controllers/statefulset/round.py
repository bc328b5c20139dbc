"""One look at a StatefulSet: which pods there should be and are, and the next step between the two.

Under OrderedReady a look does one thing and stops: it makes the lowest pod that is missing, or waits for the lowest
that is not available, or takes away the highest that is too many, or the highest that is of an old template. Under
Parallel it does not wait. A rollout takes away one pod at a time; the next look makes it anew (`maxUnavailable` is not
enabled in 1.36). Upstream: `updateStatefulSet` in `stateful_set_control.go`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.controllers.history import restored, revision_name
from k8snb.controllers.podstate import has_ended, is_available, phase_of
from k8snb.controllers.replicaset import slow_start
from k8snb.controllers.statefulset.claims import Claims
from k8snb.controllers.statefulset.identity import (
    identity_matches,
    new_pod,
    ordinal_of,
    ordinals_of,
    storage_matches,
    with_identity,
    with_storage,
)
from k8snb.controllers.statefulset.revisions import Revisions, is_updated, partition, strategy
from k8snb.controllers.statefulset.status import counts_of, is_created, is_running_and_ready, is_unavailable
from k8snb.controllers.unseen import Unseen
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of
from k8snb.typing import Object

Step = Callable[[Object], bool]
"""Does what is to be done with one pod; whether the look ends there."""


class Hands:
    """How a look acts on pods: makes, mends and deletes them, and says so."""

    def __init__(self, client: Client, events: EventRecorder, claims: Claims, unseen: Unseen) -> None:
        self._client = client
        self._events = events
        self._claims = claims
        self._unseen = unseen

    def normal(self, sts: Object) -> Callable[[str, str], None]:
        return lambda reason, message: self._events.normal(sts, reason, message)

    def warning(self, sts: Object) -> Callable[[str, str], None]:
        return lambda reason, message: self._events.warning(sts, reason, message)

    def _tell(self, verb: str, sts: Object, pod: Object, error: StatusError | None = None) -> None:
        about = f"{verb} Pod {pod['metadata']['name']} in StatefulSet {sts['metadata']['name']}"
        if error is None:
            self._events.normal(sts, f"Successful{verb}", f"{about} successful")
        else:
            self._events.warning(sts, f"Failed{verb}", f"{about} failed error: {error.message}")

    def create(self, sts: Object, pod: Object) -> None:
        """Make a pod, its claims first. Raises `StatusError`."""
        try:
            self._claims.make(sts, pod, self.normal(sts), self.warning(sts))
            self._unseen.wrote(key_of(sts), self._client.create("pods", pod))
        except StatusError as error:
            if error.reason != "AlreadyExists":
                self._tell("Create", sts, pod, error)
            raise
        self._settle(sts, pod)
        self._tell("Create", sts, pod)

    def complete(self, sts: Object, pod: Object) -> None:
        """Make the claims that a pending pod still lacks."""
        self._claims.make(sts, pod, self.normal(sts), self.warning(sts))
        self._settle(sts, pod)

    def _settle(self, sts: Object, pod: Object) -> None:
        try:
            self._claims.settle(sts, pod, self.warning(sts))
        except StatusError as error:
            self._tell("Update", sts, pod, error)
            raise

    def settle_condemned(self, sts: Object, pod: Object) -> bool:
        """Give the claims of a pod that is too many to whom the policy says."""
        if not self._claims.match(sts, pod):
            self._claims.settle(sts, pod, self.warning(sts))
        return False

    def is_stale(self, sts: Object, pod: Object) -> bool:
        """Whether a claim of the pod that is to be made will soon be gone."""
        return self._claims.stale(sts, pod)

    def mend(self, sts: Object, pod: Object) -> None:
        """Bring back who the pod is, and what belongs to it. Raises `StatusError`."""
        changed = pod if identity_matches(sts, pod) else with_identity(pod)
        matches = self._claims.match(sts, pod)
        if changed is pod and storage_matches(sts, pod) and matches:
            return
        try:
            if not storage_matches(sts, pod):
                changed = with_storage(sts, changed)
                self._claims.make(sts, pod, self.normal(sts), self.warning(sts))
            if not matches:
                self._claims.settle(sts, pod, self.warning(sts))
            self._unseen.wrote(key_of(sts), self._client.update("pods", changed))
        except StatusError as error:
            self._tell("Update", sts, pod, error)
            raise
        self._tell("Update", sts, pod)

    def delete(self, sts: Object, pod: Object) -> None:
        """Ask a pod to go. Raises `StatusError`."""
        meta = pod["metadata"]
        try:
            answer = self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
        except StatusError as error:
            self._tell("Delete", sts, pod, error)
            raise
        self._unseen.removed(key_of(sts), answer)
        self._tell("Delete", sts, pod)


class Round:
    """One look at a set and its pods."""

    def __init__(
        self,
        sts: Object,
        pods: Sequence[Object],
        revisions: Revisions,
        hands: Hands,
        now: float,
        wants: Callable[..., None],
    ) -> None:
        self._sts = sts
        self._hands = hands
        self._now = now
        self._wants = wants
        self._least = int(sts["spec"].get("minReadySeconds", 0))
        self.monotonic = sts["spec"].get("podManagementPolicy") != "Parallel"
        self._current, self._update = revisions.names
        self._updated = restored(sts, revisions.update)
        ordinals = ordinals_of(sts)
        there = {ordinal_of(pod): pod for pod in pods}
        self.missing = [ordinal for ordinal in ordinals if ordinal not in there]
        self.replicas = [there.get(ordinal) or self._new(ordinal, revisions) for ordinal in ordinals]
        others = [pod for pod in pods if ordinal_of(pod) not in ordinals]
        self.condemned = sorted(others, key=ordinal_of, reverse=True)
        self.counts = self._count(pods)

    def _new(self, ordinal: int, revisions: Revisions) -> Object:
        if is_updated(self._sts, ordinal):
            return new_pod(self._updated, ordinal, self._update)
        return new_pod(restored(self._sts, revisions.current), ordinal, self._current)

    def _count(self, pods: Sequence[Object]) -> Counter[str]:
        return counts_of(pods, self._least, self._current, self._update, self._now)

    def run(self) -> None:
        """Do what there is to do now; `counts` says how things stand then. Raises `StatusError`."""
        if is_deleting(self._sts):
            self._wants(_("the StatefulSet is being deleted: only keep its status up to date"))
            return
        unavailable = [pod for pod in (*self.replicas, *reversed(self.condemned)) if self._is_unavailable(pod)]
        self._first = unavailable[0] if unavailable else None
        steps: tuple[tuple[Sequence[Object], Step], ...] = (
            (self.replicas, self._replica),
            (self.condemned, lambda pod: self._hands.settle_condemned(self._updated, pod)),
            (self.condemned, self._condemn),
        )
        ended = False
        try:
            ended = any(self._for_all(pods, step) for pods, step in steps)
        finally:
            self.counts = self._count([*self.replicas, *self.condemned])
        if not ended and strategy(self._sts) != "OnDelete":
            self._roll()

    def _is_unavailable(self, pod: Object) -> bool:
        return is_unavailable(pod, self._least, self._now)

    def _for_all(self, pods: Sequence[Object], step: Step) -> bool:
        """Take the step with each pod: in order until one ends the look, or, under Parallel, in growing batches."""
        if self.monotonic:
            return any(step(pod) for pod in pods)
        rest = iter(pods)
        for size in slow_start(len(pods)):
            errors: list[StatusError] = []
            for _n in range(size):
                try:
                    step(next(rest))
                except StatusError as error:
                    errors.append(error)
            if errors:
                raise errors[0]
        return False

    def _waits(self, pod: Object, what: str) -> bool:
        self._wants(what, name=pod["metadata"]["name"])
        return True

    def _replica(self, pod: Object) -> bool:
        """Bring one of the pods that there should be one step further."""
        name = pod["metadata"]["name"]
        if has_ended(pod):
            if not is_deleting(pod):
                self._wants(_("{name} has ended: delete it, to make it anew"), name=name)
                self._hands.delete(self._sts, pod)
            return True
        if not is_created(pod):
            if self._hands.is_stale(self._sts, pod):
                return self._waits(pod, _("a claim of {name} is about to go with an earlier pod: wait"))
            self._wants(_("{name} is missing: create it"), name=name)
            self._hands.create(self._sts, pod)
            return True
        if phase_of(pod) == "Pending":
            self._hands.complete(self._sts, pod)
        if self.monotonic:
            if is_deleting(pod):
                return self._waits(pod, _("{name} is on its way out: wait until it is gone"))
            if not is_running_and_ready(pod):
                return self._waits(pod, _("{name} is not ready: wait for it before going on"))
            if not is_available(pod, self._least, self._now):
                return self._waits(pod, _("{name} has not been ready for long enough: wait for it before going on"))
        self._hands.mend(self._updated, pod)
        return False

    def _condemn(self, pod: Object) -> bool:
        """Take away one of the pods that are too many, once those before it are well."""
        if is_deleting(pod):
            return self._waits(pod, _("{name} is on its way out: wait until it is gone"))
        if self.monotonic and pod is not self._first:
            ready = is_running_and_ready(pod) and is_available(pod, self._least, self._now)
            if not ready and self._first is not None:
                return self._waits(self._first, _("{name} is not available: wait for it before scaling down"))
        self._wants(_("{name} is one too many: delete it"), name=pod["metadata"]["name"])
        self._hands.delete(self._sts, pod)
        return True

    def _roll(self) -> None:
        """Take away the highest pod of an old template, if all above it are available."""
        for pod in reversed(self.replicas[partition(self._sts) :]):
            if revision_name(pod) != self._update and not is_deleting(pod):
                self._wants(_("{name} is of an old template: delete it, to make it anew"), name=pod["metadata"]["name"])
                self._hands.delete(self._sts, pod)
                self.counts["currentReplicas"] -= 1
                return
            if self._is_unavailable(pod):
                self._waits(pod, _("{name} is not available yet: wait for it before updating the next"))
                return
        if not self.condemned:
            self._wants(_("every pod is there and as it should be: nothing to do"))
