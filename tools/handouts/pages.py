"""A chapter of the built book as one document for paper: for participants without solutions, for instructors with them.

The pages are taken as `make book` built them, so what is printed is what the notebooks put out. What only works on a
screen goes: anchors of headings, scripts, and for phones the second drawing and the heads beside cells. Long outputs
are cut (`shortening`), steppers become tables and stills (`stills`), links say where they lead (`links`), and
instructors get what only they need (`teaching`). Anchors get the page's name in front, so that those of two pages do
not meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from k8snb import lab
from k8snb.i18n import _
from tools.handouts import links, shortening, stills, teaching

SOLUTION = "tag_hide-cell"
_SCREEN = "script, .headerlink, .k8snb-launch, .copybtn, .tag_hide-cell summary, svg + svg[aria-hidden], td span.column"
_FOLDED = re.compile(
    r"[.;:]\s+(?:(?:[Tt]he|[Ii]ts|[Tt]heir|[Oo]ne) solutions? (?:is|are) folded away|The next cell has one repair)"
    r"[^.]*\."
)
"""Sentences about the screen."""

_SMALLER = 0.2
"""Millimetres on paper for a pixel on the screen: three quarters of what they are."""


@dataclass(frozen=True)
class Exercise:
    """An exercise as a table of timings names it."""

    title: str
    minutes: int


@dataclass(frozen=True)
class Page:
    """A page of the book: its name within the chapter, its title, how long showing it takes, and how its exercises."""

    name: str
    title: str
    shown: int
    exercises: Sequence[Exercise]
    body: str

    @property
    def solving(self) -> int:
        """The minutes of all its exercises."""
        return sum(each.minutes for each in self.exercises)


@dataclass(frozen=True)
class Document:
    """What is printed of a chapter, before somebody knows on which sheets it comes to stand."""

    title: str
    language: str
    solutions: bool
    pages: Sequence[Page]

    @property
    def body(self) -> str:
        """The pages as HTML, one after the other."""
        return "\n".join(page.body for page in self.pages)


def chapter(book: Path, title: str, pages: Sequence[str], *, solutions: bool) -> Document:
    """The document of a chapter: its title, and its pages as they are named in the table of contents."""
    names = {page: page.rpartition("/")[2] for page in pages}
    made = []
    for page in pages:
        soup = BeautifulSoup((book / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
        article = soup.select_one("article.bd-article")
        assert article is not None, f"{page} is not a page of the book"
        _for_paper(article, page, names)
        made.append(_page(article, page.removeprefix("chapters/"), names[page], solutions=solutions))
    return Document(title, language(book / f"{pages[0]}.html"), solutions, made)


def language(page: Path) -> str:
    """The language in which a page of the built book is."""
    found = re.search(r'<html[^>]* lang="([\w-]+)"', page.read_text(encoding="utf-8"))
    return found[1] if found else "en"


def _for_paper(article: Tag, page: str, names: dict[str, str]) -> None:
    """Make the text of a page fit for paper and for standing beside others."""
    for stepper in article.select("k8snb-stepper"):
        stills.on_paper(stepper)
    for gone in article.select(_SCREEN):
        gone.decompose()
    for picture in article.select("svg[viewbox], svg[viewBox]"):
        _scale(picture)
    for folded in article.find_all(["details", "summary"]):
        folded.name = "div"
    for text in article.find_all(string=_FOLDED):
        text.replace_with(_FOLDED.sub(".", text))
    for anchored in article.select("[id]"):
        if not anchored.find_parent("svg"):
            anchored["id"] = f"{names[page]}--{anchored['id']}"
    shortening.shorten(article)
    links.on_paper(article, page, names)
    article["id"] = names[page]
    article["style"] = f"page: {names[page]}"


def _scale(picture: Tag) -> None:
    """Give a picture the size at which its words are as large as those of code."""
    box = re.findall(r"[\d.]+", str(picture.get("viewbox") or picture.get("viewBox")))
    if len(box) == 4:
        picture["style"] = f"{picture.get('style', '')};width:{float(box[2]) * _SMALLER:.0f}mm"


def _page(article: Tag, page: str, name: str, *, solutions: bool) -> Page:
    known = lab.exercises(page)
    title = article.find("h1")
    assert isinstance(title, Tag)
    said = title.get_text().strip()
    found = teaching.sections(article)
    if not solutions:
        _withhold(article)
    for section, exercise in zip(_exercises(article), known, strict=True):
        if solutions:
            _add_minutes(section, exercise.minutes)
            teaching.add_behind(section, page, exercise.name.rpartition("/")[2])
        else:
            _add_room(section, exercise.minutes)
    if solutions:
        teaching.add_plan(article, page, found, sum(each.minutes for each in known))
    timed = [Exercise(each.title, each.minutes) for each in known]
    return Page(name, said, sum(each.minutes for each in found), timed, str(article))


def _exercises(article: Tag) -> Iterator[Tag]:
    """The sections of a page's exercises, in order."""
    for section in article.select('section[id$="--exercises"] > section'):
        if re.match(r"\d+ · ", section.get_text().strip()):
            yield section


def _withhold(article: Tag) -> None:
    """Take out the solutions, and what is said about each below it."""
    for first in article.select(f".{SOLUTION}"):
        if not first.decomposed:
            for after in [first, *first.find_next_siblings()]:
                after.decompose()
    for verdict in article.find_all(string=_("Solved.")):  # of a fault that the page repairs with its reader
        verdict.replace_with(_("All of it holds."))


def _add_room(section: Tag, minutes: int) -> None:
    """Lines to write on: the more there is to do, the more of them."""
    lines = 3 if minutes <= 5 else 5 if minutes <= 10 else 7
    section.append(BeautifulSoup(f'<div class="room">{"<i></i>" * lines}</div>', "html.parser"))


def _add_minutes(section: Tag, minutes: int) -> None:
    heading = section.find("h3")
    if isinstance(heading, Tag):
        heading.append(BeautifulSoup(teaching.minutes(minutes), "html.parser"))
