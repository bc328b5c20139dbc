"""Cells of a notebook, run without one: Python with the magics of k8snb, one cell after the other.

In a text, a new cell begins at a line with `%%` (`%%apply`, or `%%` alone).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from k8snb import Cluster, load_ipython_extension

_LINE = re.compile(r"^( *)%(\w+) (.*)$", re.MULTILINE)


class Cells:
    """As much of IPython as a page needs; `variables` are those of the notebook."""

    def __init__(self) -> None:
        self._magics: dict[str, Callable[..., None]] = {"load_ext": lambda _name: None}
        self.user_ns = self.variables = {"_magic": self._magic, "display": lambda *_shown, **_how: None}
        load_ipython_extension(self)

    def register_magic_function(self, function: Callable[..., None], magic_kind: str, magic_name: str) -> None:
        self._magics[magic_name] = function

    @property
    def cluster(self) -> Cluster:
        """The cluster that the page means now."""
        found: Cluster = self.variables["cluster"]
        return found

    def run(self, text: str) -> Any:
        """Run every cell of a text; returns what the last one has in its last line."""
        results = [self._cell(cell) for cell in re.split(r"^(?=%%)", text, flags=re.MULTILINE) if cell.strip()]
        return results[-1] if results else None

    def _magic(self, name: str, line: str) -> None:
        self._magics[name](line)

    def _cell(self, cell: str) -> Any:
        head, _line, body = cell.partition("\n")
        if head.startswith("%%") and head != "%%":
            name, _space, line = head[2:].partition(" ")
            return self._magics[name](line, body)
        return self._python(cell.removeprefix("%%"))

    def _python(self, source: str) -> Any:
        tree = ast.parse(_LINE.sub(lambda line: f"{line[1]}_magic({line[2]!r}, {line[3]!r})", source))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), self.variables)
        if not isinstance(last, ast.Expr):
            return None
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), self.variables)
