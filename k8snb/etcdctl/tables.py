"""Tables as etcdctl draws them (`-w table`), and sizes as it writes them.

Source: `olekukonko/tablewriter`, `dustin/go-humanize`.
"""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def table(header: Row, rows: Sequence[Row]) -> str:
    """A table with lines around it: titles in the middle of their columns, values to the right."""
    titles = [title.upper() for title in header]
    widths = [max(len(cell) for cell in column) for column in zip(titles, *rows, strict=True)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    top = "|" + "|".join(f" {_middle(title, width)} " for title, width in zip(titles, widths, strict=True)) + "|"
    lines = ("|" + "|".join(f" {cell:>{w}} " for cell, w in zip(row, widths, strict=True)) + "|" for row in rows)
    return "\n".join([rule, top, rule, *lines, rule, ""])


def _middle(text: str, width: int) -> str:
    left = (width - len(text)) // 2
    return " " * left + text + " " * (width - len(text) - left)


def simple(rows: Sequence[Row]) -> str:
    """The same without lines: one row a line."""
    return "".join(", ".join(row) + "\n" for row in rows)


def humane(size: int) -> str:
    """A number of bytes: `20 kB`, `6.4 MB`."""
    if size < 10:
        return f"{size} B"
    number, units = float(size), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while number >= 1000:
        number, unit = number / 1000, next(units)
    return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"


def duration(seconds: float) -> str:
    """A time as Go prints it: `2.5ms`, `1.02s`."""
    scaled, unit = (seconds, "s") if seconds >= 1 else (seconds * 1e3, "ms")
    return f"{scaled:.6f}".rstrip("0").rstrip(".") + unit
