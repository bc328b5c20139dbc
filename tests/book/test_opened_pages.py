"""The built pages as files that somebody opens, in the dark at first: axe-core finds nothing serious on them in
either scheme, and they are alive. A page is opened once, and the tests do one after the other with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.book.reading import step_through
from tests.book.test_pages import PAGES
from tests.browser import Visit, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]

ONE_OF_A_KIND = """() => {
  const looks = new Map(), kinds = new Set();
  const own = element => {
    const style = getComputedStyle(element);
    return [element.localName, element.getAttribute('class'), element.getAttribute('style'), style.color,
            style.backgroundColor, style.backgroundImage, style.opacity, style.fontSize, style.fontWeight,
            style.visibility, style.position].join();
  };
  const look = element => {
    const around = element.parentElement;
    if (!looks.has(element)) looks.set(element, (around ? look(around) + '>' : '') + own(element));
    return looks.get(element);
  };
  document.querySelectorAll('[data-alike]').forEach(element => element.removeAttribute('data-alike'));
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('svg')) continue;
    const before = kinds.size;
    if (kinds.add(look(element)).size === before) element.setAttribute('data-alike', '');
  }
  axe.configure({ rules: [{ id: 'color-contrast', selector: '*:not([data-alike])' }] });
}"""
"""Contrast is what takes long. Where elements and all that they stand in look the same, such as keywords of listings,
it is measured at the first of them; texts in pictures, which stand on other shapes, are measured one by one."""

CHECK = """async (rules) => {
  const settings = { resultTypes: ['violations'], runOnly: rules, preload: { assets: ['media'] } };
  const found = await axe.run(document, settings);
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


@pytest.fixture(scope="module", params=PAGES)
def opened(request: Any, browser: Any, book: Path, axe: str) -> Iterator[Visit]:
    """A page that is opened from its file, in the dark, with every solution unfolded."""
    with Visit(browser, (book / f"{request.param}.html").as_uri(), scheme="dark") as visit:
        visit.unfold()
        visit.page.evaluate(axe)
        yield visit


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious(opened: Visit, scheme: str) -> None:
    opened.turn(scheme)
    opened.page.evaluate(ONE_OF_A_KIND)
    assert opened.page.evaluate(CHECK, RULES[scheme]) == []


def test_every_stepper_can_be_stepped_in_a_file(opened: Visit) -> None:
    step_through(opened)
    assert opened.troubles == []
