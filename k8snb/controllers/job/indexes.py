"""Completion indexes as a Job's status writes them: `0,2-5,9`.

Pure. Upstream: `pkg/controller/job/indexed_job_utils.go`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice


def parse(text: str | None, completions: int) -> frozenset[int]:
    """The indexes that a text names, those below `completions`."""
    found: set[int] = set()
    for part in (text or "").split(","):
        first, _, last = part.partition("-")
        if first:
            found.update(range(int(first), min(int(last or first), completions - 1) + 1))
    return frozenset(found)


def text_of(indexes: Iterable[int]) -> str:
    """Indexes as text; two in a row are listed, three and more are a range, as upstream writes them."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(_run(first, last) for first, last in runs)


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"


def first_missing(taken: frozenset[int], count: int, completions: int) -> list[int]:
    """The lowest `count` indexes that are not taken."""
    return list(islice((index for index in range(completions) if index not in taken), max(count, 0)))
