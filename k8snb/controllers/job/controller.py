"""The Job controller: as many pods as needed, until enough have succeeded or too many have failed.

What happens to pods is looked at a second later, so that many of them are counted at once. A pod whose Job is gone is
let go. Pods are followed from the first Job on. Upstream: `job_controller.go`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.clock import parse_time, rfc3339
from k8snb.controllers import owners
from k8snb.controllers.job.backoff import Record
from k8snb.controllers.job.deciding import (
    COMPLETE,
    SUCCESS_MET,
    deadline_in,
    decide,
    is_complete,
    is_over,
    job_condition,
)
from k8snb.controllers.job.look import Look
from k8snb.controllers.job.managing import Hands, Manager, release
from k8snb.controllers.job.pods import FINALIZER, is_suspended, is_tracked
from k8snb.controllers.job.tracking import Tracker
from k8snb.controllers.setcontroller import SetController
from k8snb.controllers.unseen import AGAIN_SECONDS
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery import selectors
from k8snb.machinery.objects import (
    condition,
    controller_of,
    controller_reference,
    is_deleting,
    is_true,
    key_of,
    labels_of,
    revision_of,
    with_condition,
)
from k8snb.typing import Object, ObjectKey

JOBS, KIND = "jobs.batch", "Job"
OURSELVES = "kubernetes.io/job-controller"
BATCH_SECONDS = 1.0
"""For how long changes of pods are collected before a Job is looked at."""


class JobController(SetController):
    """Runs each Job's pods."""

    name = "job-controller"
    resource = JOBS
    kind = KIND

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._hands = Hands(self.client, self.events, self._unseen)
        self._records: dict[ObjectKey, Record] = {}
        self._orphans: dict[ObjectKey, dict[str, str]] = {}

    # -- noticing ----------------------------------------------------------------------------------

    def _left(self, obj: Object) -> None:
        for pod in owners.controlled(self._pods, obj):
            self._let_go(key_of(obj), pod)

    def _let_go(self, key: ObjectKey, pod: Object) -> None:
        """Note a pod that carries our finalizer and has no Job any more; the key of its Job looks after it."""
        if is_tracked(pod):
            self._orphans.setdefault(key, {})[pod["metadata"]["name"]] = pod["metadata"]["uid"]

    def _concerns(self, key: ObjectKey, cause: int) -> None:
        self.queue.add_after(key, BATCH_SECONDS, cause=cause)

    def _orphan_changed(self, pod: Object, cause: int) -> None:
        """The Jobs that select it may take it; else it must not keep our finalizer."""
        super()._orphan_changed(pod, cause)
        if is_tracked(pod):
            name = labels_of(pod).get("batch.kubernetes.io/job-name", "")
            key = ObjectKey(pod["metadata"]["namespace"], name)
            self._let_go(key, pod)
            self.queue.add(key, cause)

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        self._release_orphans(key)
        job = self._sets.get(*key)
        if job is None:
            self.wants(_("the Job is gone: nothing to do"))
            self._records.pop(key, None)
            return None
        job = self._written.newest(job)
        if job["spec"].get("managedBy") not in (None, OURSELVES):
            self.wants(_("somebody else manages the Job: leave it alone"))
            return None
        if is_over(job):
            self.wants(_("the Job is over: nothing to do"))
            self._records.pop(key, None)
            return None
        if self._unseen.behind(key):
            self.wants(_("the cache does not show yet what was written last: look again when it does"))
            return AGAIN_SECONDS
        return self._look_at(key, Look(job, self._claim(job), self._records.get(key, Record())))

    def _look_at(self, key: ObjectKey, look: Look) -> float | None:
        now, job = self.clock.now(), look.job
        if not look.status.get("startTime") and not is_suspended(job):
            look.status["startTime"] = rfc3339(now)
        look.finished = decide(look, now)
        self.saw(active=len(look.active), succeeded=look.succeeded, failed=look.failed, terminating=look.terminating)
        if look.completions is not None:
            self.compares(_("succeeded"), look.succeeded, look.completions)
        if look.finished is not None:
            active, error = self._end(look)
        else:
            active, error = self._go_on(look, now)
        changed = self._count(look, active)
        tracker = Tracker(look, self._hands, lambda look: self._write(key, look), now)
        tracker.track(changed=changed)
        if tracker.over is not None:
            self._tell_over(look, tracker.over)
        if error is not None:
            raise error
        if tracker.over is not None:
            return None
        left = deadline_in(look, now)
        if left is not None and left > 0 and (look.again is None or left < look.again):
            self.queue.add_after(key, left, background=True)
            return None
        return look.again

    def _end(self, look: Look) -> tuple[int, StatusError | None]:
        """The Job is over: whatever still runs has to go."""
        assert look.finished is not None
        self.wants(
            _("{reason}: the Job is over, delete {count} active pods"),
            reason=look.finished.get("reason") or look.finished["type"],
            count=len(look.active),
        )
        errors = [error for pod in look.active if (error := self._hands.delete(look.job, pod)) is not None]
        deleted = len(look.active) - len(errors)
        look.terminating += deleted
        if errors:
            look.finished = None
            return len(errors), errors[0]
        look.ready = 0
        return 0, None

    def _go_on(self, look: Look, now: float) -> tuple[int, StatusError | None]:
        """Make and delete pods as needed, and see whether enough have succeeded."""
        active, error = len(look.active), None
        if not is_deleting(look.job):
            manager = Manager(look, self._hands, now)
            active, error = manager.manage()
            if manager.wanted:
                self.wants(manager.wanted, **manager.values)
        if is_complete(look, active):
            text = "Reached expected number of succeeded pods"
            look.finished = job_condition(SUCCESS_MET, "CompletionsReached", text, now)
            self.wants(_("enough pods have succeeded: the Job is over"))
        elif not is_deleting(look.job):
            self._note_suspension(look, now)
        return active, error

    def _note_suspension(self, look: Look, now: float) -> None:
        """Say in the conditions whether the Job is suspended; a Job that goes on starts its clock anew."""
        suspended, was = is_suspended(look.job), condition(look.job, "Suspended")
        status, word = ("True", "suspended") if suspended else ("False", "resumed")
        if was["status"] == status if was is not None else not suspended:
            return
        new = job_condition("Suspended", f"Job{word.capitalize()}", f"Job {word}", now, status)
        look.status["conditions"] = with_condition(look.status.get("conditions") or (), new)
        if not suspended:
            look.status["startTime"] = rfc3339(now)
        self.events.normal(look.job, word.capitalize(), f"Job {word}")

    def _count(self, look: Look, active: int) -> bool:
        """Put the counts into the status; whether it has to be written."""
        before = look.job.get("status") or {}
        conditions = look.status.get("conditions") is not before.get("conditions")
        if active:
            look.status["active"] = active
        else:
            look.status.pop("active", None)
        look.status |= {"ready": look.ready, "terminating": look.terminating}
        counted = ("active", "ready", "terminating")
        return conditions or any(look.status.get(name) != before.get(name) for name in counted)

    # -- claiming ----------------------------------------------------------------------------------

    def _claim(self, job: Object) -> list[Object]:
        """The Job's pods, after adopting and releasing those that changed sides, which get or lose the finalizer."""
        matches = selectors.of_object(job["spec"]["selector"]).matches
        mine: list[Object] = []
        for pod in owners.controlled(self._pods, job):
            if matches(labels_of(pod)) or is_deleting(job):
                mine.append(pod)
                continue
            self.wants(_("{name} is no longer selected: release it"), name=pod["metadata"]["name"])
            self._hands.untrack(job, pod)
            released = owners.release(self.client, "pods", job, pod)
            if released is not None:
                self._unseen.wrote(key_of(job), released)
        return mine if is_deleting(job) else [*mine, *self._adopt(job, matches)]

    def _adopt(self, job: Object, matches: selectors.Predicate) -> list[Object]:
        adopted: list[Object] = []
        for pod in owners.orphans(self._pods, job["metadata"]["namespace"]):
            if not matches(labels_of(pod)) or is_deleting(pod):
                continue
            meta = pod["metadata"]
            self.wants(_("{name} is selected and nobody controls it: adopt it"), name=meta["name"])
            change = {"uid": meta["uid"], "ownerReferences": [controller_reference(job)], "finalizers": [FINALIZER]}
            try:
                taken = self.client.patch(
                    "pods", meta["name"], {"metadata": change}, meta["namespace"], kind="strategic"
                )
            except StatusError as error:
                if error.code != 404:
                    raise
            else:
                adopted.append(self._unseen.wrote(key_of(job), taken))
        return adopted

    def _release_orphans(self, key: ObjectKey) -> None:
        for name, uid in self._orphans.pop(key, {}).items():
            pod = self._pods.get(key.namespace, name)
            if pod is None or pod["metadata"]["uid"] != uid or not is_tracked(pod) or self._has_job(pod):
                continue
            self.wants(_("{name} has lost its Job: let it go"), name=name)
            try:
                release(self.client, pod)
            except StatusError as error:
                if error.code != 404:
                    raise

    def _has_job(self, pod: Object) -> bool:
        owner = controller_of(pod)
        job = None if owner is None else self._sets.get(pod["metadata"]["namespace"], owner["name"])
        return job is not None and owner is not None and job["metadata"]["uid"] == owner["uid"]

    # -- telling -----------------------------------------------------------------------------------

    def _write(self, key: ObjectKey, look: Look) -> None:
        """Write the status. Raises `StatusError`: what is counted must not be lost."""
        written = self.client.update_status(JOBS, {**look.job, "status": dict(look.status)})
        look.job = self._written.note(written)
        self._records[key] = look.record

    def _tell_over(self, look: Look, last: Object) -> None:
        job = look.job
        if last["type"] == COMPLETE:
            if look.completions is not None and (look.status.get("succeeded") or 0) > look.completions:
                text = "Too many succeeded pods running after completion count reached"
                self.events.warning(job, "TooManySucceededPods", text)
            self.events.normal(job, "Completed", "Job completed")
        else:
            self.events.warning(job, last["reason"], last["message"])


