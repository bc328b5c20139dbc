"""The pages as notebooks for the kernel in the browser, and the files that they read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat

FOLDERS = ("chapters", "manifests", "charts")
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
FOLDED = {"source_hidden": True, "outputs_hidden": True}


def copied(root: Path, folder: Path) -> list[str]:
    """Copy what a reader opens and a page reads, laid out as in the repository; tell the notebooks."""
    for name in FOLDERS:
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(".*"))
    pages = sorted((folder / "chapters").rglob("*.ipynb"))
    for path in pages:
        nbformat.write(for_browser(nbformat.read(path, as_version=4)), path)
    return [str(path.relative_to(folder)) for path in pages]


def for_browser(notebook: Any) -> Any:
    """The notebook with that kernel, so that nobody is asked for one, and with its solutions folded as on the page."""
    notebook.metadata.kernelspec = KERNEL
    for cell in notebook.cells:
        if "hide-cell" in cell.metadata.get("tags", ()):
            cell.metadata.jupyter = FOLDED
    return notebook
