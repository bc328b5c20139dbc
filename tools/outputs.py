"""Run the chapters and keep the text of their outputs: `python tools/outputs.py chapters`.

What a page shows beside its text (pictures, steppers) is made again whenever the book is built, so it is not
kept: a notebook stays reviewable, and its stored outputs are exactly what the tests compare.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

_KEPT = "text/plain"


def text_only(output: Any) -> Any:
    """The output without its pictures, if it also has text."""
    data = output.get("data", {})
    if _KEPT in data:
        output["data"] = {_KEPT: data[_KEPT]}
        output["metadata"] = {}
    if output["output_type"] == "error":
        output["traceback"] = [f"{output['ename']}: {output['evalue']}"]
    return output


def joined(outputs: Sequence[Any]) -> list[Any]:
    """The outputs with what was printed in one piece: when a kernel flushes is a matter of the machine's time."""
    kept: list[Any] = []
    for output in outputs:
        if kept and output["output_type"] == "stream" and kept[-1].get("name") == output["name"]:
            kept[-1]["text"] += output["text"]
        else:
            kept.append(output)
    return kept


def run(path: Path) -> None:
    """Execute the notebook where it stands and write it back, if that changed anything."""
    before = path.read_text()
    notebook = nbformat.reads(before, as_version=4)
    where = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    notebook.metadata = {name: notebook.metadata[name] for name in ("kernelspec",) if name in notebook.metadata}
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.metadata.pop("execution", None)
        cell.execution_count = count
        cell.outputs = [text_only(output) for output in joined(cell.outputs)]
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    after = nbformat.writes(notebook)
    if not after.endswith("\n"):
        after += "\n"
    if after != before:
        path.write_text(after)
        print(f"wrote {path}")


def notebooks(argument: str) -> list[Path]:
    """The notebook of that name, or all below that folder."""
    path = Path(argument)
    return sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for path in notebooks(argument):
            if ".ipynb_checkpoints" not in path.parts:
                run(path)
