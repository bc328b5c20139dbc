"""Whether a schema is structural: every field has its type where it stands, and value validations only narrow it down.

Findings are sorted by their text, as upstream sorts them. Upstream:
`apiextensions-apiserver/pkg/apiserver/schema/validation.go` and `complete.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.errors import FieldError, field_forbidden, invalid_value, required
from k8snb.machinery.goregexp import GoRegexpError, compiled
from k8snb.typing import Object

ROOT, ITEM, FIELD = "at the root", "for specified array items", "for specified object fields"
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_PRESERVE, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_EITHER = "x-kubernetes-int-or-string"
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_FORBIDDEN: Mapping[str, str] = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "externalDocs": "must be undefined to be structural",
    _PRESERVE: "must be false to be structural",
    _EMBEDDED: "must be false to be structural",
    _EITHER: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}


def check_structural(raw: Object, path: str) -> list[FieldError]:
    """What keeps a schema from being structural."""
    return sorted([*_invariants(raw, ROOT, path), *_complete(raw, path)], key=str)


def _invariants(raw: Object, level: str, path: str) -> Iterator[FieldError]:
    type = raw.get("type", "")
    if type == "array" and "items" not in raw:
        yield required(f"{path}.items", "must be specified")
    if isinstance(raw.get("items"), Mapping):
        yield from _invariants(raw["items"], ITEM, f"{path}.items")
    for name, below in (raw.get("properties") or {}).items():
        yield from _invariants(below, FIELD, f"{path}.properties[{name}]")
    if (extra := raw.get("additionalProperties")) is not None:
        if level == ROOT:
            yield field_forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if isinstance(extra, Mapping):
            yield from _invariants(extra, FIELD, f"{path}.additionalProperties")
    yield from _extensions(raw, path)
    skip_any, skip_all = _patterns(raw)
    yield from _values(raw, path, skip_any=skip_any, skip_all=skip_all)
    yield from _typed(raw, type, level, path)
    yield from _metadata(raw, level, path)


def _patterns(raw: Object) -> tuple[bool, bool]:
    """Whether the two ways of saying "integer or string" are used."""
    all_of = raw.get("allOf") or [{}]
    return raw.get("anyOf") == _INT_OR_STRING, all_of[0].get("anyOf") == _INT_OR_STRING


def _extensions(raw: Object, path: str) -> Iterator[FieldError]:
    if not raw.get(_EITHER):
        return
    for word in (_PRESERVE, _EMBEDDED):
        if raw.get(word):
            yield invalid_value(f"{path}.{word}", True, f"must be false if {_EITHER} is true")


def _typed(raw: Object, type: str, level: str, path: str) -> Iterator[FieldError]:
    if raw.get(_EMBEDDED):
        why = f"must be object if {_EMBEDDED} is true"
        if type != "object":
            yield invalid_value(f"{path}.type", type, why) if type else required(f"{path}.type", why)
        if raw.get("additionalProperties") is not None:
            yield field_forbidden(f"{path}.additionalProperties", f"must not be used if {_EMBEDDED} is set")
        if not raw.get(_PRESERVE) and not raw.get("properties"):
            why = f"must not be empty if {_EMBEDDED} is true without {_PRESERVE}"
            yield required(f"{path}.properties", why)
    elif not type and not raw.get(_EITHER) and not raw.get(_PRESERVE):
        yield required(f"{path}.type", f"must not be empty {level}")
    if level == ROOT and type and type != "object":
        yield invalid_value(f"{path}.type", type, "must be object at the root")


def _metadata(raw: Object, level: str, path: str) -> Iterator[FieldError]:
    properties = raw.get("properties") or {}
    whole = level == ROOT or bool(raw.get(_EMBEDDED))
    for name in ("kind", "apiVersion"):
        if whole and name in properties and properties[name].get("type", "") != "string":
            where = f"{path}.properties[{name}].type"
            yield invalid_value(where, properties[name].get("type", ""), "must be string")
    if "metadata" not in properties:
        return
    meta = properties["metadata"]
    if whole and meta.get("type", "") != "object":
        yield invalid_value(f"{path}.properties[metadata].type", meta.get("type", ""), "must be object")
    if level == ROOT:
        named = set(meta.get("properties") or ()) <= {"name", "generateName"}
        rest = {key for key, value in meta.items() if value and key not in ("type", "default", "properties")}
        if rest or not named:
            why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            yield field_forbidden(f"{path}.properties[metadata]", why)


# -- value validations -----------------------------------------------------------------------------------


def _values(raw: Object, path: str, *, skip_any: bool, skip_all: bool) -> Iterator[FieldError]:
    for word in ("anyOf", "allOf", "oneOf"):
        if word == "anyOf" and skip_any:
            continue
        for index, each in enumerate(raw.get(word) or ()):
            skip = word == "allOf" and skip_all and index == 0
            yield from _nested(each, f"{path}.{word}[{index}]", skip_any=skip)
    if raw.get("not") is not None:
        yield from _nested(raw["not"], f"{path}.not")
    if pattern := raw.get("pattern"):
        try:
            compiled(pattern)
        except GoRegexpError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            yield invalid_value(f"{path}.pattern", pattern, text)


def _nested(raw: Object, path: str, *, skip_any: bool = False) -> Iterator[FieldError]:
    yield from _values(raw, path, skip_any=skip_any, skip_all=False)
    if isinstance(raw.get("items"), Mapping):
        yield from _nested(raw["items"], f"{path}.items")
    properties = raw.get("properties") or {}
    for name, below in properties.items():
        yield from _nested(below, f"{path}.properties[{name}]")
    for word, why in _FORBIDDEN.items():
        value = raw.get(word)
        if value is not None and value is not False and value != "" and value != []:
            yield field_forbidden(f"{path}.{word}", why)
    if "metadata" in properties:
        yield field_forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


# -- completeness ----------------------------------------------------------------------------------------


def _complete(raw: Object, path: str) -> Iterator[FieldError]:
    """What value validations speak of must be there outside of them."""
    for word in _JUNCTORS:
        for index, each in enumerate(raw.get(word) or ()):
            yield from _covered(each, raw, f"{path}.{word}[{index}]", path)
    if isinstance(raw.get("not"), Mapping):
        yield from _covered(raw["not"], raw, f"{path}.not", path)
    for name, below in (raw.get("properties") or {}).items():
        yield from _complete(below, f"{path}.properties[{name}]")
    for word in ("items", "additionalProperties"):
        if isinstance(raw.get(word), Mapping):
            yield from _complete(raw[word], f"{path}.{word}")


def _covered(nested: Object, raw: Any, where: str, path: str) -> Iterator[FieldError]:
    for word in _JUNCTORS:
        for index, each in enumerate(nested.get(word) or ()):
            yield from _covered(each, raw, f"{where}.{word}[{index}]", path)
    if isinstance(nested.get("not"), Mapping):
        yield from _covered(nested["not"], raw, f"{where}.not", path)
    for name, below in (nested.get("properties") or {}).items():
        known = (raw.get("properties") or {}).get(name)
        inside = f"{where}.properties[{name}]"
        if known is None:
            yield required(f"{path}.properties[{name}]", f"because it is defined in {inside}")
        else:
            yield from _covered(below, known, inside, f"{path}.properties[{name}]")
    if isinstance(nested.get("items"), Mapping):
        if not isinstance(raw.get("items"), Mapping):
            yield required(f"{path}.items", f"because it is defined in {where}.items")
        else:
            yield from _covered(nested["items"], raw["items"], f"{where}.items", f"{path}.items")
