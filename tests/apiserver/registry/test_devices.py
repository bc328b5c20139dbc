"""ResourceSlices and DeviceClasses: what a driver offers."""

from __future__ import annotations

from typing import Any

import pytest

from .writing import create, made, refusals, strategy, update_refusals

SLICES = strategy("resourceslices.resource.k8s.io")
CLASSES = strategy("deviceclasses.resource.k8s.io")
POOL = {"name": "pool", "generation": 1, "resourceSliceCount": 1}
WAYS = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


def offered(**spec: Any) -> dict[str, Any]:
    """A slice with one device on one node, but for what is said otherwise."""
    fields = {"driver": "gpu.example.com", "pool": POOL, "nodeName": "node-1", "devices": [{"name": "gpu-0"}], **spec}
    return made("ResourceSlice", namespace="", spec={k: v for k, v in fields.items() if v is not ...})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"driver": ...}, ["spec.driver: Required value"]),
        ({"pool": ...}, ["spec.pool.name: Required value",
                         "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero"]),
        ({"nodeName": ...}, [f"spec: Required value: {WAYS}"]),
        ({"allNodes": True}, [
            f'spec: Invalid value: "{{`nodeName`, `allNodes`}}": {WAYS}, but multiple fields are set']),
        ({"nodeName": ..., "nodeSelector": {"nodeSelectorTerms": []}}, [
            "spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term"]),
        ({"devices": [{"name": "a"}, {"name": "a"}]}, ['spec.devices[1]: Duplicate value: "a"']),
        ({"devices": [{"name": "a", "attributes": {"model": {}}}]}, [
            'spec.devices[0].attributes[model]: Invalid value: "": exactly one value must be specified']),
        ({"devices": [{"name": f"d{n}"} for n in range(129)]}, [
            "spec.devices: Too many: 129: must have at most 128 items"]),
    ],
)  # fmt: skip
def test_a_slice_says_whose_devices_it_offers_and_where(spec: dict[str, Any], expected: list[str]) -> None:
    assert refusals(SLICES, offered(**spec)) == expected


def test_whose_a_slice_is_stays() -> None:
    old = offered()
    changed = {**old["spec"], "driver": "b.c", "nodeName": "node-2", "pool": {**POOL, "name": "q"}}
    assert update_refusals(SLICES, old, spec=changed) == [
        'spec.pool.name: Invalid value: "q": field is immutable',
        'spec.driver: Invalid value: "b.c": field is immutable',
        'spec.nodeName: Invalid value: "node-2": field is immutable',
    ]


def test_a_class_of_anything_has_an_empty_spec() -> None:
    assert create(CLASSES, made("DeviceClass", namespace=""))["spec"] == {}
