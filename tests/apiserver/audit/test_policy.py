"""Audit policies: which requests they are about, and what is wrong with those that are none."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.audit.policy import Policy
from k8snb.typing import Object
from k8snb.wire import User

ANN = User("ann", ("dev", "system:authenticated"))
PODS = Access("list", "", "pods", namespace="shop", path="/api/v1/namespaces/shop/pods", version="v1")
SCALE = Access("update", "apps", "deployments", "scale", "shop", "web", version="v1")
HEALTH = Access("get", path="/healthz/etcd")


def policy(*rules: Object, **more: Any) -> Object:
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more}


def about(*resources: str, group: str = "", **more: Any) -> Object:
    return {"level": "Metadata", "resources": [{"group": group, "resources": list(resources), **more}]}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"level": "Metadata"}, "pods scale health"),
        ({"level": "Metadata", "users": ["ann"], "verbs": ["list"]}, "pods"),
        ({"level": "Metadata", "userGroups": ["dev"]}, "pods scale health"),
        ({"level": "Metadata", "userGroups": ["ops"]}, ""),
        ({"level": "Metadata", "namespaces": ["shop"]}, "pods scale"),
        ({"level": "Metadata", "namespaces": [""]}, ""),
        ({"level": "Metadata", "nonResourceURLs": ["/healthz*"]}, "health"),
        ({"level": "Metadata", "nonResourceURLs": ["/healthz"]}, ""),
        (about(), "pods"),
        (about("pods"), "pods"),
        (about("pods/*"), "pods"),
        (about("deployments", group="apps"), ""),
        (about("deployments/scale", group="apps"), "scale"),
        (about("*/scale", group="apps"), "scale"),
        (about("deployments/*", group="apps", resourceNames=["web"]), "scale"),
        (about("*", group="apps", resourceNames=["api"]), ""),
    ],
)
def test_a_rule_is_about_those_requests_that_every_field_fits(rule: Object, expected: str) -> None:
    ready = Policy(policy(rule))
    asked = {"pods": PODS, "scale": SCALE, "health": HEALTH}
    assert [name for name, access in asked.items() if ready.judge(ANN, access).level != "None"] == expected.split()


def test_the_first_rule_that_fits_decides_and_stages_of_both_are_left_out() -> None:
    first = {"level": "Request", "verbs": ["list"], "omitStages": ["ResponseStarted"], "omitManagedFields": False}
    ready = Policy(policy(first, {"level": "Metadata"}, omitStages=["RequestReceived"], omitManagedFields=True))
    listed, scaled = ready.judge(ANN, PODS), ready.judge(None, SCALE)
    assert listed == ("Request", {"RequestReceived", "ResponseStarted"}, False, 0)
    assert scaled == ("Metadata", {"RequestReceived"}, True, 1)


STAGES = "RequestReceived,ResponseStarted,ResponseComplete,Panic"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (policy(), "loaded illegal policy with 0 rules"),
        (policy({}), "rules[0].level: Required value"),
        (
            policy({"level": "All"}),
            'rules[0].level: Unsupported value: "All": supported values: '
            '"None", "Metadata", "Request", "RequestResponse"',
        ),
        (
            policy({"level": "None", "nonResourceURLs": ["healthz", "/a*b"]}),
            "[rules[0].nonResourceURLs[0]: Invalid value: \"healthz\": non-resource URL rules must begin with a '/' "
            "character, rules[0].nonResourceURLs[1]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be "
            "the final character of the rule]",
        ),
        (
            policy(about(resourceNames=["web"])),
            'rules[0].resources.resourceNames: Invalid value: ["web"]: using resourceNames requires at least one '
            "resource",
        ),
        (
            policy({"level": "None", "nonResourceURLs": ["*"], "namespaces": ["a"]}),
            'rules[0].nonResourceURLs: Invalid value: ["*"]: rules cannot apply to both regular resources and '
            "non-resource URLs",
        ),
        (
            policy({"level": "None", "omitStages": ["Done"]}),
            f'rules[0].omitStages[0]: Invalid value: "Done": allowed stages are {STAGES}',
        ),
        (
            {"kind": "Pod", "apiVersion": "v1"},
            'failed decoding: no kind "Pod" is registered for version "v1" in scheme "pkg/audit/scheme.go:30"',
        ),
    ],
)
def test_what_is_no_policy_is_refused_in_upstreams_words(raw: Object, why: str) -> None:
    with pytest.raises(ValueError) as refused:
        Policy(raw)
    assert str(refused.value) == why