class TTLAfterFinishedController(Controller):
    """Deletes Jobs that are over, `ttlSecondsAfterFinished` after that. Upstream: `pkg/controller/ttlafterfinished`."""

    name = "ttl-after-finished-controller"

    def start(self) -> None:
        self._jobs = self.informers.of(JOBS)
        self._jobs.on_change(self._job_changed)

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["spec"].get("ttlSecondsAfterFinished") is not None and is_over(new):
            self.queue.add(key_of(new), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        job = self._jobs.get(*key)
        if job is None or is_deleting(job) or not is_over(job):
            return None
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None:
            return None
        last = condition(job, COMPLETE if is_true(job, COMPLETE) else "Failed")
        assert last is not None
        left = parse_time(last["lastTransitionTime"]) + float(seconds) - self.clock.now()
        if left > 0:
            self.wants(_("the Job is over: delete it in {seconds} s"), seconds=round(left))
            self.queue.add_after(key, left, background=True)
            return None
        self.compares(_("seconds since its end"), round(float(seconds) - left), seconds)
        self.wants(_("the Job has been over for long enough: delete it"))
        try:
            self.client.delete(JOBS, key.name, key.namespace, propagation="Foreground", uid=job["metadata"]["uid"])
        except StatusError as error:
            if error.code not in (404, 409):
                raise
        return None
