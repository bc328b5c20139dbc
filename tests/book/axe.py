"""axe-core on a page that is open: what it finds serious, with what takes long looked at once."""

from __future__ import annotations

from functools import cache
from importlib import resources

from tests.browser import Visit

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


@cache
def script() -> str:
    """The script of axe-core, as the package for Playwright carries it."""
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def serious(visit: Visit, scheme: str) -> list[str]:
    """What is seriously wrong with a page in the dark or in the light."""
    visit.page.evaluate(script())
    visit.page.add_style_tag(content="* { transition: none !important }")  # no colour on its way to another
    visit.turn(scheme)
    visit.page.evaluate(ONE_OF_A_KIND)
    found: list[str] = visit.page.evaluate(CHECK, RULES[scheme])
    return found
