"""The exercises of the page on Jobs and CronJobs."""

from __future__ import annotations

from k8snb.clock import parse_time
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.puzzles import Bench
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import cron
from k8snb.machinery.objects import condition, controller_of, is_true
from k8snb.typing import Object

ZONE, NIGHT = "Europe/Zurich", "30 2 * * *"

LONGEST = 120.0
"""A run may last so many seconds."""
SLACK = 40.0
"""… and so many more, in which its pod may still say goodbye."""


@exercise("workloads/job", "Ten frames", minutes=10)
def check_render(cluster: Reader) -> Claims:
    """Ten numbered pieces, five at a time, all done."""
    render = find(cluster, "jobs.batch", "render")
    spec = render["spec"]
    yield exists(render, _("there is a Job render"))
    mode = spec.get("completionMode")
    yield Claim(mode == "Indexed", _("its pods know their numbers"), says("completionMode", mode))
    yield Claim(spec.get("completions") == 10, _("it has ten pieces"), says("completions", spec.get("completions")))
    most = spec.get("parallelism")
    yield Claim(most == 5, _("five of them at a time"), says("parallelism", most))
    done = says("completedIndexes", render["status"].get("completedIndexes") or _("not set"))
    hint = _("{seen}; have you let time pass, with cluster.settle()?").format(seen=done)
    yield Claim(is_true(render, "Complete"), _("all pieces are done"), hint)


@exercise("workloads/job", "The nightly backup", minutes=10)
def check_backup(cluster: Reader) -> Claims:
    """A schedule that is exact, patient, and keeps what it should."""
    backup = find(cluster, "cronjobs.batch", "backup")
    spec = backup["spec"]
    yield exists(backup, _("there is a CronJob backup"))
    schedule, zone = spec.get("schedule", ""), spec.get("timeZone")
    yield Claim(_same_nights(schedule), _("it runs every night at half past two"), says("schedule", schedule))
    yield Claim(zone == ZONE, _("by the clocks of Zurich"), says("timeZone", zone or _("not set")))
    policy = spec.get("concurrencyPolicy")
    yield Claim(policy == "Forbid", _("never two at once"), says("concurrencyPolicy", policy))
    late = spec.get("startingDeadlineSeconds")
    yield Claim(late == 600, _("at most ten minutes late"), says("startingDeadlineSeconds", late or _("not set")))
    kept = spec.get("successfulJobsHistoryLimit")
    yield Claim(kept == 7, _("seven Jobs are kept"), says("successfulJobsHistoryLimit", kept))
    yield Claim(not spec.get("suspend"), _("it is not suspended"), says("suspend", True))


def _same_nights(schedule: str) -> bool:
    """Whether a schedule names the same times as ours, however it is written."""
    try:
        given, wanted = cron.parse(schedule), cron.parse(NIGHT)
    except cron.CronError:
        return False
    return (given.fields, given.every, given.zone) == (wanted.fields, wanted.every, wanted.zone)


@exercise("workloads/job", "The run that hangs", minutes=15)
def check_sync(cluster: Bench) -> Claims:
    """Runs that come again, one at a time, each of which is ended when it takes too long."""
    sync = find(cluster, "cronjobs.batch", "sync")
    yield exists(sync, _("the CronJob sync is still there"))
    spec = sync["spec"]
    policy = spec.get("concurrencyPolicy")
    yield Claim(policy == "Forbid", _("no run begins beside another, or ends it"), says("concurrencyPolicy", policy))
    yield Claim(not spec.get("suspend"), _("it is not suspended"), says("suspend", True))
    before = {job["metadata"]["uid"] for job in _runs(cluster)}
    cluster.advance(300)
    new = [job for job in _runs(cluster) if job["metadata"]["uid"] not in before]
    yield Claim(bool(new), _("within five minutes a run begins"), _in_the_way(_runs(cluster), spec["jobTemplate"]))
    lasted = _lasted(new[0])
    hangs = _("{name} is still running").format(name=new[0]["metadata"]["name"])
    yield Claim(lasted is not None, _("when it hangs, it is ended"), hangs)
    seconds = says(_("seconds until its end"), round(lasted or 0))
    yield Claim(LONGEST - 1 <= (lasted or 0) <= LONGEST + SLACK, _("… after two minutes"), seconds)


def _in_the_way(runs: list[Object], template: Object) -> str:
    """Which run has been there all the time, and what is said of those to come."""
    name = runs[-1]["metadata"]["name"] if runs else _("none")
    limit = template["spec"].get("activeDeadlineSeconds") or _("not set")
    hint = _("the last run is {name}; the deadline of those to come is {limit}")
    return hint.format(name=name, limit=limit)


def _runs(cluster: Reader) -> list[Object]:
    jobs = cluster.client.list("jobs.batch", NAMESPACE)
    mine = [job for job in jobs if (controller_of(job) or {}).get("name") == "sync"]
    return sorted(mine, key=lambda job: str(job["metadata"]["creationTimestamp"]))


def _lasted(job: Object) -> float | None:
    """The seconds from a Job's start to where it was ended; None if it goes on."""
    ends = condition(job, "FailureTarget") or condition(job, "Failed") or condition(job, "Complete")
    if ends is None:
        return None
    return parse_time(ends["lastTransitionTime"]) - parse_time(job["status"]["startTime"])


BAD = "sleep 3; test $JOB_COMPLETION_INDEX != 2"
"""A program that fails in one of its pieces."""


@exercise("workloads/job", "One bad file in six", minutes=15)
def check_convert(cluster: Reader) -> Claims:
    """Pieces that are done although one of them never will be, and a status that names that one."""
    convert = find(cluster, "jobs.batch", "convert")
    yield exists(convert, _("there is a Job convert"))
    spec, status = convert["spec"], convert["status"]
    shape = spec.get("completionMode"), spec.get("completions")
    yield Claim(shape == ("Indexed", 6), _("it has six numbered pieces"), says(_("what it has"), list(shape)))
    command = (spec["template"]["spec"]["containers"][0].get("command") or [""])[-1]
    yield Claim(command == BAD, _("the program is the same"), says(_("it"), command))
    done = status.get("completedIndexes") or _("none")
    yield Claim(done == "0,1,3-5", _("all pieces but number 2 are done"), says("completedIndexes", done))
    failed = status.get("failedIndexes") or _("not set")
    yield Claim(failed == "2", _("the status names the one that failed"), says("failedIndexes", failed))
    ended = is_true(convert, "Failed") or is_true(convert, "Complete")
    yield Claim(ended, _("the Job has come to its end"), _("it has not yet; let time pass, with cluster.settle()"))
    tries = status.get("failed", 0)
    yield Claim(tries == 2, _("piece 2 was tried twice"), says(_("failed pods"), tries))
    together = spec.get("backoffLimit", 6) < 2 * (spec.get("completions") or 1)
    limit = says("backoffLimit", spec.get("backoffLimit"))
    yield Claim(not together, _("no piece uses up what is meant for another"), limit)
    most = spec.get("maxFailedIndexes")
    bad = _("one bad piece, or another, ends none of the others")
    yield Claim(most is None or most >= 1, bad, says("maxFailedIndexes", most))
