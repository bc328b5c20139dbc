"""Devices are found for claims as upstream's allocator finds them: cases of its table, in the notation of `devices`."""

from __future__ import annotations

import pytest

from k8snb.scheduler.devices.allocation import allocation
from k8snb.scheduler.devices.search import Allocator
from k8snb.scheduler.devices.taken import Taken
from k8snb.scheduler.devices.wanted import AllocationFailed, NotOnNode
from k8snb.scheduler.nodeinfo import NodeInfo
from tests.scheduler.devices import claim, device_class, said, slices
from tests.scheduler.world import node

CLASSES = {name: device_class(name) for name in ("a", "b")}
LARGE = 'device.capacity["a"].memory.compareTo(quantity("2Gi")) >= 0'
SMALL = LARGE.replace("2Gi", "1Gi")
MANY = " ".join(f"d{n}" for n in range(40))


def given(claims: str, offered: str, where: str = "n", taken: str = "") -> str:
    """What each claim gets (`;` between claims and between slices); empty if there is nothing, else what is wrong."""
    wanted = [claim(text.strip(), f"c{at}") for at, text in enumerate(claims.split(";")) if text.strip()]
    every = slices(*(text.strip() for text in offered.split(";") if text.strip()))
    others = [claim("r:a", f"o{at}", has) for at, has in enumerate(taken.split()) if has]
    here = NodeInfo("n", node("n", labels={"region": where}))
    allocator = Allocator(Taken(others), CLASSES.get, every)
    try:
        found = allocator.allocate(here, wanted)
    except (AllocationFailed, NotOnNode) as why:
        return f"! {why}"
    if found is None:
        return ""
    results = [allocation(each, grants, "n") for each, grants in zip(wanted, found, strict=True)]
    return "; ".join(said({**each, "status": {"allocation": has}}) for each, has in zip(wanted, results, strict=True))


