"""Documentation of kinds and fields, as `kubectl explain` lays it out.

The text comes from the OpenAPI document that the server publishes, so what is explained is what is served.
Upstream: `kubectl/pkg/explain/v2` (`templates/plaintext.tmpl`) and `mitchellh/go-wordwrap`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.typing import Object, Resource

_WIDTH = 76
_ENUMS_SHOWN = 4


class Explainer:
    """Explains the kinds of one OpenAPI document."""

    def __init__(self, document: Object) -> None:
        self._schemas: Mapping[str, Object] = document["components"]["schemas"]

    def kind(self, resource: Resource) -> Object:
        """The schema of a resource's kind."""
        wanted = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        for schema in self._schemas.values():
            if wanted in (schema.get("x-kubernetes-group-version-kind") or ()):
                return schema
        raise CommandError(f'couldn\'t find resource for "{resource.group}/{resource.version}, Kind={resource.kind}"')

    def page(self, schema: Object, path: Sequence[str], *, recursive: bool) -> Iterator[str]:
        """The parts of the page about a kind, or about a field of it."""
        name = ""
        for name in path:
            properties = self.properties(schema)
            if name not in properties:
                raise CommandError(f'field "{path[-1]}" does not exist')
            schema = properties[name]
        if path:
            yield f"FIELD: {name} <{self._type(schema)}>\n"
            enum = self._enum(schema)
            yield "ENUM:\n" + "".join(f"    {value}\n" for value in enum) + "\n" if enum else "\n\n"
        yield "DESCRIPTION:\n" + _indented(wrapped("\n".join(self.descriptions(schema))), 4) + "\n    \n"
        if self.properties(schema):
            yield "FIELDS:\n"
            yield from self._fields(schema, 1, recursive, ())
        yield "\n"

    # -- fields ------------------------------------------------------------------------------------

    def _fields(self, schema: Object, level: int, recursive: bool, seen: tuple[str, ...]) -> Iterator[str]:
        required = self.resolved(schema).get("required") or ()
        indent = "  " * level
        for name, field in sorted(self.properties(schema).items()):
            yield f"{indent}{name}\t<{self._type(field)}>{' -required-' if name in required else ''}\n"
            enum = self._enum(field)
            if enum:
                more = ", ...." if len(enum) > _ENUMS_SHOWN else ""
                yield f"{indent}enum: {', '.join(enum[:_ENUMS_SHOWN])}{more}\n"
            if not recursive:
                yield _indented(wrapped(field.get("description", "") or self._undescribed(field)), 4) + "\n\n"
                continue
            reference = self.reference(field)
            if reference not in seen:
                yield from self._fields(field, level + 1, recursive, (*seen, reference) if reference else seen)

    def properties(self, schema: Object) -> Mapping[str, Object]:
        """The fields of a schema, or of what its lists and maps hold."""
        return self.resolved(schema).get("properties") or {}

    def resolved(self, schema: Object) -> Object:
        """The schema behind references, lists and maps."""
        while True:
            inner = _inner(schema)
            if inner is None:
                return schema
            schema = self._schemas.get(inner, {}) if isinstance(inner, str) else inner

    def reference(self, schema: Object) -> str:
        """The name of the schema that a field leads to; empty if it has none."""
        while True:
            inner = _inner(schema)
            if inner is None or isinstance(inner, str):
                return inner or ""
            schema = inner

    def _enum(self, schema: Object) -> list[str]:
        return [str(value) or '""' for value in schema.get("enum") or ()]

    def _undescribed(self, field: Object) -> str:
        """What stands for a description where there is none."""
        return "<no description>" if self.reference(field) else ""

    def _type(self, schema: Object) -> str:
        if "items" in schema:
            return f"[]{self._type(schema['items'])}"
        if isinstance(schema.get("additionalProperties"), Mapping):
            return f"map[string]{self._type(schema['additionalProperties'])}"
        inner = _inner(schema)
        if inner is None:
            return str(schema.get("type") or "Object")
        if not isinstance(inner, str):
            return self._type(inner)
        declared = self._schemas.get(inner, {}).get("type")
        return str(declared) if declared and declared != "object" else inner.rpartition(".")[2]

    def descriptions(self, schema: Object) -> list[str]:
        """What is said of the field, then of its type, from the outside in."""
        found: list[str] = []
        while True:
            if schema.get("description"):
                found.append(schema["description"])
            inner = _inner(schema)
            if inner is None:
                return found or ["<empty>"]
            schema = self._schemas.get(inner, {}) if isinstance(inner, str) else inner


def _inner(schema: Object) -> Any:
    """What a schema leads on to: the name of another (text), or a schema inside it; None if it is the last."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if len(schema.get("allOf") or ()) == 1 and not schema.get("properties"):
        return schema["allOf"][0]
    if "items" in schema:
        return schema["items"]
    values = schema.get("additionalProperties")
    return values if isinstance(values, Mapping) else None


def _indented(text: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in text.split("\n"))


def wrapped(text: str, width: int = _WIDTH) -> str:
    """The text in lines of at most that many characters, broken at spaces; longer words stay whole."""
    return "\n".join(line for paragraph in text.split("\n") for line in _lines(paragraph, width))


def _lines(paragraph: str, width: int) -> Iterator[str]:
    line = gap = ""
    for word in paragraph.split(" "):
        fits = len(line) + len(gap) + len(word) <= width
        if word and line.strip() and not fits:
            yield line.rstrip()
            line = word
        else:
            line += gap + word
        gap = " "
    yield line.rstrip()
