"""How large data of a schema can be: what `maxLength`, `maxItems` and `maxProperties` say, or what fits a request.

A list without `maxItems` holds as many of the smallest items as a request of 3 MiB has room for. From this follow how
much a rule can cost in one evaluation and how often it can be evaluated in one object. Upstream:
`apiserver/pkg/cel/common/schemas.go`, `apiextensions-apiserver/pkg/apis/apiextensions/validation/cel_validation.go`.
"""

from __future__ import annotations

from k8snb.machinery.cel.ranges import MOST, Range
from k8snb.machinery.structural.celtypes import escaped, with_metadata
from k8snb.machinery.structural.schema import Structural

_REQUEST = 3 * 1024 * 1024
_LEAST_TEXT = {"duration": 3, "date": 12, "date-time": 21}
_MOST_TEXT = {"duration": 32, "date": 12, "date-time": 32}
_LEAST_SCALAR = {"boolean": 4, "number": 1, "integer": 1}
_BYTES_OF_A_CHARACTER = 4


class Sizes:
    """The sizes of one node and of what is below it: `most` is its greatest length, `least` its bytes as JSON."""

    def __init__(self, schema: Structural, *, root: bool = False) -> None:
        whole = (root or schema.embedded) and not schema.int_or_string
        self._schema = with_metadata(schema) if whole else schema
        self._fields: dict[str, Sizes] | None = None
        self.item: Sizes | None = None
        self.keyed = False
        below = self._schema.items if self._schema.type == "array" else self._schema.additional
        if below is not None and self._schema.type in ("array", "object") and not schema.int_or_string:
            self.item, self.keyed = Sizes(below), self._schema.type == "object"
        self.least = self._least()
        self.most = self._most()

    @property
    def fields(self) -> dict[str, Sizes]:
        """The fields of an object, by their names in expressions."""
        if self._fields is None:
            named = () if self.item is not None else self._schema.properties.items()
            self._fields = {shown: Sizes(below) for name, below in named if (shown := escaped(name))}
        return self._fields

    @property
    def cardinality(self) -> int:
        """How often such data can occur in one request at most."""
        return _REQUEST // (self.least + 1)

    def _least(self) -> int:
        schema = self._schema
        if schema.int_or_string:
            return 1
        if schema.type == "string":
            return _LEAST_TEXT.get(str(schema.raw.get("format", "")), 2)
        if schema.type != "object" or self.item is not None:
            return _LEAST_SCALAR.get(schema.type, 2)
        least = 2
        for name in schema.raw.get("required") or ():
            below = schema.properties.get(name)
            if below is not None and "default" not in below.raw:
                least += len(name) + Sizes(below).least + 4
        return least

    def _most(self) -> int:
        schema, raw = self._schema, self._schema.raw
        if schema.int_or_string or schema.type == "string":
            return _longest(schema)
        if self.item is None:
            return 0
        given = raw.get("maxProperties" if self.keyed else "maxItems")
        return (_REQUEST - 2) // (self.item.least + (6 if self.keyed else 1)) if given is None else max(given, 0)

    def of(self, path: tuple[str, ...]) -> Range | None:
        """The size of what is on a path from a variable of this type; None where nothing is known of it."""
        if not path:
            return None
        here: Sizes | None = self
        keys = False
        for step in path[1:]:
            if here is None or keys:
                return None
            if step == "@keys":
                keys = here.keyed
                here = here if keys else None
            elif step in ("@items", "@values"):
                here = here.item
            else:
                here = here.fields.get(step)
        return None if here is None else Range(0, 0 if keys else here.most)


def _longest(schema: Structural) -> int:
    raw = schema.raw
    kind = "" if schema.int_or_string else str(raw.get("format", ""))
    if kind in _MOST_TEXT:
        return _MOST_TEXT[kind]
    if "maxLength" in raw:
        return max(int(raw["maxLength"]), 0) * (1 if kind == "byte" else _BYTES_OF_A_CHARACTER)
    if raw.get("enum") and not schema.int_or_string and kind != "byte":
        return max(len(each.encode()) if isinstance(each, str) else 0 for each in raw["enum"])
    return _REQUEST - 2


class Cardinality:
    """How often a node of a schema can occur in one object. `most` is None where nothing bounds it."""

    __slots__ = ("most",)

    def __init__(self, most: int | None = 1) -> None:
        self.most = most

    def below(self, schema: Structural) -> Cardinality:
        """That of what is in a node."""
        if self.most is None:
            return self
        word = "maxItems" if schema.type == "array" else "maxProperties"
        if schema.type == "array" or (schema.type == "object" and schema.raw.get("additionalProperties") is not None):
            bound = schema.raw.get(word)
            return Cardinality(None if bound is None else min(self.most * max(bound, 0), MOST))
        return self

    def times(self, cost: int, sizes: Sizes) -> int:
        """The cost of a rule in all places together."""
        return min(cost * (sizes.cardinality if self.most is None else self.most), MOST)
