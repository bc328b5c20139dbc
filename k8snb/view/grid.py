"""A table with a title, quiet words in its cells, and sentences below it.

As HTML it takes the page's colours and scrolls sideways where there is no room; as text its columns are aligned.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

from k8snb.view.theme import hue

_EDGE = "border-top:1px solid color-mix(in srgb,currentColor 20%,transparent)"
_SHORT = 12
"""Shorter words are not broken at a hyphen."""

_LONG = 60
"""Longer texts want some width, though the table then scrolls."""

_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[/({_,=])(?=[\w(])")
"""Where a long name or expression may go on in the next line."""

_CELL = f"{_EDGE};padding:3px 12px 3px 0;vertical-align:top;text-align:start"


class Cell(NamedTuple):
    """What a cell says, and more of it in quiet words; a hue marks it, beside what it says.

    `said` is what the text has instead of both, where that differs.
    """

    text: str
    more: str = ""
    hue: str = ""
    strong: bool = False
    said: str = ""


class Grid:
    """Rows of cells beneath heads, and notes; `said` are notes that only the text has."""

    def __init__(
        self,
        title: str,
        heads: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        notes: Sequence[str] = (),
        said: Sequence[str] = (),
    ) -> None:
        self.title = title
        self.heads = heads
        self.rows = rows
        self.notes = notes
        self._said = said

    def __str__(self) -> str:
        lines = [self.heads, *([_plain(cell) for cell in row] for row in self.rows)]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.heads))]
        aligned = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines] if self.rows else []
        return "\n".join([self.title, *aligned, *self._said, *self.notes])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        top = f"{_CELL};border-top:0"
        heads = "".join(f'<th scope="col" style="{top}">{_soft(head)}</th>' for head in self.heads)
        rows = "".join(f"<tr>{_first(row[0])}{''.join(map(_td, row[1:]))}</tr>" for row in self.rows)
        table = f'<table style="border-collapse:collapse;font-size:13.5px"><thead><tr>{heads}</tr></thead>'
        scrolls = f'<div tabindex="0" style="overflow-x:auto">{table}<tbody>{rows}</tbody></table></div>'
        notes = "".join(f'<p style="margin:.4em 0 0">{html.escape(note)}</p>' for note in self.notes)
        title = f'<p style="overflow-wrap:anywhere"><strong>{html.escape(self.title)}</strong></p>'
        return f'<div class="k8snb-view">{title}{scrolls if self.rows else ""}{notes}</div>'


def _plain(cell: Cell) -> str:
    return cell.said or (f"{cell.text} ({cell.more})" if cell.more else cell.text)


def _soft(text: str) -> str:
    """Words as HTML, which may break where a long name or expression has a joint, and short ones nowhere."""
    if len(text) <= _SHORT:
        return f'<span style="white-space:nowrap">{html.escape(text)}</span>'
    return _JOINT.sub("<wbr>", html.escape(text))


def _first(cell: Cell) -> str:
    return f'<th scope="row" style="{_CELL};font-weight:{600 if cell.strong else 400}">{_inside(cell)}</th>'


def _td(cell: Cell) -> str:
    strong = ";font-weight:600" if cell.strong else ""
    room = ";min-width:12em" if len(cell.text) > _LONG else ""
    return f'<td style="{_CELL}{strong}{room}">{_inside(cell)}</td>'


def _inside(cell: Cell) -> str:
    edge = f' style="border-inline-start:3px solid {hue(cell.hue)};padding-inline-start:6px"' if cell.hue else ""
    text = f"<div{edge}>{_soft(cell.text)}</div>" if cell.text or edge else ""
    small = 'style="font-size:12px;opacity:.8"'
    return text + (f"<div {small}>{_soft(cell.more)}</div>" if cell.more else "")
