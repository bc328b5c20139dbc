"""LimitRanges and ResourceQuotas bound what a namespace uses."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from .writing import create, made, refusals, strategy, update_refusals

RANGES = strategy("limitranges")
QUOTAS = strategy("resourcequotas")


def limits(*items: dict[str, Any]) -> dict[str, Any]:
    return made("LimitRange", spec={"limits": list(items)})


def test_a_containers_default_limit_is_the_maximum_and_its_default_request_the_limit_or_the_minimum() -> None:
    item = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}, "default": {"memory": "8Mi"}}
    stored = create(RANGES, limits(item))["spec"]["limits"][0]
    assert stored["default"] == {"cpu": "2", "memory": "8Mi"}
    assert stored["defaultRequest"] == {"cpu": "2", "memory": "8Mi"}


def test_the_bounds_of_a_pod_have_no_defaults() -> None:
    item = {"type": "Pod", "max": {"cpu": "2"}}
    assert create(RANGES, limits(item))["spec"]["limits"] == [item]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"type": "Pods"},
            ['spec.limits[0].type: Invalid value: "Pods": must be a standard limit type or fully qualified'],
        ),
        (
            {"type": "Pod", "default": {"cpu": "1"}},
            ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
        ),
        (
            {"type": "Pod", "max": {"storage": "1"}},
            ['spec.limits[0].max[storage]: Invalid value: "storage": must be a standard resource for containers'],
        ),
        (
            {"type": "Pod", "max": {"gpu": "1"}},
            [
                'spec.limits[0].max[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
                'spec.limits[0].max[gpu]: Invalid value: "gpu": must be a standard resource for containers',
            ],
        ),
        (
            {"type": "PersistentVolumeClaim"},
            [
                "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"
            ],
        ),
        (
            {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}},
            [
                'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
                'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
                'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
            ],
        ),
        (
            {"type": "Container", "default": {"cpu": "3"}, "max": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}},
            ['spec.limits[0].default[cpu]: Invalid value: "1": default value 3 is greater than max value 1'],
        ),
        (
            {"type": "Container", "defaultRequest": {"cpu": "2"}, "default": {"cpu": "1"}},
            [
                'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1'
            ],
        ),
        (
            {"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}},
            ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
        ),
        (
            {"type": "Pod", "min": {"cpu": "1"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "3"}},
            [
                'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000'
            ],
        ),
        (
            {"type": "Container", "default": {"example.com/gpu": "1"}, "defaultRequest": {"example.com/gpu": "2"}},
            [
                'spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "2": default request value 2 is greater than default limit value 1',
                'spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "2": default value 1 must equal to defaultRequest value 2 in example.com/gpu',
            ],
        ),
    ],
)
def test_bounds_must_make_sense(item: dict[str, Any], expected: list[str]) -> None:
    assert refusals(RANGES, limits(item)) == expected


def test_each_type_is_bounded_once() -> None:
    twice = limits({"type": "Pod", "max": {"cpu": "1"}}, {"type": "Pod", "max": {"cpu": "2"}})
    assert refusals(RANGES, twice) == ['spec.limits[1].type: Duplicate value: "Pod"']


def quota(**spec: Any) -> dict[str, Any]:
    return made("ResourceQuota", spec=spec)


def test_a_new_quota_has_counted_nothing() -> None:
    assert create(QUOTAS, {**quota(hard={"pods": "1"}), "status": {"used": {"pods": "9"}}})["status"] == {}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {
                "hard": {
                    "pods": "1",
                    "requests.cpu": "2",
                    "count/deployments.apps": "3",
                    "requests.example.com/gpu": "1",
                }
            },
            [],
        ),
        (
            {"hard": {"pots": "1"}},
            [
                'spec.hard[pots]: Invalid value: "pots": must be a standard resource type or fully qualified',
                'spec.hard[pots]: Invalid value: "pots": must be a standard resource for quota',
            ],
        ),
        ({"hard": {"pods": "-1"}}, ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']),
        ({"hard": {"pods": "1500m"}}, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']),
        ({"hard": {"pods": "1"}, "scopes": ["Mine"]}, ['spec.scopes: Invalid value: ["Mine"]: unsupported scope']),
        (
            {"hard": {"services": "1"}, "scopes": ["BestEffort"]},
            ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
        ),
        (
            {"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
            ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
        ),
        (
            {
                "hard": {"pods": "1"},
                "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]},
            },
            [
                "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            ],
        ),
        (
            {
                "hard": {"pods": "1"},
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}]
                },
            },
            [
                "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            ],
        ),
        (
            {
                "hard": {"pods": "1"},
                "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Like"}]},
            },
            ['spec.scopeSelector.matchExpressions.operator: Invalid value: "Like": not a valid selector operator'],
        ),
    ],
)
def test_a_quota_counts_what_can_be_counted(spec: dict[str, Any], expected: list[str]) -> None:
    assert refusals(QUOTAS, quota(**spec)) == expected


def test_the_scopes_of_a_quota_do_not_change() -> None:
    stored = create(QUOTAS, quota(hard={"pods": "1"}, scopes=["BestEffort"]))
    told = 'spec.scopes: Invalid value: ["NotBestEffort"]: field is immutable'
    assert update_refusals(QUOTAS, stored, spec={"hard": {"pods": "1"}, "scopes": ["NotBestEffort"]}) == [told]
    assert update_refusals(QUOTAS, stored, spec={"hard": {"pods": "2"}, "scopes": ["BestEffort"]}) == []
