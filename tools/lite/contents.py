"""The pages as notebooks for the kernel in the browser, in the order of the book, and the files that they read."""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml

from tools.book.launching import CONTENTS, places

FOLDERS = ("manifests", "charts")
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
FOLDED = {"source_hidden": True, "outputs_hidden": True}

HOW = """# Kubernetes, taken apart

Every page of the book with its cluster, in this browser: nothing is installed, and nothing you type leaves it.

- <kbd>Shift</kbd> <kbd>Enter</kbd> runs a cell, *Run → Run All Cells* runs a page. Python takes a few seconds to start:
  read meanwhile.
- What you change is kept in this browser. To have a page as it was, delete it in the list on the left and reload;
  *Help → Clear Browser Data* forgets everything.
- Once it has been here for a minute, it also works without a network.
"""
"""How the table of contents begins."""

_LINK = re.compile(r"`[^`]*`|\[([^\]]+)\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)\s]*)?\)")
"""Code, which stays as it is, or a link to another page."""


def copied(root: Path, folder: Path) -> None:
    """Copy what a page reads, laid out as in the repository, and write the notebooks and their table of contents."""
    for name in FOLDERS:
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(".*"))
    where = places(root)
    titles = {}
    for page, place in where.items():
        notebook = for_browser(nbformat.read(root / f"{page}.ipynb", as_version=4), page, where)
        titles[page] = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / place)
    (folder / CONTENTS).write_text(table(root, where, titles), encoding="utf-8")


def for_browser(notebook: Any, page: str, where: Mapping[str, str]) -> Any:
    """The notebook of a page with that kernel, so that nobody is asked for one, its solutions folded as on the page.

    Links lead to the other notebooks; what is no notebook is named and no link.
    """
    notebook.metadata.kernelspec = KERNEL
    for cell in notebook.cells:
        if "hide-cell" in cell.metadata.get("tags", ()):
            cell.metadata.jupyter = FOLDED
        if cell.cell_type == "markdown":
            cell.source = _LINK.sub(lambda link: _led(link, page, where), cell.source)
    return notebook


def _led(link: re.Match[str], page: str, where: Mapping[str, str]) -> str:
    words, target = link.groups()
    if words is None:
        return link[0]
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)).removesuffix(".ipynb")
    if meant not in where:
        return words
    return f"[{words}]({posixpath.relpath(where[meant], posixpath.dirname(where[page]))})"


def table(root: Path, where: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """The table of contents: parts and pages in the order of the book."""
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    written = [HOW]
    for part in parts:
        pages = [each["file"] for each in part["chapters"] if each["file"] in where]
        lines = [f"{number}. [{titles[page]}]({where[page]})" for number, page in enumerate(pages, 1)]
        written.append("\n".join([f"## {part['caption']}", "", *lines, ""]))
    return "\n".join(written)
