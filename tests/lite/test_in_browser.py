"""Pages in the edition for browsers, run to their end in a Chromium that reaches nobody; outputs as on the page.

Every page with `make lite-test`, and some with `K8SNB_LITE=labels,operator pytest tests/lite`. A visit takes half a
minute, so `make test` runs one page in the same kernel without a browser instead (`test_kernel.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Visit, needs_chromium
from tests.lite.pages import NOTEBOOKS, built, kept, said

WANTED = os.environ.get("K8SNB_LITE", "")
RUN = [place for place in NOTEBOOKS if WANTED == "all" or Path(place).stem[3:] in WANTED.split(",")]

OPENED = """() => {
  const opened = [...(window.jupyterapp?.shell?.widgets('main') ?? [])].find(each => each.context?.isReady);
  if (opened?.sessionContext?.session?.kernel?.status !== 'idle') return false;
  jupyterapp.shell.activateById(opened.id);
  return jupyterapp.shell.currentWidget === opened;
}"""
"""The notebook has its kernel, and is what commands are about."""

CELLS = """async () => {
  await jupyterapp.commands.execute('notebook:run-all-cells');
  const cells = jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells;
  return cells.filter(cell => cell.cell_type === 'code');
}"""

PATIENCE = 300_000

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    built,
    pytest.mark.skipif(not RUN, reason="pages are run in a Chromium by make lite-test"),
]


@pytest.mark.parametrize("place", RUN)
def test_a_page_runs_in_the_browser_and_says_what_it_says_on_the_page(
    browser: Any, site: str, place: str, ran: Callable[[str, float, float, bool], None]
) -> None:
    begun = time.monotonic()
    with Visit(browser, f"{site}/lite/lab/index.html?path={place}") as visit:
        visit.page.set_default_timeout(PATIENCE)
        visit.page.wait_for_function(OPENED, polling=200)
        ready = time.monotonic()
        found = [said(cell) for cell in visit.page.evaluate(CELLS)]
        done = time.monotonic()
        assert visit.troubles == []
    ran(place, ready - begun, done - ready, found == kept(place))
    assert found == kept(place)
