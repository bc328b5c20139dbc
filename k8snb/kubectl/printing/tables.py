"""Tables: the server sends columns and rows, kubectl chooses and adds some and lines them up.

Upstream: `cli-runtime/pkg/printers/tableprinter.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from k8snb.apiserver.printing.columns import age
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.machinery.gotext import go_text
from k8snb.typing import Object, Resource

NONE = "<none>"
_BREAK = re.compile("[\f\n\r]")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What `get` was asked to show. `kind` is put before names where several kinds are listed."""

    wide: bool = False
    headers: bool = True
    namespace: bool = False
    labels: bool = False
    label_columns: tuple[str, ...] = ()
    kind: Resource | None = None
    events: bool = False


class TablePrinter:
    """Writes the tables of one resource to a `TabWriter`; headers once, and anew when the columns change."""

    def __init__(self, writer: TabWriter, options: TableOptions) -> None:
        self._writer = writer
        self._options = options
        self._columns: Sequence[Object] = ()
        self._headed = False

    def print(self, table: Object, event: str = "") -> None:
        """Write a table; `event` is the type of the watch event that brought it."""
        columns = table.get("columnDefinitions") or self._columns
        rows = table.get("rows") or ()
        headers = self._options.headers and not (self._headed and columns == self._columns)
        self._columns = columns
        self._headed = self._headed or bool(rows)
        if not rows:
            return
        shown = replace(self._options, headers=headers, events=bool(event))
        if headers:
            self._writer.row(_headers(columns, shown))
        for row in rows:
            self._writer.row(_cells(columns, row, shown, event))


def _chosen(columns: Sequence[Object], options: TableOptions) -> list[int]:
    return [at for at, column in enumerate(columns) if options.wide or not column.get("priority")]


def _headers(columns: Sequence[Object], options: TableOptions) -> list[str]:
    names = [columns[at]["name"] for at in _chosen(columns, options)]
    before = ["Event"] * options.events + ["Namespace"] * options.namespace
    after = [label.rpartition("/")[2] for label in options.label_columns] + ["Labels"] * options.labels
    return [name.upper() for name in (*before, *names, *after)]


def _cells(columns: Sequence[Object], row: Object, options: TableOptions, event: str) -> list[str]:
    meta = (row.get("object") or {}).get("metadata") or {}
    values: Sequence[Any] = row.get("cells") or ()
    name_at = _name_column(columns) if options.kind is not None else -1
    texts = [
        _prefixed(options.kind, cell_text(values[at])) if at == name_at else cell_text(values[at])
        for at in _chosen(columns, options)
        if at < len(values)
    ]
    before = [event.ljust(8)] * options.events + [cell_text(meta.get("namespace", ""))] * options.namespace
    labels: Mapping[str, str] = meta.get("labels") or {}
    after = [labels.get(label, "") for label in options.label_columns]
    return [*before, *texts, *after, *([labels_text(labels)] * options.labels)]


def _name_column(columns: Sequence[Object]) -> int:
    found = (at for at, column in enumerate(columns) if column.get("format") == "name" and column["type"] == "string")
    return next(found, -1)


def _prefixed(kind: Resource | None, name: str) -> str:
    return f"{kind_name(kind)}/{name}" if kind is not None else name


def kind_name(resource: Resource) -> str:
    """`pod`, `deployment.apps`: how kubectl names a kind in its messages."""
    kind = resource.kind.lower()
    return f"{kind}.{resource.group}" if resource.group else kind


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=1,b=2`, sorted by key; `<none>` without any."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def cell_text(value: Any) -> str:
    """A cell as it is printed: cut at a line break, null empty."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else go_text(value)
    match = _BREAK.search(text)
    text = text if match is None else text[: match.start()] + "..."
    return text.replace("\x1b", "^[")


_PLAIN_COLUMNS = (
    {"name": "Name", "type": "string", "format": "name", "priority": 0},
    {"name": "Age", "type": "string", "format": "", "priority": 0},
)


def plain_table(objects: Sequence[Object], now: float) -> Object:
    """The table that kubectl makes by itself (`--server-print=false`): names and ages."""
    rows = [{"cells": [obj["metadata"].get("name", ""), age(obj, now)], "object": obj} for obj in objects]
    return {"kind": "Table", "columnDefinitions": _PLAIN_COLUMNS, "rows": rows}
