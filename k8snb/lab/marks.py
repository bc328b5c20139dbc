"""A table of what holds: rows against columns, a mark in each cell."""

from __future__ import annotations

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
