"""What `values.schema.json` says of values, in the words of the library that helm uses.

Drafts 4 to 2020-12, as far as charts go: references within the schema, all the keywords on types, numbers, texts, lists
and maps, and the ways to combine them. Upstream: `pkg/chartutil/jsonschema.go`, `santhosh-tekuri/jsonschema` v6.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.helm.chart.chart import Chart
from k8snb.helm.errors import HelmError
from k8snb.helm.yamltext import plain_data
from k8snb.machinery.goregexp import GoRegexpError, compiled
from k8snb.machinery.gotemplate.formatting import plain

Path = tuple[str, ...]
HEADING = "values don't meet the specifications of the schema(s) in the following chart(s):\n"


def check(chart: Chart, values: Mapping[str, Any]) -> None:
    """Hold values against the schemas of a chart and of those below it. Raises HelmError."""
    text = "".join(_complaints(chart, values))
    if text:
        raise HelmError(HEADING + text)


def _complaints(chart: Chart, values: Mapping[str, Any]) -> Iterator[str]:
    if chart.schema is not None:
        try:
            schema = json.loads(chart.schema)
        except ValueError as error:
            raise HelmError(f"{chart.name}:\n{error}\n") from None
        found = Validator(schema).check(plain_data(values))
        if found:
            yield f"{chart.name}:\n" + "".join(each.text() for each in found)
    for below in chart.dependencies:
        inner = values.get(below.name)
        yield from _complaints(below, inner if isinstance(inner, Mapping) else {})


@dataclass(slots=True)
class Complaint:
    """What is wrong at one place, and why."""

    path: Path
    message: str
    causes: list[Complaint] = field(default_factory=list)

    def text(self, depth: int = 0) -> str:
        """As lines, causes further in."""
        where = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in self.path)
        line = f"{'  ' * depth}- at '{where}': {self.message}\n"
        return line + "".join(cause.text(depth + 1) for cause in self.causes)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return "null" if value is None else json.dumps(value) if isinstance(value, bool) else plain(value)


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _fits(value: Any, wanted: str) -> bool:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    return whole if wanted == "integer" else type_of(value) == wanted


class Validator:
    """One schema."""

    def __init__(self, schema: Any) -> None:
        self._root = schema

    def check(self, value: Any) -> list[Complaint]:
        """What is wrong with a value; nothing if all is well."""
        return self._check(value, self._root, ())

    def _one(self, value: Any, schema: Any, path: Path) -> list[Complaint]:
        """What is wrong below one keyword, as one complaint."""
        found = self._check(value, schema, path)
        return found if len(found) < 2 else [Complaint(path, "validation failed", found)]

    def _check(self, value: Any, schema: Any, path: Path) -> list[Complaint]:
        if schema is True or schema == {}:
            return []
        if schema is False:
            return [Complaint(path, "false schema")]
        found: list[Complaint] = []
        if "$ref" in schema:
            found += self._one(value, self._resolved(schema["$ref"]), path)
        for keyword in (self._general, self._object, self._array, self._text, self._number, self._combined):
            found += keyword(value, schema, path)
        return found

    def _resolved(self, reference: str) -> Any:
        here = self._root
        if not reference.startswith("#"):
            raise HelmError(f"unable to load schema: only references within the schema are followed: {reference}")
        for part in reference[1:].strip("/").split("/") if reference != "#" else []:
            key = part.replace("~1", "/").replace("~0", "~")
            here = here[int(key)] if isinstance(here, list) else here[key]
        return here

    # -- keywords ----------------------------------------------------------------------------------

    def _general(self, value: Any, schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        found = []
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            if not any(_fits(value, wanted) for wanted in types):
                found.append(Complaint(path, f"got {type_of(value)}, want {' or '.join(types)}"))
        if "const" in schema and not _same(schema["const"], value):
            found.append(Complaint(path, f"value must be {_shown(schema['const'])}"))
        if "enum" in schema and not any(_same(each, value) for each in schema["enum"]):
            found.append(Complaint(path, f"value must be one of {', '.join(map(_shown, schema['enum']))}"))
        return found

    def _object(self, value: Any, schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        if not isinstance(value, dict):
            return []
        found = list(_bounds(len(value), schema, path, "minProperties", "maxProperties"))
        required = schema.get("required")
        missing = [name for name in required if name not in value] if isinstance(required, list) else []
        if missing:
            word = "property" if len(missing) == 1 else "properties"
            found.append(Complaint(path, f"missing {word} {', '.join(map(_shown, missing))}"))
        for name, others in {**schema.get("dependentRequired", {}), **schema.get("dependencies", {})}.items():
            lacking = [each for each in others if each not in value] if isinstance(others, list) else []
            if name in value and lacking:
                listed = ", ".join(map(_shown, lacking))
                found.append(Complaint(path, f"properties {listed} required, if {_shown(name)} exists"))
        return found + self._members(value, schema, path)

    def _members(self, value: dict[str, Any], schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        found: list[Complaint] = []
        properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        others = []
        for name in sorted(value):
            known = name in properties
            if known:
                found += self._one(value[name], properties[name], (*path, name))
            for pattern, inner in patterns.items():
                if compiled(pattern).search(name):
                    known = True
                    found += self._one(value[name], inner, (*path, name))
            if not known:
                others.append(name)
            if "propertyNames" in schema and self._check(name, schema["propertyNames"], path):
                causes = self._check(name, schema["propertyNames"], path)
                found.append(Complaint(path, f"invalid propertyName {_shown(name)}", causes))
        additional = schema.get("additionalProperties", True)
        if additional is False and others:
            found.append(Complaint(path, f"additional properties {', '.join(map(_shown, others))} not allowed"))
        elif isinstance(additional, dict):
            for name in others:
                found += self._one(value[name], additional, (*path, name))
        return found

    def _array(self, value: Any, schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        if not isinstance(value, list):
            return []
        found = list(_bounds(len(value), schema, path, "minItems", "maxItems"))
        if schema.get("uniqueItems"):
            pairs = ((a, b) for b in range(len(value)) for a in range(b) if _same(value[a], value[b]))
            twins = next(pairs, None)
            if twins:
                found.append(Complaint(path, f"items at {twins[0]} and {twins[1]} are equal"))
        items = schema.get("items", True)
        first = schema.get("prefixItems", items if isinstance(items, list) else [])
        rest = schema.get("additionalItems", True) if isinstance(items, list) else items
        for at, item in enumerate(value):
            found += self._one(item, first[at] if at < len(first) else rest, (*path, str(at)))
        contains = schema.get("contains")
        if contains is not None and all(self._check(item, contains, path) for item in value):
            found.append(Complaint(path, "no items match contains schema"))
        return found

    def _text(self, value: Any, schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        if not isinstance(value, str):
            return []
        found = list(_bounds(len(value), schema, path, "minLength", "maxLength"))
        if "pattern" in schema:
            try:
                fits = compiled(schema["pattern"]).search(value) is not None
            except GoRegexpError:
                fits = True
            if not fits:
                found.append(Complaint(path, f"{_shown(value)} does not match pattern {_shown(schema['pattern'])}"))
        return found

    def _number(self, value: Any, schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        if type_of(value) != "number":
            return []
        return [
            Complaint(path, f"{keyword}: got {plain(value)}, want {plain(schema[keyword])}")
            for keyword, holds in _NUMERIC.items()
            if type_of(schema.get(keyword)) == "number" and not holds(value, schema[keyword])
        ]

    def _combined(self, value: Any, schema: Mapping[str, Any], path: Path) -> list[Complaint]:
        found: list[Complaint] = []
        if "not" in schema and not self._check(value, schema["not"], path):
            found.append(Complaint(path, "'not' failed"))
        causes = [cause for each in schema.get("allOf", ()) for cause in self._one(value, each, path)]
        if causes:
            found.append(Complaint(path, "'allOf' failed", causes))
        if "anyOf" in schema:
            outcomes = [self._one(value, each, path) for each in schema["anyOf"]]
            if all(outcomes):
                found.append(Complaint(path, "'anyOf' failed", [cause for each in outcomes for cause in each]))
        if "oneOf" in schema:
            found += self._one_of(value, schema["oneOf"], path)
        if "if" in schema:
            branch = "else" if self._check(value, schema["if"], path) else "then"
            inner = self._one(value, schema.get(branch, True), path)
            found += [Complaint(path, f"'{branch}' failed", inner)] if inner else []
        return found

    def _one_of(self, value: Any, choices: list[Any], path: Path) -> list[Complaint]:
        outcomes = [self._one(value, each, path) for each in choices]
        right = [at for at, outcome in enumerate(outcomes) if not outcome]
        if len(right) == 1:
            return []
        if right:
            return [Complaint(path, f"'oneOf' failed, subschemas {right[0]}, {right[1]} matched")]
        return [Complaint(path, "'oneOf' failed, none matched", [cause for each in outcomes for cause in each])]


_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
    "multipleOf": lambda value, step: math.isclose(value / step, round(value / step), rel_tol=1e-12),
}


def _bounds(size: int, schema: Mapping[str, Any], path: Path, least: str, most: str) -> Iterator[Complaint]:
    for keyword, wrong in ((least, size < schema.get(least, 0)), (most, size > schema.get(most, math.inf))):
        if wrong:
            yield Complaint(path, f"{keyword}: got {size}, want {plain(schema[keyword])}")


def _same(one: Any, other: Any) -> bool:
    return type_of(one) == type_of(other) and bool(one == other)
