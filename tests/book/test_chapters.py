"""The chapters as they are committed: executed, with text outputs, and in need of nothing that a browser lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.book.conftest import ROOT
from tests.book.running import STARTUP
from tests.book.test_pages import PAGES

CHAPTERS = [ROOT / f"{page}.ipynb" for page in PAGES if (ROOT / f"{page}.ipynb").exists()]
KEPT = {"text/plain"}

REFUSED = (
    "import threading; threading.Thread().start()",
    "import socket; socket.socket()",
    "import subprocess; subprocess.run(['true'])",
    "import os; os.fork()",
)


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_a_chapter_is_committed_as_it_ran_from_top_to_bottom(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "make outputs"


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_a_chapter_keeps_the_text_of_its_outputs_and_nothing_else(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {kind for output in outputs for kind in output.get("data", {})} <= KEPT, "make outputs"
    assert [output for output in outputs if output.get("name") == "stderr"] == []


def test_while_a_chapter_runs_it_is_refused_what_a_browser_lacks() -> None:
    """Each cell is run by nbval in a kernel that has run this first."""
    run = "from IPython.core.interactiveshell import InteractiveShell as S; shell = S.instance(); shell.run_cell(%r)"
    cells = "".join(f"print(shell.run_cell({cell!r}).success);" for cell in ("1", *REFUSED))
    done = subprocess.run([sys.executable, "-c", f"{run % STARTUP}; {cells}"], capture_output=True, text=True)
    assert [word for word in done.stdout.split() if word in ("True", "False")] == ["True", *["False"] * len(REFUSED)]
