"""Nodes: machines that run pods.

Upstream: `pkg/registry/core/node/strategy.go`, `ValidateNode`, `ValidateNodeUpdate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import addresses, checks
from k8snb.apiserver.registry.filling import filled, within_new
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, Struct, duplicate, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NONE: Mapping[str, Any] = {}
_UNREPORTED: Object = {
    "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
    "nodeInfo": dict.fromkeys(
        (
            "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion",
            "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture",
        ),
        "",
    ),
}  # fmt: skip
"""What is written of a machine that no kubelet has told of."""


class NodeStrategy(Strategy):
    """The rules of nodes: what a cloud or an allocator has once said about a machine stays."""

    counts_generation = False
    fields: Mapping[str, Field] = {
        "spec.unschedulable": lambda obj: "true" if checks.get(obj, "spec", "unschedulable") else "false",
    }

    def default(self, obj: Object) -> Object:
        obj = within_new(obj, "spec", _sync_pod_cidr)
        return within_new(obj, "status", lambda status: filled(_default_allocatable(status), _UNREPORTED))

    def prepare_create(self, obj: Object) -> Object:
        return obj

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or _NONE
        errors = validate_taints("metadata.taints", spec.get("taints") or ())
        errors += _validate_resources(obj)
        return errors + _validate_pod_cidrs(spec.get("podCIDRs") or [])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = _validate_addresses(new)
        cidrs = checks.get(old, "spec", "podCIDRs")
        if cidrs and cidrs != checks.get(new, "spec", "podCIDRs"):
            told = 'node updates may not change podCIDR except from "" to valid'
            errors.append(field_forbidden("spec.podCIDRs", told))
        provider = checks.get(old, "spec", "providerID")
        if provider and provider != checks.get(new, "spec", "providerID"):
            told = 'node updates may not change providerID except from "" to valid'
            errors.append(field_forbidden("spec.providerID", told))
        return errors

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return _validate_resources(new) + _validate_addresses(new)


def _sync_pod_cidr(spec: Object) -> Object:
    """`podCIDR` is the first of `podCIDRs`; whoever sets one sets the other."""
    first, every = spec.get("podCIDR"), spec.get("podCIDRs")
    if first and not every:
        return {**spec, "podCIDRs": [first]}
    if every and not first:
        return {**spec, "podCIDR": every[0]}
    return spec


def _default_allocatable(status: Object) -> Object:
    """What can be allocated is all there is, unless the kubelet says otherwise."""
    capacity = status.get("capacity")
    return {**status, "allocatable": capacity} if capacity and not status.get("allocatable") else status


def validate_taints(path: str, taints: Sequence[Object]) -> list[FieldError]:
    """Each taint well formed, and only one of each key and effect."""
    errors: list[FieldError] = []
    seen: list[tuple[str, str]] = []
    for index, taint in enumerate(taints):
        where = f"{path}[{index}]"
        key, effect, value = taint.get("key", ""), taint.get("effect", ""), taint.get("value", "")
        errors += checks.qualified_name(f"{where}.key", key)
        if messages := formats.label_value(value):
            errors.append(invalid_value(f"{where}.value", value, ";".join(messages)))
        errors += validate_effect(f"{where}.effect", effect)
        if (key, effect) in seen:
            shown = Struct(Key=key, Value=value, Effect=effect, TimeAdded=taint.get("timeAdded"))
            errors.append(duplicate(where, shown, "taints must be unique by key and effect pair"))
        seen.append((key, effect))
    return errors


def validate_effect(path: str, effect: str) -> list[FieldError]:
    """What a taint does to pods that do not tolerate it."""
    if not effect:
        return [required(path)]
    return [] if effect in EFFECTS else [not_supported(path, effect, EFFECTS)]


def _validate_resources(node: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in ("capacity", "allocatable"):
        amounts = checks.get(node, "status", field) or _NONE
        for name in amounts:
            errors += checks.resource_quantity(f"status.{field}.{name}", name, amounts[name])
    return errors


def _validate_pod_cidrs(cidrs: Sequence[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, value in enumerate(cidrs):
        errors += addresses.cidr(f"spec.podCIDRs[{index}]", value)
    families = [addresses.family_of(value.partition("/")[0]) for value in cidrs]
    if len(families) > 2 or len(set(families)) < len(families):
        told = "may specify no more than one CIDR for each IP family"
        errors.append(invalid_value("spec.podCIDRs", list(cidrs), told))
    return errors


def _validate_addresses(node: Object) -> list[FieldError]:
    errors = []
    seen: list[Object] = []
    for index, address in enumerate(checks.get(node, "status", "addresses") or ()):
        if address in seen:
            shown = Struct(Type=address.get("type", ""), Address=address.get("address", ""))
            errors.append(duplicate(f"status.addresses[{index}]", shown))
        seen.append(address)
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"nodes": lambda _: NodeStrategy()}
