"""Leases and PriorityClasses."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.registry.scheduling import SYSTEM_CLASSES

from .writing import create, made, refusals, strategy, update_refusals

LEASES = strategy("leases.coordination.k8s.io")
CLASSES = strategy("priorityclasses.scheduling.k8s.io")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"holderIdentity": "node-1", "leaseDurationSeconds": 40}, []),
        ({"leaseDurationSeconds": 0}, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]),
        ({"leaseTransitions": -1}, ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"]),
        (
            {"strategy": "Youngest"},
            ['spec.strategy.strategy: Unsupported value: "Youngest": supported values: "OldestEmulationVersion"'],
        ),
        ({"preferredHolder": "a"}, ["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"]),
    ],
)
def test_a_lease_is_held_for_a_time(spec: dict[str, Any], expected: list[str]) -> None:
    assert refusals(LEASES, made("Lease", spec=spec)) == expected


def priority(name: str = "high", value: int = 1000, **fields: Any) -> dict[str, Any]:
    return made("PriorityClass", name, "", value=value, **fields)


def test_a_class_preempts_unless_it_says_otherwise() -> None:
    assert create(CLASSES, priority())["preemptionPolicy"] == "PreemptLowerPriority"


RESERVED = (
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            priority(value=1_000_000_001),
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
        ),
        (priority("system-mine"), [f"{RESERVED}system-mine is not a known system priority class"]),
        (
            priority("system-node-critical"),
            [f"{RESERVED}value of system-node-critical PriorityClass must be 2000001000"],
        ),
        (
            priority("system-node-critical", 2000001000, globalDefault=True),
            [f"{RESERVED}globalDefault of system-node-critical PriorityClass must be false"],
        ),
        (
            priority(preemptionPolicy="Ask"),
            ['preemptionPolicy: Unsupported value: "Ask": supported values: "PreemptLowerPriority", "Never"'],
        ),
    ],
)
def test_the_highest_priorities_are_the_systems(given: dict[str, Any], expected: list[str]) -> None:
    assert refusals(CLASSES, given) == expected


def test_the_systems_own_classes_are_in_order() -> None:
    assert [refusals(CLASSES, found) for found in SYSTEM_CLASSES] == [[], []]


def test_the_value_of_a_class_does_not_change() -> None:
    stored = create(CLASSES, priority())
    assert update_refusals(CLASSES, stored, value=1, preemptionPolicy="Never") == [
        "value: Forbidden: may not be changed in an update.",
        'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]
    assert update_refusals(CLASSES, stored, description="d") == []


def test_the_systems_own_classes_cannot_be_deleted() -> None:
    told = "this is a system priority class and cannot be deleted"
    assert [CLASSES.deletion_refusal(found) for found in SYSTEM_CLASSES] == [told, told]
    assert CLASSES.deletion_refusal(priority()) == ""
