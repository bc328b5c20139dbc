"""ResourceSlices and DeviceClasses: what a driver offers."""

from __future__ import annotations

from typing import Any

import pytest

from .writing import create, made, refusals, strategy, update_refusals

SLICES = strategy("resourceslices.resource.k8s.io")
CLASSES = strategy("deviceclasses.resource.k8s.io")
CLAIMS = strategy("resourceclaims.resource.k8s.io")
POOL = {"name": "pool", "generation": 1, "resourceSliceCount": 1}
IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters "
    "or '_' (e.g. 'my_name', or 'MY_NAME', or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')"
)
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
            "spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
            "spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term"]),
        ({"devices": [{"name": "a"}, {"name": "a"}]}, ['spec.devices[1]: Duplicate value: "a"']),
        ({"devices": [{"name": "a", "attributes": {"model": {}}}]}, [
            'spec.devices[0].attributes[model]: Invalid value: "": exactly one value must be specified']),
        ({"devices": [{"name": "a", "attributes": {"v": {"version": "1.0"}, "x/1": {"int": 1}}}]}, [
            'spec.devices[0].attributes[v].version: Invalid value: "1.0": must be a string compatible with '
            "semver.org spec 2.0.0",
            f'spec.devices[0].attributes[x/1]: Invalid value: "1": {IDENTIFIER}']),
        ({"devices": [{"name": "a", "capacity": {"m": {"value": "4Gi", "requestPolicy": {}}}}]}, [
            "spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true"]),
        ({"devices": [{"name": "a", "allowMultipleAllocations": True, "capacity": {"m": {
            "value": "4Gi", "requestPolicy": {"default": "3Gi", "validRange": {"min": "1Gi", "max": "8Gi"}}}}}]}, [
            'spec.devices[0].capacity[m].requestPolicy.validRange.max: Invalid value: "8Gi": max is larger than '
            "capacity value: 4Gi"]),
        ({"devices": [{"name": "a", "taints": [{"key": "broken"}], "nodeName": "b"}]}, [
            "spec.devices[0].taints[0].effect: Required value",
            "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if "
            "`perDeviceNodeSelection` is set to true in the ResourceSlice spec"]),
        ({"devices": ..., "sharedCounters": [{"name": "gpu"}]}, ["spec.sharedCounters[0].counters: Required value"]),
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


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"selectors": [{}]}, ["spec.selectors[0].cel: Required value"]),
        ({"selectors": [{"cel": {"expression": "device.driver"}}]}, [
            'spec.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown '
            "type, not string"]),
        ({"selectors": [{"cel": {"expression": "device.vendor == 'x'"}}]}, [
            'spec.selectors[0].cel.expression: Invalid value: "device.vendor == \'x\'": compilation failed: '
            "ERROR: <input>:1:7: undefined field 'vendor'\\n | device.vendor == 'x'\\n | ......^"]),
        ({"config": [{"opaque": {"driver": "a", "parameters": [1]}}]}, [
            'spec.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object']),
        ({"extendedResourceName": "gpu"}, [
            'spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name']),
    ],
)  # fmt: skip
def test_a_class_says_which_devices_are_of_it(spec: dict[str, Any], expected: list[str]) -> None:
    found = refusals(CLASSES, made("DeviceClass", namespace="", spec=spec))
    assert [each.replace("\n", "\\n") for each in found] == expected


def asked(name: str = "gpu", **wanted: Any) -> dict[str, Any]:
    """One request."""
    return {"name": name, "exactly": {"deviceClassName": "gpu.example.com", **wanted}}


REFERENCE = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ({"requests": [asked(), asked()]}, ['spec.devices.requests[1]: Duplicate value: "gpu"']),
        ({"requests": [asked(allocationMode="All", count=2)]}, [
            "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is "
            "'All'"]),
        ({"requests": [asked(allocationMode="Some")]}, [
            'spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", '
            '"ExactCount"']),
        ({"requests": [asked(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}])]}, [
            'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "b": must be empty for operator '
            "`Exists`"]),
        ({"requests": [asked()], "constraints": [{"matchAttribute": "numa"}]}, [
            'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a '
            "domain and a name separated by a slash"]),
        ({"requests": [asked()], "constraints": [{"requests": ["cpu"], "matchAttribute": "a.b/numa"}]}, [
            f'spec.devices.constraints[0].requests[0]: Invalid value: "cpu": {REFERENCE}']),
        ({"requests": [asked()], "config": [{"requests": ["gpu"]}]}, ["spec.devices.config[0].opaque: Required value"]),
        ({"requests": [{"name": "any", "firstAvailable": [{"name": "a"}, {"name": "a", "deviceClassName": "x"}]}]}, [
            "spec.devices.requests[0].firstAvailable[0].deviceClassName: Required value",
            'spec.devices.requests[0].firstAvailable[1]: Duplicate value: "a"']),
    ],
)  # fmt: skip
def test_a_claim_says_what_it_wants(devices: dict[str, Any], expected: list[str]) -> None:
    assert refusals(CLAIMS, made("ResourceClaim", spec={"devices": devices})) == expected


CLAIM = create(CLAIMS, made("ResourceClaim", spec={"devices": {"requests": [asked()]}}))
GIVEN = {"request": "gpu", "driver": "gpu.example.com", "pool": "node-1", "device": "gpu-0"}
FOR_POD = {"resource": "pods", "name": "p", "uid": "1"}


def allocated(**result: Any) -> dict[str, Any]:
    return {"devices": {"results": [{**GIVEN, **result}]}}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {"allocation": allocated(), "reservedFor": [FOR_POD]}, []),
        ({}, {"reservedFor": [FOR_POD]}, [
            "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"]),
        ({}, {"allocation": allocated(), "reservedFor": [{"name": "p", "uid": "1"}]}, [
            "status.reservedFor[0].resource: Required value"]),
        ({}, {"allocation": allocated(request="cpu")}, [
            f'status.allocation.devices.results[0].request: Invalid value: "cpu": {REFERENCE}']),
        ({}, {"allocation": allocated(), "devices": [{**GIVEN, "device": "gpu-1"}]}, [
            'status.devices[0]: Invalid value: "gpu.example.com/node-1/gpu-1": must be an allocated device in the '
            "claim"]),
        ({"allocation": allocated()}, {"allocation": None}, []),
    ],
)  # fmt: skip
def test_a_status_says_which_devices_a_claim_has(
    before: dict[str, Any], now: dict[str, Any], expected: list[str]
) -> None:
    found = CLAIMS.validate_status({**CLAIM, "status": now}, {**CLAIM, "status": before})
    assert [str(each) for each in found] == expected


def test_devices_are_given_once() -> None:
    old = {**CLAIM, "status": {"allocation": allocated()}}
    found = CLAIMS.validate_status({**old, "status": {"allocation": allocated(device="gpu-1")}}, old)
    assert [each.field + ": " + each.detail for each in found] == ["status.allocation: field is immutable"]


def test_nobody_new_uses_a_claim_that_is_to_go() -> None:
    old = {**CLAIM, "metadata": {**CLAIM["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    old |= {"status": {"allocation": allocated()}}
    new = {**old, "status": {**old["status"], "reservedFor": [FOR_POD]}}
    assert [str(each) for each in CLAIMS.validate_status(new, old)] == [
        "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or "
        "`deletionTimestamp` are set"
    ]