@pytest.mark.parametrize(
    ("name", "claims", "offered", "expected"),
    [
        ("simple", "r:a", "a/p@n d1", "r=a/p/d1 @n"),
        ("other-node", "r:a", "b/p@n d1; a/q@m d1", ""),
        ("small-and-large", f"r:a{{{SMALL}}}, s:a{{{LARGE}}}", "a/p@n d1(memory:1Gi) d2(memory:2Gi)",
         "r=a/p/d1 s=a/p/d2 @n"),
        ("small-and-large-backtrack-requests", f"r:a{{{SMALL}}}, s:a{{{LARGE}}}", "a/p@n d2(memory:2Gi) d1(memory:1Gi)",
         "r=a/p/d1 s=a/p/d2 @n"),
        ("small-and-large-backtrack-claims", f"r:a{{{SMALL}}}; s:a{{{LARGE}}}", "a/p@n d2(memory:2Gi) d1(memory:1Gi)",
         "r=a/p/d1 @n; s=a/p/d2 @n"),
        ("devices-split-across-different-slices", "r:a*2", "a/p@n d1; a/q@n d1", "r=a/p/d1 r=a/q/d1 @n"),
        ("obsolete-slice", "r:a", "a/p#1of2@n d1; a/p#2of2@n d2", ""),
        ("duplicate-slice", "r:a", "a/p@n d1; a/p@n d1", "! invalid resource pools were encountered"),
        ("no-slices", "r:a", "", ""),
        ("not-enough-suitable-devices", "r:a; s:a", "a/p@n d1", ""),
        ("unknown-class", "r:x", "a/p@n d1", "! claim default/c0, request r: could not retrieve device class x: "
         'deviceclass.resource.k8s.io "x" not found'),
        ("empty-class", "r:", "a/p@n d1",
         "! claim default/c0, request r: missing device class name (unsupported request type?)"),
        ("no-claims-to-allocate", "", "a/p@n d1", ""),
        ("all-devices-single", "r:a=all", "a/p@n d1", "r=a/p/d1 @n"),
        ("all-devices-many", "r:a=all", "a/p@n d1; a/q@n d1", "r=a/p/d1 r=a/q/d1 @n"),
        ("all-devices-of-the-incomplete-pool", "r:a=all", "a/p#1of2@n d1",
         "! claim default/c0, request r: asks for all devices, but resource pool a/p is currently being updated"),
        ("all-devices-plus-another", "r:a=all; r:b", "a/p@n d1; b/p@n d1", "r=a/p/d1 @n; r=b/p/d1 @n"),
        ("all-devices-many-plus-another-reversed", "r:b; r:a=all", "a/p@n d1 d2; b/p@n d1",
         "r=b/p/d1 @n; r=a/p/d1 r=a/p/d2 @n"),
        ("all-devices-no-solution", "r:a; r:a=all", "a/p@n d1", ""),
        ("all-devices-no-solution-reversed", "r:a=all; r:a", "a/p@n d1", ""),
        ("all-devices-slice-without-devices", "r:a=all", "a/p@n", ""),
        ("all-devices-no-slices", "r:a=all", "", ""),
        ("all-devices-some-allocating-admin-access", "r:a=admin, s:a=all-admin", "a/p@n d1 d2", ""),
        ("separate-claims-share-device-admin-access", "r:a=admin; r:a=admin", "a/p@n d1 d2",
         "r=a/p/d1 @n; r=a/p/d1 @n"),
        ("admin-access-claims-device-allocating-for-non-admin-access", "r:a; r:a=admin", "a/p@n d1 d2",
         "r=a/p/d1 @n; r=a/p/d1 @n"),
        ("all-devices-no-slices-prioritized-list", "r:[s:a=all|t:b]", "b/q@n d1", "r/t=b/q/d1 @n"),
        ("all-devices-slice-without-devices-prioritized-list", "r:[s:a=all|t:b]", "a/p@n; b/q@n d1", "r/t=b/q/d1 @n"),
        ("network-attached-device", "r:a", "a/p@region=east d1", "r=a/p/d1 @region=east"),
        ("unsuccessful-allocation-network-attached-device", "r:a", "a/p@region=west d1", ""),
        ("many-network-attached-devices", "r:a*2", "a/p@region=east d1; a/q@* d1", "r=a/p/d1 r=a/q/d1 @region=east"),
        ("local-and-network-attached-devices", "r:a*2", "a/p@region=east d1; a/q@n d1", "r=a/p/d1 r=a/q/d1 @n"),
        ("several-different-drivers", "r:a; r:b", "a/p@n d1 d2; b/p@n d1", "r=a/p/d1 @n; r=b/p/d1 @n"),
        ("with-constraint", "r:a, s:a, same numa, same model", "a/p@n d1(numa=1,model=x) d2(numa=1,model=x)",
         "r=a/p/d1 s=a/p/d2 @n"),
        ("with-constraint-non-existent-attribute", "r:a, same numa", "a/p@n d1", ""),
        ("with-constraint-not-matching-int-attribute", "r:a*2, same numa", "a/p@n d1(numa=1) d2(numa=2)", ""),
        ("with-constraint-not-matching-int-attribute-all-devices", "r:a=all, same numa", "a/p@n d1(numa=1) d2(numa=2)",
         "! claim default/c0, request r: cannot add device a/p/d2 because a claim constraint would not be satisfied"),
        ("with-constraint-not-matching-string-attribute", "r:a*2, same model", "a/p@n d1(model=x) d2(model=y)", ""),
        ("with-constraint-backtracking", "r:a*2, same numa", "a/p@n d1(numa=1) d2(numa=2) d3(numa=2)",
         "r=a/p/d2 r=a/p/d3 @n"),
        ("distinct-constraint-one-multi-allocatable-device", "r:a*2, other numa",
         "a/p@n d1(numa=1) d2(numa=1) d3(numa=2)",
         "r=a/p/d1 r=a/p/d3 @n"),
        ("cel-error", 'r:a{device.attributes["a"].nope}', "a/p@n d1",
         "! claim default/c0: selector #0 on device a/p/d1: CEL runtime error: no such key: nope"),
        ("invalid-CEL-one-device", "r:a{nope}", "a/p@n d1", "! claim default/c0: selector #0: CEL compile error: "
         "compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^"),
        ("too-many-devices-single-request", "r:a*33", f"a/p@n {MANY}",
         "! claim default/c0: number of requested devices 33 exceeds the claim limit of 32"),
        ("max-number-devices", "r:a*32", f"a/p@n {MANY}", " ".join(f"r=a/p/d{n}" for n in range(32)) + " @n"),
        ("prioritized-list-first-unavailable", "r:[s:b|t:a]", "a/p@n d1; b/q@n", "r/t=a/p/d1 @n"),
        ("prioritized-list-non-available", "r:[s:b|t:b*2]", "a/p@n d1; b/q@n", ""),
        ("prioritized-list-device-config", "r:[s:b*2|t:a]", "a/p@n d1; b/q@n d1", "r/t=a/p/d1 @n"),
        ("prioritized-list-backtrack", "r:[s:a*2|t:a], q:a", "a/p@n d1 d2", "r/t=a/p/d1 q=a/p/d2 @n"),
        ("prioritized-list-max-number-of-devices-exceeded", "q:a*31, r:[s:a*2|t:a]", f"a/p@n {MANY}",
         " ".join(f"q=a/p/d{n}" for n in range(31)) + " r/t=a/p/d31 @n"),
        ("tainted-two-devices", "r:a", "a/p@n d1(!t) d2(!!u)", ""),
        ("tainted-one-device-two-taints", "r:a~t", "a/p@n d1(!t,!!u)", ""),
        ("tainted-two-devices-tolerated", "r:a~t~u", "a/p@n d1(!t,!!u) d2", "r=a/p/d1 @n"),
        ("tainted-one-device-tolerated-by-value", "r:a~t=v", "a/p@n d1(!t)", "r=a/p/d1 @n"),
        ("tainted-one-device-other-value", "r:a~t=w", "a/p@n d1(!t) d2", "r=a/p/d2 @n"),
        ("tainted-all-devices-single", "r:a=all", "a/p@n d1(!t)", ""),
        ("partitionable-devices-single-device", "r:a", "a/p@n d1(-memory:4Gi); a/p@n counters(memory:8Gi)",
         "r=a/p/d1 @n"),
        ("partitionable-devices-multiple-devices", "r:a*2",
         "a/p@n whole(-memory:8Gi) half(-memory:4Gi) other(-memory:4Gi); a/p@n counters(memory:8Gi)",
         "r=a/p/half r=a/p/other @n"),
        ("partitionable-devices-no-capacity-available", "r:a", "a/p@n d1(-memory:9Gi); a/p@n counters(memory:8Gi)", ""),
        ("partitionable-devices-mixed-multiple-requests", "r:a, s:a*2",
         "a/p@n whole(-memory:8Gi) half(-memory:4Gi) other(-memory:4Gi) free; a/p@n counters(memory:8Gi)",
         "r=a/p/half s=a/p/other s=a/p/free @n"),
        ("partitionable-devices-with-node-selection", "r:a", "a/p@each d1(@m) d2(@region=east)",
         "r=a/p/d2 @region=east"),
        ("partitionable-devices-per-device-node-name", "r:a", "a/p@each d1(@m) d2(@n)", "r=a/p/d2 @n"),
        ("consumable-capacity-multi-allocatable-device", "r:a(memory:1Gi), s:a(memory:1Gi)",
         "a/p@n d1(shared,memory:2Gi)",
         "r=a/p/d1(memory:1Gi) s=a/p/d1(memory:1Gi) @n"),
        ("consumable-capacity-insufficient", "r:a(memory:2Gi), s:a(memory:1Gi)", "a/p@n d1(shared,memory:2Gi)", ""),
        ("consumable-capacity-whole-without-request", "r:a", "a/p@n d1(shared,memory:2Gi)", "r=a/p/d1(memory:2Gi) @n"),
        ("consumable-capacity-single-allocatable-device", "r:a(memory:1Gi), s:a(memory:1Gi)", "a/p@n d1(memory:2Gi)",
         ""),
        ("consumable-capacity-unknown", "r:a(cores:1)", "a/p@n d1(shared,memory:2Gi)", ""),
        ("binding-conditions-last", "r:a", "a/p@n d1(until ready); a/q@n d1", "r=a/q/d1 @n"),
    ],
)  # fmt: skip
def test_the_first_devices_that_fit_are_given(name: str, claims: str, offered: str, expected: str) -> None:
    assert given(claims, offered, "east") == expected


