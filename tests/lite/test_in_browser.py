"""Pages in the edition for browsers, run to their end in a Chromium that reaches nobody; outputs as on the page.

One page by default; every page, with figures, with `make lite-test`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.book.conftest import HTML, ROOT
from tests.book.test_chapters import CHAPTERS
from tests.browser import Visit, needs_chromium

LITE = HTML / "lite"
ONE = ROOT / "chapters" / "first-app" / "labels.ipynb"
RUN = CHAPTERS if os.environ.get("K8SNB_LITE") == "all" else [ONE]

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

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    pytest.mark.skipif(not LITE.exists(), reason="the edition for browsers is not built: make lite"),
]


def said(cell: Any) -> str:
    """What a cell has put out, as text; JupyterLab keeps lines with one kind of ending."""
    parts = []
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            parts.append(f"{output['ename']}: {output['evalue']}\n")
        else:
            text = output["text"] if output["output_type"] == "stream" else output["data"].get("text/plain", "")
            parts.append(text if isinstance(text, str) else "".join(text))
    return "".join(parts).replace("\r\n", "\n")


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_a_page_runs_in_the_browser_and_says_what_it_says_on_the_page(browser: Any, site: str, path: Path) -> None:
    begun = time.monotonic()
    page = path.relative_to(ROOT)
    with Visit(browser, f"{site}/lite/lab/index.html?path={page}") as visit:
        visit.page.set_default_timeout(240_000)
        visit.page.wait_for_function(OPENED, polling=200)
        ready = time.monotonic()
        found = visit.page.evaluate(CELLS)
        print(f"{page}: lab and kernel {ready - begun:.1f} s, cells {time.monotonic() - ready:.1f} s")
        assert visit.troubles == []
    kept = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [said(cell) for cell in found] == [said(cell) for cell in kept]
