"""Documentation as kubectl laid it out before 1.27 (`--output=plaintext-openapiv2`).

Types are told as `Object` instead of by name, lines are a little shorter, and enumerations are not listed apart.
Upstream: `kubectl/pkg/explain` (`model_printer.go`, `formatter.go`, `recursive_fields_printer.go`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.explaining import Explainer
from k8snb.typing import Object, Resource

_WIDTH = 75


class OldExplainer(Explainer):
    """Explains the kinds of one OpenAPI document in the old layout."""

    def old_page(self, resource: Resource, path: Sequence[str], *, recursive: bool) -> Iterator[str]:
        """The parts of the page about a kind, or about a field of it."""
        schema = self.kind(resource)
        for name in path:
            properties = self.properties(schema)
            if name not in properties:
                raise CommandError(f'field "{path[-1]}" does not exist')
            schema = properties[name]
        yield f"KIND:     {resource.kind}\nVERSION:  {resource.api_version}\n\n"
        fields = self.properties(schema)
        if path:
            title = "RESOURCE: " if fields else "FIELD:    "
            yield f"{title}{path[-1]} <{self._old_type(schema)}>\n\n"
        yield "DESCRIPTION:\n" + "\n\n".join(_indented(each) for each in self.descriptions(schema)) + "\n"
        if not fields:
            return
        yield "\nFIELDS:\n"
        yield from self._tree(schema, 1, ()) if recursive else self._list(schema)

    def _list(self, schema: Object) -> Iterator[str]:
        required = self.resolved(schema).get("required") or ()
        for name, field in sorted(self.properties(schema).items()):
            mark = " -required-" if name in required else ""
            yield f"   {name}\t<{self._old_type(field)}>{mark}\n{_indented(field.get('description', ''))}\n\n"

    def _tree(self, schema: Object, level: int, seen: tuple[str, ...]) -> Iterator[str]:
        for name, field in sorted(self.properties(schema).items()):
            yield f"{'   ' * level}{name}\t<{self._old_type(field)}>\n"
            reference = self.reference(field)
            if reference not in seen:
                yield from self._tree(field, level + 1, (*seen, reference) if reference else seen)

    def _old_type(self, schema: Object) -> str:
        if "items" in schema:
            return f"[]{self._old_type(schema['items'])}"
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping):
            return f"map[string]{self._old_type(values)}"
        if self.properties(schema):
            return "Object"
        kind = str(self.resolved(schema).get("type") or "")
        return "map[string]" if kind == "object" else kind or "string"


def _indented(text: str) -> str:
    return "\n".join(f"     {line}".rstrip() for part in text.split("\n") for line in _lines(part.split()))


def _lines(words: Sequence[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line
