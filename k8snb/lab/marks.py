"""A table of what holds: rows against columns, a mark in each cell."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

MOST = 11
"""Heads of columns that are longer are broken at their hyphens."""


class Marks:
    """What holds, by column and by row, in the order in which they were found."""

    def __init__(self, found: Mapping[str, Mapping[str, bool]]) -> None:
        self.found = found

    def __repr__(self) -> str:
        rows = [*dict.fromkeys(name for cells in self.found.values() for name in cells)]
        heads = [list(_broken(column)) for column in self.found]
        widths = [max(map(len, head)) for head in heads]
        first = max(map(len, rows), default=0)
        lines = [_line("", first, parts, widths) for parts in zip_longest(*heads, fillvalue="")]
        for row in rows:
            marks = ["✓" if cells.get(row) else "✗" for cells in self.found.values()]
            lines.append(_line(row, first, marks, widths))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [*dict.fromkeys(name for cells in self.found.values() for name in cells)]
        cell = "border-top:1px solid color-mix(in srgb,currentColor 20%,transparent);padding:3px 6px;text-align:"
        heads = "".join(f'<th scope="col" style="padding:3px 6px">{_soft(column)}</th>' for column in self.found)
        lines = "".join(
            f'<tr><th scope="row" style="{cell}start;font-weight:400">{html.escape(row)}</th>'
            + "".join(f'<td style="{cell}center">{_mark(cells.get(row, False))}</td>' for cells in self.found.values())
            + "</tr>"
            for row in rows
        )
        table = '<table class="marks" style="border-collapse:collapse;font-size:13.5px">'
        top = f'<tr><th scope="col"></th>{heads}</tr>'
        return f'<div class="k8snb-view" tabindex="0" style="overflow-x:auto">{table}{top}{lines}</table></div>'


def _soft(head: str) -> str:
    """A head that may go on in the next line after a hyphen."""
    return f"<span>{html.escape(head).replace('-', '-<wbr>')}</span>"


def _mark(holds: bool) -> str:
    return "<strong>✓</strong>" if holds else '<span style="opacity:.75">✗</span>'


def _line(name: str, first: int, cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = (f"  {cell:^{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{name:{first}}{''.join(shown)}".rstrip()


def _broken(head: str) -> Iterator[str]:
    """A head in lines."""
    line = ""
    for part in head.replace("-", "-\n").split("\n"):
        if line and len(line) + len(part) > MOST:
            yield line
            line = ""
        line += part
    yield line
