"""How the built book looks: `python tools/looks [PAGE …]` measures what can be measured, and takes pictures.

For every page at every width in every theme it prints what is cut off, lies on something else, sticks out, scrolls
sideways, moves what is below, is too small to read or to hit, or empty (`checks.js`), and what is too faint (measured
as in the tests), with the steppers at their first, middle and last step in each of their views. `--sheets` puts what
there is to see on contact sheets: figures and steppers, tables, exercises, whole pages at about half their size. Look
at them: no check knows what is beautiful. `--media print` looks at what is for paper, `--no-scripts` at what is left
where no script runs.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.book.axe import measure  # noqa: E402
from tests.browser import Visit, chromium  # noqa: E402
from tools.looks.sheets import Shot, write  # noqa: E402

CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8")
FEW = 2  # of what is alike, so many are told on a page
TALL = 1700  # pixels: so high is the window, so that a stepper fits into it
NARROW = 600  # pixels: what is wider is shown smaller
MOST = 12_000  # pixels of a page that are photographed at once
KINDS = {
    "figures": ".k8snb-view:not(k8snb-stepper):has(svg, table), .output.image_svg, .concept-map",
    "tables": ".bd-article table",
}

STEP = """(host, way) => { const root = host.shadowRoot, range = root.querySelector("input[type=range]");
  range.value = Math.ceil(range.max * way / 2);
  range.dispatchEvent(new Event("input"));
  return +range.value + 1; }"""
DRAWN = "host => host.offsetWidth > 0 && !!host.shadowRoot?.querySelector('input')"
TABS = "host => [...host.shadowRoot.querySelectorAll('[role=tab]')].map(tab => tab.textContent)"
CHOOSE = "(host, n) => host.shadowRoot.querySelectorAll('[role=tab]')[n]?.click()"
CENTRE = """host => {
  host.scrollIntoView({ block: "center" });
  const { x, y, width, height } = host.getBoundingClientRect();
  return [x, y, width, height]; }"""
BOXES = """selector => [...document.querySelectorAll(selector)]
  .filter(each => each.offsetWidth).map(each => each.getBoundingClientRect())
  .filter(({ width, height }) => width > 20 && height > 20)
  .map(({ x, y, width, height }) => [x, y + scrollY, width, height])"""
EXERCISES = r"""() => { for (const heading of document.querySelectorAll("section > h3"))
  if (/^\d · /.test(heading.textContent)) heading.parentElement.classList.add("looked-at"); }"""
STILL = "* { transition: none !important; animation: none !important; scroll-behavior: auto !important }"


def pages() -> list[str]:
    """The pages of the book in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(each["file"] for part in toc["parts"] for each in part["chapters"])]