@pytest.mark.parametrize(
    ("name", "claims", "offered", "taken", "expected"),
    [
        ("already-allocated-devices", "r:a", "a/p@n d1", "a/p/d1", ""),
        ("one-left", "r:a", "a/p@n d1 d2", "a/p/d1", "r=a/p/d2 @n"),
        ("all-devices-some-allocated", "r:a=all", "a/p@n d1 d2", "a/p/d1", ""),
        ("all-devices-some-allocated-admin-access", "r:a=all-admin", "a/p@n d1 d2", "a/p/d1", "r=a/p/d1 r=a/p/d2 @n"),
        ("count-devices-some-allocated-admin-access", "r:a*2=admin", "a/p@n d1 d2", "a/p/d1", "r=a/p/d1 r=a/p/d2 @n"),
        ("admin-access-enabled", "r:a=admin", "a/p@n d1", "a/p/d1", "r=a/p/d1 @n"),
        ("administrators-take-nothing", "r:a", "a/p@n d1", "a/p/d1=admin", "r=a/p/d1 @n"),
        ("all-devices-some-allocated-prioritized-list", "r:[s:a=all|t:b]", "a/p@n d1 d2; b/q@n d1", "a/p/d1",
         "r/t=b/q/d1 @n"),
        ("partitionable-devices-some-allocated", "r:a",
         "a/p@n whole(-memory:8Gi) half(-memory:4Gi) other(-memory:4Gi); a/p@n counters(memory:8Gi)", "a/p/half",
         "r=a/p/other @n"),
        ("consumable-capacity-partly-taken", "r:a(memory:1Gi)", "a/p@n d1(shared,memory:2Gi)", "a/p/d1(memory:1Gi)",
         "r=a/p/d1(memory:1Gi) @n"),
        ("consumable-capacity-taken", "r:a(memory:1Gi)", "a/p@n d1(shared,memory:2Gi)", "a/p/d1(memory:2Gi)", ""),
    ],
)  # fmt: skip
def test_what_others_have_is_left_to_them(name: str, claims: str, offered: str, taken: str, expected: str) -> None:
    assert given(claims, offered, taken=taken) == expected


def test_drivers_are_told_what_the_class_and_the_claim_say() -> None:
    def told(driver: str, value: str) -> dict[str, object]:
        return {"opaque": {"driver": driver, "parameters": {"key": value}}}

    wanted = claim("r:a, s:a, t:[u:b|v:a]")
    config = [told("a", "all"), {"requests": ["r"], **told("a", "r")}, {"requests": ["t/v"], **told("a", "v")}]
    wanted = {**wanted, "spec": {"devices": {**wanted["spec"]["devices"], "config": config}}}
    classes = {"a": device_class("a", config=[told("a", "class")]), "b": CLASSES["b"]}
    allocator = Allocator(Taken([]), classes.get, slices("a/p@n d1 d2 d3"))
    found = allocator.allocate(NodeInfo("n", node("n")), [wanted])
    assert found is not None
    assert allocation(wanted, found[0], "n")["devices"]["config"] == [
        {"source": "FromClass", **told("a", "class")},
        {"source": "FromClaim", **told("a", "all")},
        {"source": "FromClaim", "requests": ["r"], **told("a", "r")},
        {"source": "FromClaim", "requests": ["t/v"], **told("a", "v")},
    ]
