"""Every page of a concept has the same parts in the same order, and misses none of the points of its concept."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from k8snb import Cluster
from tests.book.conftest import ROOT

SECTIONS = [
    "The idea in one minute",
    "What you will be able to do",
    "The YAML, field by field",
    "Step through it",
    "Break it",
    "What is simplified here",
    "On a live cluster",
    "Exercises",
    "Summary",
    "Further reading",
]

# Beside each page stands what it must cover, run, break and step through, and what it must set right about older texts:
# each point by words that no text about it can do without; and which manifests it applies exactly as they are kept.
KEPT = ROOT / "tests" / "book" / "points"
ASKED = {
    str(path.relative_to(KEPT).with_suffix("")): yaml.safe_load(path.read_text())
    for path in sorted(KEPT.rglob("*.yaml"))
}
POINTS = {page: asked["points"] for page, asked in ASKED.items()}
MANIFESTS = {page: asked["manifests"] for page, asked in ASKED.items()}


def cells(page: str) -> list[Any]:
    """The cells of a chapter."""
    return list(nbformat.read(ROOT / "chapters" / f"{page}.ipynb", as_version=4).cells)


def code(page: str) -> list[Any]:
    return [cell for cell in cells(page) if cell.cell_type == "code"]


def headings(page: str, level: int) -> list[str]:
    """The headings of a level, in order."""
    text = "\n".join(cell.source for cell in cells(page) if cell.cell_type == "markdown")
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def is_solution(cell: Any) -> bool:
    return "hide-cell" in cell.metadata.get("tags", ())


def test_every_page_of_a_concept_says_what_it_must_cover() -> None:
    pages = {path.relative_to(ROOT / "chapters").with_suffix("") for path in ROOT.glob("chapters/*/*.ipynb")}
    assert {str(page) for page in pages if page.parent.name != "reference"} == set(POINTS)


pages = pytest.mark.parametrize("page", POINTS)


@pages
def test_a_page_has_one_title_and_all_parts_in_order(page: str) -> None:
    assert len(headings(page, 1)) == 1
    assert [each for each in headings(page, 2) if each in SECTIONS] == SECTIONS


@pages
def test_a_page_tells_a_story_between_its_aims_and_its_yaml(page: str) -> None:
    parts = headings(page, 2)
    assert parts[:2] == SECTIONS[:2]
    assert len(parts[2 : parts.index("The YAML, field by field")]) >= 2


@pages
def test_no_point_of_the_concept_is_missing(page: str) -> None:
    text = re.sub(r"\s+", " ", "\n".join(cell.source for cell in cells(page)))
    assert [point for point in POINTS[page] if point not in text] == []


@pages
def test_a_page_imports_first_and_then_makes_its_cluster_with_a_seed(page: str) -> None:
    first, second = code(page)[:2]
    assert all(line.startswith(("from ", "import ", "%load_ext", "")) for line in first.source.splitlines())
    assert re.match(r"cluster = (connect|Cluster)\(.*seed=\d+\)", second.source)


@pages
def test_a_page_draws_live_objects_and_can_be_stepped_through(page: str) -> None:
    sources = [cell.source for cell in code(page)]
    assert any("cluster.diagram(" in source for source in sources)
    assert any("cluster.stepper(" in source for source in sources)


@pages
def test_code_comes_in_small_cells(page: str) -> None:
    """Programs that the reader writes are of one piece each, and using them takes a few lines more."""
    plain = [cell for cell in code(page) if not cell.source.startswith("%%")]
    programs = [len(cell.source.splitlines()) for cell in plain if cell.source.startswith("class ")]
    others = [cell for cell in plain if not cell.source.startswith("class ")]
    read = sorted(len(cell.source.splitlines()) for cell in others if not is_solution(cell))
    assert max(programs, default=0) <= 26
    assert max(len(cell.source.splitlines()) for cell in others) <= 8
    assert read[len(read) // 2] <= (6 if programs else 4), read


@pages
def test_a_page_has_at_most_twenty_five_code_cells(page: str) -> None:
    """Besides the folded solutions: the imports, what sets an exercise up and its check count."""
    assert len([cell for cell in code(page) if not is_solution(cell)]) <= 25


@pages
def test_a_page_has_exercises_that_are_not_solved_until_somebody_solves_them(page: str) -> None:
    exercises = [heading for heading in headings(page, 3) if re.match(r"\d · ", heading)]
    assert 2 <= len(exercises) <= 6
    checks = [cell for cell in code(page) if re.search(r"\.check_\w+\(cluster\)$", cell.source)]
    verdicts = {solved: [c for c in checks if is_solution(c) is solved] for solved in (False, True)}
    assert [len(verdicts[solved]) for solved in (False, True)] == [len(exercises)] * 2
    for solved, word in ((False, "Not yet."), (True, "Solved.")):
        for cell in verdicts[solved]:
            assert cell.outputs[-1]["data"]["text/plain"].startswith(word), cell.source


@pages
def test_no_two_folds_of_an_exercise_have_the_same_name(page: str) -> None:
    names: list[str] = []
    for cell in cells(page):
        if cell.cell_type == "markdown" and re.search(r"^#", cell.source, re.MULTILINE):
            names = []
        elif is_solution(cell):
            names.append(cell.metadata.get("mystnb", {}).get("code_prompt_show", "Solution"))
            assert len(names) == len(set(names)), cell.source


@pages
def test_what_a_page_applies_is_kept_as_a_manifest(page: str) -> None:
    applied = [cell.source.partition("\n")[2].strip() for cell in code(page) if cell.source.startswith("%%apply")]
    for name in MANIFESTS[page]:
        assert (ROOT / "manifests" / name).read_text().strip() in applied


def test_every_manifest_belongs_to_a_page() -> None:
    kept = {str(path.relative_to(ROOT / "manifests")) for path in Path(ROOT / "manifests").rglob("*.yaml")}
    gallery = (ROOT / "chapters/reference/gallery.ipynb").read_text()
    assert kept == {name for names in MANIFESTS.values() for name in names} | set(
        re.findall(r"/manifests/(reference/[\w-]+\.yaml)", gallery)
    )


def test_the_gallery_names_every_view() -> None:
    gallery = (ROOT / "chapters/reference/gallery.ipynb").read_text()
    modules = [import_module(f"k8snb.view.{path.stem}") for path in (ROOT / "k8snb/view").glob("[a-z]*.py")]
    kinds = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}
    views = {kind.__name__ for kind in kinds if {"_repr_mimebundle_", "_repr_html_"} & set(dir(kind))}
    for name, member in inspect.getmembers(Cluster):
        call = member.fget if isinstance(member, property) else member
        returned = getattr(call, "__annotations__", {}).get("return") or ""
        if not name.startswith("_") and views & set(re.findall(r"\w+", returned)):
            assert re.search(rf"`{name}`|cluster\.{name}\(", gallery), name