class Look:
    """One page in one theme at one width."""

    def __init__(self, visit: Visit, name: str) -> None:
        self.page, self.name = visit.page, name
        self.found: Counter[tuple[str, str]] = Counter()
        self.hosts = [host for host in self.page.query_selector_all("k8snb-stepper") if host.evaluate(DRAWN)]
        self.shots: list[Shot] = []
        self.scale = 1.0 if self.page.viewport_size["width"] < NARROW else 0.75

    def check(self, when: str = "", host: Any = None) -> None:
        """Measure the page, or one of its steppers, as it stands now."""
        wrong = host.evaluate(f"host => ({CHECKS})(host)") if host else self.page.evaluate(f"({CHECKS})()")
        for what, where, said, more in wrong:
            alike = self.found[what, where]
            self.found[what, where] += 1
            if alike < FEW:
                print(f"{self.name}{when}: {what}: {where} “{said}” {more}", flush=True)
        for faint in self.page.evaluate(measure(), False):
            if not self.found["faint letters", faint]:
                print(f"{self.name}{when}: faint letters: {faint}", flush=True)
            self.found["faint letters", faint] += 1

    def steps(self) -> Iterator[tuple[Any, str, bool]]:
        """Bring every stepper to its first, middle and last step in each of its views; which are worth a picture."""
        dark = " dark " in self.name
        for number, host in enumerate(self.hosts, 1):
            for n, view in enumerate(host.evaluate(TABS) or ["words"]):
                host.evaluate(CHOOSE, n)
                heights = set()
                for way in (0, 1, 2):
                    step = host.evaluate(STEP, way)
                    self.page.wait_for_timeout(50)
                    heights.add(host.evaluate("host => host.offsetHeight"))
                    yield host, f"{number} {view} {step}", way == 1 or (n == 0 and not dark)
                if len(heights) > 1 and n != 2:  # a comparison grows with what is compared
                    print(f"{self.name} {number} {view}: what is below moves: {sorted(heights)}", flush=True)

    def shoot_stepper(self, host: Any, caption: str) -> None:
        """Take a picture of a stepper as it stands."""
        x, y, width, height = host.evaluate(CENTRE)
        self.shots.append(Shot(caption, self.photo(), x, y, width, height, self.scale))

    def photo(self, **kind: Any) -> bytes:
        """A picture of what is to be seen, or of the page."""
        return bytes(self.page.screenshot(type="jpeg", quality=90, **kind))

    def shoot_page(self) -> dict[str, list[Shot]]:
        """The whole page in few pictures, and what stands on it as parts of them."""
        wide, tall = self.page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        photos = [
            (top, self.photo(full_page=True, clip={"x": 0, "y": top, "width": wide, "height": min(MOST, tall - top)}))
            for top in range(0, tall, MOST)
        ]
        [left, _, width, _] = (self.page.evaluate(BOXES, ".bd-article-container") or [[0, 0, wide, tall]])[0]
        scale = 0.6 * self.scale
        shots = {"whole": [Shot("", photo, left, 0, width, min(MOST, tall - top), scale) for top, photo in photos]}
        for kind, selector in {**KINDS, "exercises": ".looked-at"}.items():
            shots[kind] = []
            for x, y, width, height in self.page.evaluate(BOXES, selector):
                top, photo = photos[int(y // MOST)]
                shots[kind].append(Shot("", photo, x, y - top, width, min(height, MOST - y + top), self.scale))
        return shots


def main() -> None:
    """Look at the pages that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("pages", nargs="*", help="such as first-app/pod; all pages if none is named")
    asked.add_argument("--book", type=Path, default=ROOT / "_build" / "html", help="where the built book is")
    asked.add_argument("--theme", nargs="+", default=["light", "dark"])
    asked.add_argument("--width", nargs="+", type=int, default=[1400, 768, 390, 360])
    asked.add_argument("--sheets", nargs="*", choices=[*KINDS, "exercises", "whole"], help="which contact sheets")
    asked.add_argument("--media", choices=["screen", "print"], default="screen")
    asked.add_argument("--no-scripts", action="store_true")
    asked.add_argument("--quick", action="store_true", help="leave the steppers where they are")
    asked.add_argument("--out", type=Path, default=ROOT / "_build" / "looks")
    given = asked.parse_args()
    wanted = [page for page in pages() if not given.pages or any(page.endswith(name) for name in given.pages)]
    given.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for page in wanted:
            for width in given.width:
                visit_page(browser, page, width, given)


def visit_page(browser: Any, page: str, width: int, given: argparse.Namespace) -> None:
    """Look at one page at one width in each theme."""
    url = (given.book.resolve() / f"{page}.html").as_uri()
    with Visit(browser, url, width=width, height=TALL, scheme=given.theme[0], scripts=not given.no_scripts) as visit:
        visit.page.emulate_media(media=given.media, reduced_motion="reduce")
        visit.unfold()
        visit.page.evaluate(EXERCISES)
        if given.no_scripts:  # nothing can be waited for there
            visit.page.wait_for_timeout(500)
        else:
            visit.page.add_style_tag(content=STILL)
            visit.settle()
        for theme in given.theme:
            if not given.no_scripts:
                visit.turn(theme)
            look = Look(visit, f"{page.removeprefix('chapters/')} {theme} {width}")
            sheets = look_at(look, browser, given)
            found = f"{sum(look.found.values())} found, of {len(look.found)} kinds"
            print(f"{look.name}: {found}, {sheets} sheets, {visit.troubles}", flush=True)


def look_at(look: Look, browser: Any, given: argparse.Namespace) -> int:
    """Look at a page that is open; how many sheets that took."""
    kinds: Sequence[str] = given.sheets or ()
    look.check()
    for host, caption, picture in () if given.quick else look.steps():
        look.check(f" {caption}", host)
        if "figures" in kinds and picture:
            look.shoot_stepper(host, f"stepper {caption}")
    if not kinds:
        return 0
    shots = look.shoot_page()
    shots["figures"] = look.shots + shots["figures"]
    name = look.name.replace("/", "_").replace(" ", "-")
    return sum(len(write(browser, shots[kind], given.out, f"{name}-{kind}")) for kind in kinds if shots[kind])


if __name__ == "__main__":
    main()
