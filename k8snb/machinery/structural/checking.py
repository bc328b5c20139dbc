"""Whether a value is what its schema says: types, bounds, patterns, enumerations, formats, duplicates.

Findings have the words of kube-openapi's validator as the API server passes them on. On an update a part that has not
changed is let pass, whatever the schema says of it now (ratcheting). Upstream: `kube-openapi/pkg/validation/validate`,
`apiextensions-apiserver/pkg/apiserver/validation` and `schema/listtype`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from k8snb.errors import FieldError, duplicate, invalid_value, not_supported, quoted, required, too_long, too_many
from k8snb.machinery.cel.library.standard import double_text
from k8snb.machinery.goregexp import GoRegexpError, compiled
from k8snb.machinery.structural.formats import fits
from k8snb.machinery.structural.schema import Structural
from k8snb.typing import Object

NO_OLD = object()
"""In the place of an old value: there is none."""


def check(value: Any, schema: Structural, old: Any = NO_OLD) -> list[FieldError]:
    """What is wrong with a value."""
    return list(_checked(value, schema.raw, "", schema, old))


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    kind = type(value)
    if kind is bool:
        return "boolean"
    if kind is str:
        return "string"
    if kind is int or (kind is float and value.is_integer()):
        return "integer"
    if kind is float:
        return "number"
    return "object" if isinstance(value, Mapping) else "array"


def _wrong_type(path: str, wanted: str, shown: str) -> FieldError:
    text = f'{path} in body must be of type {wanted}: "{shown}"'
    return FieldError("FieldValueTypeInvalid", _at(path), shown, text)


def _at(path: str) -> str:
    return path or "<nil>"


def _same(value: Any, old: Any) -> bool:
    return old is not NO_OLD and (value is old or (type(value) is type(old) and bool(value == old)))


def _checked(value: Any, raw: Object, path: str, schema: Structural, old: Any) -> Iterator[FieldError]:
    if _same(value, old):
        return
    wanted = raw.get("type", "")
    found = type_of(value)
    if value is None:
        if not (raw.get("nullable") or schema.int_or_string or not wanted):
            yield _wrong_type(path, wanted, "null")
        return
    if wanted and found != wanted and not (wanted == "number" and found == "integer"):
        if not schema.int_or_string:
            yield _wrong_type(path, wanted, found)
    elif schema.int_or_string and found not in ("integer", "string"):
        yield _wrong_type(path, "integer,string", found)
    yield from _combined(value, raw, path, schema, old)
    if found == "string":
        yield from _text(value, raw, path)
    elif found in ("integer", "number"):
        yield from _number(value, raw, path)
    elif found == "array":
        yield from _list(value, raw, path, schema, old)
    if "enum" in raw and not any(_equals(value, each) for each in raw["enum"]):
        yield not_supported(_at(path), value, [each if isinstance(each, str) else quoted(each) for each in raw["enum"]])
    if found == "object":
        yield from _object(value, raw, path, schema, old)


def _equals(a: Any, b: Any) -> bool:
    return type_of(a) == type_of(b) and bool(a == b)


# -- scalars -------------------------------------------------------------------------------------------


def _text(value: str, raw: Object, path: str) -> Iterator[FieldError]:
    if "maxLength" in raw and len(value) > raw["maxLength"]:
        yield too_long(_at(path), value, raw["maxLength"])
    if "minLength" in raw and len(value) < raw["minLength"]:
        yield invalid_value(_at(path), value, f"{path} in body should be at least {raw['minLength']} chars long")
    if pattern := raw.get("pattern"):
        try:
            matches = compiled(pattern).search(value) is not None
        except GoRegexpError:
            matches = False
        if not matches:
            yield invalid_value(_at(path), value, f"{path} in body should match '{pattern}'")
    if (name := raw.get("format")) and not fits(name, value):
        text = f"{path} in body must be of type {name}: {quoted(value)}"
        yield FieldError("FieldValueTypeInvalid", _at(path), value, text)


def _shown(number: Any) -> str:
    return double_text(number, 21) if isinstance(number, float) else str(number)


def _number(value: Any, raw: Object, path: str) -> Iterator[FieldError]:
    multiple = raw.get("multipleOf")
    if multiple and Decimal(str(value)) % Decimal(str(multiple)):
        yield invalid_value(_at(path), value, f"{path} in body should be a multiple of {_shown(multiple)}")
    maximum, minimum = raw.get("maximum"), raw.get("minimum")
    if maximum is not None:
        exclusive = raw.get("exclusiveMaximum")
        if value > maximum or (exclusive and value == maximum):
            word = "less than" if exclusive else "less than or equal to"
            yield invalid_value(_at(path), value, f"{path} in body should be {word} {_shown(maximum)}")
    if minimum is not None:
        exclusive = raw.get("exclusiveMinimum")
        if value < minimum or (exclusive and value == minimum):
            word = "greater than" if exclusive else "greater than or equal to"
            yield invalid_value(_at(path), value, f"{path} in body should be {word} {_shown(minimum)}")
    name = raw.get("format")
    bounds = {"int32": 2**31, "int64": 2**63}.get(name or "")
    if bounds is not None and not -bounds <= value < bounds:
        where = f"Checked value must be of type integer with format {name}"
        yield invalid_value(_at(path), value, f"{path} in body must be of type {raw.get('type')}: {where}")
    if name in ("float", "double") and isinstance(value, float) and math.isinf(value):
        yield invalid_value(_at(path), value, f"{path} in body must be of type number")


# -- containers ----------------------------------------------------------------------------------------


def _list(value: Sequence[Any], raw: Object, path: str, schema: Structural, old: Any) -> Iterator[FieldError]:
    items = schema.items
    if items is not None:
        before = correlated(schema, value, old)
        for index, each in enumerate(value):
            yield from _checked(each, items.raw, f"{path}[{index}]", items, before[index])
    if "minItems" in raw and len(value) < raw["minItems"]:
        yield invalid_value(_at(path), len(value), f"{path} in body should have at least {raw['minItems']} items")
    if "maxItems" in raw and len(value) > raw["maxItems"]:
        yield too_many(_at(path), len(value), raw["maxItems"])


def correlated(schema: Structural, value: Sequence[Any], old: Any) -> list[Any]:
    """For each item of a list its old self: by its keys in a list with keys; otherwise there is none."""
    if schema.list_type != "map" or not isinstance(old, list):
        return [NO_OLD] * len(value)
    known = {repr(schema.place(each)): each for each in old if isinstance(each, Mapping)}
    return [known.get(repr(schema.place(each)), NO_OLD) if isinstance(each, Mapping) else NO_OLD for each in value]


def _object(value: Object, raw: Object, path: str, schema: Structural, old: Any) -> Iterator[FieldError]:
    lead = f"{path}." if path else ""
    before = old if isinstance(old, Mapping) else {}
    if "minProperties" in raw and len(value) < raw["minProperties"]:
        text = f"{path} in body should have at least {raw['minProperties']} properties"
        yield invalid_value(_at(path), len(value), text)
    if "maxProperties" in raw and len(value) > raw["maxProperties"]:
        yield too_many(_at(path), len(value), raw["maxProperties"])
    for key in raw.get("required") or ():
        if key not in value:
            yield required(f"{lead}{key}")
    for key in sorted(value):
        known = schema.properties.get(key) or schema.additional
        if known is not None and not (path == "" and key == "metadata" and schema.raw.get("type") == "object"):
            yield from _checked(value[key], known.raw, f"{lead}{key}", known, before.get(key, NO_OLD))


# -- combinations --------------------------------------------------------------------------------------


def _combined(value: Any, raw: Object, path: str, schema: Structural, old: Any) -> Iterator[FieldError]:
    name = quoted(path)
    if any_of := raw.get("anyOf"):
        tries = [list(_checked(value, each, path, Structural(each), NO_OLD)) for each in any_of]
        if all(tries):
            yield _composite(f"{name} must validate at least one schema (anyOf)")
            yield from _best(tries)
    if one_of := raw.get("oneOf"):
        tries = [list(_checked(value, each, path, Structural(each), NO_OLD)) for each in one_of]
        valid = sum(not findings for findings in tries)
        if valid != 1:
            why = "Found none valid" if not valid else f"Found {valid} valid alternatives"
            yield _composite(f"{name} must validate one and only one schema (oneOf). {why}")
            if not valid:
                yield from _best(tries)
    if all_of := raw.get("allOf"):
        tries = [list(_checked(value, each, path, Structural(each), NO_OLD)) for each in all_of]
        valid = sum(not findings for findings in tries)
        if valid != len(all_of):
            why = "" if valid else ". None validated"
            yield _composite(f"{name} must validate all the schemas (allOf){why}")
            for findings in tries:
                yield from findings
    negated = raw.get("not")
    if negated is not None and not list(_checked(value, negated, path, Structural(negated), NO_OLD)):
        yield _composite(f"{name} must not validate the schema (not)")


def _composite(text: str) -> FieldError:
    return invalid_value("<nil>", "", text)


def _best(tries: Sequence[list[FieldError]]) -> list[FieldError]:
    return min(tries, key=len)


# -- duplicates ----------------------------------------------------------------------------------------


def duplicates(value: Any, schema: Structural, path: str = "", old: Any = NO_OLD) -> Iterator[FieldError]:
    """Items that occur twice in sets, or in lists with keys."""
    if _same(value, old):
        return
    if isinstance(value, list):
        if schema.list_type in ("set", "map"):
            yield from _twice(value, schema, path)
        if schema.items is not None:
            before = correlated(schema, value, old)
            for index, each in enumerate(value):
                yield from duplicates(each, schema.items, f"{path}[{index}]", before[index])
    elif isinstance(value, Mapping):
        lead = f"{path}." if path else ""
        held = old if isinstance(old, Mapping) else {}
        for key, each in value.items():
            known = schema.properties.get(key)
            where = f"{lead}{key}"
            if known is None and schema.additional is not None:
                known, where = schema.additional, f"{path}[{key}]"
            if known is not None:
                yield from duplicates(each, known, where, held.get(key, NO_OLD))


def _twice(value: Sequence[Any], schema: Structural, path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, each in enumerate(value):
        if schema.list_type == "map":
            if not isinstance(each, Mapping):
                continue
            shown: Any = dict(zip(schema.map_keys, schema.place(each), strict=True))
            shown = {key: held for key, held in shown.items() if held is not None}
        else:
            shown = each
        mark = quoted(shown)
        if mark in seen:
            yield duplicate(f"{path}[{index}]", shown)
        seen.add(mark)
