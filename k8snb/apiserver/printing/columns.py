"""Columns, and the small vocabulary that many cells share.

A `Printer` is the columns of a kind and the function that fills them. Columns with priority 1 are shown
by `-o wide` only; the server always sends them and the client picks. Where upstream describes a column
with the documentation of a field, we look the sentence up in the schema when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from k8snb.apiserver.printing.durations import since
from k8snb.machinery.schema.types import definitions
from k8snb.machinery.selectors import text_of
from k8snb.typing import Object

NONE = "<none>"
UNSET = "<unset>"

Cells = Callable[[Object, float], list[Any]]
"""The cells of an object at a time (seconds since the Unix epoch)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `doc` names the field whose documentation describes it: (definition, field)."""

    name: str
    description: str = ""
    type: str = "string"
    format: str = ""
    doc: tuple[str, str] = ("", "")
    priority: int = 0

    def definition(self) -> Object:
        """The `TableColumnDefinition`."""
        definition, field = self.doc
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": documented(definition, field) if definition else self.description,
            "priority": self.priority,
        }


class Printer(NamedTuple):
    """How one kind is printed."""

    columns: tuple[Column, ...]
    cells: Cells
    order: Callable[[Object], Any] | None = None
    """By what a list is sorted, where not by name."""


def documented(definition: str, field: str) -> str:
    """The documentation of a field in the schema; empty if there is none."""
    properties = definitions().get(f"io.k8s.{definition}", {}).get("properties", {})
    return str(properties.get(field, {}).get("description", ""))


def wide(column: Column) -> Column:
    """The same column, shown by `-o wide` only."""
    return replace(column, priority=1)


_META = "apimachinery.pkg.apis.meta.v1.ObjectMeta"
NAME = Column("Name", format="name", doc=(_META, "name"))
AGE = Column("Age", doc=(_META, "creationTimestamp"))
CREATED_AT = Column("Created At", type="date", doc=(_META, "creationTimestamp"))
CONTAINERS = Column("Containers", "Names of each container in the template.")
IMAGES = Column("Images", "Images referenced by each container in the template.")


def dig(obj: Any, *path: str, default: Any = None) -> Any:
    """The value at a path of keys, or `default` where something on the way is missing or null."""
    for key in path:
        if not isinstance(obj, Mapping):
            return default
        obj = obj.get(key)
    return default if obj is None else obj


def name_of(obj: Object) -> str:
    return str(obj["metadata"].get("name", ""))


def age(obj: Object, now: float) -> str:
    """How old the object is."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def is_deleting(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def format_labels(labels: Mapping[str, str] | None) -> str:
    """`a=1,b=2`, sorted; `<none>` for no labels."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def format_selector(selector: Object | None) -> str:
    """A label selector in the notation that `-l` takes; `<none>` if it selects everything or nothing."""
    return text_of(selector)


def selector_text(selector: Object | None) -> str:
    """The same, with nothing in place of `<none>`."""
    return text_of(selector).replace(NONE, "")


def containers_of(template: Any) -> list[str]:
    """The two cells that lay out a pod template: container names and images."""
    containers = dig(template, "spec", "containers", default=())
    return [
        ",".join(container.get("name", "") for container in containers),
        ",".join(container.get("image", "") for container in containers),
    ]


def some_of(items: Sequence[str], limit: int = 3, empty: str = UNSET) -> str:
    """The first few of a list, and how many more there are."""
    text = ",".join(items[:limit])
    return f"{text} + {len(items) - limit} more..." if len(items) > limit else text or empty


def joined(items: Iterable[str], empty: str = NONE) -> str:
    """The items with commas between them."""
    return ",".join(items) or empty


def true_or_false(value: Any) -> str:
    """An optional boolean as upstream prints it."""
    return UNSET if value is None else "True" if value else "False"
