"""A page run in live mode, cell by cell, in a process of its own."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from traitlets.config import Config

NO_HISTORY = Config({"HistoryManager": {"enabled": False}})


@dataclass
class Ran:
    """What came of a page: how many cells ran, what was left out, and which errors nobody expected."""

    cells: int = 0
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    printed: str = ""


def run(path: Path) -> Ran:
    """Run a page in a child of this process."""
    ends = os.pipe()
    child = os.fork()
    if not child:
        os.close(ends[0])
        ran = _run(path)
        with os.fdopen(ends[1], "w") as out:
            json.dump(asdict(ran), out)
        os._exit(0)
    os.close(ends[1])
    with os.fdopen(ends[0]) as told:
        text = told.read()
    os.waitpid(child, 0)
    return Ran(**json.loads(text))


def _run(path: Path) -> Ran:
    from IPython.core.interactiveshell import InteractiveShell

    from k8snb.live.leavingout import NAME

    os.chdir(path.parent)
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance(config=NO_HISTORY)
    ran, out, live = Ran(), io.StringIO(), None
    with redirect_stdout(out), redirect_stderr(out):
        try:
            for number, cell in enumerate(_code(path), 1):
                result = shell.run_cell(cell, store_history=True)
                ran.cells += 1
                found = shell.user_ns.get("cluster")
                live = found if hasattr(type(found), "home") else live  # a later one of that name can be embedded
                error = result.error_before_exec or result.error_in_exec
                if error is not None:
                    ran.errors.append(f"{number}: {type(error).__name__}: {error}")
        finally:
            leaving = shell.user_ns.get(NAME)
            ran.notes = leaving.notes if leaving else []
            if live is not None:
                live.close()
    ran.printed = out.getvalue()
    return ran


def _code(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        done = run(Path(name).resolve())
        print(name, done.cells, "cells", *done.notes, *(f"ERROR {each}" for each in done.errors), sep="\n  ")
        if os.environ.get("PRINTED"):
            print(done.printed)
