"""Classes of storage: StorageClasses and VolumeAttributesClasses.

Upstream: `pkg/apis/storage/v1/defaults.go`, `pkg/apis/storage/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry.checks import qualified_name
from k8snb.apiserver.registry.filling import filled
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import IMMUTABLE, validate_label_name
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MOST_PARAMETERS = 512
_MOST_BYTES = 256 * 1024
_RECLAIM = ("Delete", "Retain")
_BINDING = ("Immediate", "WaitForFirstConsumer")


class StorageClassStrategy(Strategy):
    """The rules of StorageClasses."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return filled(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_class(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        found = [*_fixed(new, old, "parameters"), *_fixed(new, old, "provisioner"), *_fixed(new, old, "reclaimPolicy")]
        mode = new.get("volumeBindingMode")
        if mode != old.get("volumeBindingMode"):
            found.append(invalid_value("volumeBindingMode", mode, IMMUTABLE))
        return found


def _fixed(new: Object, old: Object, name: str) -> Findings:
    if (new.get(name) or None) != (old.get(name) or None):
        yield field_forbidden(name, f"updates to {name} are forbidden.")


def _validate_class(obj: Object) -> Findings:
    yield from _validate_driver(obj.get("provisioner") or "", "provisioner")
    yield from _validate_parameters(obj.get("parameters") or {})
    for name, supported in (("reclaimPolicy", _RECLAIM), ("volumeBindingMode", _BINDING)):
        if obj.get(name) not in supported:
            yield not_supported(name, obj.get(name), supported)
    yield from _validate_topologies(obj)


def _validate_driver(name: str, path: str) -> Findings:
    if not name:
        yield required(path)
    else:
        yield from qualified_name(path, name.lower())


def _validate_parameters(parameters: Mapping[str, str]) -> Findings:
    if len(parameters) > _MOST_PARAMETERS:
        yield too_long("parameters", "", _MOST_PARAMETERS)
        return
    if "" in parameters:
        yield invalid_value("parameters", "", "field can not be empty.")
    if sum(formats.size(key) + formats.size(value) for key, value in parameters.items()) > _MOST_BYTES:
        yield too_long("parameters", "", _MOST_BYTES)


def _validate_topologies(obj: Object) -> Findings:
    seen: list[Mapping[str, frozenset[str]]] = []
    for at, term in enumerate(obj.get("allowedTopologies") or ()):
        path = f"allowedTopologies[{at}].matchLabelExpressions"
        keys: dict[str, frozenset[str]] = {}
        for index, expression in enumerate(term.get("matchLabelExpressions") or ()):
            yield from _validate_topology(expression, f"{path}[{index}]", keys)
        if keys in seen:
            yield duplicate(path, "")
        seen.append(keys)


def _validate_topology(expression: Object, path: str, keys: dict[str, frozenset[str]]) -> Findings:
    key, values = expression.get("key") or "", expression.get("values") or ()
    if not values:
        yield required(f"{path}.values")
    for at, value in enumerate(values):
        if value in values[:at]:
            yield duplicate(f"{path}.values[{at}]", value)
    if key in keys:
        yield duplicate(f"{path}.key", key)
    yield from validate_label_name(key, f"{path}.key")
    keys[key] = frozenset(values)


class VolumeAttributesClassStrategy(Strategy):
    """The rules of VolumeAttributesClasses."""

    counts_generation = False

    def validate(self, obj: Object) -> list[FieldError]:
        parameters = obj.get("parameters") or {}
        found = [*_validate_driver(obj.get("driverName") or "", "driverName"), *_validate_parameters(parameters)]
        return found if parameters else [*found, required("parameters", "must contain at least one key/value pair")]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [*_fixed(new, old, "driverName"), *_fixed(new, old, "parameters")]


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "storageclasses.storage.k8s.io": lambda _: StorageClassStrategy(),
    "volumeattributesclasses.storage.k8s.io": lambda _: VolumeAttributesClassStrategy(),
}
