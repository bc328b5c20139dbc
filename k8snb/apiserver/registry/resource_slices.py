"""ResourceSlices: the devices that a driver offers, and on which nodes.

Upstream: `pkg/apis/resource/validation/validation.go` (`ValidateResourceSlice`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, duplicate, invalid_value, required, too_long, too_many
from k8snb.machinery import formats
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

_SELECTIONS = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_ONE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_VALUES = ("bool", "int", "string", "version")
_MOST_DEVICES, _MOST_TAINTED = 128, 64
_LONGEST_DRIVER = 63
_LONGEST_POOL = 253


class ResourceSliceStrategy(Strategy):
    """The rules of ResourceSlices: whose they are stays."""

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
    driver = spec.get("driver") or ""
    if not driver:
        yield required("spec.driver")
    elif len(driver) > _LONGEST_DRIVER:
        yield too_long("spec.driver", driver, _LONGEST_DRIVER)
    for message in formats.dns_subdomain(driver) if driver else ():
        yield invalid_value("spec.driver", driver, message)
    yield from _validate_pool(spec.get("pool") or {}, "spec.pool")
    yield from _validate_selection(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        yield invalid_value("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    yield from _validate_devices(spec.get("devices") or ())


def _validate_pool(pool: Object, path: str) -> Findings:
    name, count, generation = pool.get("name") or "", pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    if not name:
        yield required(f"{path}.name")
    elif len(name) > _LONGEST_POOL:
        yield too_long(f"{path}.name", name, _LONGEST_POOL)
    for part in name.split("/") if name else ():
        for message in formats.dns_subdomain(part):
            yield invalid_value(f"{path}.name", part, message)
    if count <= 0:
        yield invalid_value(f"{path}.resourceSliceCount", count, "must be greater than zero")
    if generation < 0:
        yield invalid_value(f"{path}.generation", generation, "must be greater than or equal to zero")


def _validate_selection(spec: Object) -> Findings:
    """On which nodes the devices are: said in one way."""
    given = [f"`{name}`" for name in _SELECTIONS if spec.get(name) or (name == "nodeSelector" and name in spec)]
    if spec.get("nodeName") == "":
        yield invalid_value("spec.nodeName", "", "must be either unset or set to a non-empty string")
    for message in formats.dns_subdomain(spec["nodeName"]) if spec.get("nodeName") else ():
        yield invalid_value("spec.nodeName", spec["nodeName"], message)
    terms = (spec.get("nodeSelector") or {}).get("nodeSelectorTerms") or ()
    if spec.get("nodeSelector") is not None and len(terms) != 1:
        text = "must have exactly one node selector term"
        yield invalid_value("spec.nodeSelector.nodeSelectorTerms", terms, text)
    for name in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(name) is False:
            yield invalid_value(f"spec.{name}", False, "must be either unset or set to true")
    if not given:
        yield required("spec", _ONE)
    elif len(given) > 1:
        yield invalid_value("spec", f"{{{', '.join(given)}}}", f"{_ONE}, but multiple fields are set")


def _validate_devices(devices: Any) -> Findings:
    marked = any(each.get("taints") or each.get("consumesCounters") for each in devices)
    most = _MOST_TAINTED if marked else _MOST_DEVICES
    if len(devices) > most:
        yield too_many("spec.devices", len(devices), most)
    names: set[str] = set()
    for at, device in enumerate(devices):
        path, name = f"spec.devices[{at}]", device.get("name") or ""
        if not name:
            yield required(f"{path}.name")
        elif name in names:
            yield duplicate(path, name)
        for message in formats.dns_label(name) if name else ():
            yield invalid_value(f"{path}.name", name, message)
        names.add(name)
        yield from _validate_attributes(device.get("attributes") or {}, f"{path}.attributes")


def _validate_attributes(attributes: Mapping[str, Object], path: str) -> Findings:
    for name, value in sorted(attributes.items()):
        given = [each for each in _VALUES if value.get(each) is not None]
        if len(given) != 1:
            yield invalid_value(f"{path}[{name}]", value if given else "", "exactly one value must be specified")
