"""The exercises of the page on nodes: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import nodes
from k8snb.lab.verdict import Verdict


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=4")
    cluster.settle()
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def after(cluster: Cluster, *commands: str) -> Cluster:
    for command in commands:
        cluster.kubectl(command)
        cluster.settle()
    return cluster


def batch(cluster: Cluster, **spec: Any) -> Verdict:
    after(cluster, "taint node node-3 dedicated=batch:NoSchedule")
    containers = [{"name": "work", "image": "busybox", "command": ["sleep", "infinity"]}]
    pod = {"kind": "Pod", "metadata": {"name": "batch"}, "spec": {"containers": containers, **spec}}
    cluster.client.create("pods", {"apiVersion": "v1", **pod}, "default")
    cluster.settle()
    return nodes.check_reserved(cluster)


def impatient(cluster: Cluster, *tolerations: dict[str, Any]) -> Verdict:
    words = {"app": "impatient"}
    spec = {"containers": [{"name": "c", "image": "nginx"}], "tolerations": list(tolerations)}
    template = {"metadata": {"labels": words}, "spec": spec}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "impatient"}}
    cluster.client.create(
        "deployments.apps", {**obj, "spec": {"selector": {"matchLabels": words}, "template": template}}, "default"
    )
    cluster.settle()
    return nodes.check_impatient(cluster)


def waits(seconds: int, key: str) -> dict[str, Any]:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


def test_a_node_that_is_open_is_not_in_maintenance(cluster: Cluster) -> None:
    assert missing(nodes.check_maintenance(cluster)) == "no new pod is placed there: node-1 is not cordoned"


def test_a_closed_node_is_not_yet_an_empty_one(cluster: Cluster) -> None:
    assert "still there: web-" in missing(nodes.check_maintenance(after(cluster, "cordon node-1")))


def test_an_app_that_was_scaled_down_instead_is_noticed(cluster: Cluster) -> None:
    after(cluster, "drain node-1", "scale deployment web --replicas=2")
    assert missing(nodes.check_maintenance(cluster)) == "its four pods are available: their number is 2"


def test_a_drained_node_is_ready_for_maintenance(cluster: Cluster) -> None:
    assert nodes.check_maintenance(after(cluster, "drain node-1"))


def test_cordoning_and_deleting_pods_is_as_good_as_draining(cluster: Cluster) -> None:
    assert nodes.check_maintenance(after(cluster, "cordon node-1", "delete pods --all"))


def test_a_taint_with_another_effect_is_shown(cluster: Cluster) -> None:
    after(cluster, "taint node node-3 dedicated=batch:NoExecute")
    assert missing(nodes.check_reserved(cluster)).endswith("the taint is dedicated=batch:NoExecute")


def test_a_pod_without_a_toleration_is_told(cluster: Cluster) -> None:
    assert missing(batch(cluster)) == "it tolerates the taint: none of its tolerations fits"


def test_a_toleration_alone_does_not_lead_to_the_node(cluster: Cluster) -> None:
    assert missing(batch(cluster, tolerations=[{"operator": "Exists"}])).endswith("a toleration only permits")


def test_a_selector_leads_a_tolerant_pod_to_its_node(cluster: Cluster) -> None:
    tolerations = [{"key": "dedicated", "value": "batch", "effect": "NoSchedule"}]
    assert batch(cluster, tolerations=tolerations, nodeSelector={"kubernetes.io/hostname": "node-3"})


def test_the_default_patience_is_three_hundred_seconds(cluster: Cluster) -> None:
    assert missing(impatient(cluster)).endswith("tolerationSeconds is 300")


def test_there_are_two_ways_to_lose_a_node(cluster: Cluster) -> None:
    verdict = impatient(cluster, waits(30, nodes.LOST[0]))
    assert missing(verdict) == f"they stay 30 seconds with {nodes.LOST[1]}, and no longer: tolerationSeconds is 300"


def test_thirty_seconds_for_both_are_impatient(cluster: Cluster) -> None:
    assert impatient(cluster, *(waits(30, key) for key in nodes.LOST))
