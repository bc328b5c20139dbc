"""The exercises of the page on the API server: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from k8snb import Cluster
from k8snb.lab import api_server
from k8snb.lab.verdict import Verdict
from k8snb.typing import Object

GROUP = "admissionregistration.k8s.io/v1"


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.settle()
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def rule(cluster: Cluster, *resources: str, most: int = 5) -> Cluster:
    rules = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": list(resources)}
    checks = [{"expression": f"object.spec.replicas <= {most}", "message": "too many"}]
    spec: Any = {"matchConstraints": {"resourceRules": [rules]}, "validations": checks}
    bound = {"policyName": "few", "validationActions": ["Deny"]}
    for kind, content in (("Policy", spec), ("PolicyBinding", bound)):
        obj: Object = {"kind": f"ValidatingAdmission{kind}", "metadata": {"name": "few"}, "spec": content}
        cluster.kubectl("apply -f -", orjson.dumps({"apiVersion": GROUP, **obj}).decode())
    return cluster


def test_a_policy_has_to_hold_for_every_way_in_which_replicas_are_written(cluster: Cluster) -> None:
    assert missing(api_server.check_replicas(cluster)) == "a policy refuses a Deployment with six replicas: accepted"
    half = missing(api_server.check_replicas(rule(cluster, "deployments")))
    assert half == "and nobody gets six by scaling it: accepted"
    assert missing(api_server.check_replicas(rule(cluster, "deployments", most=1))).startswith(
        "one with five is accept"
    )
    assert api_server.check_replicas(rule(cluster, "deployments", "deployments/scale"))


def test_who_reads_logs_reads_nothing_else(cluster: Cluster) -> None:
    assert missing(api_server.check_logs(cluster)) == "tim may read the logs of pods in default: he may not"
    cluster.kubectl("create rolebinding tim --clusterrole=view --user=tim")
    assert missing(api_server.check_logs(cluster)) == "he may not read or delete the pods themselves: get, list"
    cluster.kubectl("delete rolebinding tim")
    cluster.kubectl("create role logs --verb=get --resource=pods/log")
    cluster.kubectl("create rolebinding logs --role=logs --user=tim")
    assert api_server.check_logs(cluster)


def test_a_webhook_that_spares_the_system_still_labels_the_others(cluster: Cluster) -> None:
    assert missing(api_server.check_spared(cluster)).startswith("the webhook is still configured")
    hook: Any = {
        "name": "labels.example.com",
        "clientConfig": {"url": "https://labels.example.com/"},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    obj = {"apiVersion": GROUP, "kind": "MutatingWebhookConfiguration", "metadata": {"name": "team-labels"}}
    where = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
    cluster.client.create(where, {**obj, "webhooks": [hook]})
    assert missing(api_server.check_spared(cluster)).startswith("a pod in default is accepted: Internal error")
    patch = "W3sib3AiOiAiYWRkIiwgInBhdGgiOiAiL21ldGFkYXRhL2xhYmVscyIsICJ2YWx1ZSI6IHsidGVhbSI6ICJibHVlIn19XQ=="
    said = {"allowed": True, "patchType": "JSONPatch", "patch": patch}
    cluster.webhooks["https://labels.example.com/"] = lambda review: {
        **review,
        "response": {"uid": review["request"]["uid"], **said},
    }
    assert missing(api_server.check_spared(cluster)).startswith("… and left as it is: it has the label team")
    names = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}
    cluster.client.patch(
        where, "team-labels", {"webhooks": [{**hook, "namespaceSelector": {"matchExpressions": [names]}}]}
    )
    assert api_server.check_spared(cluster)
