"""A chapter of the built book as one document for paper: for participants without solutions, for instructors with them.

The pages are taken as `make book` built them, so what is printed is what the notebooks put out. What only works on a
screen goes: anchors of headings, scripts, the second drawing for phones. A stepper leaves its listing and its last
picture. Anchors get the page's name in front, so that those of two pages do not meet.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from k8snb import lab

SOLUTION = "tag_hide-cell"
_SCREEN = "script, .headerlink, .k8snb-launch, .copybtn, .tag_hide-cell summary, svg + svg[aria-hidden]"
_FOLDED = re.compile(r"[.;:]\s+(?:[Tt]he|[Ii]ts|[Tt]heir) solutions? (?:is|are) folded away[^.]*\.")
"""A sentence about the screen."""

_STRAIGHT = str.maketrans("‘’“”", "''\"\"")
"""Sphinx bends quotation marks."""


@dataclass(frozen=True)
class Exercise:
    """An exercise as a table of timings names it."""

    page: str
    title: str
    minutes: int


@dataclass(frozen=True)
class Heading:
    """A line of the table of contents."""

    anchor: str
    title: str
    depth: int


@dataclass(frozen=True)
class Document:
    """What is printed of a chapter, before somebody knows on which pages it comes to stand."""

    title: str
    edition: str
    headings: Sequence[Heading]
    exercises: Sequence[Exercise]
    body: str


def chapter(book: Path, title: str, pages: Iterable[str], *, solutions: bool) -> Document:
    """The document of a chapter: its title, and its pages as they are named in the table of contents."""
    headings: list[Heading] = []
    exercises: list[Exercise] = []
    bodies = []
    for page in pages:
        found = _article(book / f"{page}.html", page)
        timed = {each.title: each.minutes for each in lab.exercises(page.removeprefix("chapters/"))}
        _without_solutions(found) if not solutions else _with_times(found, timed)
        headings += _headings(found)
        exercises += [Exercise(_title(found), name, minutes) for name, minutes in timed.items()]
        bodies.append(str(found))
    edition = "Instructor's edition" if solutions else "Handout"
    return Document(title, edition, headings, exercises, "\n".join(bodies))


def _article(path: Path, page: str) -> Tag:
    """The text of a page, fit for paper and for standing beside others."""
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    assert article is not None, f"{path} is not a page of the book"
    for gone in article.select(_SCREEN):
        gone.decompose()
    for folded in article.find_all("details"):
        folded["open"] = ""
    for text in article.find_all(string=_FOLDED):
        text.replace_with(_FOLDED.sub(".", text))
    prefix = page.rpartition("/")[2]
    for anchored in article.select("[id]"):
        if not anchored.find_parent("svg"):
            anchored["id"] = f"{prefix}--{anchored['id']}"
    for link in article.select('a[href^="#"]'):
        link["href"] = f"#{prefix}--{str(link['href'])[1:]}"
    for link in article.select("a[href]"):
        if not str(link["href"]).startswith(("#", "http")):
            link.unwrap()
    return article


def _without_solutions(article: Tag) -> None:
    for cell in article.select(f".{SOLUTION}"):
        cell.decompose()


def _with_times(article: Tag, minutes: dict[str, int]) -> None:
    """Write beside each exercise how long it takes."""
    for heading in article.find_all("h3"):
        found = re.match(r"\d+ · (.*)", heading.get_text())
        title = found[1].translate(_STRAIGHT) if found else ""
        if title in minutes:
            heading.append(BeautifulSoup(f' <span class="minutes">{minutes[title]} min</span>', "html.parser"))


def _title(article: Tag) -> str:
    """The title of a page."""
    title = article.find("h1")
    return title.get_text().strip() if isinstance(title, Tag) else ""


def _headings(article: Tag) -> list[Heading]:
    found = []
    for heading in article.select("h1, h2"):
        section = heading.find_parent("section")
        if isinstance(section, Tag):
            found.append(Heading(str(section["id"]), heading.get_text().strip(), int(heading.name[1])))
    return found


def written(document: Document, styles: Iterable[str], numbers: dict[str, int]) -> str:
    """The document as HTML, with the page numbers that are known."""
    words = json.dumps(f"{document.title} · {document.edition}", ensure_ascii=False)
    foot = f"@page {{ @bottom-left {{ content: {words} }} }}"
    sheets = "\n".join(f"<style>{style}</style>" for style in [*styles, foot])
    name = html.escape(document.title)
    return f"""<!doctype html>
<html lang="en" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{name} · {html.escape(document.edition)}</title>{sheets}</head>
<body>
<header class="cover"><p>Kubernetes, taken apart</p><h1>{name}</h1>
<p class="edition">{html.escape(document.edition)}</p>
{_contents(document, numbers)}{_timings(document)}</header>
<main class="bd-content">{document.body}</main>
</body></html>"""


def _contents(document: Document, numbers: dict[str, int]) -> str:
    lines = (
        f'<li class="depth-{each.depth}"><a href="#{each.anchor}"><span>{html.escape(each.title)}</span>'
        f"<i></i><b>{numbers.get(each.anchor, '')}</b></a></li>"
        for each in document.headings
        if each.depth == 1 or each.title == "Exercises"
    )
    return f'<nav class="contents"><h2>Contents</h2><ol>{"".join(lines)}</ol></nav>'


def _timings(document: Document) -> str:
    """For instructors: how long each exercise takes, page by page."""
    if document.edition == "Handout" or not document.exercises:
        return ""
    rows, before = [], ""
    for each in document.exercises:
        page, before = (each.page if each.page != before else ""), each.page
        rows.append(f"<tr><td>{html.escape(page)}</td><td>{html.escape(each.title)}</td><td>{each.minutes}</td></tr>")
    total = sum(each.minutes for each in document.exercises)
    rows.append(f'<tr class="total"><td>All of them</td><td></td><td>{total}</td></tr>')
    head = "<tr><th>Page</th><th>Exercise</th><th>Minutes</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<section class="timings"><h2>Time</h2>{table}</section>'
