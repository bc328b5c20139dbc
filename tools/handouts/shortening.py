"""Outputs on paper: what was printed before is not printed again, and of what is long the beginning and the end are.

On a screen a long output scrolls and costs nothing. On paper it costs a page, and the reader has the same output on the
machine in front of them.
"""

from __future__ import annotations

import re

from bs4 import NavigableString, Tag

LONGEST = 22
"""So many lines an output may have."""

_HEAD, _TAIL = 12, 4
_WORTH_SAYING_ONCE = 4


def shorten(article: Tag) -> None:
    """Cut the outputs of a page."""
    seen: set[str] = set()
    for output in article.select(".cell_output pre"):
        if output.find_parent("svg") or output.find_parent(class_="tag_hide-cell"):
            continue
        text = output.get_text().rstrip("\n")
        lines = text.split("\n")
        if text in seen:
            _replace(output, "(the same as before)")
        elif len(lines) > LONGEST:
            left_out = len(lines) - _HEAD - _TAIL
            _replace(output, "\n".join([*lines[:_HEAD], f"… {left_out} more lines …", *lines[-_TAIL:]]))
        if len(lines) >= _WORTH_SAYING_ONCE:
            seen.add(text)


def _replace(output: Tag, text: str) -> None:
    output.clear()
    for part in re.split(r"(?m)^(\(the same as before\)|… \d+ more lines …)$", text):
        if re.fullmatch(r"\(the same as before\)|… \d+ more lines …", part):
            note = Tag(name="em", attrs={"class": "cut"})
            note.string = part
            output.append(note)
        else:
            output.append(NavigableString(part))
