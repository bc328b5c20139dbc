"""Claims to devices: ResourceClaims, their templates and the classes of what can be claimed.

Defaults and the rules that people meet first are here; what drivers write is taken as it comes. Upstream:
`pkg/apis/resource/v1/defaults.go`, `pkg/apis/resource/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snb.apiserver.registry.filling import filled, filled_numbers, within, within_each, within_new
from k8snb.apiserver.registry.resource_slices import ResourceSliceStrategy
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, duplicate, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MODES = ("All", "ExactCount")
_EXACT = "exactly"
_ALTERNATIVES = "firstAvailable"


class ResourceClaimStrategy(Strategy):
    """The rules of ResourceClaims."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _default_claim)

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_claim(obj.get("spec") or {}, "spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return _kept(new, old)


class ResourceClaimTemplateStrategy(Strategy):
    """The rules of ResourceClaimTemplates."""

    counts_generation = False

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", lambda spec: within_new(spec, "spec", _default_claim))

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_claim((obj.get("spec") or {}).get("spec") or {}, "spec.spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return _kept(new, old)


def _kept(new: Object, old: Object) -> list[FieldError]:
    return [] if new.get("spec") == old.get("spec") else [invalid_value("spec", new.get("spec"), IMMUTABLE)]


def _default_claim(spec: Object) -> Object:
    return within(spec, "devices", lambda devices: within_each(devices, "requests", _default_request))


def _default_request(request: Object) -> Object:
    return within_each(within(request, _EXACT, _default_count), _ALTERNATIVES, _default_count)


def _default_count(wanted: Object) -> Object:
    wanted = filled(wanted, {"allocationMode": "ExactCount"})
    return filled_numbers(wanted, {"count": 1}) if wanted["allocationMode"] == "ExactCount" else wanted


def _validate_claim(spec: Object, path: str) -> Findings:
    names: set[str] = set()
    for at, request in enumerate((spec.get("devices") or {}).get("requests") or ()):
        here = f"{path}.devices.requests[{at}]"
        yield from _validate_name(request.get("name") or "", f"{here}.name", names)
        exact, several = request.get(_EXACT), request.get(_ALTERNATIVES) or ()
        if exact is None and not several:
            yield required(here, f"exactly one of `{_EXACT}` or `{_ALTERNATIVES}` is required")
        elif exact is not None and several:
            text = f"exactly one of `{_EXACT}` or `{_ALTERNATIVES}` is required, but multiple fields are set"
            yield invalid_value(here, None, text)
        if exact is not None:
            yield from _validate_wanted(exact, f"{here}.{_EXACT}")
        inner: set[str] = set()
        for index, wanted in enumerate(several):
            yield from _validate_name(wanted.get("name") or "", f"{here}.{_ALTERNATIVES}[{index}].name", inner)
            yield from _validate_wanted(wanted, f"{here}.{_ALTERNATIVES}[{index}]")


def _validate_name(name: str, path: str, taken: set[str]) -> Findings:
    if not name:
        yield required(path)
        return
    for message in formats.dns_label(name):
        yield invalid_value(path, name, message)
    if name in taken:
        yield duplicate(path, name)
    taken.add(name)


def _validate_wanted(wanted: Object, path: str) -> Findings:
    name, mode, count = wanted.get("deviceClassName") or "", wanted.get("allocationMode"), wanted.get("count") or 0
    if not name:
        yield required(f"{path}.deviceClassName")
    else:
        for message in formats.dns_subdomain(name):
            yield invalid_value(f"{path}.deviceClassName", name, message)
    if mode == "All" and count:
        text = "must not be specified when allocationMode is 'All'"
        yield invalid_value(f"{path}.count", count, text)
    elif mode == "ExactCount" and count <= 0:
        yield invalid_value(f"{path}.count", count, "must be greater than zero")
    elif mode not in _MODES:
        yield not_supported(f"{path}.allocationMode", mode, _MODES)


class DeviceClassStrategy(Strategy):
    """The rules of DeviceClasses."""

    def default(self, obj: Object) -> Object:
        return filled(obj, {"spec": {}})


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "resourceclaims.resource.k8s.io": lambda _: ResourceClaimStrategy(),
    "resourceclaimtemplates.resource.k8s.io": lambda _: ResourceClaimTemplateStrategy(),
    "deviceclasses.resource.k8s.io": lambda _: DeviceClassStrategy(),
    "resourceslices.resource.k8s.io": lambda _: ResourceSliceStrategy(),
}
