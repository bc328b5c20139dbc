"""How the chapters are run by nbval: without what a browser lacks, and so that the book need not run them again.

While a cell runs, nobody may start a thread or a process or open a socket: a page has to run in a browser, too. And
when a chapter has run to its end as it is committed, its outputs, pictures included, are put where Jupyter Book looks
for them before it runs a chapter itself.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

STARTUP = """
def _refuse():
    import os, socket, subprocess, threading

    shell, cells = get_ipython(), []

    def guard(owner, name):
        usual = getattr(owner, name)

        def guarded(*arguments, **options):
            if cells and threading.current_thread() is threading.main_thread():
                raise RuntimeError("a page needs no thread, socket or process")
            return usual(*arguments, **options)

        setattr(owner, name, guarded)

    for owner, name in (
        (threading.Thread, "start"), (socket.socket, "__init__"), (socket.socket, "connect"),
        (subprocess.Popen, "__init__"), (os, "fork"),
    ):
        guard(owner, name)
    shell.events.register("pre_run_cell", cells.append)
    shell.events.register("post_run_cell", lambda result: cells.clear())

_refuse()
del _refuse
"""
"""What every kernel runs first."""

_outputs = pytest.StashKey[dict[int, Any]]()


def pytest_configure(config: pytest.Config) -> None:
    folder = Path(tempfile.mkdtemp(prefix="k8snb-ipython-"))
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-refuse.py").write_text(STARTUP)
    os.environ["IPYTHONDIR"] = str(folder)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def _is_cell(item: Any) -> bool:
    return type(item).__name__ == "IPyNbCell"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Iterator[None]:
    """Note what a cell that is as committed has put out."""
    report = yield
    if _is_cell(item) and call.when == "call" and report.passed:
        item.parent.stash.setdefault(_outputs, {})[id(item.cell)] = item.test_outputs
    return report


def pytest_runtest_teardown(item: Any, nextitem: Any) -> None:
    if _is_cell(item) and (nextitem is None or nextitem.parent is not item.parent):
        _keep(item.parent, item.config.rootpath / "_build" / ".jupyter_cache")


def _keep(file: Any, folder: Path) -> None:
    """Put a chapter of which every cell has run where Jupyter Book finds it."""
    found = file.stash.get(_outputs, {})
    chapter = nbformat.from_dict(file.nb)
    cells = [(mine, kept) for mine, kept in zip(file.nb.cells, chapter.cells, strict=True) if mine.cell_type == "code"]
    if any(id(mine) not in found for mine, _ in cells):
        return
    for number, (mine, kept) in enumerate(cells, 1):
        kept.execution_count = number
        kept.outputs = [nbformat.from_dict(output) for output in found[id(mine)] or ()]
    from ipykernel.ipkernel import IPythonKernel
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    chapter.metadata["language_info"] = dict(IPythonKernel.language_info)  # which says how its code is coloured
    folder.parent.mkdir(exist_ok=True)
    bundle = CacheBundleIn(chapter, str(file.path), data={"execution_seconds": None})
    get_cache(folder).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
