"""Chinese fits: a sample of a catalogue, in which no word of a stepper or a picture is cut off or sticks out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from k8snb import Cluster, i18n
from tests.browser import Visit, needs_chromium
from tests.view.test_stepper_in_browser import PAGE, Reader

CATALOGUE = yaml.safe_load((Path(__file__).parent / "chinese.yaml").read_text(encoding="utf-8"))

CUT = """host => [...host.shadowRoot.querySelectorAll('button, h4, dt, th, td, .when, .fact, .lane, .column span')]
    .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
    .map(one => one.textContent).filter(words => /[\\u4e00-\\u9fff]/.test(words))"""
OUT = """() => [...document.querySelectorAll('svg g.node')].flatMap(group => {
    const box = group.querySelector(':scope > path, :scope > polygon')?.getBBox();
    return box ? [...group.querySelectorAll(':scope > text')].filter(text => {
      const words = text.getBBox(); return words.x < box.x || words.x + words.width > box.x + box.width;
    }).map(text => text.textContent) : []; }).filter(words => /[\\u4e00-\\u9fff]/.test(words))"""


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample; what is not in it stays English."""

    class Sample:
        def gettext(self, message: str) -> str:
            return str(CATALOGUE.get(message, message))

    monkeypatch.setattr(i18n, "_catalogue", Sample())


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, str]:
    """The addresses of a page with a stepper, and of one with a diagram and a chart."""
    cluster = Cluster(nodes=2, seed=1)
    cluster.kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    cluster.kubectl("expose deployment web --port=80")
    cluster.settle()
    before = cluster.revision
    cluster.kubectl("set image deployment/web nginx=nginx:1.28")
    cluster.settle()
    diagram, chart = cluster.diagram("deploy/web", "svc/web"), cluster.chart("deployment/web", since=before)
    pictures = "".join(each._repr_mimebundle_()["text/html"] for each in (diagram, chart))
    found = {}
    for name, content in {"stepper": cluster.stepper("滚动更新", since=before).html(), "pictures": pictures}.items():
        path = tmp_path / f"{name}.html"
        path.write_text(PAGE.format(stepper=content), encoding="utf-8")
        found[name] = path.as_uri()
    return found


@pytest.mark.browser
@needs_chromium
def test_no_chinese_word_is_cut_off_in_a_wide_or_narrow_stepper_or_sticks_out_of_a_picture(
    browser: Any, pages: dict[str, str]
) -> None:
    pytest.importorskip("pygraphviz")
    for width in (360, 900):
        with Visit(browser, pages["stepper"], width=width) as visit:
            reader = Reader(visit.page)
            for tab in reader.host.locator("[role=tab]").all():
                tab.click()
                reader.press("Home", *["ArrowRight"] * 6)
                assert reader.host.evaluate(CUT) == []
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
            assert "观察" in reader.host.locator(".words").inner_text()
        with Visit(browser, pages["pictures"], width=width) as visit:
            assert visit.page.evaluate(OUT) == []
