"""`-o`: tables as helm lays them out, JSON and YAML. Upstream: `pkg/cli/output`, gosuri/uitable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.helm.errors import HelmError
from k8snb.helm.yamltext import plain_data, yaml_text
from k8snb.kubectl.flags import Flag, Flags
from k8snb.machinery.jsontext import json_text

OUTPUT = Flag("output", "o", default="table")


def table(rows: Sequence[Sequence[Any]], widest: int = 0) -> str:
    """Rows in columns, a tab between two; with `widest`, longer cells are cut."""
    cells = [[_cut(str(cell), widest) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    lines = ("\t".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "".join(f"{line}\n" for line in lines)


def _cut(text: str, widest: int) -> str:
    return text if not widest or len(text) <= widest else text[: widest - 3] + "..."


def written(flags: Flags, data: Any, as_table: Callable[[], str]) -> str:
    """The data as `-o` asks. Raises HelmError for what it cannot be."""
    format = flags.text("output")
    if format == "json":
        return json_text(plain_data(data), ordered=False) + "\n"
    if format == "yaml":
        return yaml_text(data)
    if format != "table":
        raise HelmError(f'invalid argument "{format}" for "-o, --output" flag: invalid format type')
    return as_table()


def records(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], widest: int = 0) -> str:
    """Rows under titles, by the fields that hold them."""
    return table([list(columns), *([row[field] for field in columns.values()] for row in rows)], widest)
