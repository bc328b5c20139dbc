"""The stepper in JupyterLab and in the classic Notebook, with a kernel: a live widget, of which Python knows where the
reader stands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.book.conftest import ROOT
from tests.browser import Visit, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]

CELLS = (
    "from k8snb import Cluster\ncluster = Cluster(nodes=2, seed=1)\n"
    "cluster.kubectl('create deployment web --image=nginx --replicas=2')\ncluster.settle()\n"
    "story = cluster.stepper('Two pods of web')\nstory",
    "print('the reader is at', story.index)",
    "print(len(cluster.client.list('pods', 'default')), 'pods, node-1 is', "
    "cluster.client.get('nodes', 'node-1')['spec'].get('unschedulable'))",
)
QUIET = """{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}"""


@contextmanager
def served(program: str, folder: Path, *options: str) -> Iterator[str]:
    """The address of a Jupyter program that serves one notebook, open to this machine only."""
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = nbformat.v4.new_notebook(metadata=kernel, cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbformat.write(notebook, folder / "steps.ipynb")
    command = [sys.executable, "-m", program, "--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", *options]
    search = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    environment = {"PATH": str(Path(sys.executable).parent), "HOME": str(folder), "PYTHONPATH": search}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=folder) as server:
        assert server.stderr is not None
        lines = (line for line in server.stderr if "http://127.0.0.1:" in line)
        try:
            yield "http://127.0.0.1:" + next(lines).split("http://127.0.0.1:")[1].split("/")[0]
        finally:
            server.terminate()
            server.communicate()  # until it has ended its kernel and itself


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the notebook in JupyterLab."""
    pytest.importorskip("jupyterlab")
    folder: Path = tmp_path_factory.mktemp("lab")
    (folder / "overrides.json").write_text(QUIET)
    with served("jupyterlab", folder, f"--LabApp.app_settings_dir={folder}") as address:
        yield f"{address}/lab/tree/steps.ipynb?reset"


def test_a_live_stepper_tells_the_kernel_where_the_reader_is(browser: Any, lab: str) -> None:
    page = Visit(browser, lab, height=1000).page
    page.locator(".jp-Notebook-cell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".jp-Notebook-cell").first.click()
    page.keyboard.press("Shift+Enter")
    stepper = page.locator(".jp-OutputArea .k8snb-view")
    stepper.locator("section").wait_for()
    stepper.locator("section").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert stepper.locator(".count").inner_text().startswith("4 / ")
    assert page.locator(".jp-Notebook-cell").count() == 3, "the notebook's own shortcuts stay out of a stepper"
    page.locator(".jp-Notebook-cell").nth(1).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.get_by_text("the reader is at 3").wait_for()
    stepper.get_by_role("button", name="read the YAML of node-1").click()
    stepper.get_by_role("button", name="cordon, uncordon").click()
    stepper.get_by_text("node/node-1 cordoned").wait_for()
    page.locator(".jp-Notebook-cell").nth(2).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    page.get_by_text("2 pods, node-1 is True").wait_for()


def test_the_classic_notebook_shows_the_same_live_stepper(browser: Any, tmp_path: Path) -> None:
    with served("nbclassic", tmp_path) as address:
        page = Visit(browser, f"{address}/notebooks/steps.ipynb", height=1000).page
        # Its widgets begin anew when the kernel has told about itself, which is a moment after it is connected.
        page.wait_for_function("window.Jupyter?.notebook?.kernel?.info_reply?.protocol_version")
        page.locator(".cell").first.click()
        page.keyboard.press("Shift+Enter")
        stepper = page.locator(".output_area .k8snb-view")
        stepper.locator("section").wait_for()
        stepper.locator("section").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert stepper.locator(".count").inner_text().startswith("4 / ")
        assert page.locator(".cell").count() == 3, "the notebook's own shortcuts stay out of a stepper"
        page.locator(".cell").nth(1).locator(".input_area").click()
        page.keyboard.press("Control+Enter")
        page.get_by_text("the reader is at 3").wait_for()
