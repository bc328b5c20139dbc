"""Parts of a definition as Go prints them in messages: structs without JSON names, every field there, in Go's order.

Upstream: `apiextensions-apiserver/pkg/apis/apiextensions/types.go` and `types_jsonschema.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.errors import Struct
from k8snb.typing import Object

_SCHEMA = (
    ("ID", "id", ""), ("Schema", "$schema", ""), ("Ref", "$ref", None), ("Description", "description", ""),
    ("Type", "type", ""), ("Nullable", "nullable", False), ("Format", "format", ""), ("Title", "title", ""),
    ("Default", "default", None), ("Maximum", "maximum", None), ("ExclusiveMaximum", "exclusiveMaximum", False),
    ("Minimum", "minimum", None), ("ExclusiveMinimum", "exclusiveMinimum", False), ("MaxLength", "maxLength", None),
    ("MinLength", "minLength", None), ("Pattern", "pattern", ""), ("MaxItems", "maxItems", None),
    ("MinItems", "minItems", None), ("UniqueItems", "uniqueItems", False), ("MultipleOf", "multipleOf", None),
    ("Enum", "enum", None), ("MaxProperties", "maxProperties", None), ("MinProperties", "minProperties", None),
    ("Required", "required", None), ("Items", "items", None), ("AllOf", "allOf", None), ("OneOf", "oneOf", None),
    ("AnyOf", "anyOf", None), ("Not", "not", None), ("Properties", "properties", None),
    ("AdditionalProperties", "additionalProperties", None), ("PatternProperties", "patternProperties", None),
    ("Dependencies", "dependencies", None), ("AdditionalItems", "additionalItems", None),
    ("Definitions", "definitions", None), ("ExternalDocs", "externalDocs", None), ("Example", "example", None),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", None),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", False),
    ("XIntOrString", "x-kubernetes-int-or-string", False), ("XListMapKeys", "x-kubernetes-list-map-keys", None),
    ("XListType", "x-kubernetes-list-type", None), ("XMapType", "x-kubernetes-map-type", None),
    ("XValidations", "x-kubernetes-validations", None),
)  # fmt: skip
SCHEMA_FIELDS = tuple((go, name) for go, name, _ in _SCHEMA)


def schema_struct(raw: Object) -> Struct:
    """A `JSONSchemaProps`."""
    return Struct({go: _value(name, raw[name]) if name in raw else zero for go, name, zero in _SCHEMA})


def _value(name: str, value: Any) -> Any:
    if name == "items":
        if isinstance(value, Mapping):
            return Struct(Schema=schema_struct(value), JSONSchemas=None)
        return Struct(Schema=None, JSONSchemas=[schema_struct(each) for each in value])
    if name in ("allOf", "oneOf", "anyOf"):
        return [schema_struct(each) for each in value]
    if name == "not":
        return schema_struct(value)
    if name in ("properties", "patternProperties", "definitions"):
        return {key: schema_struct(each) for key, each in value.items()}
    if name in ("additionalProperties", "additionalItems"):
        if isinstance(value, Mapping):
            return Struct(Allows=True, Schema=schema_struct(value))
        return Struct(Allows=bool(value), Schema=None)
    if name == "x-kubernetes-validations":
        return [rule_struct(each) for each in value]
    return value


def rule_struct(rule: Object) -> Struct:
    """A `ValidationRule`."""
    return Struct(
        Rule=rule.get("rule", ""),
        Message=rule.get("message", ""),
        MessageExpression=rule.get("messageExpression", ""),
        Reason=rule.get("reason"),
        FieldPath=rule.get("fieldPath", ""),
        OptionalOldSelf=rule.get("optionalOldSelf"),
    )


def versions_struct(versions: Sequence[Object], hoisted: frozenset[str]) -> list[Struct]:
    """The versions of a definition; what all have alike is said once, elsewhere."""
    return [_version(each, hoisted) for each in versions]


def _version(version: Object, hoisted: frozenset[str]) -> Struct:
    own = {key: None if key in hoisted else version.get(key) for key in ("schema", "subresources")}
    columns = None if "additionalPrinterColumns" in hoisted else version.get("additionalPrinterColumns")
    fields = None if "selectableFields" in hoisted else version.get("selectableFields")
    schema = (own["schema"] or {}).get("openAPIV3Schema")
    return Struct(
        Name=version.get("name", ""),
        Served=version.get("served", False),
        Storage=version.get("storage", False),
        Deprecated=version.get("deprecated", False),
        DeprecationWarning=version.get("deprecationWarning"),
        Schema=Struct(OpenAPIV3Schema=schema_struct(schema)) if schema else None,
        Subresources=_subresources(own["subresources"]),
        AdditionalPrinterColumns=[_column(each) for each in columns] if columns else None,
        SelectableFields=[Struct(JSONPath=each.get("jsonPath", "")) for each in fields] if fields else None,
    )


def _subresources(given: Object | None) -> Struct | None:
    if given is None:
        return None
    scale = given.get("scale")
    return Struct(
        Status=Struct() if given.get("status") is not None else None,
        Scale=None
        if scale is None
        else Struct(
            SpecReplicasPath=scale.get("specReplicasPath", ""),
            StatusReplicasPath=scale.get("statusReplicasPath", ""),
            LabelSelectorPath=scale.get("labelSelectorPath"),
        ),
    )


def _column(column: Object) -> Struct:
    return Struct(
        Name=column.get("name", ""),
        Type=column.get("type", ""),
        Format=column.get("format", ""),
        Description=column.get("description", ""),
        Priority=column.get("priority", 0),
        JSONPath=column.get("jsonPath", ""),
    )
