"""Cron schedules: what they mean, and how a wrong one is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from k8snb.machinery.cron import CronError, Schedule, parse


def fields(text: str) -> list[list[int]]:
    return [sorted(field) for field in parse(text).fields]


def test_every_way_to_name_numbers():
    assert fields("*/20 9-17/4 1,15 jan-MAR Sun") == [[0, 20, 40], [9, 13, 17], [1, 15], [1, 2, 3], [0]]


def test_a_number_with_a_step_goes_on_to_the_end():
    assert fields("50/5 0 1 1 0")[0] == [50, 55]


def test_descriptors_stand_for_fields_and_intervals():
    assert parse("@hourly") == parse("0 * * * *")
    assert parse("@every 1h30m") == Schedule(every=5400.0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@never", "unrecognized descriptor: @never"),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
    ],
)
def test_a_wrong_schedule_is_refused_in_the_words_of_upstreams_parser(text, why):
    with pytest.raises(CronError) as refused:
        parse(text)
    assert str(refused.value) == why


def times(text: str, start: str, count: int = 3) -> list[str]:
    """The next times of a schedule, in UTC."""
    schedule, moment, found = parse(text), datetime.fromisoformat(start).timestamp(), list[str]()
    for _ in range(count):
        after = schedule.after(moment)
        if after is None:
            break
        moment = after
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/20 * * * *", ["01-31 22:20:00", "01-31 22:40:00", "01-31 23:00:00"]),
        ("0 12 31 * *", ["03-31 12:00:00", "05-31 12:00:00", "07-31 12:00:00"]),
        ("0 0 1 * MON", ["02-01 00:00:00", "02-02 00:00:00", "02-09 00:00:00"]),
        ("0 0 * * 1", ["02-02 00:00:00", "02-09 00:00:00", "02-16 00:00:00"]),
        ("0 0 29 2 *", ["02-29 00:00:00"]),
        ("0 0 31 2 *", []),
        ("@every 90s", ["01-31 22:03:00", "01-31 22:04:30", "01-31 22:06:00"]),
        ("TZ=Europe/Berlin 30 0 * * *", ["01-31 23:30:00", "02-01 23:30:00", "02-02 23:30:00"]),
    ],
)
def test_the_next_times_of_a_schedule(text: str, expected: list[str]) -> None:
    assert times(text, "2026-01-31T22:01:30+00:00", max(len(expected), 1)) == expected


def test_a_time_that_spring_skips_does_not_come_and_one_that_autumn_repeats_comes_twice() -> None:
    spring = times("TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00+00:00", 2)
    assert spring == ["03-30 00:30:00", "03-31 00:30:00"]
    autumn = times("TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00+00:00", 3)
    assert autumn == ["10-25 00:30:00", "10-25 01:30:00", "10-26 01:30:00"]
