"""What a step of a stepper costs: `python tools/frames.py [PAGE …]` walks through those of the built book.

For each view it prints how long the page's main thread works from a click on "next" until the new frame is painted, in
milliseconds of its processor: what else runs on the machine does not count, nor does garbage of steps before, which is
collected first. `--every 5` measures each fifth step only.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import Visit, chromium  # noqa: E402
from tools.looks.__main__ import CHOOSE, TABS, pages  # noqa: E402

BAR = 16
PARTS = {"TaskDuration": "all", "ScriptDuration": "script", "RecalcStyleDuration": "style", "LayoutDuration": "layout"}

STEP = """host => new Promise(done => requestAnimationFrame(() => {
  host.shadowRoot.querySelector("button.next").click();
  const after = new MessageChannel(); // what is posted here arrives when this frame is painted and handed over
  after.port1.onmessage = () => done();
  after.port2.postMessage(0);
}))"""
FIRST = """host => {
  host.shadowRoot.querySelector("button.first").click();
  return +host.shadowRoot.querySelector("input").max; }"""
NEXT = "host => host.shadowRoot.querySelector('button.next').click()"


class Cost(NamedTuple):
    """What one step took, in milliseconds, part by part."""

    where: str
    view: str
    step: int
    spent: dict[str, float]

    @property
    def all(self) -> float:
        return self.spent["all"]

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {spent:.1f}" for name, spent in self.spent.items() if name != "all")
        return f"{self.all:.1f} ms at {self.where}, {self.view}, step {self.step} ({parts})"


def costs(visit: Visit, where: str, every: int) -> Iterator[Cost]:
    """The costs of the steps of all steppers of a page in all their views."""
    page = visit.page
    visit.settle()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> dict[str, float]:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return {PARTS[each["name"]]: 1000 * each["value"] for each in metrics if each["name"] in PARTS}

    for number, host in enumerate(page.query_selector_all("k8snb-stepper"), 1):
        host.evaluate("host => host.scrollIntoView()")
        for n, view in enumerate(host.evaluate(TABS) or ["Words"]):
            host.evaluate(CHOOSE, n)
            last = host.evaluate(FIRST)
            page.wait_for_timeout(400)
            for step in range(1, last + 1):
                if step % every and step < last:
                    host.evaluate(NEXT)
                    continue
                page.wait_for_timeout(350)  # what glides and fades has come to rest
                session.send("HeapProfiler.collectGarbage")  # or it would be cleared away in the midst of some step
                before = spent()
                host.evaluate(STEP)
                after = spent()
                yield Cost(f"{where} {number}", view, step + 1, {name: after[name] - before[name] for name in after})


def told(found: Sequence[Cost]) -> None:
    """Print the costs of each view, and of all."""
    views = defaultdict(list)
    for cost in found:
        views[cost.view].append(cost)
    for view, its in [*views.items(), ("all", list(found))]:
        over, worst = sum(cost.all > BAR for cost in its), max(its, key=lambda cost: cost.all)
        middle = median(cost.all for cost in its)
        print(f"{view}: {len(its)} steps, median {middle:.1f} ms, {over} over {BAR} ms, at worst {worst}", flush=True)


def main() -> None:
    """Measure the pages that are asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("pages", nargs="*", help="such as first-app/pod; all pages if none is named")
    asked.add_argument("--book", type=Path, default=ROOT / "_build" / "html", help="where the built book is")
    asked.add_argument("--width", type=int, default=1400)
    asked.add_argument("--every", type=int, default=1)
    given = asked.parse_args()
    found: list[Cost] = []
    with chromium() as browser:
        for page in pages():
            if given.pages and not page.endswith(tuple(given.pages)):
                continue
            url = (given.book.resolve() / f"{page}.html").as_uri()
            with Visit(browser, url, width=given.width, height=900, motion="no-preference") as visit:
                found += (its := list(costs(visit, page.removeprefix("chapters/"), given.every)))
                if its:
                    print(f"{page}: {len(its)} steps, at worst {max(its, key=lambda cost: cost.all)}", flush=True)
    if found:
        told(found)


if __name__ == "__main__":
    main()
