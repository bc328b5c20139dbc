"""What the preview of a notebook shows (GitHub's, an editor's, a diff): the stored outputs, which are text alone."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.book.conftest import ROOT

PAGES = sorted(path.relative_to(ROOT / "chapters") for path in (ROOT / "chapters").rglob("*.ipynb"))
MACHINE = re.compile(r"<[\w.]+ (?:object )?at 0x|\x1b\[|</?(?:svg|div|script|span)\b")
"""What no reader should see: addresses of objects, codes of terminals, markup."""
SHOWN = re.compile(r"\w+\.(?:stepper|diagram|chart|packet|calls|gantt|selection|applying|requests|cgroups)\(")
"""The last line of a cell that ends in a view."""


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_preview_has_a_text_for_every_picture(page: Path) -> None:
    for cell in nbformat.read(ROOT / "chapters" / page, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        told = [output.data["text/plain"] for output in cell.outputs if "data" in output]
        assert not any(MACHINE.search(each) for each in told), cell.source
        if SHOWN.match(cell.source.rstrip().rpartition("\n")[2]):
            assert told, cell.source
            assert len(told[-1].splitlines()) > 1, cell.source
