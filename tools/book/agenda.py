"""A Sphinx extension: agendas of workshops, with minutes from the pages themselves.

`workshop/agendas.yaml` says which pages and how many of their exercises a workshop takes; the directive `agenda` makes
a timetable of it. A page takes as long as its words are read and its cells are run, its exercises as long as they say
of themselves. So pages that grow make an agenda longer, and one that no longer fits into its hours stops the build.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from k8snb import lab
from k8snb.book.contents import FOLDER, Contents
from k8snb.i18n import _

WORDS = 200
"""So many words are read, or told, in a minute."""
CELLS = 2
"""So many cells are run and looked at in a minute."""
ROUND = 5


@dataclass(frozen=True)
class Slot:
    """Something that a class does: when it begins, for how long, and what, as MyST."""

    begin: int
    minutes: int
    what: str
    exercises: str = ""

    @property
    def end(self) -> int:
        """The minute of the day in which it ends."""
        return self.begin + self.minutes


class TooLong(ValueError):
    """An agenda that ends after it should."""


def minutes_of(contents: Contents, page: str) -> int:
    """What a page takes without its exercises, in steps of five minutes."""
    taken = len(contents.prose(page).split()) / WORDS + contents.cells(page) / CELLS
    return math.ceil(taken / ROUND) * ROUND


def slots(agenda: Mapping[str, Any], contents: Contents) -> list[Slot]:
    """What is done when. Raises TooLong where it does not fit, LookupError for what is not in the book."""
    begin, end = (_minute(agenda[each]) for each in ("begin", "end"))
    found = list(_slots(agenda["slots"], begin, contents))
    if found[-1].end > end:
        raise TooLong(f"it ends at {clock(found[-1].end)}, and should at {clock(end)}")
    return found


def _slots(wanted: Sequence[Mapping[str, Any]], now: int, contents: Contents) -> Iterator[Slot]:
    for each in wanted:
        talk = each.get("talk") or f"*{each.get('break')}*"
        slot = _page(each, now, contents) if "page" in each else Slot(now, each["minutes"], talk)
        yield slot
        now = slot.end


def _page(each: Mapping[str, Any], now: int, contents: Contents) -> Slot:
    page = str(each["page"])
    if page not in contents.pages:
        raise LookupError(f"there is no page {page}")
    tried = lab.exercises(page)[: each["exercises"]]
    if len(tried) < each["exercises"]:
        raise LookupError(f"{page} has {len(tried)} exercises")
    read = minutes_of(contents, page)
    link = f"{{doc}}`{contents.name(page)} </{FOLDER}{page}>` ({read})"
    names = ", ".join(f"{_(exercise.title)} ({exercise.minutes})" for exercise in tried)
    return Slot(now, read + sum(exercise.minutes for exercise in tried), link, names)


def clock(minute: int) -> str:
    """A minute of the day as people say it."""
    return f"{minute // 60}:{minute % 60:02}"


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def written(found: Sequence[Slot]) -> Iterator[str]:
    """A timetable as MyST."""
    head = (_("From"), _("What (minutes)"), _("Exercises (minutes)"))
    yield from (f"| {' | '.join(head)} |", "|---|---|---|")
    yield from (f"| {clock(slot.begin)} | {slot.what} | {slot.exercises} |" for slot in found)
    yield f"| {clock(found[-1].end)} | {_('end')} | |"


class Agenda(SphinxDirective):
    """The timetable of an agenda, by its name in `workshop/agendas.yaml`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Lay it out, and say so where it cannot be."""
        root = Path(self.env.srcdir)
        file = root / "workshop" / "agendas.yaml"
        self.env.note_dependency(str(file))
        holder = nodes.container(classes=["made", "agenda"])
        try:
            found = slots(yaml.safe_load(file.read_text(encoding="utf-8"))[self.arguments[0]], Contents(root))
        except (LookupError, TooLong) as error:
            raise self.error(f"agenda {self.arguments[0]}: {error}") from None
        self.state.nested_parse(StringList(list(written(found)), self.env.docname), 0, holder)
        return [holder]


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this for an extension."""
    app.add_directive("agenda", Agenda)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
