"""The pages of the book: their chapters, their titles, and the prose that stands on them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = "chapters/"
APART = ("reference",)
"""Folders whose pages are about the book, and no concept of it."""

HIDDEN = "hide-cell"
"""The tag of a solution."""

_FENCED = re.compile(r"^(```|:::).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_HEADING = re.compile(r"^#+ .*$", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """A part of the book, and its pages (`first-app/pod`)."""

    title: str
    pages: Sequence[str]


class Contents:
    """What is in the book at `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, str] = {}
        toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
        parts = {
            part["caption"]: [each["file"].removeprefix(FOLDER) for each in part["chapters"]] for part in toc["parts"]
        }
        self.chapters = [
            Chapter(title, pages) for title, pages in parts.items() if pages[0].partition("/")[0] not in APART
        ]

    @property
    def pages(self) -> list[str]:
        """The pages of concepts, in order."""
        return [page for chapter in self.chapters for page in chapter.pages]

    def text(self, page: str) -> str:
        """All that a page says in words, headings and code among them."""
        if page not in self._texts:
            self._texts[page] = self._read(page)
        return self._texts[page]

    def _read(self, page: str) -> str:
        return "\n\n".join("".join(cell["source"]) for cell in self._cells(page) if cell["cell_type"] == "markdown")

    def cells(self, page: str) -> int:
        """How many code cells a reader of a page sees; folded solutions are none."""
        code = (cell for cell in self._cells(page) if cell["cell_type"] == "code")
        return sum(1 for cell in code if HIDDEN not in cell["metadata"].get("tags", ()))

    def _cells(self, page: str) -> Sequence[Mapping[str, Any]]:
        path = self._root / FOLDER / f"{page}.ipynb"
        found: Sequence[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return found

    def title(self, page: str) -> str:
        """The heading of a page, without what stands before a colon."""
        return self._heading(page).partition(":")[0]

    def name(self, page: str) -> str:
        """The title of a page, or its whole heading where another page has the same title."""
        title = self.title(page)
        return title if [self.title(each) for each in self.pages].count(title) < 2 else self._heading(page)

    def _heading(self, page: str) -> str:
        found = re.search(r"^# (.+)$", self.text(page), re.MULTILINE)
        return found[1] if found else page

    def prose(self, page: str) -> str:
        """What a page says, without its headings and without code."""
        return _CODE.sub(" ", _HEADING.sub("", _FENCED.sub("", self.text(page))))
