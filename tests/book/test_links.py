"""Links of the built book: those inside lead somewhere, those to others are well formed; and what a page weighs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.book.test_pages import PAGES

HEAVIEST = 1_000_000
"""Bytes that a page may have, with all its stories and pictures; fonts and style sheets are shared."""

HREF = re.compile(r"""<a\b[^>]*?\bhref=["']([^"']*)["']""")
NAMED = re.compile(r"""\b(?:id|name)=["']([^"']+)["']""")


@cache
def links(path: Path) -> list[str]:
    return list(dict.fromkeys(found.replace("&amp;", "&") for found in HREF.findall(path.read_text())))


@cache
def names(path: Path) -> frozenset[str]:
    return frozenset(NAMED.findall(path.read_text()))


def missing(path: Path, link: str) -> bool:
    """Whether a link of a page leads nowhere in the book."""
    parts = urlsplit(link)
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not there.is_file():
        return True
    return bool(parts.fragment and there.suffix == ".html" and unquote(parts.fragment) not in names(there))


def unbuilt(book: Path, path: Path, link: str) -> bool:
    """Whether a link leads to the edition for browsers, which is hidden on the pages until that is built."""
    edition = book.resolve() / "lite"
    return not edition.exists() and (path.parent / urlsplit(link).path).resolve().is_relative_to(edition)


@pytest.mark.parametrize("page", [*PAGES, "genindex", "search"])
def test_every_link_within_the_book_and_its_anchor_are_there(book: Path, page: str) -> None:
    path = (book / f"{page}.html").resolve()
    inside = [link for link in links(path) if not urlsplit(link).scheme and link not in ("", "#")]
    assert [link for link in inside if missing(path, link) and not unbuilt(book, path, link)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_others_is_well_formed(book: Path, page: str) -> None:
    outside = [urlsplit(link) for link in links(book / f"{page}.html") if urlsplit(link).scheme]
    good = [
        each for each in outside if each.scheme == "mailto" or (each.hostname and not re.search(r"\s", each.geturl()))
    ]
    assert outside == good


def test_no_page_weighs_too_much(book: Path) -> None:
    weights = {page: (book / f"{page}.html").stat().st_size for page in PAGES}
    for page, weight in sorted(weights.items(), key=lambda each: -each[1]):
        print(f"{weight / 1000:8.0f} kB  {page}")
    assert {page: weight for page, weight in weights.items() if weight > HEAVIEST} == {}
