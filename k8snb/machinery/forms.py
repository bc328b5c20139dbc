"""Dictionaries of which there are many with the same fields.

A dictionary of a dozen fields is mostly its table of keys. CPython lets the attribute dictionaries of a class share
one such table (PEP 412), and a copy of such a dictionary shares it too: half the memory, and quicker to make than a
literal. A *form* is a dictionary made that way; whoever needs another one with the same fields copies it and fills in
what differs. It is a plain `dict` to everybody, and as good as any where Python does not share tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

_SETTLING = 40
"""After how many instances a class has found out how much room an attribute dictionary needs."""


def form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A dictionary equal to `fields`, to be copied: its copies share its table of keys while they keep its fields."""
    return _filled(_kind(tuple(fields)), fields)


@cache
def _kind(names: tuple[str, ...]) -> type:
    """The class whose instances have these attributes, in this order."""
    kind = type("Form", (), {})
    for _ in range(_SETTLING):
        _filled(kind, dict.fromkeys(names))
    return kind


def _filled(kind: type, fields: Mapping[str, Any]) -> dict[str, Any]:
    made = kind()
    for name, value in fields.items():
        setattr(made, name, value)
    fresh: dict[str, Any] = vars(made)
    return fresh
