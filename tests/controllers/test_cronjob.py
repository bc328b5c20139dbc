"""A Job each time that the schedule says so."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.controllers.cronjob.schedule import due, next_in, schedule_of, stamp, zone_of
from k8snb.machinery.objects import annotations_of, controller_of, labels_of
from k8snb.typing import Object
from tests.controllers.jobs import end, job, remove_leaving, running, start
from tests.controllers.world import World

MINUTE = 29_453_760
"""The minute at which a world begins, counted from the Unix epoch."""


def cron_job(schedule: str = "* * * * *", name: str = "tick", **spec: Any) -> Object:
    template = {"metadata": {"labels": {"app": "tick"}}, "spec": job()["spec"]}
    meta = {"name": name, "namespace": "default"}
    body = {"schedule": schedule, "jobTemplate": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": body}


def made(schedule: str = "* * * * *", **spec: Any) -> World:
    world = World(nodes=1)
    world.create(cron_job(schedule, **spec))
    return world


def jobs(world: World) -> list[int]:
    """The minutes of the Jobs that there are, from the world's beginning."""
    return [int(each["metadata"]["name"].rpartition("-")[2]) - MINUTE for each in world.list("jobs")]


def finish(world: World, code: int = 0) -> None:
    """All pods run and end."""
    start(world)
    for each in running(world):
        end(world, each, code)
    remove_leaving(world)


def status(world: World) -> Object:
    found: Object = world.get("cronjobs", "tick")["status"]
    return found


