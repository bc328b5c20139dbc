"""Tables of what is covered and how well, as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from k8snb.i18n import _
from k8snb.view.theme import hue

EXACT, SIMPLIFIED, ABSENT = "exact", "simplified", "not modelled"
_MARKS = {EXACT: "●", SIMPLIFIED: "◐", ABSENT: "○"}
_HUES = {EXACT: "green", SIMPLIFIED: "amber", ABSENT: "slate"}


class Row(NamedTuple):
    """One line of a table: what it is about, how true it is, and a note."""

    name: str
    level: str
    note: str = ""


class Coverage:
    """Tables with a title each, as text and as HTML."""

    def __init__(self, title: str, tables: Mapping[str, Sequence[Row]]) -> None:
        self.title = title
        self.tables = tables

    def __str__(self) -> str:
        return "\n".join(_text(self.title, self.tables))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        body = "".join(_section(name, rows) for name, rows in self.tables.items() if rows)
        table = '<table class="cards" style="width:100%;border-collapse:collapse;font-size:14px">'
        return f'<div class="k8snb-view" tabindex="0" style="overflow-x:auto">{table}{body}</table></div>'


def _text(title: str, tables: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    yield title
    for name, rows in tables.items():
        yield f"  {name}"
        for level in (EXACT, SIMPLIFIED, ABSENT):
            found = [row for row in rows if row.level == level]
            plain = [row.name for row in found if not row.note or row.note.startswith("/")]
            if plain:
                yield f"    {_MARKS[level]} {' · '.join(plain)}"
            yield from (f"    {_MARKS[level]} {row.name} ({row.note})" for row in found if row.name not in plain)


def _section(name: str, rows: Sequence[Row]) -> str:
    head = f'<tr><th colspan="3" style="text-align:start;padding-top:.9em">{html.escape(name)}</th></tr>'
    return head + "".join(map(_line, rows)) if _has_notes(rows) else head + _crowd(rows)


def _has_notes(rows: Iterable[Row]) -> bool:
    return any(row.note and not row.note.startswith("/") for row in rows)


def _line(row: Row) -> str:
    edge = (
        "border-top:1px solid color-mix(in srgb,currentColor 14%,transparent);padding:3px 12px 3px 0;vertical-align:top"
        ";overflow-wrap:anywhere"
    )
    cells = (
        html.escape(row.name),
        f'<span style="white-space:nowrap">{_mark(row.level)}</span>',
        html.escape(row.note),
    )
    return "<tr>" + "".join(f'<td style="{edge};text-align:start">{cell}</td>' for cell in cells) + "</tr>"


def _crowd(rows: Sequence[Row]) -> str:
    """Rows without notes, side by side."""
    style = 'style="overflow-wrap:anywhere;min-width:0"'
    each = "".join(
        f'<li title="{html.escape(_word(row.level))}" {style}>{_glyph(row.level)}&nbsp;{html.escape(row.name)}'
        f"{f' <small>{html.escape(row.note)}</small>' if row.note else ''}</li>"
        for row in rows
    )
    list_style = "list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:0;padding:0"
    return f'<tr><td colspan="3" style="text-align:start"><ul style="{list_style}">{each}</ul></td></tr>'


def _glyph(level: str) -> str:
    word = html.escape(_word(level))
    return f'<span role="img" aria-label="{word}" style="color:{hue(_HUES[level])}">{_MARKS[level]}</span>'


def _mark(level: str) -> str:
    return f'<span style="color:{hue(_HUES[level])}">{_MARKS[level]}</span> {html.escape(_word(level))}'


def _word(level: str) -> str:
    return {EXACT: _("exact"), SIMPLIFIED: _("simplified"), ABSENT: _("not modelled")}[level]
