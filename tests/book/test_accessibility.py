"""What axe-core finds on the pages of the book, in light and dark: nothing that is serious."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.book.conftest import HTML
from tests.book.test_pages import PAGES
from tests.browser import Visit, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]

CHECK = """async (rules) => {
  document.querySelectorAll('details').forEach(solution => solution.open = true);
  const found = await axe.run(document, { resultTypes: ['violations'], runOnly: rules });
  const serious = found.violations.filter(each => ['serious', 'critical'].includes(each.impact));
  const said = node => `${node.target.flat(9).join(' ')}: ${node.failureSummary.split('\\n').pop().trim()}`;
  return serious.flatMap(each => each.nodes.map(node => `${each.id}: ${said(node)}`));
}"""

RULES = {"light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "dark": ["color-contrast"]}
"""In the dark only what depends on colours is looked at again."""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, as the package for Playwright carries it."""
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, book: Path, axe: str, page: str, scheme: str) -> None:
    with Visit(browser, (HTML / f"{page}.html").as_uri(), scheme=scheme) as visit:
        visit.page.evaluate(axe)
        assert visit.page.evaluate(CHECK, RULES[scheme]) == []
