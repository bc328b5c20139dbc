"""Functions as they are declared: a signature in CEL's own words and the Python that does it.

`"string::startsWith(string) -> bool"` is a method of strings, `"size(list(A)) -> int"` a function. One function has
several overloads; the checker finds those that fit the types, and where types are only known at run time the values
decide. A library is a table of such pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from k8snb.machinery.cel.types import Type, parse_type, split_outer
from k8snb.machinery.cel.values import (
    Duration,
    Optional,
    Timestamp,
    TypeValue,
    UInt,
    no_overload,
    type_name,
)

Run: TypeAlias = Callable[..., Any]
Library: TypeAlias = Mapping[str, Run]


@dataclass(frozen=True, slots=True, eq=False)
class Overload:
    """One way to call a function. The target of a method is its first parameter."""

    member: bool
    params: tuple[Type, ...]
    result: Type
    run: Run
    signature: str

    def fits(self, args: Sequence[Any]) -> bool:
        """Whether the values may be its arguments."""
        return len(args) == len(self.params) and all(map(_fits, self.params, args))


_CLASSES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "uint": (UInt,),
    "double": (float,),
    "string": (str,),
    "bytes": (bytes,),
    "timestamp": (Timestamp,),
    "duration": (Duration,),
    "null": (type(None),),
    "type": (TypeValue,),
}


def _fits(wanted: Type, value: Any) -> bool:
    classes = _CLASSES.get(wanted.kind)
    if classes is not None:
        return type(value) in classes
    if wanted.kind == "list":
        return isinstance(value, (list, tuple))
    if wanted.kind in ("map", "struct"):
        return isinstance(value, Mapping)
    if wanted.kind == "opaque":
        return type(value) is Optional if wanted.name == "optional_type" else type_name(value) == wanted.name
    return True


Functions: TypeAlias = Mapping[str, tuple[Overload, ...]]


def declared(libraries: Sequence[Library]) -> dict[str, tuple[Overload, ...]]:
    """The functions of some libraries, by name."""
    found: dict[str, list[Overload]] = {}
    for library in libraries:
        for signature, run in library.items():
            name, overload = _parsed(signature, run)
            found.setdefault(name, []).append(overload)
    return {name: tuple(overloads) for name, overloads in found.items()}


def _parsed(signature: str, run: Run) -> tuple[str, Overload]:
    head, _, result = signature.rpartition(" -> ")
    target, method, rest = head.partition("::")
    if not method:
        rest, target = head, ""
    name, _, inner = rest.partition("(")
    params = [parse_type(part) for part in split_outer(inner[:-1])]
    if target:
        params.insert(0, parse_type(target))
    return name, Overload(bool(target), tuple(params), parse_type(result), run, signature)


def dispatch(overloads: Sequence[Overload], args: Sequence[Any]) -> Any:
    """Call the overload that the values fit. Raises EvaluationError if none does."""
    for overload in overloads:
        if overload.fits(args):
            return overload.run(*args)
    raise no_overload()
