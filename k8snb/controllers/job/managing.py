"""Making and deleting a Job's pods, so that as many run as should.

Upstream: `manageJob`, `deleteJobPods` and `activePodsForRemoval` in `job_controller.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.controllers.job.backoff import remaining_of_index
from k8snb.controllers.job.indexes import first_missing
from k8snb.controllers.job.look import Look
from k8snb.controllers.job.pods import (
    FINALIZER,
    UNKNOWN,
    blueprint,
    for_index,
    is_indexed,
    is_suspended,
    is_terminating,
    is_tracked,
    per_index,
    valid_index,
    waits_for_the_end,
)
from k8snb.controllers.job.policies import next_counts
from k8snb.controllers.podstate import is_ready
from k8snb.controllers.ranking import victims
from k8snb.controllers.refusals import namespace_is_terminating
from k8snb.controllers.replicaset import slow_start
from k8snb.controllers.unseen import Unseen
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.objects import key_of
from k8snb.typing import Object

BURST = 500
"""How many pods one look makes or deletes at most."""


def untracked(pod: Object) -> bool:
    """Whether the finalizer is gone."""
    return not is_tracked(pod)


class Hands:
    """How a Job's pods are made and deleted, and what is said of that."""

    def __init__(self, client: Client, events: EventRecorder, unseen: Unseen) -> None:
        self._client = client
        self._events = events
        self._unseen = unseen

    def create(self, job: Object, pod: Object) -> None:
        """Make a pod. Raises `StatusError`."""
        try:
            made = self._unseen.wrote(key_of(job), self._client.create("pods", pod))
        except StatusError as error:
            if not namespace_is_terminating(error):
                self._events.warning(job, "FailedCreate", f"Error creating: {error.message}")
            raise
        self._events.normal(job, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")

    def delete(self, job: Object, pod: Object) -> StatusError | None:
        """Ask a pod to go; why it could not be asked, if so."""
        meta = pod["metadata"]
        try:
            answer = self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
        except StatusError as error:
            if error.code == 404:
                return None
            self._events.warning(job, "FailedDelete", f"Error deleting: {error.message}")
            return error
        self._unseen.removed(key_of(job), answer)
        self._events.normal(job, "SuccessfulDelete", f"Deleted pod: {meta['name']}")
        return None

    def untrack(self, job: Object, pod: Object) -> StatusError | None:
        """Take away the finalizer; why it could not be, if so."""
        if not is_tracked(pod):
            return None
        try:
            release(self._client, pod)
        except StatusError as error:
            return None if error.code == 404 else error
        self._unseen.changed(key_of(job), pod, untracked)
        return None


def release(client: Client, pod: Object) -> None:
    """Take away the finalizer of a pod. Raises `StatusError`."""
    meta = pod["metadata"]
    change = {"metadata": {"uid": meta["uid"], "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
    client.patch("pods", meta["name"], change, meta["namespace"], kind="strategic")


class Manager:
    """Brings the number of running pods to what it should be."""

    def __init__(self, look: Look, hands: Hands, now: float) -> None:
        self._look = look
        self._job = look.job
        self._hands = hands
        self._now = now
        self.wanted = ""
        """What was done, in words, and with which values."""
        self.values: dict[str, int] = {}

    def _tell(self, sentence: str, **values: int) -> None:
        self.wanted, self.values = sentence, values

    def manage(self) -> tuple[int, StatusError | None]:
        """Make or delete pods; how many are active then, and the first refusal."""
        look = self._look
        active = len(look.active)
        if is_suspended(self._job):
            if active:
                self._tell(_("suspended: delete the {count} active pods"), count=active)
            return self._delete(self.for_removal(active))
        wanted = self._wanted(active)
        surplus = self.for_removal(max(0, active - wanted))[:BURST]
        if surplus:
            text = _("{wanted} wanted, {active} active: delete {count}")
            self._tell(text, wanted=wanted, active=active, count=len(surplus))
            return self._delete(surplus)
        missing = wanted - active - (look.terminating if waits_for_the_end(self._job) else 0)
        if missing <= 0:
            return active, None
        return self._make(active, wanted, missing)

    def _wanted(self, active: int) -> int:
        """How many should be active."""
        look, parallelism = self._look, int(self._job["spec"].get("parallelism", 1))
        if look.completions is None:
            return active if look.succeeded else parallelism
        return max(0, min(look.completions - look.succeeded, parallelism))

    def _make(self, active: int, wanted: int, missing: int) -> tuple[int, StatusError | None]:
        look = self._look
        wait = 0.0 if per_index(self._job) else look.record.remaining(self._now)
        pods = list(self._new_pods(min(missing, BURST))) if not wait else []
        if wait or (not pods and look.again is not None):
            look.again = wait or look.again
            self._tell(_("a pod has failed: wait {seconds} s before the next is made"), seconds=round(look.again or 0))
            return 0, None
        text = _("{wanted} wanted, {active} active: create {count}")
        self._tell(text, wanted=wanted, active=active, count=len(pods))
        return self._create(active, pods)

    def _new_pods(self, count: int) -> Iterator[Object]:
        """The pods to make now; `again` is set where an index has to wait and none can be made."""
        pod, look = blueprint(self._job), self._look
        if not is_indexed(self._job):
            yield from [pod] * count
            return
        indexes = first_missing(self._taken(), count, look.completions or 0)
        waits = {index: remaining_of_index(look.delayed.get(index), self._now) for index in indexes}
        due = [index for index in indexes if not waits[index]]
        if waits and not due:
            look.again = min(waits.values())
        for index in due:
            counts = next_counts(self._job, look.delayed.get(index)) if per_index(self._job) else None
            yield for_index(pod, self._job, index, counts)

    def _taken(self) -> frozenset[int]:
        """The indexes that need no pod now."""
        look = self._look
        busy = list(look.active)
        if waits_for_the_end(self._job):
            busy += [pod for pod in look.pods if is_terminating(pod)]
        return look.done | (look.lost or frozenset()) | {valid_index(self._job, pod) for pod in busy}

    def _create(self, active: int, pods: Sequence[Object]) -> tuple[int, StatusError | None]:
        rest = iter(pods)
        for size in slow_start(len(pods)):
            first: StatusError | None = None
            for _n in range(size):
                try:
                    self._hands.create(self._job, next(rest))
                    active += 1
                except StatusError as error:
                    first = first or error
            if first is not None:
                return active, None if namespace_is_terminating(first) else first
        return active, None

    def _delete(self, pods: Sequence[Object]) -> tuple[int, StatusError | None]:
        """Delete pods without counting them as failures."""
        look, first = self._look, None
        active = len(look.active)
        for pod in pods:
            error = self._hands.untrack(self._job, pod) or self._hands.delete(self._job, pod)
            first = first or error
            if error is None:
                active -= 1
                look.terminating += 1
                look.ready -= is_ready(pod)
        return active, first

    def for_removal(self, count: int) -> list[Object]:
        """At least `count` active pods to delete: first those of an index that is taken or unknown."""
        pods = self._look.active
        surplus: list[Object] = []
        if is_indexed(self._job):
            pods, surplus = self._by_index(pods)
        more = count - len(surplus)
        return surplus + (victims(pods, pods, more, self._now) if more > 0 else [])

    def _by_index(self, pods: Sequence[Object]) -> tuple[list[Object], list[Object]]:
        groups: dict[int, list[Object]] = {}
        for pod in pods:
            groups.setdefault(valid_index(self._job, pod), []).append(pod)
        surplus = groups.pop(UNKNOWN, [])
        kept: list[Object] = []
        for _index, group in sorted(groups.items()):
            extra = victims(group, group, len(group) - 1, self._now) if len(group) > 1 else []
            surplus += extra
            kept += [pod for pod in group if pod not in extra]
        return kept, surplus
