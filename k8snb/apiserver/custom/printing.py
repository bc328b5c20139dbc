"""The columns that a definition gives its kind.

A cell is what the column's JSONPath finds: the text of it, or a value of the column's type; a date is an age. Without
columns there is the age alone. Upstream: `apiextensions-apiserver/pkg/registry/customresource/tableconvertor`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from k8snb.apiserver.printing.columns import AGE, NAME, Column, Printer, age, name_of
from k8snb.apiserver.printing.durations import since
from k8snb.machinery.jsonpath import JSONPath, JSONPathError
from k8snb.typing import Object, Resource

_NUMBERS = {"integer": int, "number": float}
Cell = Callable[[Object, float], Any]


@lru_cache(maxsize=256)
def custom_printer(resource: Resource) -> Printer:
    """How a custom resource is printed."""
    assert resource.definition is not None
    given = resource.definition.get("additionalPrinterColumns") or ()
    if not given:
        return Printer((NAME, AGE), lambda obj, now: [name_of(obj), age(obj, now)])
    columns = [NAME, *(_column(each) for each in given)]
    cells = [_cell(each) for each in given]
    return Printer(tuple(columns), lambda obj, now: [name_of(obj), *(cell(obj, now) for cell in cells)])


def _column(given: Object) -> Column:
    path = str(given.get("jsonPath", ""))
    described = given.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    name, type = str(given.get("name", "")), str(given.get("type", ""))
    return Column(name, described, type, str(given.get("format") or ""), priority=given.get("priority") or 0)


def _cell(given: Object) -> Cell:
    type = str(given.get("type", ""))
    try:
        path = JSONPath(f"{{{given.get('jsonPath', '')}}}")
    except JSONPathError:
        return lambda obj, now: None

    def cell(obj: Object, now: float) -> Any:
        try:
            found = path.find(obj)
        except JSONPathError:
            return None
        values = found[0] if found else []
        if not values or values[0] is None:
            return None
        if type == "string":
            return " ".join(path.render(obj).split(" ")) if len(values) == 1 else ",".join(map(_plain, values))
        return _typed(values[0], type, now)

    return cell


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _typed(value: Any, type: str, now: float) -> Any:
    if type == "date":
        return since(value, now) if isinstance(value, str) else "<invalid>"
    if type == "boolean":
        return value if isinstance(value, bool) else None
    number = _NUMBERS.get(type)
    if number is not None:
        return number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return None
