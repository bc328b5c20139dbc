"""ResourceSlices: the devices that a driver offers, and on which nodes.

Upstream: `pkg/apis/resource/validation/validation.go` (`ValidateResourceSlice`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.apiserver.registry.device_capacity import validate_policy
from k8snb.apiserver.registry.device_requests import (
    EFFECTS,
    each_of,
    named,
    validate_driver,
    validate_label,
    validate_qualified,
)
from k8snb.apiserver.registry.placement import validate_node_selector
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
    too_long,
    too_many,
)
from k8snb.machinery import formats
from k8snb.machinery.validation import IMMUTABLE, validate_label_name
from k8snb.typing import Object

Findings = Iterator[FieldError]

_SELECTIONS = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_ONE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_ON_DEVICES = "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"
_ONE_PER_DEVICE = f"exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when {_ON_DEVICES}"
_PER_DEVICE = f"`nodeName`, `nodeSelector` and `allNodes` can only be set if {_ON_DEVICES}"
_VALUES = ("bool", "int", "string", "version")
_MOST_DEVICES, _MOST_TAINTED, _MOST_ATTRIBUTES = 128, 64, 32
_MOST_TAINTS, _MOST_COUNTER_SETS, _MOST_CONSUMED, _MOST_COUNTERS, _MOST_CONDITIONS = 16, 8, 2, 32, 4
_LONGEST_POOL, _LONGEST_VALUE = 253, 64
_PART, _PRE = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
_VERSION = re.compile(rf"{_PART}\.{_PART}\.{_PART}(-{_PRE}(\.{_PRE})*)?{_BUILD}")


def _read(name: str) -> Field:
    return lambda obj: str((obj.get("spec") or {}).get(name) or "")


class ResourceSliceStrategy(Strategy):
    """The rules of ResourceSlices: whose they are stays."""

    fields: Mapping[str, Field] = {"spec.nodeName": _read("nodeName"), "spec.driver": _read("driver")}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_spec(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        spec, before = new.get("spec") or {}, old.get("spec") or {}
        pool, pool_before = spec.get("pool") or {}, before.get("pool") or {}
        kept = (
            ("pool.name", pool.get("name"), pool_before.get("name")),
            ("driver", spec.get("driver"), before.get("driver")),
            ("nodeName", spec.get("nodeName"), before.get("nodeName")),
        )
        return [invalid_value(f"spec.{name}", now, IMMUTABLE) for name, now, then in kept if now != then]


def _validate_spec(spec: Object) -> Findings:
    yield from validate_driver(spec.get("driver") or "", "spec.driver")
    yield from _validate_pool(spec.get("pool") or {}, "spec.pool")
    yield from _validate_selection(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        yield invalid_value("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    devices, per_device = spec.get("devices") or (), bool(spec.get("perDeviceNodeSelection"))
    marked = any(each.get("taints") or each.get("consumesCounters") for each in devices)
    most = _MOST_TAINTED if marked else _MOST_DEVICES

    def device(item: Object, path: str) -> Findings:
        yield from _validate_device(item, path)
        yield from _validate_nodes(item, path, per_device=per_device)

    yield from each_of(devices, most, "spec.devices", device, named)
    counters = spec.get("sharedCounters")
    yield from each_of(counters, _MOST_COUNTER_SETS, "spec.sharedCounters", _validate_counter_set, named)


def _validate_pool(pool: Object, path: str) -> Findings:
    count, generation = pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    yield from validate_pool_name(pool.get("name") or "", f"{path}.name")
    if count <= 0:
        yield invalid_value(f"{path}.resourceSliceCount", count, "must be greater than zero")
    if generation < 0:
        yield invalid_value(f"{path}.generation", generation, "must be greater than or equal to zero")


def validate_pool_name(name: str, path: str) -> Findings:
    """The name of a pool of devices."""
    if not name:
        yield required(path)
    elif len(name) > _LONGEST_POOL:
        yield too_long(path, name, _LONGEST_POOL)
    for part in name.split("/") if name else ():
        for message in formats.dns_subdomain(part):
            yield invalid_value(path, part, message)


# -- on which nodes ------------------------------------------------------------------------------------


def _validate_selection(spec: Object) -> Findings:
    """On which nodes the devices are: said in one way."""
    given = [f"`{name}`" for name in _SELECTIONS if spec.get(name) or (name == "nodeSelector" and name in spec)]
    if spec.get("nodeName") == "":
        yield invalid_value("spec.nodeName", "", "must be either unset or set to a non-empty string")
    yield from _validate_node_name(spec.get("nodeName") or "", "spec.nodeName")
    if spec.get("nodeSelector") is not None:
        yield from validate_node_selector(spec["nodeSelector"], "spec.nodeSelector")
        terms = spec["nodeSelector"].get("nodeSelectorTerms") or []
        if len(terms) != 1:
            text = "must have exactly one node selector term"
            yield invalid_value("spec.nodeSelector.nodeSelectorTerms", terms, text)
    for name in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(name) is False:
            yield invalid_value(f"spec.{name}", False, "must be either unset or set to true")
    if not given:
        yield required("spec", _ONE)
    elif len(given) > 1:
        yield invalid_value("spec", f"{{{', '.join(given)}}}", f"{_ONE}, but multiple fields are set")


def _validate_node_name(name: str, path: str) -> Findings:
    for message in formats.dns_subdomain(name) if name else ():
        yield invalid_value(path, name, message)


def _validate_nodes(device: Object, path: str, *, per_device: bool) -> Findings:
    """On which nodes a single device is, where each says that for itself."""
    given = [name for name in _SELECTIONS[:3] if device.get(name) is not None]
    if not per_device:
        if given:
            yield invalid_value(path, None, _PER_DEVICE)
        return
    if device.get("nodeName") == "":
        yield invalid_value(f"{path}.nodeName", "", "must not be empty")
    yield from _validate_node_name(device.get("nodeName") or "", f"{path}.nodeName")
    if device.get("nodeSelector") is not None:
        yield from validate_node_selector(device["nodeSelector"], f"{path}.nodeSelector")
    if device.get("allNodes") is False:
        yield invalid_value(f"{path}.allNodes", False, "must be either unset or set to true")
    told = [f"`{name}`" for name in given if device[name] not in ("", False)]
    if not told:
        yield required(path, _ONE_PER_DEVICE)
    elif len(told) > 1:
        yield invalid_value(path, f"{{{', '.join(told)}}}", _ONE_PER_DEVICE)


# -- devices -------------------------------------------------------------------------------------------


def _validate_device(device: Object, path: str) -> Findings:
    yield from validate_label(named(device), f"{path}.name")
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    total = len(attributes) + len(capacity)
    if total > _MOST_ATTRIBUTES:
        text = f"the total number of attributes and capacities must not exceed {_MOST_ATTRIBUTES}"
        yield invalid_value(path, total, text)
    for name, value in sorted(attributes.items()):
        yield from validate_qualified(name, f"{path}.attributes[{name}]")
        yield from _validate_attribute(value, f"{path}.attributes[{name}]")
    for name, amount in sorted(capacity.items()):
        where = f"{path}.capacity[{name}]"
        yield from validate_qualified(name, where)
        if amount.get("requestPolicy") is not None and not device.get("allowMultipleAllocations"):
            yield field_forbidden(f"{where}.requestPolicy", "allowMultipleAllocations must be true")
        elif amount.get("requestPolicy") is not None:
            yield from validate_policy(amount["value"], amount["requestPolicy"], f"{where}.requestPolicy")
    yield from each_of(device.get("taints"), _MOST_TAINTS, f"{path}.taints", _validate_taint)
    consumed = device.get("consumesCounters")
    yield from each_of(
        consumed, _MOST_CONSUMED, f"{path}.consumesCounters", _validate_consumption, lambda each: each["counterSet"]
    )
    yield from _validate_binding(device, path)


def _validate_attribute(value: Object, path: str) -> Findings:
    given = [each for each in _VALUES if value.get(each) is not None]
    if value.get("string") is not None and len(value["string"]) > _LONGEST_VALUE:
        yield too_long(f"{path}.string", "", _LONGEST_VALUE)
    version = value.get("version")
    if version is not None and not _VERSION.fullmatch(version):
        yield invalid_value(f"{path}.version", version, "must be a string compatible with semver.org spec 2.0.0")
    if version is not None and len(version) > _LONGEST_VALUE:
        yield too_long(f"{path}.version", "", _LONGEST_VALUE)
    if len(given) != 1:
        yield invalid_value(path, value if given else "", "exactly one value must be specified")


def _validate_taint(taint: Object, path: str) -> Findings:
    yield from validate_label_name(taint.get("key") or "", f"{path}.key")
    for message in formats.label_value(taint["value"]) if taint.get("value") else ():
        yield invalid_value(f"{path}.value", taint["value"], message)
    effect = taint.get("effect") or ""
    if not effect:
        yield required(f"{path}.effect")
    elif effect not in EFFECTS:
        yield not_supported(f"{path}.effect", effect, EFFECTS)


def _validate_consumption(consumption: Object, path: str) -> Findings:
    yield from validate_label(consumption.get("counterSet") or "", f"{path}.counterSet")
    yield from _validate_counters(consumption.get("counters") or {}, f"{path}.counters")


def _validate_counter_set(counters: Object, path: str) -> Findings:
    yield from validate_label(named(counters), f"{path}.name")
    yield from _validate_counters(counters.get("counters") or {}, f"{path}.counters")


def _validate_counters(counters: Mapping[str, Any], path: str) -> Findings:
    if not counters:
        yield required(path)
    elif len(counters) > _MOST_COUNTERS:
        yield too_many(path, len(counters), _MOST_COUNTERS)
    else:
        for name in sorted(counters):
            yield from validate_label(name, f"{path}[{name}]")


def _validate_binding(device: Object, path: str) -> Findings:
    """The conditions for which a binding waits, and those by which it fails."""

    def condition(name: str, where: str) -> Findings:
        yield from validate_label_name(name, where)

    good, bad = (device.get(name) or () for name in ("bindingConditions", "bindingFailureConditions"))
    yield from each_of(good, _MOST_CONDITIONS, f"{path}.bindingConditions", condition, str)
    yield from each_of(bad, _MOST_CONDITIONS, f"{path}.bindingFailureConditions", condition, str)
    for at, name in enumerate(bad):
        if name in good:
            yield duplicate(f"{path}.bindingFailureConditions[{at}]", name)
