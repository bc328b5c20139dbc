"""What a chapter's handout holds: every exercise for both readers, solutions and minutes for the instructor alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from k8snb import lab
from tools.handouts.pages import Document, chapter, written
from tools.handouts.printing import numbers

PAGE = "chapters/first-app/labels"


@cache
def documents(book: Path) -> dict[bool, Document]:
    return {solutions: chapter(book, "First app", [PAGE], solutions=solutions) for solutions in (False, True)}


def test_every_exercise_is_there_and_solutions_are_the_instructors(book: Path) -> None:
    handout, instructors = documents(book).values()
    titles = [each.title for each in lab.exercises("first-app/labels")]
    assert len(titles) >= 4
    for title in titles:
        assert title in handout.body
        assert title in instructors.body
    assert "Not yet." in handout.body
    assert "Solved." not in handout.body
    assert "tag_hide-cell" not in handout.body
    assert instructors.body.count("Solved.") >= len(titles)


def test_minutes_are_for_instructors(book: Path) -> None:
    handout, instructors = documents(book).values()
    total = sum(each.minutes for each in lab.exercises("first-app/labels"))
    assert "minutes" not in handout.body
    assert f"<td>{total}</td>" in written(instructors, [], {})
    assert "<td>Exercise" not in written(handout, [], {})


def test_a_table_of_contents_has_the_numbers_of_its_pages(book: Path) -> None:
    document = documents(book)[False]
    known = {heading.anchor: number for number, heading in enumerate(document.headings, 101)}
    page = written(document, [], known)
    assert "<b>101</b>" in page
    assert all(f'id="{heading.anchor}"' in page for heading in document.headings)


def test_the_pages_of_anchors_are_read_from_a_print() -> None:
    tree = b"1 0 obj\n<</Type /Pages\n/Kids [2 0 R 3 0 R]>>\nendobj\n"
    leaves = b"2 0 obj\n<</Type /Page>>\nendobj\n3 0 obj\n<</Type /Page>>\nendobj\n"
    anchors = b"4 0 obj\n<</pod--pod [3 0 R /XYZ 0 842 0]>>\nendobj\n"
    assert numbers(tree + leaves + anchors) == {"pod--pod": 2}


@pytest.mark.parametrize("kept", ["<script", "headerlink", "k8snb-launch"])
def test_nothing_on_paper_is_for_a_screen_alone(book: Path, kept: str) -> None:
    assert kept not in documents(book)[False].body
