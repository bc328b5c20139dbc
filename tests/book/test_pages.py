"""The built book: complete, silent towards other hosts, and alive in a browser.

A page is visited once, and the tests do one after the other with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8snb.view.stepper import CARRIES
from tests.book.axe import contrast, serious
from tests.book.conftest import ROOT
from tests.book.reading import step_through
from tests.browser import Visit, needs_chromium

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]

LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*\b(?:src|data)=["'](https?:)?//[^"']+"""
    r"""|<link\b[^>]*\brel=["'](?:stylesheet|preload|preconnect|icon)["'][^>]*\bhref=["'](https?:)?//[^"']+"""
    r"""|@import\s+["'(]*(https?:)?//|url\(["']?(https?:)?//""",
    re.IGNORECASE,
)
"""What makes a browser ask another host by itself. Links that a reader may click are not meant."""


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_table_of_contents_is_built(book: Path, page: str) -> None:
    assert (book / f"{page}.html").exists()


@pytest.mark.parametrize("page", [*PAGES, "search", "genindex"])
def test_no_page_names_another_host_to_load_from(book: Path, page: str) -> None:
    assert [match[0][:200] for match in LOADS.finditer((book / f"{page}.html").read_text())] == []


def test_no_style_sheet_names_another_host_to_load_from(book: Path) -> None:
    found = {path.name: LOADS.findall(path.read_text()) for path in (book / "_static").rglob("*.css")}
    assert {name: urls for name, urls in found.items() if urls} == {}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_an_error_that_is_not_meant(book: Path, page: str) -> None:
    html = (book / f"{page}.html").read_text()
    for trouble in ("system-message", "problematic", "[object Object]", "text_stderr", "&lt;Stepper", "&lt;Diagram"):
        assert trouble not in html


def test_a_page_carries_no_widget_state(book: Path) -> None:
    for page in PAGES:
        assert "jupyter.widget-state" not in (book / f"{page}.html").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_carries_the_front_end_of_steppers_once_if_it_has_any(book: Path, page: str) -> None:
    html = (book / f"{page}.html").read_text()
    assert html.count(f"<script {CARRIES}>") == min(1, html.count("</k8snb-stepper>"))


@pytest.fixture(scope="module", params=[*PAGES, "search"])
def read(request: Any, browser: Any, site: str) -> Iterator[Visit]:
    """A page that a reader comes to on a phone, from where it is served, in the light."""
    with Visit(browser, f"{site}/{request.param}.html", width=360, height=740) as visit:
        yield visit


@pytest.mark.browser
@needs_chromium
def test_no_page_is_wider_than_a_phone(read: Visit) -> None:
    assert read.page.evaluate("document.documentElement.scrollWidth") <= 360


HEADLESS = """() => [...document.querySelectorAll('table.stacks')].flatMap(table => {
  const told = [...table.querySelectorAll('th, .column')].filter(each => each.offsetWidth);
  const seen = told.map(each => each.textContent);
  return [...table.tHead.rows[0].cells].map(cell => cell.textContent).filter(head => head && !seen.includes(head));
})"""
"""The heads of tables that nobody is told on a phone."""


@pytest.mark.browser
@needs_chromium
def test_a_table_on_a_phone_tells_the_heads_of_all_its_columns(read: Visit) -> None:
    assert read.page.evaluate(HEADLESS) == []


BESIDE = """() => [...document.querySelectorAll('#who-is-right table tr')].map(row => {
  const places = [...row.cells].map(cell => cell.getBoundingClientRect());
  return new Set(places.map(place => place.top)).size === 1 && places.at(-1).right <= innerWidth;
})"""


@pytest.mark.browser
@needs_chromium
def test_a_table_of_short_columns_stays_a_table_on_a_phone(browser: Any, site: str) -> None:
    with Visit(browser, f"{site}/chapters/architecture/etcd.html", width=360, height=740) as visit:
        assert visit.page.evaluate(BESIDE) == [True] * 6


