"""What a handout holds: every exercise for both readers; solutions, minutes and notes for the instructor alone."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from k8snb import i18n, lab
from k8snb.lab.catalogue import MODULES
from k8snb.view.packing import packed
from tests.browser import CHROMIUM, needs_chromium
from tools.handouts import links, printing, shortening, stills, teaching
from tools.handouts.__main__ import chapters, chosen, styles
from tools.handouts.pages import Document, chapter
from tools.handouts.sheets import written
from tools.handouts.withholding import hidden, leaks

PAGE = "chapters/first-app/labels"
EXERCISES = lab.exercises("first-app/labels")


@cache
def document(book: Path, solutions: bool) -> Document:
    return chapter(book, "First app", [PAGE], solutions=solutions)


def paper(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


# -- what stands in which edition ------------------------------------------------------------------------


def test_every_exercise_is_there_and_solutions_are_the_instructors(book: Path) -> None:
    handout, instructors = document(book, False), document(book, True)
    assert len(EXERCISES) >= 4
    for each in EXERCISES:
        assert each.title in handout.body
        assert each.title in instructors.body
    assert "Not yet." in handout.body
    assert leaks(paper(handout.body).get_text(), [PAGE]) == []
    assert instructors.body.count("Solved.") >= len(EXERCISES)


def test_minutes_and_notes_are_for_instructors(book: Path) -> None:
    handout, instructors = document(book, False), document(book, True)
    (page,) = instructors.pages
    assert page.solving == sum(each.minutes for each in EXERCISES)
    assert f"<td>{page.shown}</td><td>{page.solving}</td>" in written(instructors, [], {})
    assert teaching.notes("first-app/labels")["say"][0] in paper(instructors.body).get_text()
    assert 'class="minutes"' in instructors.body
    assert 'class="minutes"' not in handout.body
    assert "Solve</th>" not in written(handout, [], {})


def test_below_an_exercise_instructors_find_its_mistakes_and_what_the_check_says(book: Path) -> None:
    shown = paper(document(book, True).body).select_one(
        '[id="labels--the-stable-ones"] .behind, [id$="stable-ones"] .behind'
    )
    assert shown is not None
    assert "%kubectl label pods --all release=stable" in shown.get_text()
    assert "look at blog-db, blog-web" in shown.get_text()


def test_a_line_of_a_solution_and_a_verdict_are_noticed() -> None:
    assert leaks("do %kubectl label pods\n -l app=shop,env=prod release=stable here. Solved.", [PAGE]) == [
        "%kubectl label pods -l app=shop,env=prod release=stable",
        "Solved.",
    ]


@pytest.mark.parametrize("page", MODULES)
def test_every_page_withholds_something_and_has_notes_for_instructors(page: str) -> None:
    assert hidden([f"chapters/{page}"])
    assert {name: len(said) >= 2 for name, said in teaching.notes(page).items()} == dict.fromkeys(
        ("say", "ask", "wrong"), True
    )


@pytest.mark.parametrize(
    "kept", ["<script", "headerlink", "k8snb-launch", "k8snb-stepper", "folded away", 'class="column"']
)
def test_nothing_on_paper_is_for_a_screen_alone(book: Path, kept: str) -> None:
    assert kept not in document(book, False).body


# -- what paper makes of a page --------------------------------------------------------------------------


def test_what_was_printed_before_is_not_printed_again_and_what_is_long_is_cut() -> None:
    short, long = "a\nb\nc\nd", "\n".join(map(str, range(30)))
    page = paper("".join(f'<div class="cell_output"><pre>{text}</pre></div>' for text in (short, short, long)))
    shortening.shorten(page)
    assert [each.get_text() for each in page.select("pre")] == [
        short,
        "(the same as before)",
        "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n… 14 more lines …\n26\n27\n28\n29",
    ]


def test_only_long_code_may_go_on_on_the_next_sheet() -> None:
    cells = ("\n".join(["x = 1"] * lines) for lines in (12, 40))
    page = paper(
        "".join(f'<div class="cell_input"><div class="highlight"><pre>{cell}</pre></div></div>' for cell in cells)
    )
    shortening.shorten(page)
    assert [each["class"] for each in page.select(".cell_input")] == [["cell_input"], ["cell_input", "long"]]


def test_what_a_handout_says_itself_is_said_in_the_language_of_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    class Marked(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return f"§{message}"

    monkeypatch.setattr(i18n, "_catalogue", Marked())
    made = paper(written(Document("First app", "xx", True, []), [], {}))
    told = [text for text in made.body.stripped_strings if text.strip(" ·") not in {"First app", "0"}]
    assert [text for text in told if not text.startswith("§")] == []


def test_links_say_where_they_lead() -> None:
    page = paper(
        '<article><p><a href="pod.html"><i class="std-doc">Pod</i></a>, <a href="../b/other.html">Other</a>, <a href="https://a.io/b/">A</a></p>'
        '<section id="x--further-reading"><a href="https://c.io/d">C</a></section></article>'
    )
    links.on_paper(page.article, "chapters/a/node", {"chapters/a/node": "node", "chapters/a/pod": "pod"})
    assert page.p is not None
    assert str(page.p) == (
        '<p><a href="#pod"><i class="std-doc">Pod</i></a><span class="at" data-to="pod"></span>, Other, <a href="https://a.io/b/">A</a><sup>1</sup></p>'
    )
    assert "C c.io/d" in page.get_text()
    assert page.get_text().endswith("Addresses" + "a.io/b")


def story(steps: int) -> Mapping[str, object]:
    frame = {"time": "+1.0 s", "actor": "kubelet", "caption": "starts a container on this machine"}
    scene = {"Pod/web": {"state": "running", "place": "Node/a"}, "Node/a": {}}
    return {"title": "Told", "frames": [{**frame, "set": scene if not number else {}} for number in range(steps)]}


def test_a_story_is_unpacked_as_the_front_end_does() -> None:
    assert stills.unpacked(packed(dict(story(4)))) == story(4)


def test_a_long_story_is_a_table_with_gaps_and_its_last_picture() -> None:
    drawn = paper(stills.drawn(story(30)))
    assert [row.get_text() for row in drawn.select("tr.gap")] == ["… 25 more steps"]
    assert [row.td.get_text() for row in drawn.select("tr:not(.gap)") if row.td] == ["1", "2", "3", "29", "30"]
    assert [each.get_text() for each in drawn.select("figcaption")] == ["Step 30 +1.0 s"]


# -- the print -------------------------------------------------------------------------------------------


@cache
def printed(book: Path, solutions: bool) -> bytes:
    with printing.press() as press:
        return printing.settled(partial(written, document(book, solutions), styles()), press)


@cache
def sheets(book: Path) -> list[str]:
    return printing.sheets(printed(book, False))


@pytest.mark.browser
@needs_chromium
def test_a_print_is_a4_has_a_title_a_language_tags_and_an_outline(book: Path) -> None:
    reader = PdfReader(BytesIO(printed(book, False)))
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages} == {(595, 842)}
    assert reader.metadata is not None
    assert reader.metadata.title == "Kubernetes, taken apart: First app (Handout)"
    root = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("en", True)
    assert "Labels and selectors" in str(reader.outline)


@pytest.mark.browser
@needs_chromium
def test_the_text_of_a_handouts_print_gives_no_solution_away(book: Path) -> None:
    text = "\n".join(sheets(book))
    assert "The greedy Service" in text
    assert leaks(text, [PAGE]) == []


@pytest.mark.browser
@needs_chromium
def test_a_table_of_contents_has_the_numbers_of_the_sheets(book: Path) -> None:
    number = printing.numbers(printed(book, False))["labels--exercises"]
    assert str(number) in sheets(book)[0].split()
    assert "Exercises" in sheets(book)[number - 1].splitlines()
    assert f"{number} / {len(sheets(book))}" in sheets(book)[number - 1]


@pytest.mark.browser
@needs_chromium
def test_every_sheet_but_the_cover_says_what_it_is_of(book: Path) -> None:
    said = ["Kubernetes, taken apart · Handout" in sheet for sheet in sheets(book)]
    assert said == [False] + [True] * (len(said) - 1)


def test_who_has_no_chromium_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert printing.chromium() is None
    assert "apt install chromium" in printing.MISSING
    monkeypatch.setenv("CHROMIUM", CHROMIUM or "/bin/sh")
    assert printing.chromium() == (CHROMIUM or "/bin/sh")
    monkeypatch.setenv("CHROMIUM", "/no/such/program")
    with pytest.raises(SystemExit, match="to print with /no/such/program"), printing.press():
        pass


def test_who_names_no_chapter_is_told_which_there_are() -> None:
    assert list(chosen(["ecosystem", "production"])) == ["ecosystem", "production"]
    assert list(chosen([])) == ["first-app", "production", "workloads", "architecture", "ecosystem"]
    with pytest.raises(SystemExit, match="There is no chapter pod; there are first-app, production,"):
        chosen(["first-app", "pod"])


def test_the_chapters_are_those_with_exercises() -> None:
    assert [page for pages in chapters().values() for page in pages] == [f"chapters/{page}" for page in MODULES]
