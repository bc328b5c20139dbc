"""Which time of a CronJob's schedule is due, and when to look next.

Only the last of several times that were missed is made up for. How many were missed is estimated from the distance of
two times, so that a clock that jumped by years costs nothing. Pure. Upstream: `pkg/controller/cronjob/utils.go`.
"""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import NamedTuple

from k8snb.clock import parse_time
from k8snb.machinery.cron import Schedule, parse
from k8snb.typing import Object

SLACK_SECONDS = 0.1
"""How long after a time of the schedule to look, to be sure that it has come."""
MANY = 100
"""From more missed times on people are warned."""


class InvalidSchedule(ValueError):
    """The schedule makes no sense."""


class Due(NamedTuple):
    """The last time up to now, if there is one since the last look, and how many were missed in between."""

    earliest: float
    time: float | None
    missed: int


def zone_of(cron_job: Object) -> zoneinfo.ZoneInfo | None:
    """The time zone that it names. Raises `ZoneInfoNotFoundError` or ValueError."""
    name = cron_job["spec"].get("timeZone")
    return None if name is None else zoneinfo.ZoneInfo(name)


def schedule_of(cron_job: Object) -> Schedule:
    """Its schedule, in its time zone. Raises `CronError`."""
    spec = cron_job["spec"]
    found = parse(spec["schedule"])
    return found._replace(zone=spec["timeZone"]) if spec.get("timeZone") and "TZ" not in spec["schedule"] else found


def due(cron_job: Object, schedule: Schedule, now: float, *, within_deadline: bool) -> Due:
    """Which time is due. Raises `InvalidSchedule`."""
    last = (cron_job.get("status") or {}).get("lastScheduleTime")
    earliest = parse_time(last or cron_job["metadata"]["creationTimestamp"])
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    if within_deadline and deadline is not None:
        earliest = max(earliest, now - deadline)
    first = schedule.after(earliest)
    second = schedule.after(first) if first is not None else None
    if first is None or second is None:
        raise InvalidSchedule("time difference between two schedules is less than 1 second")
    if now < first:
        return Due(earliest, None, 0)
    if now < second:
        return Due(earliest, first, 0)
    between = round(second - first)
    if between < 1:
        raise InvalidSchedule("time difference between two schedules is less than 1 second")
    missed = int(now - first) // between + 1
    found: float | None = None
    moment = schedule.after(first + (missed - 2) * between)
    while moment is not None and moment <= now:
        found, moment = moment, schedule.after(moment)
    return Due(earliest, found, missed)


def next_in(cron_job: Object, schedule: Schedule, now: float) -> float | None:
    """In how many seconds to look next."""
    try:
        last = due(cron_job, schedule, now, within_deadline=False)
    except InvalidSchedule:
        since = now
    else:
        since = last.time if last.time is not None else (now if last.missed else last.earliest)
    after = schedule.after(since)
    return None if after is None else after + SLACK_SECONDS - now


def job_name(cron_job: Object, time: float) -> str:
    """The name of the Job of a time: the same for whoever makes it."""
    return f"{cron_job['metadata']['name']}-{int(time) // 60}"


def stamp(time: float, zone: zoneinfo.ZoneInfo | None) -> str:
    """The time as the Job's annotation shows it."""
    text = datetime.fromtimestamp(time, zone or zoneinfo.ZoneInfo("UTC")).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def rfc1123(time: float) -> str:
    """The time as events show it."""
    return datetime.fromtimestamp(time, zoneinfo.ZoneInfo("UTC")).strftime("%a, %d %b %Y %H:%M:%S +0000")