BROKEN = """() => [...document.querySelectorAll('code .pre:not(.long)')]
  .filter(word => word.getClientRects().length > 1).map(word => word.textContent)"""
"""Short words in code that go on in the next line."""


@pytest.mark.browser
@needs_chromium
def test_a_short_word_in_code_stays_whole_on_a_phone(read: Visit) -> None:
    assert read.page.evaluate(BROKEN) == []


PICTURES = """() => [...document.querySelectorAll('.k8snb-view svg')].flatMap(svg => {
  const box = svg.getBoundingClientRect(), around = svg.closest('.k8snb-view');
  if (box.width < 5) return [];
  const sizes = [...svg.querySelectorAll('text, tspan')].map(one => parseFloat(getComputedStyle(one).fontSize));
  const smallest = Math.min(...sizes, 99) * box.width / svg.viewBox.baseVal.width;
  const fits = around.scrollWidth <= around.clientWidth + 1 && smallest > 10.9;
  return fits ? [] : [`${around.scrollWidth} of ${around.clientWidth}, ${smallest.toFixed(1)}: ${svg.textContent}`];
})"""
"""The pictures of a page that are wider than their column, or whose smallest words are smaller than 11 pixels."""


@pytest.mark.browser
@needs_chromium
def test_every_picture_fits_a_phone_and_can_be_read(read: Visit) -> None:
    assert read.page.evaluate(PICTURES) == []


@pytest.mark.browser
@needs_chromium
def test_a_page_is_there_without_an_error_and_without_another_host_light_or_dark_narrow_or_wide(read: Visit) -> None:
    read.settle()
    assert read.troubles == []
    read.page.set_viewport_size({"width": 1200, "height": 900})
    read.turn("dark")
    read.settle()
    assert read.troubles == []


@pytest.mark.browser
@needs_chromium
def test_every_stepper_can_be_stepped(read: Visit) -> None:
    read.unfold()
    step_through(read)
    assert read.troubles == []


@pytest.mark.browser
@needs_chromium
def test_every_word_can_be_read_in_the_dark_and_in_the_light(read: Visit) -> None:
    assert {scheme: contrast(read, scheme) for scheme in ("dark", "light")} == {"dark": [], "light": []}


@pytest.mark.browser
@needs_chromium
def test_what_leads_back_to_the_top_can_be_read(browser: Any, site: str) -> None:
    with Visit(browser, f"{site}/{PAGES[1]}.html") as visit:
        visit.page.add_style_tag(content="#pst-back-to-top { display: block !important }")
        assert {scheme: contrast(visit, scheme) for scheme in ("dark", "light")} == {"dark": [], "light": []}


@pytest.mark.browser
@needs_chromium
def test_axe_finds_nothing_serious(read: Visit) -> None:
    assert serious(read) == []


FAULTY = Path(__file__).parent / "faults.html"
"""A page on which everything that is wrong has its name as a class."""

ALWAYS = ["gone", "k", "n", "on-another", "below-unseen", "in-shadow", "on-shape", "quiet"]
BY_DAY = [*ALWAYS[:6], "picture-in-shadow", "on-shape", "quiet", "filled", "part"]
OTHER = [
    *("aria-command-name", "aria-roles", "aria-valid-attr", "aria-valid-attr-value", "button-name", "duplicate-id"),
    *("image-alt", "link-in-text-block", "list", "nested-interactive", "svg-img-alt", "target-size", "target-size"),
    "td-headers-attr",
]


def faulty(found: list[str]) -> list[str]:
    """The first class of each element that was found."""
    return [each.split(":")[0].split()[-1].split(".")[1] for each in found]


@pytest.mark.browser
@needs_chromium
def test_faults_are_found_in_html_in_pictures_and_in_shadow_trees(browser: Any) -> None:
    with Visit(browser, FAULTY.as_uri()) as visit:
        assert faulty(contrast(visit, "dark")) == ["dark-by-night", *ALWAYS]
        assert faulty(contrast(visit, "light")) == ["pale-by-day", *BY_DAY]
        assert sorted(each.split(":")[0] for each in serious(visit)) == OTHER
