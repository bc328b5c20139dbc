"""What the server makes of a custom resource before it looks at the rules: pruning and defaulting.

Fields that the schema does not know go (and are told of), nulls that may not be there go, and defaults come. A value
that needs no change is returned as it is. Upstream: `apiserver/schema/pruning` and `defaulting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.machinery.structural.schema import META_FIELDS, Structural
from k8snb.typing import Object


def pruned(obj: Any, schema: Structural, unknown: list[str], *, root: bool = True) -> Any:
    """The value without the fields that the schema does not know; their paths go to `unknown`."""
    result = _pruned(obj, schema, "", unknown, root)
    unknown.sort()
    return result


def _pruned(value: Any, schema: Structural | None, path: str, unknown: list[str], root: bool) -> Any:
    if isinstance(value, Mapping):
        return _pruned_object(value, schema, path, unknown, root)
    if isinstance(value, list):
        return _pruned_list(value, schema, path, unknown)
    return value


def _pruned_object(value: Object, schema: Structural | None, path: str, unknown: list[str], root: bool) -> Object:
    if schema is None or schema.any_additional:
        return value
    root = root or schema.embedded
    changed: dict[str, Any] = {}
    gone: list[str] = []
    for key, held in value.items():
        if root and key in META_FIELDS:
            continue
        where = f"{path}.{key}" if path else key
        known = schema.properties.get(key) or schema.additional
        if known is not None:
            new = _pruned(held, known, where, unknown, False)
            if new is not held:
                changed[key] = new
        elif not schema.preserves:
            gone.append(key)
            unknown.append(where)
    if not changed and not gone:
        return value
    return {key: changed.get(key, held) for key, held in value.items() if key not in gone}


def _pruned_list(value: list[Any], schema: Structural | None, path: str, unknown: list[str]) -> list[Any]:
    items = schema.items if schema is not None else None
    if items is None:
        return value
    made = [_pruned(each, items, f"{path}[{index}]", unknown, False) for index, each in enumerate(value)]
    return value if all(new is old for new, old in zip(made, value, strict=True)) else made


def defaulted(value: Any, schema: Structural) -> Any:
    """The value with its defaults; nulls that may not stay are taken for missing."""
    if isinstance(value, Mapping):
        return _defaulted_object(value, schema)
    if isinstance(value, list) and schema.items is not None:
        items = schema.items
        made = [defaulted(items.raw["default"] if _unset(each, items) else each, items) for each in value]
        return value if all(new is old for new, old in zip(made, value, strict=True)) else made
    return value


def _unset(value: Any, schema: Structural) -> bool:
    return value is None and not schema.nullable and "default" in schema.raw


def _defaulted_object(value: Object, schema: Structural) -> Object:
    changed: dict[str, Any] = {}
    gone: list[str] = []
    for key, known in schema.properties.items():
        present = key in value
        held = value.get(key)
        if (not present and "default" in known.raw) or _unset(held, known):
            held = known.raw["default"]
        elif not present:
            continue
        elif held is None and not known.nullable:
            gone.append(key)
            continue
        new = defaulted(held, known)
        if not present or new is not value[key]:
            changed[key] = new
    if schema.additional is not None:
        extra = schema.additional
        for key, held in value.items():
            if key in schema.properties:
                continue
            new = defaulted(extra.raw["default"] if _unset(held, extra) else held, extra)
            if new is not held:
                changed[key] = new
    if not changed and not gone:
        return value
    return {**{key: held for key, held in value.items() if key not in gone}, **changed}


def has_defaults(schema: Structural) -> bool:
    """Whether there is a default anywhere in the schema."""
    if "default" in schema.raw:
        return True
    below = [*schema.properties.values(), schema.items, schema.additional]
    return any(each is not None and has_defaults(each) for each in below)
