"""The chapters as they are committed: executed, with text outputs, and in need of nothing that a browser lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.book.conftest import ROOT
from tests.book.test_pages import PAGES

CHAPTERS = [ROOT / f"{page}.ipynb" for page in PAGES if (ROOT / f"{page}.ipynb").exists()]
KEPT = {"text/plain"}

BLOCKED = """
import gc, json, os, socket, subprocess, sys, threading
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

settings = Config()
settings.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=settings)
fork = os.fork

def refuse(*_, **__):
    raise RuntimeError("a page needs no thread, socket or process")

threading.Thread.start = refuse
socket.socket.__init__ = refuse
socket.socket.connect = refuse
subprocess.Popen.__init__ = refuse
os.fork = refuse

from k8snb import Cluster
Cluster(nodes=1, seed=1)
gc.freeze()

def run(path):
    os.chdir(os.path.dirname(path))
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            result = shell.run_cell(source)
            if not result.success and "raises-exception" not in cell["metadata"].get("tags", ()):
                return "this cell failed:\\n" + source

def outcome(path):
    ours, theirs = os.pipe()
    if not fork():
        os.dup2(theirs, 1)
        os.dup2(theirs, 2)
        trouble = run(path)
        print(trouble or "", flush=True)
        os._exit(bool(trouble))
    os.close(theirs)
    said = open(ours).read()
    return os.waitstatus_to_exitcode(os.wait()[1]), said

json.dump({path: outcome(path) for path in sys.argv[1:]}, sys.stdout)
"""
"""Each page runs in a process that was split off when everything was imported, and refused, already."""


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


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[int, str]]:
    """What came of running each chapter where threads, sockets and processes are refused: exit code and words."""
    command = [sys.executable, "-c", BLOCKED, *map(str, CHAPTERS)]
    environment = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}
    environment["K8SNB_STATIC"] = "1"
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_a_chapter_runs_without_threads_sockets_and_processes(outcomes: dict[str, tuple[int, str]], path: Path) -> None:
    code, said = outcomes[str(path)]
    assert code == 0, said[-4000:]
