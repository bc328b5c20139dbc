"""Every exercise is proven from both sides: it is not solved at first, several ways solve it, and mistakes do not, each
of which gets a hint of its own (`proving` says how that is written down)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from k8snb.lab.catalogue import MODULES, exercises
from tests.lab.aside import Aside
from tests.lab.proving import PROOFS, ROOT, incomplete, proofs, shown

EXERCISES = [(page, word) for page in MODULES for word in proofs(page)["exercises"]]


@pytest.fixture(scope="module")
def aside() -> Iterator[Aside]:
    with Aside() as process:
        yield process


@pytest.mark.parametrize(("page", "word"), EXERCISES, ids=[f"{page}/{word}" for page, word in EXERCISES])
def test_an_exercise_can_be_failed_and_solved_in_more_than_one_way(aside: Aside, page: str, word: str) -> None:
    found = aside.doubts(page, word)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", MODULES)
def test_a_page_has_four_exercises_that_are_proven(page: str) -> None:
    assert incomplete(page) == []


@pytest.mark.parametrize("page", MODULES)
def test_the_catalogue_has_what_stands_on_the_page(page: str) -> None:
    word = page.rpartition("/")[2]
    assert [(each.title, each.name) for each in exercises(page)] == [
        (each.title, f"{word}/{each.name}") for each in shown(page)
    ]


def test_the_catalogue_has_every_page_in_the_order_of_the_book() -> None:
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    pages = [each["file"].removeprefix("chapters/") for part in parts for each in part["chapters"]]
    assert list(MODULES) == [page for page in pages if not page.startswith("reference/")]


def test_no_two_exercises_have_the_same_name() -> None:
    names = [each.name for each in exercises()]
    assert sorted(set(names)) == sorted(names)


def test_every_proof_belongs_to_a_page() -> None:
    kept = {str(path.relative_to(PROOFS).with_suffix("")) for path in PROOFS.rglob("*.yaml")}
    assert kept <= set(MODULES)


def test_a_list_of_exercises_is_a_table_with_their_minutes() -> None:
    found = exercises("first-app/labels")
    assert repr(found[:2]).splitlines() == [
        "2 exercises, 15 minutes",
        "labels/release  The stable ones     5 min",
        "labels/front    The greedy Service  10 min",
    ]
    assert "<td><code>labels/front</code></td><td>The greedy Service</td>" in found._repr_html_()
