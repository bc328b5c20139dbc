"""Proofs that an exercise can be failed and can be solved.

Beside each page stands a file, `proofs/first-app/labels.yaml`:

    cells: [class Flock]              cells of the page, by how they begin, that its exercises need
    start: |                          what else the page has done before, as far as they need it
      %kubectl run …
    exercises:
      release:
        another: |                    a right way that is not the page's
          %kubectl label …
        mistakes:                     words of the hint that only this mistake gets, and the mistake
          "look at blog": |
            %kubectl label pods --all …

All that is typed is cells of a notebook. The page's own cells come before: those that import and make the cluster, and
what stands below the heading of the exercise. The solution is the one that is folded away on the page. Where an
exercise needs more, or its solution cannot run alone, it has a `start` or a `solution` of its own.

Everything is tried from the same state: each try is made in a process that was forked there, which copies the cluster
with all that the page has made of Python. The last one is made in that state itself. How long forking takes depends on
how much memory a process has; so proofs are tried in one that does nothing else (`aside.py`).
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from k8snb.lab.catalogue import exercises
from k8snb.lab.exercise import Exercise
from k8snb.lab.verdict import Verdict
from tests.lab.cells import Cells

ROOT = Path(__file__).parent.parent.parent
PROOFS = Path(__file__).parent / "proofs"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WAIT = 30.0
"""How long a cluster goes on, at the longest, after something was tried."""

HEADING = re.compile(r"^### \d · (.+)$", re.MULTILINE)
CHECK = re.compile(r"\w+\.check_(\w+)\(cluster\)$")


class Cell(NamedTuple):
    """A cell of a page."""

    type: str
    source: str
    folded: bool


class Shown(NamedTuple):
    """An exercise as its page has it: its heading, the cells before its check and those of its solution."""

    title: str
    name: str
    begins: str
    solution: str


class Judged(NamedTuple):
    """What the check said: whether it is solved, and if not, the last claim with its hint."""

    solved: bool
    said: str


# -- what stands where -----------------------------------------------------------------------------------


@cache
def proofs(page: str) -> Mapping[str, Any]:
    """The file of a page; empty if it has none yet."""
    path = PROOFS / f"{page}.yaml"
    return yaml.load(path.read_text(), _LOADER) if path.exists() else {"exercises": {}}


@cache
def _cells(page: str) -> tuple[Cell, ...]:
    read = json.loads((ROOT / "chapters" / f"{page}.ipynb").read_text())["cells"]
    return tuple(
        Cell(each["cell_type"], "".join(each["source"]), "hide-cell" in each["metadata"].get("tags", ()))
        for each in read
    )


def shown(page: str) -> list[Shown]:
    """The exercises that stand on a page."""
    return list(_shown(page))


def _shown(page: str) -> Iterator[Shown]:
    title, open_cells, folded = "", [""], [""]
    for cell in _cells(page):
        if cell.type == "markdown":
            found = HEADING.findall(cell.source)
            if found:
                title, open_cells, folded = found[-1], [], []
        elif title and cell.folded:
            folded.append(cell.source)
            if found := CHECK.search(cell.source):
                yield Shown(title, found[1], "\n%%\n".join(open_cells), "\n%%\n".join(folded))
                title = ""
        elif title:
            open_cells.append(cell.source)


def incomplete(page: str, least: int = 4) -> list[str]:
    """What a page still owes: exercises, and what is missing in their proofs."""
    found = exercises(page)
    owed = [f"{least - len(found)} more exercises"] if len(found) < least else []
    for each in found:
        proof = proofs(page)["exercises"].get(_word(each), {})
        missing = [] if proof.get("another") else ["another right way"]
        missing += [] if len(proof.get("mistakes", ())) >= 2 else ["two mistakes"]
        owed += [f"{each.name}: {part}" for part in missing]
    return owed


def _word(exercise: Exercise[Any]) -> str:
    return exercise.name.rpartition("/")[2]


# -- trying it -------------------------------------------------------------------------------------------


def doubts(page: str, word: str) -> list[str]:
    """What speaks against an exercise: a check that is passed or failed when it should not be, or a vague hint."""
    with contextlib.chdir(ROOT / "chapters" / page.partition("/")[0]):
        cells = _begun(page)
        return apart(lambda: list(_doubts(cells, page, word)))


@lru_cache(maxsize=1)
def _begun(page: str) -> Cells:
    """The page before its exercises, as far as they need it."""
    cells = Cells()
    sources, needed = [cell.source for cell in _cells(page) if cell.type == "code"], proofs(page).get("cells", ())
    needs = [source for source in sources[2:] if source.startswith(tuple(needed))]
    assert len(needs) == len(needed), f"of {needed} the page has {len(needs)}"
    for source in (*sources[:2], *needs, proofs(page).get("start", "")):
        cells.run(source)
    cells.cluster.settle(WAIT)
    return cells


def _doubts(cells: Cells, page: str, word: str) -> Iterator[str]:
    (exercise,) = (each for each in exercises(page) if _word(each) == word)
    (on_page,) = (each for each in shown(page) if each.name == word)
    proof = proofs(page)["exercises"][word]
    cells.run(proof.get("start", ""))
    verdict = cells.run(on_page.begins)
    if not isinstance(verdict, Verdict) or verdict:
        yield f"it is solved before anybody has done anything: {verdict!r}"

    ways = {way: proof.get(way) or on_page.solution for way in ("solution", "another")}
    *before, last = (*ways.values(), *proof["mistakes"].values())
    said = [Judged(*apart(partial(_judged, cells, exercise, text))) for text in before]
    said.append(_judged(cells, exercise, last))
    for way, found in zip(ways, said, strict=False):
        if not found.solved:
            yield f"{way}: {found.said}"
    made = dict(zip(proof["mistakes"], said[len(ways) :], strict=True))
    for hint, found in made.items():
        if found.solved:
            yield f"passes although it is a mistake: {hint}"
        elif [each for each, other in made.items() if hint in other.said] != [hint]:
            yield f"the hint {hint!r} is not that of this mistake alone: {[other.said for other in made.values()]}"


def _judged(cells: Cells, exercise: Exercise[Any], text: str) -> Judged:
    cells.run(text)
    cells.cluster.settle(WAIT)
    verdict = exercise(cells.cluster)
    last = verdict.claims[-1]
    return Judged(verdict.solved, f"{last.sentence}: {last.missing}")


def apart(work: Callable[[], Any]) -> Any:
    """What some work comes to (as JSON has it), done in a process of its own, of which nothing is left here."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        gc.disable()  # what it would look through is copied first
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(told(work), pipe)
        finally:
            os._exit(0)  # also where nobody listens any more
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = json.load(pipe)
    os.waitpid(child, 0)
    return outcome(answer)


def told(work: Callable[[], Any]) -> dict[str, Any]:
    """What some work comes to, or how it failed, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return {"done": work()}
        except BaseException:
            return {"raised": traceback.format_exc()}


def outcome(answer: Mapping[str, Any]) -> Any:
    """What work came to that was `told`; raises if it failed."""
    assert "raised" not in answer, answer["raised"]
    return answer["done"]
