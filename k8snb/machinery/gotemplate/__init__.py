"""Go's text/template: what `kubectl -o go-template` prints with, and charts are written in.

    templates = Templates({"upper": str.upper})
    templates.add("greeting", "Hello {{ .name | upper }}!")
    templates.render("greeting", {"name": "Ada"})

`lexer` cuts a text into tokens, `parser` makes the nodes of `nodes`, `evaluator` walks them over data, `builtins`
are the functions that every template has and `formatting` is Go's fmt. Mistakes are told in Go's words, with line
and column. Data are what JSON holds: mappings, lists, texts, numbers, booleans, None; a function is any Python
callable that raises `FunctionError` for what it cannot do.

Upstream: Go's `text/template` and `text/template/parse`.
"""

from k8snb.machinery.gotemplate.errors import ExecutionError, FunctionError, ParseError, TemplateError
from k8snb.machinery.gotemplate.formatting import sprint, sprintf, sprintln
from k8snb.machinery.gotemplate.templates import Templates
from k8snb.machinery.gotemplate.values import NO_VALUE, from_json, type_name

__all__ = [
    "NO_VALUE",
    "ExecutionError",
    "FunctionError",
    "ParseError",
    "TemplateError",
    "Templates",
    "from_json",
    "sprint",
    "sprintf",
    "sprintln",
    "type_name",
]
