"""Whether a handout gives away what participants are to find out themselves.

Asked of the text of the print, against the notebooks: no line of a solution may stand there that does not also stand in
what a reader sees anyway, nor what a page says about its solutions below them, and no check may be content. On paper
lines are broken anywhere, so text is compared without its white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

from k8snb.i18n import _

ROOT = Path(__file__).parent.parent.parent
_TELLING = 16
"""Shorter lines are found by chance."""

_MARKUP = re.compile(r"[*`\[\]\\]")


def leaks(text: str, pages: Iterable[str]) -> list[str]:
    """Lines about solutions, and verdicts, that stand in the text of a handout of these pages."""
    printed = _dense(text)
    found = [line for line in hidden(pages) if _dense(line) in printed]
    verdict = _("Solved.")
    return [*found, *([verdict] if verdict in text else [])]


def hidden(pages: Iterable[str]) -> list[str]:
    """The lines that only the solutions of these pages (`chapters/first-app/pod`) have, or that comment on them."""
    told: list[str] = []
    shown: list[str] = []
    for page in pages:
        for line, solves in _lines(page):
            (told if solves else shown).append(line.strip())
    known = _dense("\n".join(shown))
    return [line for line in told if len(_dense(line)) >= _TELLING and _dense(line) not in known]


def _lines(page: str) -> Iterator[tuple[str, bool]]:
    """Every line of a page that a print may hold, and whether it belongs to a solution."""
    solved = False
    for cell in nbformat.read(ROOT / f"{page}.ipynb", as_version=4).cells:
        folded = "hide-cell" in cell.metadata.get("tags", ())
        for line in cell.source.splitlines():
            solved = folded or (solved and not (cell.cell_type == "markdown" and line.startswith("#")))
            if not (solved and cell.cell_type == "markdown" and _MARKUP.search(line)):
                yield line, solved
        if not solved:
            yield from ((line, False) for line in _printed(cell))


def _printed(cell: nbformat.NotebookNode) -> Iterator[str]:
    for each in cell.get("outputs", ()):
        yield from str(each.get("text", "") or each.get("data", {}).get("text/plain", "")).splitlines()


def _dense(text: str) -> str:
    return re.sub(r"\s+", "", text)
