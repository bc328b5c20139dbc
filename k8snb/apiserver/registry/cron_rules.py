"""What is wrong with a CronJob: its schedule, its time zone, the Job that it makes.

Upstream: `validateCronJobSpec` in `pkg/apis/batch/validation/validation.go`.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator

from k8snb.apiserver.registry.job_rules import validate_job_spec
from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.errors import FieldError, invalid_value, not_supported, required
from k8snb.machinery import cron
from k8snb.typing import Object

Findings = Iterator[FieldError]

_POLICIES = ("Allow", "Forbid", "Replace")
_ZONE_PART = re.compile(r"[A-Za-z.\-_0-9+]{1,14}", re.ASCII)
_EXPLICIT = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"


def validate_cron_job(spec: Object, old: Object | None) -> Findings:
    """A CronJob's spec; `old` is the one before an update."""
    zone = spec.get("timeZone")
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    else:
        yield from _validate_schedule(schedule, zone, old is not None and "TZ" in (old.get("schedule") or ""))
    yield from validate_counts(spec, "spec", "startingDeadlineSeconds")
    if zone is not None and (old is None or old.get("timeZone") != zone):
        yield from _validate_zone(zone)
    policy = spec.get("concurrencyPolicy") or ""
    if not policy:
        yield required("spec.concurrencyPolicy")
    elif policy not in _POLICIES:
        yield not_supported("spec.concurrencyPolicy", policy, _POLICIES)
    yield from _validate_template((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")
    yield from validate_counts(spec, "spec", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")


def _validate_schedule(schedule: str, zone: str | None, zone_allowed: bool) -> Findings:
    try:
        cron.parse(schedule)
    except cron.CronError as error:
        yield invalid_value("spec.schedule", schedule, str(error))
    if "TZ" in schedule and not zone_allowed:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid_value("spec.schedule", schedule, text)
    elif "TZ" in schedule and zone is not None:
        text = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        yield invalid_value("spec.schedule", schedule, text)


def _validate_zone(zone: str) -> Findings:
    path = "spec.timeZone"
    if not zone:
        yield invalid_value(path, zone, "timeZone must be nil or non-empty string")
        return
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            yield invalid_value(path, zone, f"unknown time zone {zone}")
            return
    if zone.lower() == "local":
        yield invalid_value(path, zone, _EXPLICIT)
    if zone != "Local" and not _is_known(zone):
        yield invalid_value(path, zone, f"unknown time zone {zone}")


def _is_known(zone: str) -> bool:
    if zone == "UTC":
        return True
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _validate_template(spec: Object, path: str) -> Findings:
    yield from validate_job_spec(spec, path)
    if spec.get("selector") is not None:
        yield invalid_value(f"{path}.selector", spec["selector"], "`selector` will be auto-generated")
    if spec.get("manualSelector"):
        yield not_supported(f"{path}.manualSelector", True, ("nil", "false"))
