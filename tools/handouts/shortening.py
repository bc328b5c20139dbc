"""Outputs on paper: what was printed before is not printed again, and of what is long the beginning and the end are.

On a screen a long output scrolls and costs nothing. On paper it costs a page, and the reader has the same output on the
machine in front of them.
"""

from __future__ import annotations

import re

from bs4 import Tag
from bs4.element import NavigableString

from k8snb.i18n import _

_HEAD, _TAIL = 12, 4
_SIZE, _WIDE, _WIDEST = 6.9, 112, 140
"""The size of code in points, how many characters of it have room beside each other, and in the smallest size."""

_EMPTY_COLUMNS = re.compile(r" +(?:NOMINATED NODE +READINESS GATES|<none> +<none>) *$")
"""What `get pods -o wide` says at the end of every line."""

_WORTH_SAYING_ONCE = 4
_LONG = 28
"""Code with more lines may go on on the next sheet: else up to half of this one would stay empty."""


class Cut(str):
    """Words of the handout's own among an output."""


def shorten(article: Tag) -> None:
    """Cut the outputs of a page."""
    seen: set[str] = set()
    for code in article.select(".highlight pre"):
        code.string = code.get_text()  # colours would be lost on paper, and each is a tag in the PDF
        cell = code.find_parent(class_="cell_input")
        if isinstance(cell, Tag) and code.string.count("\n") > _LONG:
            cell["class"] = [*cell["class"], "long"]
    for output in article.select(".cell_output pre"):
        if output.find_parent("svg") or output.find_parent(class_="tag_hide-cell"):
            continue
        text = output.get_text().rstrip("\n")
        lines = text.split("\n")
        if text in seen:
            _replace(output, Cut(_("(the same as before)")))
        else:
            _fit(output, lines)
        if len(lines) >= _WORTH_SAYING_ONCE:
            seen.add(text)


def _fit(output: Tag, lines: list[str]) -> None:
    """Leave out empty columns and lines from the middle, and write smaller what is still too wide."""
    kept = [_EMPTY_COLUMNS.sub("", line).rstrip() for line in _without_traceback(lines)]
    head, tail = _HEAD, _TAIL
    if output.find_parent(class_="k8snb-view"):  # a detail of a view: on the screen it is folded
        head, tail = head // 2, tail // 2
        kept = [line if len(line) <= _WIDE else f"{line[:_WIDE]}…" for line in kept]
    if len(kept) > head + tail + _WORTH_SAYING_ONCE:
        cut = Cut(_("… {count} more lines …").format(count=len(kept) - head - tail))
        first, last = kept[:head], kept[-tail:]
        kept = [*first, cut, *last]
        _replace(output, "\n".join([*first, ""]), cut, "\n".join(["", *last]))
    elif kept != lines:
        _replace(output, "\n".join(kept))
    widest = max(len(line) for line in kept)
    if _WIDE < widest <= _WIDEST:
        output["style"] = f"font-size: {_SIZE * _WIDE / widest:.1f}pt"


def _without_traceback(lines: list[str]) -> list[str]:
    """Of an error, what it says: the way to it leads through files of whoever built the book."""
    if not any("Traceback (most recent call last)" in line for line in lines):
        return lines
    said = [number for number, line in enumerate(lines) if re.match(r"[\w.]+: ", line)]
    return lines[said[-1] :] if said else lines


def _replace(output: Tag, *parts: str) -> None:
    output.clear()
    for part in parts:
        if isinstance(part, Cut):
            note = Tag(name="em", attrs={"class": "cut"})
            note.string = str(part)
            output.append(note)
        else:
            output.append(NavigableString(part))