def test_a_job_is_made_when_its_minute_has_come_and_named_after_it() -> None:
    world = made("*/2 * * * *")
    world.advance(119)
    assert jobs(world) == []
    world.advance(2)
    assert jobs(world) == [2]
    (one,) = world.list("jobs")
    assert labels_of(one)["app"] == "tick"
    assert annotations_of(one) == {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:02:00Z"}
    owner = controller_of(one)
    assert owner is not None
    assert (owner["kind"], owner["name"]) == ("CronJob", "tick")
    assert status(world)["lastScheduleTime"] == "2026-01-01T00:02:00Z"
    assert [each["name"] for each in status(world)["active"]] == [one["metadata"]["name"]]
    assert world.events("SuccessfulCreate")[0] == f"Created job {one['metadata']['name']}"


def test_a_job_that_is_over_is_struck_off_and_its_success_noted() -> None:
    world = made()
    world.advance(61)
    finish(world)
    assert "active" not in status(world)
    assert status(world)["lastSuccessfulTime"] == world.list("jobs")[0]["status"]["completionTime"]
    name = world.list("jobs")[0]["metadata"]["name"]
    assert world.events("SawCompletedJob") == [f"Saw completed job: {name}, status: Complete"]


def test_under_allow_jobs_run_side_by_side() -> None:
    world = made()
    world.advance(181)
    assert jobs(world) == [1, 2, 3]
    assert len(status(world)["active"]) == 3


def test_under_forbid_a_time_is_skipped_while_the_last_job_runs() -> None:
    world = made(concurrencyPolicy="Forbid")
    world.advance(121)
    assert jobs(world) == [1]
    text = "Not starting job because prior execution is running and concurrency policy is Forbid"
    assert world.events("JobAlreadyActive") == [text]
    finish(world)
    assert jobs(world) == [1, 2], "the time that was skipped is made up for"


def test_under_replace_the_job_that_still_runs_makes_way() -> None:
    world = made(concurrencyPolicy="Replace")
    world.advance(121)
    remove_leaving(world)
    assert jobs(world) == [2]
    assert world.events("SuccessfulDelete")[0] == f"Deleted job tick-{MINUTE + 1}"


def test_the_history_keeps_three_that_succeeded_and_one_that_failed() -> None:
    world = made()
    world.advance(1)
    for number in range(6):
        world.advance(60)
        finish(world, code=0)
        assert len(jobs(world)) == min(number + 1, 3)
    failing = job(backoffLimit=0)["spec"]
    world.patch("cronjobs", "tick", {"spec": {"jobTemplate": {"spec": failing}}})
    for _ in range(3):
        world.advance(60)
        finish(world, code=1)
    assert jobs(world) == [4, 5, 6, 9]


def test_a_suspended_one_makes_nothing_and_afterwards_makes_up_for_the_last_time_alone() -> None:
    world = made(suspend=True)
    world.advance(300)
    assert jobs(world) == []
    world.patch("cronjobs", "tick", {"spec": {"suspend": False}})
    assert jobs(world) == [5]


def test_a_time_that_is_too_long_ago_is_missed() -> None:
    world = made("0 * * * *", startingDeadlineSeconds=30, suspend=True)
    world.advance(3610)
    world.patch("cronjobs", "tick", {"spec": {"suspend": False}})
    assert jobs(world) == [60], "ten seconds late is not too late"
    world.patch("cronjobs", "tick", {"spec": {"suspend": True}})
    world.advance(3660)
    world.patch("cronjobs", "tick", {"spec": {"suspend": False}})
    assert jobs(world) == [60]


def test_people_are_warned_of_more_than_a_hundred_missed_times() -> None:
    world = made(suspend=True)
    world.advance(101 * 60 + 1)
    world.patch("cronjobs", "tick", {"spec": {"suspend": False}})
    assert jobs(world) == [101]
    (said,) = world.events("TooManyMissedTimes")
    assert said.startswith("too many missed start times. Set or decrease .spec.startingDeadlineSeconds")


def test_the_time_zone_decides_when_it_is_midnight() -> None:
    world = made("0 2 * * *", timeZone="Europe/Berlin")
    world.advance(3601)
    (one,) = world.list("jobs")
    assert annotations_of(one)["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-01T02:00:00+01:00"


def test_a_job_that_went_missing_is_struck_off() -> None:
    world = made()
    world.advance(61)
    name = world.list("jobs")[0]["metadata"]["name"]
    world.delete("jobs", name, propagation="Background")
    assert "active" not in status(world)
    assert world.events("MissingJob") == [f"Active job went missing: {name}"]


def test_a_job_made_by_hand_is_noticed() -> None:
    world = made("0 0 * * *")
    owner = world.get("cronjobs", "tick")
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": owner["metadata"]["uid"]}
    meta = {**job("now")["metadata"], "ownerReferences": [{**reference, "controller": True}]}
    world.create({**job("now"), "metadata": meta})
    assert world.events("UnexpectedJob") == ["Saw a job that the controller did not create or forgot: now"]


def test_a_schedule_that_changes_counts_from_now_on() -> None:
    world = made("0 0 * * *")
    world.advance(30)
    world.patch("cronjobs", "tick", {"spec": {"schedule": "* * * * *"}})
    world.advance(31)
    assert jobs(world) == [1]


@pytest.mark.parametrize(
    ("schedule", "now", "time", "missed"),
    [
        ("0 * * * *", 1800, None, 0),
        ("0 * * * *", 3600, 3600, 0),
        ("0 * * * *", 8000, 7200, 2),
        ("@every 1h", 8000, 7200, 2),
    ],
)
def test_the_last_of_the_times_that_have_come_is_due(schedule: str, now: int, time: int | None, missed: int) -> None:
    one = cron_job(schedule)
    one = {**one, "metadata": {**one["metadata"], "creationTimestamp": "1970-01-01T00:00:00Z"}}
    found = due(one, schedule_of(one), now, within_deadline=True)
    assert (found.time, found.missed) == (time, missed)
    after = next_in(one, schedule_of(one), now)
    assert after is not None
    assert round(now + after) % 3600 == 0


def test_a_time_is_shown_as_its_zone_shows_it() -> None:
    assert stamp(0, None) == "1970-01-01T00:00:00Z"
    assert stamp(0, zone_of(cron_job(timeZone="America/New_York"))) == "1969-12-31T19:00:00-05:00"
