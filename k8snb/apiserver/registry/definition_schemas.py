"""Validation of the schemas in a CustomResourceDefinition: structure, extensions, defaults and rules.

What is wrong with a schema comes first; rules are compiled only where nothing is wrong at their node or below. They
may not cost too much either, alone or together.
Upstream: `apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from k8snb.apiserver.registry.rule_costs import RuleCosts
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery.structural import Structural
from k8snb.machinery.structural.celtypes import Types
from k8snb.machinery.structural.checking import check
from k8snb.machinery.structural.paths import find_path
from k8snb.machinery.structural.rules import Rule, compiled_here
from k8snb.machinery.structural.shaping import pruned
from k8snb.machinery.structural.shown import SCHEMA_FIELDS, rule_struct, schema_struct
from k8snb.machinery.structural.sizes import Cardinality, Sizes
from k8snb.machinery.structural.structurality import check_structural
from k8snb.typing import Object

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_META = ("metadata", "kind", "apiVersion")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_AT_ROOT = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum", "MaxLength",
    "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items", "Properties",
    "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
)  # fmt: skip
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_NEWLINE = re.compile("[\n\r]")
_LIST, _MAP, _KEYS = "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-list-map-keys"
_RULES, _PRESERVE = "x-kubernetes-validations", "x-kubernetes-preserve-unknown-fields"


@dataclass(frozen=True)
class _Place:
    """Where in a schema we are, and what holds there."""

    path: str
    name: str = "selfType"
    root: bool = False
    defaults: str | None = None
    """Why there may be no defaults; None where there may."""
    inside_meta: bool = False
    uncorrelated: str = ""
    """The node above which old and new items cannot be told apart; empty if they can."""
    types: Types | None = field(default=None)
    """The types for rules; None where rules are not looked at."""
    costs: RuleCosts = field(default_factory=RuleCosts)
    cardinality: Cardinality = field(default_factory=Cardinality)

    def below(self, path: str, name: str) -> _Place:
        return replace(self, path=f"{self.path}.{path}", name=f"{self.name}.{name}", root=False)


def check_schema(schema: Object, path: str, *, status: bool) -> list[FieldError]:
    """What is wrong with the schema of a version; `status` if the version has that subresource."""
    found = list(_status_root(schema, path)) if status else []
    if schema.get("nullable"):
        found.append(field_forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    structural = check_structural(schema, path)
    defaults = [] if structural else list(_defaults(Structural(schema), path))
    found += structural or defaults
    types = None if structural or defaults else Types()
    place = _Place(path, root=True, types=types)
    schema_errors, rule_errors = _checked(Structural(schema), place)
    return [*found, *schema_errors, *rule_errors, *place.costs.excess(path)]


def _status_root(schema: Object, path: str) -> Iterator[FieldError]:
    """With a status subresource the root may only say what can be said of the status alone as well."""
    for go, name in SCHEMA_FIELDS:
        if not schema.get(name):
            continue
        if go == "Type":
            if schema["type"] != "object":
                why = 'only "object" is allowed as the type at the root of the schema'
                why += " if the status subresource is enabled"
                yield invalid_value(f"{path}.type", schema["type"], why)
                return
        elif go not in _AT_ROOT:
            why = (
                f"only [{' '.join(_AT_ROOT)}] fields are allowed at the root of the schema if the status subresource "
                "is enabled"
            )
            yield invalid_value(path, schema_struct(schema), why)
            return


# -- defaults ------------------------------------------------------------------------------------------


def _defaults(schema: Structural, path: str) -> Iterator[FieldError]:
    if "default" in schema.raw:
        value = schema.raw["default"]
        unknown: list[str] = []
        if pruned(value, schema, unknown, root=False) is not value:
            yield invalid_value(f"{path}.default", value, "must not have unknown fields")
        for error in check(value, schema):
            below = "" if error.field == "<nil>" else f".{error.field}"
            yield replace(error, field=f"{path}.default{below}")
    for name, below_ in schema.properties.items():
        yield from _defaults(below_, f"{path}.properties[{name}]")
    if schema.items is not None:
        yield from _defaults(schema.items, f"{path}.items")
    if schema.additional is not None:
        yield from _defaults(schema.additional, f"{path}.additionalProperties")


# -- the tree ------------------------------------------------------------------------------------------


def _checked(schema: Structural, place: _Place) -> tuple[list[FieldError], list[FieldError]]:
    """The findings about a node and what is below it: of the schema, and of its rules."""
    raw = schema.raw
    wrong = list(_basics(raw, place))
    rules: list[FieldError] = []

    def descend(below: Structural, where: _Place) -> None:
        schema_errors, rule_errors = _checked(below, where)
        wrong.extend(schema_errors)
        rules.extend(rule_errors)

    inside = replace(place, cardinality=place.cardinality.below(schema))
    if schema.additional is not None:
        inner = inside.below("additionalProperties", "@elem")
        if place.inside_meta:
            inner = replace(inner, defaults="inside additionalProperties applying to object metadata")
        descend(schema.additional, inner)
    for name, below in schema.properties.items():
        descend(below, _property_place(schema, name, inside))
    for word in ("not", "allOf", "oneOf", "anyOf"):
        parts = raw.get(word)
        for index, each in enumerate(parts if isinstance(parts, list) else [parts] if parts else []):
            suffix = f"{word}[{index}]" if isinstance(parts, list) else word
            descend(Structural(each), replace(place.below(suffix, "@"), types=None))
    if schema.items is not None:
        inner = inside.below("items", "@idx")
        if schema.list_type != "map" and not inner.uncorrelated:
            inner = replace(inner, uncorrelated=place.path)
        descend(schema.items, inner)
    wrong += _extensions(raw, place.path)
    rules_wrong = list(_rule_fields(schema, place.path))
    wrong += rules_wrong
    if not wrong and place.types is not None and raw.get(_RULES):
        rules += _compiled(schema, place)
    return wrong, rules


def _property_place(schema: Structural, name: str, place: _Place) -> _Place:
    inner = place.below(f"properties[{name}]", name)
    if schema.atomic and not inner.uncorrelated:
        inner = replace(inner, uncorrelated=place.path)
    if name in _META and (place.root or schema.embedded):
        inner = replace(inner, inside_meta=True)
        if place.root:
            inner = replace(inner, defaults=f"in top-level {name}")
    return inner


def _basics(raw: Object, place: _Place) -> Iterator[FieldError]:
    path, type = place.path, raw.get("type", "")
    if type and type not in _TYPES:
        yield not_supported(f"{path}.type", type, _TYPES)
    if "default" in raw and place.defaults is not None:
        yield field_forbidden(f"{path}.default", f"must not be set {place.defaults}".rstrip())
    for word in _UNSUPPORTED:
        if raw.get(word):
            yield field_forbidden(f"{path}.{word}", f"{word} is not supported")
    if type == "null":
        yield field_forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(raw.get("items"), list):
        yield field_forbidden(f"{path}.items", "items must be a schema object and not an array")
    if place.inside_meta and raw.get("x-kubernetes-embedded-resource"):
        yield field_forbidden(f"{path}.x-kubernetes-embedded-resource", "must not be used inside of resource meta")
    if raw.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield field_forbidden(f"{path}.uniqueItems", why)
    extra = raw.get("additionalProperties")
    if raw.get("properties") and (extra is False or isinstance(extra, Mapping)):
        why = "additionalProperties and properties are mutual exclusive"
        yield field_forbidden(f"{path}.additionalProperties", why)


# -- extensions ----------------------------------------------------------------------------------------


def _extensions(raw: Object, path: str) -> Iterator[FieldError]:
    type = raw.get("type", "")
    if raw.get(_PRESERVE) is False:
        yield invalid_value(f"{path}.{_PRESERVE}", False, "must be true or undefined")
    for word, wanted, values in ((_MAP, "object", ("atomic", "granular")), (_LIST, "array", ("atomic", "set", "map"))):
        if word not in raw:
            continue
        if type != wanted:
            why = f"must be {wanted} if {word} is specified"
            yield invalid_value(f"{path}.type", type, why) if type else required(f"{path}.type", why)
        elif word == _LIST and raw[word] == "set" and isinstance(raw.get("items"), Mapping):
            yield from _set_items(raw["items"], path)
        if raw[word] not in values:
            yield not_supported(f"{path}.{word}", raw[word], values)
    yield from _map_lists(raw, path)


def _set_items(items: Object, path: str) -> Iterator[FieldError]:
    why = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if items.get("type") == "array" and items.get(_LIST, "atomic") != "atomic":
        yield invalid_value(f"{path}.items.{_LIST}", items[_LIST], why)
    if items.get("type") == "object" and items.get(_MAP) != "atomic":
        yield invalid_value(f"{path}.items.{_MAP}", items.get(_LIST), why)


def _map_lists(raw: Object, path: str) -> Iterator[FieldError]:
    keys, kind, items = raw.get(_KEYS) or [], raw.get(_LIST), raw.get("items")
    if keys and kind != "map":
        why = f"must be map if {_KEYS} is non-empty"
        yield required(f"{path}.{_LIST}", why) if kind is None else invalid_value(f"{path}.{_LIST}", kind, why)
    if kind == "map":
        if not keys:
            yield required(f"{path}.{_KEYS}", f"must not be empty if {_LIST} is map")
        if items is None:
            yield required(f"{path}.items", f"must have a schema if {_LIST} is map")
        elif isinstance(items, Mapping):
            yield from _map_items(items, keys, path)
    if kind in ("set", "map") and isinstance(items, Mapping):
        if items.get("nullable"):
            yield field_forbidden(f"{path}.items.nullable", f"cannot be nullable when {_LIST} is {kind}")
        if kind == "map":
            yield from _map_keys(items, keys, path)


def _map_items(items: Object, keys: list[str], path: str) -> Iterator[FieldError]:
    if items.get("type") != "object":
        why = f"must be object if parent array's {_LIST} is map"
        yield invalid_value(f"{path}.items.type", items.get("type", ""), why)
        return
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in properties:
            yield invalid_value(f"{path}.{_KEYS}", keys, "entries must all be names of item properties")
        elif properties[key].get("type") in ("array", "object"):
            why = f"must be a scalar type if parent array's {_LIST} is map"
            yield invalid_value(f"{path}.items.properties[{key}].type", items["type"], why)
        if key in keys[:index]:
            yield invalid_value(f"{path}.{_KEYS}", keys, "must not contain duplicate entries")


def _map_keys(items: Object, keys: list[str], path: str) -> Iterator[FieldError]:
    for key in keys:
        known = (items.get("properties") or {}).get(key)
        if known is None:
            continue
        where = f"{path}.items.properties[{key}]"
        if key not in (items.get("required") or ()) and "default" not in known:
            why = f"this property is in {_KEYS}, so it must have a default or be a required property"
            yield required(f"{where}.default", why)
        if known.get("nullable"):
            yield field_forbidden(f"{where}.nullable", f"this property is in {_KEYS}, so it cannot be nullable")


# -- rules ---------------------------------------------------------------------------------------------


def _rule_fields(schema: Structural, path: str) -> Iterator[FieldError]:
    for index, rule in enumerate(schema.raw.get(_RULES) or ()):
        where = f"{path}.{_RULES}[{index}]"
        text, said = str(rule.get("rule", "")).strip(), str(rule.get("message") or "")
        if not text:
            yield required(f"{where}.rule", "rule is not specified")
        elif said and not said.strip():
            yield invalid_value(f"{where}.message", said, "must be non-empty if specified")
        elif _NEWLINE.search(said.strip()):
            yield invalid_value(f"{where}.message", said, "must not contain line breaks")
        elif _NEWLINE.search(text) and not said.strip():
            yield required(f"{where}.message", "message must be specified if rule contains line breaks")
        if rule.get("messageExpression") and not rule["messageExpression"].strip():
            yield required(f"{where}.messageExpression", "messageExpression must be non-empty if specified")
        if rule.get("reason") is not None and rule["reason"] not in _REASONS:
            yield not_supported(f"{where}.reason", rule["reason"], _REASONS)
        yield from _field_path(schema, str(rule.get("fieldPath") or ""), f"{where}.fieldPath")


def _field_path(schema: Structural, given: str, where: str) -> Iterator[FieldError]:
    if not given:
        return
    if not given.strip():
        yield invalid_value(where, given, "must be non-empty if specified")
    if _NEWLINE.search(given):
        yield invalid_value(where, given, "must not contain line breaks")
    if isinstance(find_path(given, schema), str):
        yield invalid_value(where, given, "must be a valid path")


def _compiled(schema: Structural, place: _Place) -> Iterator[FieldError]:
    assert place.types is not None
    sizes = Sizes(schema, root=place.root)
    for index, rule in enumerate(compiled_here(schema, place.types, place.name, root=place.root)):
        where = f"{place.path}.{_RULES}[{index}]"
        if rule.program is not None:
            cost = place.cardinality.times(rule.program.highest_cost(sizes.of), sizes)
            yield from place.costs.add("rule", f"{where}.rule", cost)
        yield from _compiled_rule(rule, where, sizes, place)


def _compiled_rule(rule: Rule, where: str, sizes: Sizes, place: _Place) -> Iterator[FieldError]:
    shown: Any = rule_struct(rule.raw)
    if rule.problem:
        yield invalid_value(f"{where}.rule", shown, rule.problem)
    if rule.message_problem:
        yield invalid_value(f"{where}.messageExpression", shown, rule.message_problem)
    elif rule.message is not None:
        cost = rule.message.highest_cost(sizes.of)
        yield from place.costs.add("messageExpression", f"{where}.messageExpression", cost)
    if rule.uses_old and place.uncorrelated:
        why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place.uncorrelated}"
        yield invalid_value(f"{where}.rule", rule.raw["rule"], why)
    elif not rule.problem and not rule.uses_old and rule.raw.get("optionalOldSelf") is not None:
        why = "may not be set if oldSelf is not used in rule"
        yield invalid_value(f"{where}.optionalOldSelf", rule.raw["optionalOldSelf"], why)
