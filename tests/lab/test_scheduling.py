"""The exercises of the page on the scheduler: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import scheduling
from k8snb.lab.verdict import Verdict

HOST = "kubernetes.io/hostname"
MINE = {"labelSelector": {"matchLabels": {"app": "apart"}}, "topologyKey": HOST}


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("label node node-3 disk=ssd")
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def apart(cluster: Cluster, replicas: int = 3, **spec: Any) -> Verdict:
    words = {"app": "apart"}
    template = {"metadata": {"labels": words}, "spec": {"containers": [{"name": "c", "image": "nginx"}], **spec}}
    body = {"replicas": replicas, "selector": {"matchLabels": words}, "template": template}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "apart"}, "spec": body}
    cluster.client.create("deployments.apps", obj, "default")
    cluster.settle()
    return scheduling.check_apart(cluster)


def cache(cluster: Cluster, **spec: Any) -> Verdict:
    containers = [{"name": "c", "image": "redis", "resources": {"requests": {"cpu": "1"}}}]
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cache"}, "spec": {"containers": containers, **spec}}
    cluster.client.create("pods", obj, "default")
    cluster.settle()
    return scheduling.check_preference(cluster)


def preferred(weight: int, key: str = "disk") -> dict[str, Any]:
    preference = {"matchExpressions": [{"key": key, "operator": "In", "values": ["ssd"]}]}
    terms = [{"weight": weight, "preference": preference}]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


def test_no_two_on_one_node(cluster: Cluster) -> None:
    assert "there is a Deployment apart" in missing(scheduling.check_apart(cluster))
    assert "insist on different nodes" in missing(apart(cluster))


def test_either_way_of_insisting_is_accepted(cluster: Cluster) -> None:
    rule = {"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **MINE}
    assert apart(cluster.fork(), topologySpreadConstraints=[rule])
    aversion = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [MINE]}}
    assert apart(cluster.fork(), affinity=aversion)
    assert "there are to be 3" in missing(apart(cluster, 2, affinity=aversion))


def test_a_preference_is_no_demand(cluster: Cluster) -> None:
    assert "there is a Pod cache" in missing(scheduling.check_preference(cluster))
    assert "would run on any node" in missing(cache(cluster.fork(), nodeSelector={"disk": "ssd"}))
    assert "prefers nodes with disk=ssd" in missing(cache(cluster.fork(), affinity=preferred(1, "tier")))
    assert cache(cluster.fork(), affinity=preferred(100))
    cluster.kubectl("cordon node-3")
    assert "it is on such a node" in missing(cache(cluster, affinity=preferred(100)))
