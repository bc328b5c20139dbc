"""The exercises of the page on Jobs and CronJobs."""

from __future__ import annotations

from k8snb.clock import EPOCH
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import cron
from k8snb.machinery.objects import is_true

ZONE, NIGHT = "Europe/Zurich", "30 2 * * *"
NIGHTS = 400
"""For so many nights two schedules are compared."""


@exercise("workloads/job", "Ten frames", minutes=5)
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
        given = cron.parse(schedule)
    except cron.CronError:
        return False
    wanted = cron.parse(NIGHT)
    times: list[float | None] = [EPOCH, EPOCH]
    for _night in range(NIGHTS):
        times = [
            each.after(time) if time is not None else None for each, time in zip((given, wanted), times, strict=True)
        ]
        if times[0] != times[1]:
            return False
    return True
