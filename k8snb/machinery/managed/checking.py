"""What is wrong with an object before it can be compared or merged: the words of structured-merge-diff.

Upstream: structured-merge-diff `typed/validate.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.machinery.gotext import go_text
from k8snb.machinery.managed.comparing import NoKey, step_of
from k8snb.machinery.managed.sets import field_step, text
from k8snb.machinery.managed.shapes import Shape, deduced

Place = tuple[str, ...]


def problems(value: Any, shape: Shape, *, twins: bool = False) -> str:
    """All that does not fit the shape, as one message; empty if all does. `twins` lets items of a list share a key."""
    found = [f"{text(place)}: {why}" if place else why for place, why in _check(value, shape, (), twins)]
    return found[0] if len(found) == 1 else "\n".join(["errors:", *(f"  {each}" for each in found)]) if found else ""


def _check(value: Any, shape: Shape, place: Place, twins: bool) -> Iterator[tuple[Place, str]]:
    shape = deduced(shape, value)
    if value is None:
        return
    if shape.kind == "scalar":
        yield from _scalar(value, shape.scalar, place)
    elif shape.kind == "list":
        yield from _list(value, shape, place, twins)
    elif isinstance(value, Mapping):
        yield from _map(value, shape, place, twins)
    else:
        yield place, f"expected map, got {_boxed(value)}"


def _map(value: Mapping[str, Any], shape: Shape, place: Place, twins: bool) -> Iterator[tuple[Place, str]]:
    for name, inner in value.items():
        there = (*place, field_step(name))
        child = shape.child(name)
        if child is None:
            yield there, "field not declared in schema"
        else:
            yield from _check(inner, child, there, twins)


def _list(value: Any, shape: Shape, place: Place, twins: bool) -> Iterator[tuple[Place, str]]:
    if not isinstance(value, list):
        yield place, f"expected list, got {_boxed(value)}"
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        if shape.atomic:
            step = f"i:{index}"
        else:
            try:
                step = step_of(shape, item)
            except NoKey as error:
                yield place, f"element {index}: {error}"
                continue
            if step in seen and not twins:
                yield place, f"duplicate entries for key {text((step,))}"
            seen.add(step)
        element = shape.element
        if element is not None:
            yield from _check(item, element, (*place, step), twins)


def _scalar(value: Any, wanted: str, place: Place) -> Iterator[tuple[Place, str]]:
    if wanted == "numeric" and (isinstance(value, bool) or not isinstance(value, int | float)):
        yield place, f"expected numeric (int or float), got {_go_type(value)}"
    elif wanted == "string" and not isinstance(value, str):
        yield place, f"expected string, got &value.valueUnstructured{{Value:{_literal(value)}}}"
    elif wanted == "boolean" and not isinstance(value, bool):
        yield place, f"expected boolean, got {_boxed(value)}"
    elif not wanted and isinstance(value, Mapping | list):
        yield place, f"expected scalar, got {_boxed(value)}"


def _boxed(value: Any) -> str:
    return f"&{{{go_text(value)}}}"


def _go_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Mapping):
        return "map[string]interface {}"
    return "string" if isinstance(value, str) else "[]interface {}"


def _literal(value: Any) -> str:
    """A value as Go's `%#v` writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = ", ".join(f'"{key}":{_literal(inner)}' for key, inner in sorted(value.items()))
        return f"map[string]interface {{}}{{{pairs}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(_literal(item) for item in value)}}}"
    return f'"{value}"' if isinstance(value, str) else "interface {}(nil)" if value is None else go_text(value)
