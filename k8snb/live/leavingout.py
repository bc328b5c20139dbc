"""How a cell goes on where a live cluster cannot follow: what is left out is said, and the rest of the cell runs.

Each statement of a cell is run by itself. One that raises `LeftOut` is replaced by a note; the names that it would
have bound stand for something that is `Missing`, and whoever uses that is left out as well. So is what finds
nothing, or something else than the page expects: a live cluster is as somebody has made it. Everything else is an
error as ever.

It is a transformation of the syntax tree, as IPython offers it to extensions, and is there only while the notebook's
cluster is a live one.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Callable
from typing import Any

from k8snb.errors import Absent, LeftOut, StatusError
from k8snb.i18n import _

NAME = "__k8snb_leaving_out__"
"""The name by which transformed cells find the `Leaving`."""

_DIFFERENT = (LookupError, TypeError, ValueError, StopIteration)
"""What comes of something that is not there, or is of another number or kind than on the embedded cluster."""
_WHOLE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
"""Statements that ask no cluster anything."""


class Note:
    """What was left out of a cell, and why."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"— {self.text}"

    def _repr_html_(self) -> str:
        style = "margin:.4em 0;padding:.3em .7em;border-inline-start:4px solid currentColor;opacity:.8"
        return f'<div class="k8snb-view" role="note" style="{style}">{html.escape(self.text)}</div>'


class Missing(Absent):
    """What a name stands for whose statement was left out."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __repr__(self) -> str:
        return f"<{object.__getattribute__(self, '_name')} is missing>"

    def refuse(self, *_arguments: Any, **_options: Any) -> Any:
        """Raise LeftOut."""
        name = object.__getattribute__(self, "_name")
        raise LeftOut(_("left out: it needs {name}, which is not there").format(name=name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.refuse()

    __str__ = __format__ = __call__ = __getitem__ = __iter__ = __len__ = __bool__ = __eq__ = __lt__ = __gt__ = refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __contains__ = __enter__ = __index__ = __float__ = refuse
    __hash__ = object.__hash__


class Leaving:
    """What is left out of the cells of a notebook; `show` displays a note."""

    def __init__(self, show: Callable[[Note], None]) -> None:
        self._show = show
        self.notes: list[str] = []

    def value(self, compute: Callable[[], Any]) -> Any:
        """The value of an expression; None, and a note, if it is left out."""
        try:
            return compute()
        except Exception as error:
            if not self.leaves(error):
                raise
            return None

    def leaves(self, error: BaseException) -> bool:
        """Whether an error means that something is left out; if so it is said."""
        text = self._reason(error)
        if text:
            self.notes.append(text)
            self._show(Note(text))
        return bool(text)

    def missing(self, name: str) -> Missing:
        """What stands for a name that was not bound."""
        return Missing(name)

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, LeftOut):
            return str(error)
        if isinstance(error, StatusError):
            return _("the cluster refuses: {message}").format(message=error.message)
        if isinstance(error, _DIFFERENT) or (self.notes and isinstance(error, NameError)):
            told = f"{type(error).__name__}: {error}"
            return _("left out: this cluster is not as the page expects ({error})").format(error=told)
        return ""


class Statements(ast.NodeTransformer):
    """Lets each statement of a cell run by itself."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        body = [self._guarded(each) for each in node.body]
        return ast.fix_missing_locations(ast.Module(body, node.type_ignores))

    def _guarded(self, node: ast.stmt) -> ast.stmt:
        if isinstance(node, _WHOLE):
            return node
        if isinstance(node, ast.Expr) and not _binds(node):
            made = _call("value", ast.Lambda(_NO_ARGUMENTS, node.value))
            return ast.copy_location(ast.Expr(made), node)
        names = sorted(_names(node))
        lost = [ast.Assign([ast.Name(each, ast.Store())], _call("missing", ast.Constant(each))) for each in names]
        unless = ast.If(ast.UnaryOp(ast.Not(), _call("leaves", ast.Name(_ERROR, ast.Load()))), [ast.Raise()], [])
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), _ERROR, [unless, *lost])
        return ast.copy_location(ast.Try([node], [handler], [], []), node)


_ERROR = "__k8snb_error__"
_NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def _call(method: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name(NAME, ast.Load()), method, ast.Load()), list(arguments), [])


def _binds(node: ast.AST) -> bool:
    """Whether an expression cannot be put into a function: it binds a name, or waits."""
    return any(isinstance(each, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for each in ast.walk(node))


def _names(node: ast.AST) -> set[str]:
    """The names that a statement binds, its comprehensions' own left out."""
    inner = {name for each in ast.walk(node) if isinstance(each, ast.comprehension) for name in _stored(each.target)}
    return _stored(node) - inner


def _stored(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def leave_out(shell: Any) -> None:
    """Let the cells of a notebook leave out what cannot be, from the next one on."""
    from IPython.display import display

    if not any(isinstance(each, Statements) for each in shell.ast_transformers):
        shell.ast_transformers.append(Statements())
        shell.user_ns[NAME] = Leaving(display)


def restore(shell: Any) -> None:
    """Let cells run as they are written."""
    shell.ast_transformers[:] = [each for each in shell.ast_transformers if not isinstance(each, Statements)]
