"""Timetables of workshops come from the pages, and fit into their hours."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from k8snb import lab
from k8snb.book.contents import Contents
from tools.book.agenda import TooLong, clock, minutes_of, slots, written

ROOT = Path(__file__).parent.parent.parent
AGENDAS = yaml.safe_load((ROOT / "workshop" / "agendas.yaml").read_text())
PAGE = "first-app/pod"


@pytest.fixture(scope="module")
def contents() -> Contents:
    return Contents(ROOT)


@pytest.mark.parametrize("name", AGENDAS)
def test_every_agenda_ends_in_time_and_has_a_break_at_least_every_two_hours(contents: Contents, name: str) -> None:
    found = slots(AGENDAS[name], contents)
    breaks = [slot for slot in found if slot.what.startswith("*")]
    starts = [found[0].begin, *(slot.end for slot in breaks)]
    ends = [*(slot.begin for slot in breaks), found[-1].end]
    assert max(end - start for start, end in zip(starts, ends, strict=True)) <= 120


def test_a_page_takes_what_its_words_and_cells_and_exercises_take(contents: Contents) -> None:
    one, two = lab.exercises(PAGE)[:2]
    agenda = {"begin": "9:05", "end": "10:00", "slots": [{"page": PAGE, "exercises": 2}]}
    read = minutes_of(contents, PAGE)
    assert read == 25
    [made] = slots(agenda, contents)
    assert (made.begin, made.minutes) == (545, read + one.minutes + two.minutes)
    assert list(written([made]))[2:] == [
        f"| 9:05 | {{doc}}`Pod </chapters/{PAGE}>` (25) | {one.title} ({one.minutes}), {two.title} ({two.minutes}) |",
        f"| {clock(made.end)} | end | |",
    ]


@pytest.mark.parametrize(
    ("slot", "error"),
    [
        ({"talk": "On and on", "minutes": 61}, TooLong),
        ({"page": "first-app/nothing", "exercises": 1}, LookupError),
        ({"page": PAGE, "exercises": 9}, LookupError),
    ],
)
def test_what_does_not_fit_is_refused(contents: Contents, slot: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        slots({"begin": "9:00", "end": "10:00", "slots": [slot]}, contents)
