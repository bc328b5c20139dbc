"""What storage drivers tell the cluster: CSIDrivers, CSINodes, VolumeAttachments and CSIStorageCapacities.

Upstream: `pkg/apis/storage/v1/defaults.go`, `pkg/apis/storage/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from k8snb.machinery import formats, quantity
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import IMMUTABLE, NOT_NEGATIVE, validate_label_selector
from k8snb.typing import Object

Findings = Iterator[FieldError]

_DRIVER = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "volumeLifecycleModes": ["Persistent"],
    "requiresRepublish": False,
    "seLinuxMount": False,
}
_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_MODES = ("Persistent", "Ephemeral")
_SHORTEST_TOKEN, _LONGEST_TOKEN = 600, 2**32
_SHORTEST_PERIOD = 10
_LONGEST_DRIVER = 63
_LONGEST_NODE_ID = 256
_LONGEST_MESSAGE = 1024
_MOST_METADATA = 256 * 1024
_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


class CSIDriverStrategy(Strategy):
    """The rules of CSIDrivers."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", lambda spec: filled(spec, _DRIVER))

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_driver(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        names = (("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes"))
        return [
            invalid_value(f"spec.{shown}", new["spec"].get(name), IMMUTABLE)
            for name, shown in names
            if new["spec"].get(name) != old["spec"].get(name)
        ]


def _validate_driver(spec: Object) -> Findings:
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in _GROUP_POLICIES:
        yield not_supported("spec.fsGroupPolicy", policy, _GROUP_POLICIES)
    yield from _validate_tokens(spec.get("tokenRequests") or ())
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in _MODES:
            yield not_supported("spec.volumeLifecycleModes", mode, _MODES)
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _SHORTEST_PERIOD:
        text = "must be greater than or equal to 10 seconds"
        yield invalid_value("spec.nodeAllocatableUpdatePeriodSeconds", period, text)


def _validate_tokens(requests: Sequence[Object]) -> Findings:
    seen: set[str] = set()
    for at, request in enumerate(requests):
        path, audience = f"spec.tokenRequests[{at}]", request.get("audience") or ""
        if audience in seen:
            yield duplicate(f"{path}.audience", audience)
            continue
        seen.add(audience)
        seconds = request.get("expirationSeconds")
        if seconds is not None and seconds < _SHORTEST_TOKEN:
            text = "may not specify a duration less than 10 minutes"
            yield invalid_value(f"{path}.expirationSeconds", seconds, text)
        if seconds is not None and seconds > _LONGEST_TOKEN:
            text = "may not specify a duration larger than 2^32 seconds"
            yield invalid_value(f"{path}.expirationSeconds", seconds, text)


class CSINodeStrategy(Strategy):
    """The rules of CSINodes."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", lambda spec: spec if "drivers" in spec else {**spec, "drivers": None})

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_node(checks.get(obj, "spec", "drivers") or ()))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        before = {d["name"]: _unlimited(d) for d in checks.get(old, "spec", "drivers") or ()}
        return [
            invalid_value("spec.drivers", driver, IMMUTABLE)
            for driver in checks.get(new, "spec", "drivers") or ()
            if _unlimited(driver) != before.get(driver["name"], _unlimited(driver))
        ]


def _unlimited(driver: Object) -> Object:
    return {name: value for name, value in driver.items() if name != "allocatable"}


def _validate_node(drivers: Sequence[Object]) -> Findings:
    names: set[str] = set()
    for at, driver in enumerate(drivers):
        path = f"spec.drivers[{at}]"
        name, node = driver.get("name") or "", driver.get("nodeID") or ""
        yield from validate_driver_name(name, f"{path}.name")
        if not node:
            yield required(f"{path}.nodeID")
        if len(node) > _LONGEST_NODE_ID:
            yield invalid_value(f"{path}.nodeID", node, f"must be {_LONGEST_NODE_ID} characters or less")
        yield from validate_counts(driver.get("allocatable") or {}, f"{path}.allocatable", "count")
        if name in names:
            yield duplicate(f"{path}.name", name)
        names.add(name)
        yield from _validate_keys(driver.get("topologyKeys") or (), path)


def _validate_keys(keys: Sequence[str], path: str) -> Findings:
    for at, key in enumerate(keys):
        if not key:
            yield required(path)
        if key in keys[:at]:
            yield duplicate(path, key)
        yield from checks.qualified_name(path, key)


def validate_driver_name(name: str, path: str) -> Findings:
    """The name of a storage driver."""
    if not name:
        yield required(path)
    if len(name) > _LONGEST_DRIVER:
        yield too_long(path, name, _LONGEST_DRIVER)
    for message in formats.dns_subdomain(name.lower()):
        yield invalid_value(path, name, message)


class VolumeAttachmentStrategy(Strategy):
    """The rules of VolumeAttachments."""

    counts_generation = False

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {"attached": False}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_attachment(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [] if new["spec"] == old["spec"] else [invalid_value("spec", new["spec"], IMMUTABLE)]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(_validate_attached(new.get("status") or {}))


def _validate_attachment(spec: Object) -> Findings:
    attacher, source = spec.get("attacher") or "", spec.get("source") or {}
    if not attacher:
        yield required("spec.attacher")
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and name is None:
        yield required("spec.source", _ONE_SOURCE)
    elif inline is not None and name is not None:
        yield field_forbidden("spec.source", _ONE_SOURCE)
    elif name == "":
        yield required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName")
    for message in formats.dns_subdomain(spec.get("nodeName") or ""):
        yield invalid_value("spec.nodeName", spec.get("nodeName") or "", message)
    yield from validate_driver_name(attacher, "spec.attacher")
    for message in formats.dns_subdomain(name) if name is not None else ():
        yield invalid_value("spec.source.persistentVolumeName", name, message)


def _validate_attached(status: Object) -> Findings:
    metadata = status.get("attachmentMetadata") or {}
    if sum(formats.size(key) + formats.size(value) for key, value in metadata.items()) > _MOST_METADATA:
        yield too_long("status.attachmentMetadata", "", _MOST_METADATA)
    for name in ("attachError", "detachError"):
        if len((status.get(name) or {}).get("message") or "") > _LONGEST_MESSAGE:
            yield too_long(f"status.{name}.message", "", _LONGEST_MESSAGE)


class StorageCapacityStrategy(Strategy):
    """The rules of CSIStorageCapacities."""

    counts_generation = False
    fields: Mapping[str, Field] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_capacity(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [
            invalid_value(name, new.get(name), IMMUTABLE)
            for name in ("nodeTopology", "storageClassName")
            if new.get(name) != old.get(name)
        ]


def _validate_capacity(obj: Object) -> Findings:
    if obj.get("nodeTopology") is not None:
        yield from validate_label_selector(obj["nodeTopology"], "nodeTopology")
    for message in formats.dns_subdomain(obj.get("storageClassName") or ""):
        yield invalid_value("storageClassName", obj.get("storageClassName") or "", message)
    amount = obj.get("capacity")
    if amount is not None and quantity.parse(amount).nano < 0:
        yield invalid_value("capacity", amount, NOT_NEGATIVE)


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "csidrivers.storage.k8s.io": lambda _: CSIDriverStrategy(),
    "csinodes.storage.k8s.io": lambda _: CSINodeStrategy(),
    "volumeattachments.storage.k8s.io": lambda _: VolumeAttachmentStrategy(),
    "csistoragecapacities.storage.k8s.io": lambda _: StorageCapacityStrategy(),
}
