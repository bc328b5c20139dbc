"""HorizontalPodAutoscalers: defaults, what is wrong with them, and both versions of one object."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.registry.autoscaler_versions import from_v1, to_v1
from tests.apiserver.registry.writing import create, made, refusals, strategy

RULES = strategy("horizontalpodautoscalers.autoscaling")
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def autoscaler(**spec: Any) -> dict[str, Any]:
    return made("HorizontalPodAutoscaler", "web", spec={"scaleTargetRef": TARGET, "maxReplicas": 5, **spec})


def resource(name: str = "cpu", **target: Any) -> dict[str, Any]:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def test_an_autoscaler_looks_at_the_cpu_unless_told_otherwise():
    assert create(RULES, autoscaler())["spec"] == {
        "scaleTargetRef": TARGET,
        "minReplicas": 1,
        "maxReplicas": 5,
        "metrics": [resource(type="Utilization", averageUtilization=80)],
    }


def test_a_behavior_that_says_something_is_filled_in():
    behavior = create(RULES, autoscaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 60}}))["spec"]["behavior"]
    percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
    assert behavior == {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, percent],
        },
        "scaleDown": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": [percent]},
    }


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (
            {"minReplicas": 9},
            ["spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"],
        ),
        (
            {"maxReplicas": 0, "minReplicas": 0},
            [
                "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to "
                "zero replicas",
            ],
        ),
        (
            {"scaleTargetRef": {"kind": "Deployment", "name": ""}},
            [
                "spec.scaleTargetRef.name: Required value",
                'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
            ],
        ),
        (
            {"metrics": [resource(type="Utilization")]},
            [
                "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw "
                "value or a target utilization"
            ],
        ),
        (
            {"metrics": [{"type": "Pods"}]},
            ["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
        ),
        (
            {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 4000, "policies": [{"type": "Pods"}]}}},
            [
                "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to "
                "3600",
                "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
                "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater than zero",
            ],
        ),
    ],
)
def test_a_wrong_autoscaler_is_refused(spec, found):
    assert refusals(RULES, autoscaler(**spec)) == found


def test_version_one_keeps_what_it_cannot_say_in_annotations():
    memory = resource("memory", type="AverageValue", averageValue="1Gi")
    stored = create(RULES, autoscaler(metrics=[memory, resource(type="Utilization", averageUtilization=50)]))
    shown = to_v1(stored)
    assert shown["metadata"]["annotations"] == {
        "autoscaling.alpha.kubernetes.io/metrics": (
            '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}}]'
        )
    }
    assert shown["spec"] == {
        "scaleTargetRef": TARGET,
        "minReplicas": 1,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 50,
    }
    assert from_v1(shown)["spec"] == stored["spec"]
    assert from_v1(shown)["metadata"] == stored["metadata"]
