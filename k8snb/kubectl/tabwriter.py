"""Columns that line up, as Go's `text/tabwriter` makes them.

A tab ends a cell. Consecutive lines that have a cell in a column form one block of that column, and the column
is as wide as its widest cell in the block plus the padding; what follows a line's last tab belongs to no column.
So a line without tabs cuts everything above from everything below. Every table and every description that
kubectl prints goes through this.

Upstream: Go's `text/tabwriter` and `liggitt/tabwriter`, which remembers widths from one flush to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

Line = Sequence[str]


class TabWriter:
    """Collects text and hands it out aligned; columns never get narrower from one `flush` to the next.

    `minimum` is the least width of a column, padding included.
    """

    def __init__(self, minimum: int = 6, padding: int = 3) -> None:
        self._minimum = minimum
        self._padding = padding
        self._widths: list[int] = []
        self._parts: list[str] = []

    def write(self, text: str) -> None:
        """Take in text with tabs between its cells."""
        self._parts.append(text)

    def row(self, cells: Sequence[str]) -> None:
        """Take in one line."""
        self._parts.append("\t".join(cells) + "\n")

    def flush(self) -> str:
        """What has come in since the last flush, aligned."""
        text, self._parts = "".join(self._parts), []
        return align(text, self._minimum, self._padding, self._widths)

    def forget(self) -> None:
        """Let the next table have widths of its own."""
        self._widths.clear()


def align(text: str, minimum: int = 0, padding: int = 2, remembered: list[int] | None = None) -> str:
    """The text with its cells padded. `remembered` keeps the widths of columns, and is updated."""
    lines = [line.split("\t") for line in text.split("\n")]
    layout = _Layout(lines, minimum, padding, remembered)
    layout.block(0, len(lines), [])
    return "\n".join(layout.done)


class _Layout:
    """One run over the lines: blocks within blocks, one level per column."""

    def __init__(self, lines: Sequence[Line], minimum: int, padding: int, remembered: list[int] | None) -> None:
        self.lines = lines
        self.minimum = minimum
        self.padding = padding
        self.remembered = remembered
        self.done: list[str] = []

    def block(self, first: int, end: int, widths: list[int]) -> None:
        """Lay out lines that share the columns whose widths are known."""
        column = len(widths)
        at = first
        while at < end:
            stop = at
            while stop < end and column < len(self.lines[stop]) - 1:
                stop += 1
            if stop == at:
                self.done.append(_pad(self.lines[at], widths))
                at += 1
                continue
            self.block(at, stop, [*widths, self.width(at, stop, column)])
            at = stop

    def width(self, first: int, end: int, column: int) -> int:
        widest = max(len(line[column]) for line in self.lines[first:end])
        width = max(self.minimum, widest + self.padding)
        if self.remembered is None:
            return width
        if column == len(self.remembered):
            self.remembered.append(width)
        elif column < len(self.remembered):
            width = self.remembered[column] = max(width, self.remembered[column])
        return width


def _pad(line: Line, widths: Sequence[int]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)) + "".join(line[len(widths) :])
