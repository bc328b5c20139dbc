"""What is seriously wrong with a page that is open: axe-core finds it, and contrast is measured beside it.

axe measures the contrast of words in HTML slowly, and of words in pictures or on other boxes not at all. So that is
worked out by `contrast.js`, in both themes; everything else is axe's, and does not depend on colours.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from tests.browser import Visit

BARE = """() => {
  const told = '[id], [role], [tabindex], [lang], [href], [title]';
  const aria = element => [...element.attributes].some(each => each.name.startsWith('aria-'));
  const bare = element => !element.matches(told) && !aria(element);
  const coloured = element => element.localName === 'span' && bare(element) && !element.style.whiteSpace;
  for (const listing of document.querySelectorAll('pre'))
    if ([...listing.querySelectorAll('*')].every(coloured))
      listing.textContent = listing.textContent;
  const strip = root => {
    for (const element of root.querySelectorAll('*')) if (element.shadowRoot) strip(element.shadowRoot);
    for (const leaf of [...root.querySelectorAll('svg:is([role=img], [aria-hidden=true]) *')].reverse())
      if (!leaf.childElementCount && bare(leaf) && !leaf.matches('svg > title, svg > desc, a')) leaf.remove();
  };
  strip(document);
}"""
"""Take out what has nothing but a colour or a shape, which is most of a page and means nothing to axe's other rules."""

CHECK = """async () => {
  const ids = [...document.querySelectorAll('[id]')].map(each => each.id);
  const twice = ids.filter((id, number) => ids.indexOf(id) !== number);
  const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const settings = { runOnly: rules, rules: { 'color-contrast': { enabled: false } }, resultTypes: ['violations'] };
  const found = await axe.run(document, { ...settings, preload: { assets: ['media'] } });
  const serious = found.violations.filter(each => ['serious', 'critical'].includes(each.impact));
  const said = node => `${node.target.flat(9).join(' ')}: ${node.failureSummary.split('\\n').pop().trim()}`;
  const faults = serious.flatMap(each => each.nodes.map(node => `${each.id}: ${said(node)}`));
  return [...faults, ...twice.map(id => `duplicate-id: #${id}`)];
}"""

STILL = "* { animation: none !important; transition: none !important }"
"""Nothing is on its way to another colour: what the reader has just opened fades in."""


@cache
def script() -> str:
    """The script of axe-core, as the package for Playwright carries it."""
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@cache
def measure() -> str:
    """What measures contrast: a function of a page's script, which gives what is too faint."""
    return (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


def contrast(visit: Visit, scheme: str) -> list[str]:
    """The words of a page that cannot be read well, in the dark or in the light."""
    visit.page.add_style_tag(content=STILL)
    visit.turn(scheme)
    found: list[str] = visit.page.evaluate(measure(), False)
    return found


def serious(visit: Visit) -> list[str]:
    """What else is seriously wrong with it, as axe sees it. The page is not fit for looking at afterwards."""
    visit.page.evaluate(script())
    visit.page.evaluate(BARE)
    found: list[str] = visit.page.evaluate(CHECK)
    return found
