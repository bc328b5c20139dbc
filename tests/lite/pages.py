"""The notebooks of the built edition, and what their cells have to put out: the text that is committed with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.book.conftest import HTML, ROOT
from tools.book.launching import places

LITE = HTML / "lite"
NOTEBOOKS = list(places(ROOT).values())
ONE = next(place for place in NOTEBOOKS if "labels" in place)

built = pytest.mark.skipif(not LITE.exists(), reason="the edition for browsers is not built: make lite")


def said(cell: Any) -> str:
    """What a cell has put out, as text; JupyterLab keeps lines with one kind of ending."""
    parts = []
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            parts.append(f"{output['ename']}: {output['evalue']}\n")
        else:
            text = output["text"] if output["output_type"] == "stream" else output["data"].get("text/plain", "")
            parts.append(text if isinstance(text, str) else "".join(text))
    return "".join(parts).replace("\r\n", "\n")


def kept(place: str, site: Path = LITE) -> list[str]:
    """What the cells of a notebook said when it was committed."""
    cells = nbformat.read(site / "files" / place, as_version=4).cells
    return [said(cell) for cell in cells if cell.cell_type == "code"]
