"""The page that a description is written on: lines at levels, lined up at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from k8snb.clock import parse_time
from k8snb.kubectl.tabwriter import align

NONE = "<none>"
UNSET = "<unset>"
_LONGEST = 140
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Page:
    """Collects lines; a tab ends a cell, a level is two spaces."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def line(self, text: str = "", level: int = 0) -> None:
        """One line."""
        self._parts.append("  " * level + text + "\n")

    def part(self, text: str, level: int = 0) -> None:
        """Part of a line, or several."""
        self._parts.append("  " * level + text)

    @property
    def raw(self) -> str:
        """What was written, tabs and all."""
        return "".join(self._parts)

    @property
    def text(self) -> str:
        """The page, lined up."""
        return align(self.raw)

    def labels(self, title: str, values: Mapping[str, str] | None) -> None:
        """Pairs, sorted, one below the other."""
        self.stack(title, (f"{key}={value}" for key, value in sorted((values or {}).items())))

    def stack(self, title: str, values: Iterable[str]) -> None:
        """A title and values one below the other, `<none>` without any."""
        lines = list(values) or [NONE]
        self.part(f"{title}:\t" + "\n\t".join(lines) + "\n")

    def annotations(self, title: str, values: Mapping[str, str] | None) -> None:
        """Annotations, sorted; long ones are cut, and the one that apply writes is left out."""
        kept = {key: value for key, value in (values or {}).items() if key != _LAST_APPLIED}
        if not kept:
            self.line(f"{title}:\t{NONE}")
            return
        self.part(f"{title}:\t" + "\t".join(_annotation(key, kept[key]) for key in sorted(kept)))


def _annotation(key: str, value: str) -> str:
    text = value.removesuffix("\n")
    if len(text) + len(key) + 2 <= _LONGEST and "\n" not in text:
        return f"{key}: {text}\n"
    return f"{key}:\n" + "".join(f"\t  {shorten(line, _LONGEST - 2)}\n" for line in text.split("\n"))


def shorten(text: str, length: int) -> str:
    """The text, cut with dots if it is longer than that."""
    return text if len(text) <= length else text[:length] + "..."


def long_time(stamp: Any) -> str:
    """`Thu, 01 Jan 2026 00:00:00 +0000`; the year 1 for no time."""
    if not stamp:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    return datetime.fromtimestamp(int(parse_time(stamp)), UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def true_or_false(value: Any) -> str:
    """`True` or `False`."""
    return "True" if value else "False"
