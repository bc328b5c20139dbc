"""What is wrong with where a pod wants to run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.registry.workload_builders import findings

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def node_affinity(**expression: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}


def spread(**fields: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}, **fields}


@pytest.mark.parametrize(
    ("toleration", "found"),
    [
        (
            {"value": "x"},
            'operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all '
            "values and "
            'all keys"',
        ),
        (
            {"key": "k", "operator": "Exists", "value": "x"},
            "operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
        ),
        (
            {"key": "k", "operator": "Like"},
            'operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
        ),
        (
            {"key": "k", "effect": "NoSchedule", "tolerationSeconds": 1},
            "effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
        (
            {"key": "k", "effect": "Never"},
            'effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        ),
    ],
)
def test_a_bad_toleration_is_named(toleration, found):
    assert findings(tolerations=[toleration]) == [f"spec.tolerations[0].{found}"]


def test_a_bad_node_selector_is_named():
    (found,) = findings(nodeSelector={"disk": "a b"})
    assert found.startswith('spec.nodeSelector: Invalid value: "a b": a valid label must')


@pytest.mark.parametrize(
    ("affinity", "found"),
    [
        (
            {"nodeAffinity": {REQUIRED: {}}},
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms: Required value: must have at least one node selector term",
        ),
        (
            node_affinity(key="k", operator="In"),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be "
            "specified "
            "when `operator` is 'In' or 'NotIn'",
        ),
        (
            node_affinity(key="k", operator="Gt", values=["1", "2"]),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be "
            "specified "
            "single value when `operator` is 'Lt' or 'Gt'",
        ),
        (
            node_affinity(key="k", operator="Like"),
            f'nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Like": '
            "not a "
            "valid selector operator",
        ),
        (
            {"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}},
            f"nodeAffinity.{PREFERRED}[0].weight: Invalid value: 101: must be in the range 1-100",
        ),
        (
            {"podAffinity": {REQUIRED: [{"labelSelector": {}}]}},
            f"podAffinity.{REQUIRED}[0].topologyKey: Required value: can not be empty",
        ),
        (
            {"podAntiAffinity": {REQUIRED: [{"topologyKey": "zone", "matchLabelKeys": ["app"]}]}},
            f"podAntiAffinity.{REQUIRED}[0].matchLabelKeys: Forbidden: must not be specified when labelSelector "
            "is not set",
        ),
        (
            {"podAffinity": {PREFERRED: [{"weight": 0, "podAffinityTerm": {"topologyKey": "zone"}}]}},
            f"podAffinity.{PREFERRED}[0].weight: Invalid value: 0: must be in the range 1-100",
        ),
    ],
)
def test_a_bad_affinity_is_named(affinity, found):
    assert findings(affinity=affinity)[0] == f"spec.affinity.{found}"


@pytest.mark.parametrize(
    ("constraints", "found"),
    [
        ([spread(maxSkew=0)], "[0].maxSkew: Invalid value: 0: must be greater than zero"),
        ([spread(topologyKey="")], "[0].topologyKey: Required value: can not be empty"),
        (
            [spread(whenUnsatisfiable="Cry")],
            '[0].whenUnsatisfiable: Unsupported value: "Cry": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
        (
            [spread(), spread()],
            '[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, DoNotSchedule}"',
        ),
        (
            [spread(whenUnsatisfiable="ScheduleAnyway", minDomains=2)],
            "[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "
            "ScheduleAnyway",
        ),
        (
            [spread(nodeTaintsPolicy="Whatever")],
            '[0].nodeTaintsPolicy: Unsupported value: "Whatever": supported values: "Honor", "Ignore"',
        ),
        (
            [spread(labelSelector={"matchLabels": {"app": "a"}}, matchLabelKeys=["app"])],
            '[0].matchLabelKeys[0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector',
        ),
    ],
)
def test_a_bad_spread_constraint_is_named(constraints, found):
    assert findings(topologySpreadConstraints=constraints) == [f"spec.topologySpreadConstraints{found}"]
