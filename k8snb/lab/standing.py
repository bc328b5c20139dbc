"""Where a reader stands: the exercises of each page, with a mark at those that are solved."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from k8snb.i18n import _
from k8snb.lab.catalogue import Exercises, exercises
from k8snb.lab.exercise import Exercise
from k8snb.lab.solved import RECORD, usual_file

DONE, OPEN = "✓", "·"


class Progress:
    """The exercises of some pages, and which of them are solved."""

    def __init__(self, listed: Exercises, solved: Collection[str]) -> None:
        self.listed = listed
        self.solved = [each.name for each in listed if each.name in solved]

    @property
    def title(self) -> str:
        """How far it has come, in a sentence."""
        return _("{done} of {count} exercises are solved").format(done=len(self.solved), count=len(self.listed))

    def __repr__(self) -> str:
        pages = list(self._pages())
        width = max((len(page) for page, _listed in pages), default=0)
        lines = [f"{page:{width}}  {'  '.join(self._marked(each) for each in listed)}" for page, listed in pages]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{page}</td><td>{self._entries(listed)}</td></tr>" for page, listed in self._pages())
        meter = f'<progress value="{len(self.solved)}" max="{max(len(self.listed), 1)}" aria-hidden="true"></progress>'
        return f'<div class="k8snb-view"><p style="margin:0">{self.title} {meter}</p><table>{rows}</table></div>'

    def _pages(self) -> Iterator[tuple[str, list[Exercise[Any]]]]:
        for page in dict.fromkeys(each.page for each in self.listed):
            yield page, [each for each in self.listed if each.page == page]

    def _marked(self, each: Exercise[Any]) -> str:
        return f"{DONE if each.name in self.solved else OPEN} {each.name.rpartition('/')[2]}"

    def _entries(self, listed: list[Exercise[Any]]) -> str:
        shown = (f'<span title="{html.escape(_(each.title))}">{self._marked(each)}</span>' for each in listed)
        return " &ensp;".join(shown)


def progress(where: str = "") -> Progress:
    """What has been solved of the book, of a chapter (`first-app`) or of a page (`first-app/labels`)."""
    return Progress(exercises(where), RECORD.solved)


def keep_progress(file: str | Path | None = None) -> Progress:
    """Keep what is solved in a file from now on, and take up what is in it: then it counts across kernels.

    Without a name the file is where programs of this user keep their data. Raises `NotKept` (a ValueError) where it
    cannot be read or written, or is something else, which is then left as it is.
    """
    RECORD.keep(usual_file() if file is None else Path(file))
    return progress()
