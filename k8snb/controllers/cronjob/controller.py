"""The CronJob controller: makes a Job when one is due, and forgets old ones.

It wakes at the times of the schedule, a moment late. The Job's name is made of the minute, so that no time gets two
Jobs. Jobs are followed from the first CronJob on. Upstream: `pkg/controller/cronjob/cronjob_controllerv2.go`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.clock import parse_time, rfc3339
from k8snb.controllers import owners
from k8snb.controllers.cronjob.schedule import (
    MANY,
    InvalidSchedule,
    due,
    job_name,
    next_in,
    rfc1123,
    schedule_of,
    stamp,
    zone_of,
)
from k8snb.controllers.job.controller import JOBS
from k8snb.controllers.job.deciding import COMPLETE, FAILED, is_over
from k8snb.controllers.refusals import namespace_is_terminating
from k8snb.controllers.unseen import AGAIN_SECONDS, Unseen
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.cron import CronError, Schedule
from k8snb.machinery.objects import (
    controller_of,
    controller_reference,
    is_deleting,
    is_true,
    key_of,
    reference_to,
    revision_of,
)
from k8snb.typing import Object, ObjectKey

CRONJOBS, KIND = "cronjobs.batch", "CronJob"
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController(Controller):
    """Makes the Jobs of each CronJob."""

    name = "cronjob-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._cron_jobs = self.informers.of(CRONJOBS)
        self._jobs = self.informers.of(JOBS)
        self._written = Written()
        self._unseen = Unseen(self._jobs, self.clock)
        self._follows = False

    def start(self) -> None:
        self._cron_jobs.on_change(self._cron_job_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _cron_job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            self._written.forget(old["metadata"]["uid"])
            self._unseen.forget(key_of(old))
            return
        if not self._follows:
            self._follows = True
            self._jobs.on_change(self._job_changed)
        self.queue.add(key_of(new), revision_of(new))

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        job = new or old
        assert job is not None
        owner = controller_of(job)
        if owner is not None and owner["kind"] == KIND:
            self.queue.add(ObjectKey(job["metadata"]["namespace"], owner["name"]), revision_of(job))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        cron_job = self._cron_jobs.get(*key)
        if cron_job is None:
            self.wants(_("the CronJob is gone: nothing to do"))
            return None
        if self._unseen.behind(key):
            self.wants(_("the cache does not show yet what was written last: look again when it does"))
            return AGAIN_SECONDS
        work = _Work(self._written.newest(cron_job), owners.controlled(self._jobs, cron_job))
        after: float | None = None
        error: StatusError | None = None
        self._clean_up(work)
        try:
            self._bring_up_to_date(work)
            after = self._run(work)
        except StatusError as refusal:
            error = refusal
        self._write(work)
        if error is not None:
            raise error
        if after is not None:
            self.queue.add_after(key, max(after, 0.0), background=True)
        return None

    def _bring_up_to_date(self, work: _Work) -> None:
        """Strike off the Jobs that are over or gone."""
        cron_job = work.cron_job
        for job in work.jobs:
            name, active = job["metadata"]["name"], work.is_active(job)
            if not active and not is_over(job):
                self.events.warning(
                    cron_job, "UnexpectedJob", f"Saw a job that the controller did not create or forgot: {name}"
                )
            elif active and is_over(job):
                word = COMPLETE if is_true(job, COMPLETE) else FAILED
                work.strike_off(job["metadata"]["uid"])
                self.events.normal(cron_job, "SawCompletedJob", f"Saw completed job: {name}, status: {word}")
            elif is_true(job, COMPLETE):
                work.note_success(job["status"].get("completionTime"))
        known = {job["metadata"]["uid"] for job in work.jobs}
        for reference in work.active:
            if reference["uid"] in known:
                continue
            if self.client.find(JOBS, reference["name"], reference["namespace"]) is None:
                self.events.normal(cron_job, "MissingJob", f"Active job went missing: {reference['name']}")
                work.strike_off(reference["uid"])

    def _run(self, work: _Work) -> float | None:
        """Make a Job if one is due; in how many seconds to look next."""
        cron_job, now = work.cron_job, self.clock.now()
        if is_deleting(cron_job):
            self.wants(_("the CronJob is being deleted: only keep its status up to date"))
            return None
        schedule = self._schedule(cron_job)
        if schedule is None:
            return None
        try:
            last = due(cron_job, schedule, now, within_deadline=True)
        except InvalidSchedule as error:
            text = f"invalid schedule: {cron_job['spec']['schedule']} : {error}"
            self.events.warning(cron_job, "InvalidSchedule", text)
            return None
        self.saw(due=None if last.time is None else rfc3339(last.time), missed=last.missed, active=len(work.active))
        if last.time is None:
            self.wants(_("no time of the schedule is due: wait for the next"))
        else:
            if last.missed > MANY:
                text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
                self.events.warning(cron_job, "TooManyMissedTimes", text)
            if self._may_start(work, last.time, now) and not self._start(work, last.time):
                return None
        return next_in(work.updated(), schedule, now)

    def _schedule(self, cron_job: Object) -> Schedule | None:
        """The schedule, unless it makes no sense or is not to be followed now."""
        spec = cron_job["spec"]
        try:
            zone_of(cron_job)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            zone = spec["timeZone"]
            text = f'invalid timeZone: "{zone}": unknown time zone {zone}'
            self.events.warning(cron_job, "UnknownTimeZone", text)
            return None
        if spec.get("suspend"):
            self.wants(_("suspended: start nothing"))
            return None
        if "TZ" in spec["schedule"]:
            text = (
                f'CRON_TZ or TZ used in schedule "{spec["schedule"]}" is not officially supported, see '
                "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            )
            self.events.warning(cron_job, "UnsupportedSchedule", text)
        try:
            return schedule_of(cron_job)
        except CronError as error:
            text = f'unparseable schedule: "{spec["schedule"]}" : {error}'
            self.events.warning(cron_job, "UnparseableSchedule", text)
            return None

    def _may_start(self, work: _Work, time: float, now: float) -> bool:
        """Whether the Job of a time is to be made."""
        spec = work.cron_job["spec"]
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and time + deadline < now:
            self.wants(_("the time to start the Job has passed: skip it"))
            text = f"Missed scheduled time to start a job: {rfc1123(time)}"
            self.events.warning(work.cron_job, "MissSchedule", text)
            return False
        name = job_name(work.cron_job, time)
        if name in (each["name"] for each in work.active) or work.status.get("lastScheduleTime") == rfc3339(time):
            self.wants(_("the Job of this time has been made: wait for the next"))
            return False
        if spec.get("concurrencyPolicy") == "Forbid" and work.active:
            self.wants(_("the last Job still runs and none may run beside it: skip this time"))
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.events.normal(work.cron_job, "JobAlreadyActive", text)
            return False
        return True

    def _start(self, work: _Work, time: float) -> bool:
        """Make the Job of a time; False if somebody else did. Raises `StatusError`."""
        cron_job = work.cron_job
        if cron_job["spec"].get("concurrencyPolicy") == "Replace":
            self._replace(work)
        job = _job_of(cron_job, time)
        name = job["metadata"]["name"]
        self.compares(_("Job of {time}").format(time=rfc3339(time)), _("none"), name)
        self.wants(_("a time of the schedule has come: create {name}"), name=name)
        try:
            made = self.client.create(JOBS, job)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                if not namespace_is_terminating(error):
                    self.events.warning(cron_job, "FailedCreate", f"Error creating job: {error.message}")
                raise
            made = self.client.get(JOBS, name, cron_job["metadata"]["namespace"])
            if not owners.controls(cron_job, made) or work.is_active(made):
                return False
        else:
            self._unseen.wrote(key_of(cron_job), made)
            self.events.normal(cron_job, "SuccessfulCreate", f"Created job {name}")
        work.started(made, time)
        return True

    def _replace(self, work: _Work) -> None:
        """The Jobs that still run make way. Raises `StatusError`."""
        for reference in work.active:
            try:
                job = self.client.get(JOBS, reference["name"], reference["namespace"])
            except StatusError as error:
                self.events.warning(work.cron_job, "FailedGet", f"Get job: {error.message}")
                raise
            error_ = self._delete(work, job)
            if error_ is not None:
                raise error_

    # -- cleaning up -------------------------------------------------------------------------------

    def _clean_up(self, work: _Work) -> None:
        """Delete the oldest Jobs that are over, beyond what the history keeps."""
        spec = work.cron_job["spec"]
        for type, name in ((COMPLETE, "successfulJobsHistoryLimit"), (FAILED, "failedJobsHistoryLimit")):
            limit = spec.get(name)
            ended = sorted((job for job in work.jobs if is_true(job, type)), key=_age)
            surplus = ended[: len(ended) - limit] if limit is not None and len(ended) > limit else []
            if surplus:
                self.compares(name, len(ended), limit)
            for job in surplus:
                self.wants(_("{name} is beyond what the history keeps: delete it"), name=job["metadata"]["name"])
                self._delete(work, job)

    def _delete(self, work: _Work, job: Object) -> StatusError | None:
        meta = job["metadata"]
        try:
            self.client.delete(JOBS, meta["name"], meta["namespace"], propagation="Background")
        except StatusError as error:
            self.events.warning(work.cron_job, "FailedDelete", f"Deleted job: {error.message}")
            return error
        self._unseen.changed(key_of(work.cron_job), job, is_deleting)
        work.forget(meta["uid"])
        self.events.normal(work.cron_job, "SuccessfulDelete", f"Deleted job {meta['name']}")
        return None

    def _write(self, work: _Work) -> None:
        if work.changed:
            self.wants(_("bring its status up to date"))
            self._written.put_status(self.client, CRONJOBS, work.cron_job, work.status)


class _Work:
    """A CronJob, its Jobs, and the status that comes of one look at them."""

    def __init__(self, cron_job: Object, jobs: Sequence[Object]) -> None:
        self.cron_job = cron_job
        self.jobs = list(jobs)
        self.status: dict[str, Any] = dict(cron_job.get("status") or {})
        self.changed = False

    @property
    def active(self) -> list[Object]:
        """References to the Jobs that run."""
        return list(self.status.get("active") or ())

    def is_active(self, job: Object) -> bool:
        """Whether the Job is known to run."""
        return any(each["uid"] == job["metadata"]["uid"] for each in self.active)

    def strike_off(self, uid: str) -> None:
        """A Job runs no more."""
        self._set_active([each for each in self.active if each["uid"] != uid])

    def forget(self, uid: str) -> None:
        """A Job was deleted."""
        self.strike_off(uid)
        self.jobs = [job for job in self.jobs if job["metadata"]["uid"] != uid]

    def _set_active(self, references: list[Object]) -> None:
        if references != self.active:
            self.changed = True
            self.status.pop("active", None)
            self.status |= {"active": references} if references else {}

    def note_success(self, time: str | None) -> None:
        """A Job has succeeded at that time."""
        last = self.status.get("lastSuccessfulTime")
        if time is not None and (last is None or parse_time(time) > parse_time(last)):
            self.status["lastSuccessfulTime"] = time
            self.changed = True

    def started(self, job: Object, time: float) -> None:
        """The Job of a time was made."""
        self._set_active([*self.active, reference_to(job)])
        self.status["lastScheduleTime"] = rfc3339(time)
        self.changed = True

    def updated(self) -> Object:
        """The CronJob with the status as it is now."""
        return {**self.cron_job, "status": self.status}


def _job_of(cron_job: Object, time: float) -> Object:
    template, namespace = cron_job["spec"]["jobTemplate"], cron_job["metadata"]["namespace"]
    made = template.get("metadata") or {}
    annotations = {**(made.get("annotations") or {}), SCHEDULED: stamp(time, zone_of(cron_job))}
    meta: dict[str, Any] = {"name": job_name(cron_job, time), "namespace": namespace, "annotations": annotations}
    if made.get("labels"):
        meta["labels"] = made["labels"]
    meta["ownerReferences"] = [controller_reference(cron_job)]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": template["spec"]}


def _age(job: Object) -> tuple[bool, float, str]:
    began = (job.get("status") or {}).get("startTime")
    return began is None, parse_time(began) if began else 0.0, job["metadata"]["name"]
