"""A structural schema: what `openAPIV3Schema` says, as a tree that is built as far as somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.typing import Object

_NOTHING: Object = {}
META_FIELDS = ("apiVersion", "kind", "metadata")


class Structural:
    """One node of a schema. `raw` is the JSON schema itself, with its value validations."""

    __slots__ = ("_children", "_properties", "raw")

    def __init__(self, raw: Object) -> None:
        self.raw = raw
        self._properties: dict[str, Structural] | None = None
        self._children: dict[str, Structural | None] = {}

    @property
    def type(self) -> str:
        return str(self.raw.get("type", ""))

    @property
    def properties(self) -> Mapping[str, Structural]:
        """The named fields of an object."""
        if self._properties is None:
            raw = self.raw.get("properties") or _NOTHING
            self._properties = {name: Structural(each) for name, each in raw.items()}
        return self._properties

    def _child(self, word: str) -> Structural | None:
        if word not in self._children:
            raw = self.raw.get(word)
            self._children[word] = Structural(raw) if isinstance(raw, Mapping) else None
        return self._children[word]

    @property
    def items(self) -> Structural | None:
        """What a list holds."""
        return self._child("items")

    @property
    def additional(self) -> Structural | None:
        """What the values of a map are."""
        return self._child("additionalProperties")

    @property
    def any_additional(self) -> bool:
        """Whether a map may hold anything."""
        return self.raw.get("additionalProperties") is True

    @property
    def preserves(self) -> bool:
        """Whether unknown fields are kept."""
        return bool(self.raw.get("x-kubernetes-preserve-unknown-fields"))

    @property
    def embedded(self) -> bool:
        """Whether the value is a whole object of the API, with metadata."""
        return bool(self.raw.get("x-kubernetes-embedded-resource"))

    @property
    def int_or_string(self) -> bool:
        return bool(self.raw.get("x-kubernetes-int-or-string"))

    @property
    def nullable(self) -> bool:
        return bool(self.raw.get("nullable"))

    @property
    def list_type(self) -> str:
        """`atomic`, `set` or `map`."""
        return str(self.raw.get("x-kubernetes-list-type") or "atomic")

    @property
    def map_keys(self) -> tuple[str, ...]:
        """The fields that tell the items of a list apart."""
        return tuple(self.raw.get("x-kubernetes-list-map-keys") or ())

    @property
    def atomic(self) -> bool:
        """Whether an object counts as one value."""
        return bool(self.raw.get("x-kubernetes-map-type") == "atomic")

    def place(self, item: Any) -> tuple[Any, ...]:
        """By what an item of a list with keys is known; keys that are missing have their default."""
        properties = self.items.properties if self.items is not None else {}
        return tuple(
            item[key] if key in item else properties[key].raw.get("default") if key in properties else None
            for key in self.map_keys
        )
