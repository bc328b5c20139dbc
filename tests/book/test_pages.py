"""The built book: complete, silent towards other hosts, and alive in a browser, served or opened from a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8snb.view.stepper import CARRIES
from tests.book.conftest import HTML, ROOT
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


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("page", [*PAGES, "search"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_loads_without_an_error_and_without_another_host(
    browser: Any, site: str, page: str, scheme: str
) -> None:
    with Visit(browser, f"{site}/{page}.html", scheme=scheme) as visit:
        visit.settle()
        assert visit.troubles == []


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_wider_than_a_phone(browser: Any, site: str, page: str) -> None:
    with Visit(browser, f"{site}/{page}.html", width=360, height=740) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("page", [page for page in PAGES if "/" in page])
@pytest.mark.parametrize("way", ["served", "from a file"])
def test_every_stepper_can_be_stepped(browser: Any, site: str, page: str, way: str) -> None:
    url = f"{site}/{page}.html" if way == "served" else (HTML / f"{page}.html").as_uri()
    with Visit(browser, url) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(solution => solution.open = true)")
        steppers = visit.page.locator("k8snb-stepper").all()
        for stepper in steppers:
            last = int(stepper.locator(".count").inner_text().split("/")[1])
            stepper.get_by_role("button", name="next step").click()
            assert stepper.locator(".count").inner_text() == f"2 / {last}"
            stepper.locator("section").focus()
            visit.page.keyboard.press("End")
            assert stepper.locator(".count").inner_text() == f"{last} / {last}"
            visit.page.keyboard.press("ArrowLeft")
            assert stepper.locator(".count").inner_text() == f"{last - 1} / {last}"
        assert visit.troubles == []
