"""What a template function takes, read off its Python signature: `def trunc(count: int, text: str)`.

A parameter annotated `str`, `int`, `bool`, `dict` or `list` takes only values of Go's type of that kind, and others are
refused in Go's words; any other annotation takes anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from k8snb.machinery.gotemplate.values import is_list

_KINDS: Mapping[Any, str] = {
    "str": "string", "int": "int", "bool": "bool", "dict[str, Any]": "map[string]interface {}",
    "list[Any]": "[]interface {}", "list[str]": "[]string",
}  # fmt: skip


class Signature(NamedTuple):
    """How many arguments a function takes, and of which types; an empty type is any."""

    least: int
    most: float
    kinds: Sequence[str]
    rest: str

    def kind(self, at: int) -> str:
        """The type of the argument at a place."""
        return self.kinds[at] if at < len(self.kinds) else self.rest


@lru_cache(maxsize=4096)
def signature_of(function: Callable[..., Any]) -> Signature:
    """The signature of a function."""
    kinds = inspect.Parameter
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return Signature(0, float("inf"), (), "")
    places = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    rest = next((p for p in parameters if p.kind is kinds.VAR_POSITIONAL), None)
    least = sum(p.default is kinds.empty for p in places)
    types = tuple(_KINDS.get(p.annotation, "") for p in places)
    if rest is None:
        return Signature(least, len(places), types, "")
    return Signature(least, float("inf"), types, _KINDS.get(rest.annotation, ""))


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a type."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "int":
            return type(value) is int
        case "bool":
            return isinstance(value, bool)
        case "[]interface {}" | "[]string":
            return is_list(value)
    return isinstance(value, Mapping)
