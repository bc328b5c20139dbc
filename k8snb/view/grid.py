"""A table with a title, quiet words in its cells, and sentences below it.

As HTML it takes the page's colours and scrolls sideways where there is no room; as text its columns are aligned. What
is too wide for a phone says so, and carries its heads in each cell, so that the book's style sheet can stack the cells
of a row there; where cells are no more than marks, it stands the heads upright.
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

_MARK = 3
"""What is no longer is a mark."""

_ROOM = 12
"""How wide that is, in letters."""

_BRIEF = 14
"""Texts no longer than this stand beside each other on a phone, too."""

_HEAD = '<span class="column" style="display:none">{}</span>'

_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[/({_,=])(?=[\w(])")
"""Where a long name or expression may go on in the next line."""

_PHONE, _LETTER, _BOLD, _APART = 316, 6.6, 7.6, 12
"""How many pixels a phone has, with some to spare; what a letter takes, a bold one, and what is between columns."""

_NOTE = "margin:.4em 0 0;overflow-wrap:anywhere"
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
        wide = sum(map(self._narrowest, range(len(self.heads)))) > _PHONE
        marks = all(len(cell.text) <= _MARK for row in self.rows for cell in row[1:])
        heads = "".join(f'<th scope="col" style="{top}"><span>{_soft(head)}</span></th>' for head in self.heads)
        many = wide and not marks and len(self.heads) > 2  # of two, the first says what the second is about
        said = [_HEAD.format(html.escape(head)) if many and head else "" for head in self.heads]
        rows = "".join(_tr(row, said) for row in self.rows)
        brief = all(len(text) <= _BRIEF for row in self.rows for cell in row[1:] for text in (cell.text, cell.more))
        name = f' class="{"marks" if marks else "cards beside" if brief else "cards"}"' if wide else ""
        table = f'<table{name} style="border-collapse:collapse;font-size:13.5px"><thead><tr>{heads}</tr></thead>'
        scrolls = f'<div tabindex="0" style="overflow-x:auto">{table}<tbody>{rows}</tbody></table></div>'
        notes = "".join(f'<p style="{_NOTE}">{html.escape(note)}</p>' for note in self.notes)
        title = f'<p style="overflow-wrap:anywhere"><strong>{_soft(self.title)}</strong></p>'
        return f'<div class="k8snb-view">{title}{scrolls if self.rows else ""}{notes}</div>'

    def _narrowest(self, column: int) -> float:
        """How many pixels a column takes at least."""
        cells = [row[column] for row in self.rows if column < len(row)]
        words = [text for cell in cells for text in (cell.text, cell.more)]
        some = max((len(piece) for text in words for piece in _pieces(text)), default=0) * _LETTER
        head = max(map(len, _pieces(self.heads[column]))) * _BOLD
        return max(some, head, *(_ROOM * 13.5 for cell in cells if len(cell.text) > _LONG), 0) + _APART


def _plain(cell: Cell) -> str:
    return cell.said or (f"{cell.text} ({cell.more})" if cell.more else cell.text)


def _pieces(text: str) -> list[str]:
    """What stays in one line."""
    return [text] if len(text) <= _SHORT else re.split(rf"\s|(?<=-)|{_JOINT.pattern}", text)


def _soft(text: str) -> str:
    """Words as HTML, which may break where a long name or expression has a joint, and short ones nowhere."""
    if len(text) <= _SHORT:
        return f'<span style="white-space:nowrap">{html.escape(text)}</span>'
    return _JOINT.sub("<wbr>", html.escape(text))


def _tr(row: Sequence[Cell], heads: Sequence[str]) -> str:
    """A row; where its first cell says all, that has the whole width."""
    cells = "".join(map(_td, row[1:], heads[1:])) if any(map(any, row[1:])) else ""
    return f"<tr>{_first(row[0], 1 if cells else len(heads))}{cells}</tr>"


def _first(cell: Cell, columns: int) -> str:
    weight, span = 600 if cell.strong else 400, f' colspan="{columns}"' if columns > 1 else ""
    return f'<th scope="row"{span} style="{_CELL};font-weight:{weight}">{_inside(cell)}</th>'


def _td(cell: Cell, head: str = "") -> str:
    strong = ";font-weight:600" if cell.strong else ""
    room = f";min-width:{_ROOM}em" if len(cell.text) > _LONG else ""
    return f'<td style="{_CELL}{strong}{room}">{head if cell.text or cell.more else ""}{_inside(cell)}</td>'


def _inside(cell: Cell) -> str:
    edge = f' style="border-inline-start:3px solid {hue(cell.hue)};padding-inline-start:6px"' if cell.hue else ""
    text = f"<div{edge}>{_soft(cell.text)}</div>" if cell.text or edge else ""
    small = 'class="more" style="font-size:12px;font-weight:400;opacity:.8"'
    more = re.sub(" (?=[✓✗])", "\N{NO-BREAK SPACE}", cell.more)  # alone it would be read as the cell itself
    return text + (f"<div {small}>{_soft(more)}</div>" if more else "")
