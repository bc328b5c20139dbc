"""The types of CEL, and when a value of one may stand where another is wanted.

A type is a kind, a name and its parameters; types are compared by value. `dyn` fits everywhere. Type parameters
(`A`, `T`) of a function's declaration are bound while its arguments are looked at. Upstream: `cel-go/checker/types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `kind` is the name of the family, `name` that of a struct, opaque type or parameter."""

    kind: str
    name: str = ""
    params: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if self.kind in ("struct", "param"):
            return self.name
        if self.kind == "opaque":
            return f"{self.name}({', '.join(map(str, self.params))})" if self.params else self.name
        if self.params:
            return f"{self.kind}({', '.join(map(str, self.params))})"
        return self.kind


def _simple(kind: str) -> Type:
    return Type(kind)


BOOL, INT, UINT, DOUBLE = map(_simple, ("bool", "int", "uint", "double"))
STRING, BYTES, NULL, DYN = map(_simple, ("string", "bytes", "null", "dyn"))
TIMESTAMP, DURATION, ERROR = map(_simple, ("timestamp", "duration", "!error!"))
TYPE = Type("type")
BASIC = {each.kind: each for each in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, DYN, TIMESTAMP, DURATION)}


def list_of(item: Type) -> Type:
    return Type("list", params=(item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", params=(key, value))


def optional_of(value: Type) -> Type:
    return Type("opaque", "optional_type", (value,))


def opaque(name: str) -> Type:
    return Type("opaque", name)


def is_optional(type: Type) -> bool:
    return type.name == "optional_type"


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A type with fields: its name as a `Type`, and what each field holds."""

    name: str
    fields: Mapping[str, Type] = field(default_factory=dict)

    @property
    def type(self) -> Type:
        return Type("struct", self.name)


Bindings: TypeAlias = dict[str, Type]
_NULLABLE = frozenset({"struct", "opaque", "timestamp", "duration", "null", "dyn"})


def substitute(type: Type, bound: Bindings, *, to_dyn: bool = False) -> Type:
    """The type with its parameters replaced; what is not bound stays, or becomes `dyn`."""
    if type.kind == "param":
        found = bound.get(type.name)
        if found is not None:
            return substitute(found, bound, to_dyn=to_dyn)
        return DYN if to_dyn else type
    if not type.params:
        return type
    return Type(type.kind, type.name, tuple(substitute(each, bound, to_dyn=to_dyn) for each in type.params))


def is_dyn(type: Type) -> bool:
    return type.kind in ("dyn", "!error!")


def assignable(wanted: Type, given: Type, bound: Bindings) -> bool:
    """Whether a value of type `given` may stand where `wanted` is; binds parameters on the way."""
    wanted, given = _resolved(wanted, bound), _resolved(given, bound)
    if wanted.kind == "param":
        return _bind(wanted, given, bound)
    if given.kind == "param":
        return _bind(given, wanted, bound)
    if is_dyn(wanted) or is_dyn(given):
        return True
    if given.kind == "null":
        return wanted.kind in _NULLABLE
    if wanted.kind == "null":
        return given.kind in _NULLABLE
    if (wanted.kind, wanted.name) != (given.kind, given.name):
        return False
    if wanted.kind == "type":
        return True
    if len(wanted.params) != len(given.params):
        return False
    return all(assignable(a, b, bound) for a, b in zip(wanted.params, given.params, strict=True))


def _resolved(type: Type, bound: Bindings) -> Type:
    while type.kind == "param" and type.name in bound:
        type = bound[type.name]
    return type


def _bind(parameter: Type, type: Type, bound: Bindings) -> bool:
    if parameter != type:
        bound[parameter.name] = type
    return True


def joined(a: Type, b: Type, bound: Bindings) -> Type:
    """The common type of two items of a literal: the more general one, or `dyn`."""
    trial = dict(bound)
    if assignable(a, b, trial):
        bound.update(trial)
        return b if a.kind == "null" else a
    return DYN


def parse_type(text: str) -> Type:
    """A type as a declaration writes it: `list(A)`, `map(string, dyn)`, `optional_type(V)`, `net.IP`."""
    text = text.strip()
    if text.endswith(")"):
        name, _, inner = text[:-1].partition("(")
        params = tuple(parse_type(part) for part in split_outer(inner))
        return Type("opaque", name, params) if name == "optional_type" else Type(name, params=params)
    if text in BASIC:
        return BASIC[text]
    if text == "type":
        return TYPE
    return Type("param", text) if len(text) == 1 else opaque(text)


def split_outer(text: str) -> list[str]:
    """The parts between the commas that are in no parentheses."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]
