"""Cron schedules: what they mean, and how a wrong one is refused."""

from __future__ import annotations

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
