"""What extenders answer, read as Go's decoder reads it: names in any case, nulls and what is missing as nothing.

A value of another sort than the field's is an error in Go's words. Upstream: `k8s.io/kube-scheduler/extender/v1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from k8snb.machinery.gotext import json_word


@dataclass(frozen=True, slots=True)
class Simple:
    """A string or a number."""

    go: str
    kind: type
    zero: Any


@dataclass(frozen=True, slots=True)
class ListOf:
    go: str
    of: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    go: str
    of: Shape


@dataclass(frozen=True, slots=True)
class Struct:
    """An object with these fields; read, they have their names in lower case."""

    name: str
    fields: Mapping[str, Shape]

    @property
    def go(self) -> str:
        return f"v1.{self.name}"


Shape: TypeAlias = Simple | ListOf | MapOf | Struct

TEXT, NUMBER = Simple("string", str, ""), Simple("int64", int, 0)
_NODE = Struct("Node", {"metadata": Struct("ObjectMeta", {"name": TEXT})})
_FAILED = MapOf("v1.FailedNodesMap", TEXT)
_VICTIMS = Struct(
    "MetaVictims",
    {"Pods": ListOf("[]*v1.MetaPod", Struct("MetaPod", {"UID": TEXT})), "NumPDBViolations": NUMBER},
)

FILTERED = Struct(
    "ExtenderFilterResult",
    {
        "Nodes": Struct("NodeList", {"items": ListOf("[]v1.Node", _NODE)}),
        "NodeNames": ListOf("[]string", TEXT),
        "FailedNodes": _FAILED,
        "FailedAndUnresolvableNodes": _FAILED,
        "Error": TEXT,
    },
)
PRIORITIES = ListOf("v1.HostPriorityList", Struct("HostPriority", {"Host": TEXT, "Score": NUMBER}))
PREEMPTED = Struct("ExtenderPreemptionResult", {"NodeNameToMetaVictims": MapOf("map[string]*v1.MetaVictims", _VICTIMS)})
BOUND = Struct("ExtenderBindingResult", {"Error": TEXT})


def read(value: Any, shape: Shape, struct: str = "", *fields: str) -> Any:
    """A value by its shape. Raises ValueError where it has another."""
    if value is None:
        return shape.zero if isinstance(shape, Simple) else {} if isinstance(shape, Struct) else None
    if not _fits(value, shape):
        raise ValueError(_mismatch(value, shape.go, struct, fields))
    match shape:
        case Simple():
            return value
        case ListOf(of=of):
            return [read(each, of, struct, *fields) for each in value]
        case MapOf(of=of):
            return {name: read(each, of, struct, *fields, name) for name, each in value.items()}
        case Struct(name=struct):
            given = {name.lower(): each for name, each in value.items()}
            found = shape.fields.items()
            return {name.lower(): read(given.get(name.lower()), of, struct, *fields, name) for name, of in found}


def _fits(value: Any, shape: Shape) -> bool:
    wanted = shape.kind if isinstance(shape, Simple) else list if isinstance(shape, ListOf) else dict
    return isinstance(value, wanted) and not isinstance(value, bool)


def _mismatch(value: Any, go: str, struct: str, fields: tuple[str, ...]) -> str:
    word = json_word(value)
    what = f"{word} {value}" if word == "number" and go == NUMBER.go else word
    where = f"struct field {struct}.{'.'.join(fields)}" if fields else "value"
    return f"json: cannot unmarshal {what} into Go {where} of type {go}"
