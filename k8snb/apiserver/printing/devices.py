"""Devices: what there is, of which class, and who has claimed it."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing.columns import AGE, NAME, Column, Printer, age, dig, is_deleting, name_of
from k8snb.typing import Object

_SLICE = "api.resource.v1.ResourceSliceSpec"


def _aged(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), age(obj, now)]


def claim_state(claim: Object) -> str:
    """What has become of a claim: `pending`, `allocated,reserved`, `deleted,allocated` …"""
    states = ["deleted"] if is_deleting(claim) else []
    if dig(claim, "status", "allocation") is not None:
        states += ["allocated", *(["reserved"] if dig(claim, "status", "reservedFor") else [])]
    elif not states:
        states.append("pending")
    return ",".join(states)


def _claim(obj: Object, now: float) -> list[Any]:
    return [name_of(obj), claim_state(obj), age(obj, now)]


def _slice(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    node, driver, pool = spec.get("nodeName", ""), spec.get("driver", ""), dig(spec, "pool", "name", default="")
    return [name_of(obj), node, driver, pool, age(obj, now)]


PRINTERS = {
    ("resource.k8s.io", "DeviceClass"): Printer((NAME, AGE), _aged),
    ("resource.k8s.io", "ResourceClaim"): Printer(
        (NAME, Column("State", "A summary of the current state (allocated, pending, reserved, etc.)."), AGE), _claim
    ),
    ("resource.k8s.io", "ResourceClaimTemplate"): Printer((NAME, AGE), _aged),
    ("resource.k8s.io", "ResourceSlice"): Printer(
        (
            NAME,
            Column("Node", doc=(_SLICE, "nodeName")),
            Column("Driver", doc=(_SLICE, "driver")),
            Column("Pool", doc=("api.resource.v1.ResourcePool", "name")),
            AGE,
        ),
        _slice,
    ),
}
