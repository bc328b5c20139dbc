"""What a CEL selector says of a device.

It sees `device.driver`, `device.attributes[domain].name` and `device.capacity[domain].name`. An attribute without a
domain is in the driver's. A domain of which the device has nothing is an empty map, while an attribute that is not
there is an error, which ends the search. Upstream: `dynamic-resource-allocation/cel/compile.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from k8snb.machinery.cel import Environment, EvaluationError, Program, Struct
from k8snb.machinery.cel.library.kubernetes import quantity_value, version_value
from k8snb.machinery.cel.meter import PER_CALL
from k8snb.machinery.cel.ranges import Range
from k8snb.machinery.cel.types import BOOL, DYN, STRING, map_of, opaque
from k8snb.typing import Object

MOST_COST = PER_CALL
"""What one selector may cost."""
LONGEST = 10 * 1024
"""So many characters it may have."""
_MOST_ATTRIBUTES, _LONGEST_VALUE, _LONGEST_DOMAIN, _LONGEST_ID = 32, 64, 63, 32
_DEVICE = Struct(
    "kubernetes.DRADevice",
    {
        "driver": STRING,
        "attributes": map_of(STRING, map_of(STRING, DYN)),
        "capacity": map_of(STRING, map_of(STRING, opaque("kubernetes.Quantity"))),
        "allowMultipleAllocations": BOOL,
    },
)


class _Domains(dict[str, Any]):
    """Maps by domain; of a domain that is not there an empty one."""

    def __missing__(self, domain: str) -> Mapping[str, Any]:
        return {}


@cache
def environment() -> Environment:
    """Where selectors of devices are compiled."""
    return Environment({"device": _DEVICE.type}, (_DEVICE,))


def program(expression: str) -> Program:
    """The compiled selector. Raises CompileError."""
    return environment().compile(expression)


def highest_cost(compiled: Program) -> int:
    """What a selector can cost for the largest device there can be."""
    return compiled.highest_cost(_size_of)


def _size_of(path: tuple[str, ...]) -> Range | None:
    if path[:1] != ("device",):
        return None
    inner = path[1:]
    if inner == ("driver",):
        return Range(0, _LONGEST_DOMAIN)
    if inner in (("attributes",), ("capacity",)):
        return Range(0, _MOST_ATTRIBUTES)
    if len(inner) == 2 and inner[0] in ("attributes", "capacity"):
        return Range(0, _LONGEST_DOMAIN if inner[1] == "@keys" else _MOST_ATTRIBUTES)
    if len(inner) == 3:
        return Range(0, _LONGEST_ID if inner[2] == "@keys" else _LONGEST_VALUE)
    return None


def split_name(name: str, driver: str) -> tuple[str, str]:
    """Domain and identifier of an attribute or capacity; without a domain it is the driver's."""
    domain, slash, identifier = name.partition("/")
    return (domain, identifier) if slash else (driver, name)


def attribute_value(attribute: Object) -> Any:
    """What an attribute says, as CEL has it."""
    if attribute.get("version") is not None:
        return version_value(attribute["version"])
    return next((attribute[kind] for kind in ("int", "bool", "string") if attribute.get(kind) is not None), None)


def seen(device: Object, driver: str) -> Mapping[str, Any]:
    """The variable `device`."""
    attributes, capacity = _Domains(), _Domains()
    for name, attribute in (device.get("attributes") or {}).items():
        domain, identifier = split_name(name, driver)
        attributes.setdefault(domain, {})[identifier] = attribute_value(attribute)
    for name, amount in (device.get("capacity") or {}).items():
        domain, identifier = split_name(name, driver)
        capacity.setdefault(domain, {})[identifier] = quantity_value(amount["value"])
    return {
        "driver": driver,
        "attributes": attributes,
        "capacity": capacity,
        "allowMultipleAllocations": bool(device.get("allowMultipleAllocations")),
    }


def matches(compiled: Program, device: Mapping[str, Any]) -> bool:
    """Whether a device (as `seen`) is selected. Raises EvaluationError."""
    found = compiled({"device": device})
    if not isinstance(found, bool):
        raise EvaluationError(f"CEL result of type {type(found).__name__} could not be converted to bool")
    return found
