"""`-o custom-columns=NAME:.path,…`: columns of one's own.

Upstream: `kubectl/pkg/cmd/get/customcolumn.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.kubectl.errors import CommandError, Halfway
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.machinery.gotext import go_text
from k8snb.machinery.jsonpath import JSONPath, JSONPathError, relaxed
from k8snb.typing import Object

NONE = "<none>"
_LINES = ("header", "spec")


class ColumnsPrinter:
    """Prints objects in columns that the reader named."""

    def __init__(self, spec: str, *, headers: bool) -> None:
        if not spec:
            raise CommandError("custom-columns format specified but no custom columns given")
        parsed = [_column(part) for part in spec.split(",")]
        self._headers = [name for name, _ in parsed] if headers else []
        self._paths = [path for _, path in parsed]

    def print(self, objects: Sequence[Object]) -> str:
        """The table of some objects; its headers even if there are none."""
        writer = TabWriter()
        if self._headers:
            writer.row(self._headers)
        for obj in objects:
            try:
                writer.row([_cell(path, obj) for path in self._paths])
            except JSONPathError as error:
                raise Halfway(str(error), writer.flush()) from None
        return writer.flush()


def columns_file(text: str) -> str:
    """The spec in a file of two lines: names, and a path under each."""
    lines = text.splitlines()
    if len(lines) < len(_LINES):
        expected = "Expected format is one line of space separated headers, one line of space separated column specs."
        raise CommandError(f"invalid template, missing {_LINES[len(lines)]} line. {expected}")
    names, paths = (line.split() for line in lines[: len(_LINES)])
    if len(names) != len(paths):
        raise CommandError(f"number of headers ({len(names)}) and field specifications ({len(paths)}) don't match")
    return ",".join(f"{name}:{path}" for name, path in zip(names, paths, strict=True))


def _column(part: str) -> tuple[str, JSONPath]:
    name, colon, path = part.partition(":")
    if not colon:
        raise CommandError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
    try:
        return name, JSONPath(relaxed(path))
    except JSONPathError as error:
        raise CommandError(str(error)) from None


def _cell(path: JSONPath, obj: Object) -> str:
    found = path.find(obj)
    if not found or not found[0]:
        return NONE
    return ",".join(go_text(value) for values in found for value in values)
