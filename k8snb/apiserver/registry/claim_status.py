"""What the scheduler, the controller and drivers may say in a claim's status.

Upstream: `pkg/apis/resource/validation/validation.go` (`ValidateResourceClaimStatusUpdate`).
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.apiserver.registry.device_requests import (
    Names,
    each_of,
    request_names,
    validate_config,
    validate_driver,
    validate_label,
    validate_reference,
    validate_references,
)
from k8snb.apiserver.registry.device_slices import validate_pool_name
from k8snb.apiserver.registry.placement import validate_node_selector
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery.devices.claims import MOST_CONSUMERS, MOST_DEVICES
from k8snb.machinery.objects import is_deleting
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MOST_CONFIGS = 64
_SOURCES = ("FromClaim", "FromClass")
_LATE = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"


def validate_status(new: Object, old: Object) -> Findings:
    """What is wrong with the new status of a claim."""
    status, before = new.get("status") or {}, old.get("status") or {}
    reserved, allocation = status.get("reservedFor") or (), status.get("allocation")
    names = request_names((new.get("spec") or {}).get("devices") or {})
    yield from each_of(reserved, MOST_CONSUMERS, "status.reservedFor", _validate_consumer, lambda each: each["uid"])
    results = ((allocation or {}).get("devices") or {}).get("results") or ()
    given = {_identity(each) for each in results}

    def device(item: Object, path: str) -> Findings:
        yield from _validate_device(item, path)
        if _identity(item) not in given:
            yield invalid_value(path, "/".join(_identity(item)), "must be an allocated device in the claim")

    yield from each_of(status.get("devices"), -1, "status.devices", device, _identity)
    if reserved and allocation is None:
        yield field_forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
    elif reserved and is_deleting(new) and any(each not in (before.get("reservedFor") or ()) for each in reserved):
        yield field_forbidden("status.reservedFor", _LATE)
    if allocation is None:
        return
    if before.get("allocation") is None:
        yield from _validate_allocation(allocation, "status.allocation", names)
    elif allocation != before["allocation"]:
        yield invalid_value("status.allocation", allocation, IMMUTABLE)


def _identity(device: Object) -> tuple[str, ...]:
    names = (str(device.get(name) or "") for name in ("driver", "pool", "device"))
    return (*names, device["shareID"]) if device.get("shareID") else tuple(names)


def _validate_consumer(consumer: Object, path: str) -> Findings:
    for name in ("resource", "name", "uid"):
        if not consumer.get(name):
            yield required(f"{path}.{name}")


def _validate_device(device: Object, path: str) -> Findings:
    yield from validate_driver(device.get("driver") or "", f"{path}.driver")
    yield from validate_pool_name(device.get("pool") or "", f"{path}.pool")
    yield from validate_label(device.get("device") or "", f"{path}.device")


def _validate_allocation(allocation: Object, path: str, names: Names) -> Findings:
    devices = allocation.get("devices") or {}

    def result(item: Object, where: str) -> Findings:
        yield from validate_reference(item.get("request") or "", f"{where}.request", names)
        yield from _validate_device(item, where)

    def config(item: Object, where: str) -> Findings:
        source = item.get("source") or ""
        if not source:
            yield required(f"{where}.source")
        elif source not in _SOURCES:
            yield not_supported(f"{where}.source", source, _SOURCES)
        yield from validate_references(item.get("requests"), f"{where}.requests", names)
        yield from validate_config(item, where)

    yield from each_of(devices.get("results"), MOST_DEVICES, f"{path}.devices.results", result)
    yield from each_of(devices.get("config"), _MOST_CONFIGS, f"{path}.devices.config", config)
    if allocation.get("nodeSelector") is not None:
        yield from validate_node_selector(allocation["nodeSelector"], f"{path}.nodeSelector")
