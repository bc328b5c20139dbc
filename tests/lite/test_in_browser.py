"""Pages in the edition for browsers, run to their end in a Chromium that reaches nobody; outputs as on the page.

Every page with `make lite-test`, and some with `K8SNB_LITE=labels,operator pytest tests/lite`. A visit takes half a
minute, so `make test` runs one page in the same kernel without a browser instead (`test_kernel.py`).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Visit, needs_chromium
from tests.lite.pages import LITE, NOTEBOOKS, built, kept, said
from tools.book.launching import CONTENTS
from tools.lite.contents import FOLDERS

WANTED = os.environ.get("K8SNB_LITE", "")
RUN = [place for place in NOTEBOOKS if WANTED == "all" or Path(place).stem[3:] in WANTED.split(",")]

READY = """place => {
  const { shell } = window.jupyterapp ?? {};
  const page = [...(shell?.widgets('main') ?? [])].find(each => each.context?.path === place);
  if (page?.sessionContext?.session?.kernel?.status !== 'idle') return false;
  shell.activateById(page.id);
  return shell.currentWidget === page;
}"""
"""A notebook has its kernel, and is what commands are about."""

OPEN = """place => jupyterapp.commands.execute('docmanager:open', { path: place }).then(() => null)"""
ONLY = """async place => {
  const open = [...jupyterapp.shell.widgets('main')];
  for (const each of open.filter(each => each.context && each.context.path !== place)) {
    await each.sessionContext?.shutdown();
    each.dispose();
  }
}"""
"""The pages before are closed once the next is there, as by a reader who goes on."""

CELLS = """async patience => {
  await jupyterapp.commands.execute('notebook:run-all-cells');
  const { sharedModel } = jupyterapp.shell.currentWidget.content.model;
  for (const begun = Date.now(); ; await new Promise(next => setTimeout(next, 200))) {
    const cells = sharedModel.toJSON().cells.filter(cell => cell.cell_type === 'code');
    if (cells.every(cell => cell.execution_count) || Date.now() - begun > patience) return cells;
  }
}"""
"""Run all cells. The command itself ends with the first that fails, though the others go on if that was meant."""

SAYS = """async code => {
  const { sessionContext } = jupyterapp.shell.currentWidget;
  const said = [];
  const asked = sessionContext.session.kernel.requestExecute({ code });
  asked.onIOPub = message => said.push(message.content.text ?? '');
  await asked.done;
  return said.join('');
}"""
"""What code prints that no cell has."""

DIGESTS = f"""
from hashlib import sha256 as _sha256
from json import dumps as _dumps
from pathlib import Path as _Path

_found = [each for name in {FOLDERS} for each in _Path("/drive", name).rglob("*") if each.is_file()]
print(_dumps({{str(each.relative_to("/drive")): _sha256(each.read_bytes()).hexdigest() for each in _found}}))
"""

ABSENT = "status of 404"
"""JupyterLab asks the site whether it has the files that a traceback names."""

PATIENCE = 300_000

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    built,
    pytest.mark.skipif(not RUN, reason="pages are run in a Chromium by make lite-test"),
]


@pytest.fixture(scope="module")
def lab(browser: Any, site: str) -> Iterator[Visit]:
    """JupyterLab, with the table of contents in front of the reader."""
    with Visit(browser, f"{site}/lite/lab/index.html?path={CONTENTS}") as visit:
        visit.page.set_default_timeout(PATIENCE)
        visit.page.wait_for_selector(".jp-RenderedMarkdown h2")
        yield visit


@pytest.mark.parametrize("place", RUN)
def test_a_page_runs_in_the_browser_and_says_what_it_says_on_the_page(
    lab: Visit, place: str, ran: Callable[[str, float, float, bool], None]
) -> None:
    begun = time.monotonic()
    lab.page.evaluate(OPEN, place)
    lab.page.wait_for_function(READY, arg=place, polling=200)
    ready = time.monotonic()
    lab.page.evaluate(ONLY, place)
    found = [said(cell) for cell in lab.page.evaluate(CELLS, PATIENCE)]
    ran(place, ready - begun, time.monotonic() - ready, found == kept(place))
    assert found == kept(place)
    assert [each for each in lab.troubles if ABSENT not in each] == []


def test_a_program_reads_byte_by_byte_what_pages_bring_along(lab: Visit) -> None:
    lab.page.evaluate(OPEN, RUN[-1])
    lab.page.wait_for_function(READY, arg=RUN[-1], polling=200)
    files = LITE / "files"
    brought = [path for name in FOLDERS for path in (files / name).rglob("*") if path.is_file()]
    assert json.loads(lab.page.evaluate(SAYS, DIGESTS)) == {
        path.relative_to(files).as_posix(): sha256(path.read_bytes()).hexdigest() for path in brought
    }
