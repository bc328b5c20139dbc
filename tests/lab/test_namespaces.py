"""The exercises of the page on namespaces: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import namespaces
from k8snb.lab.verdict import Verdict


@pytest.fixture
def cluster() -> Cluster:
    return after(Cluster(nodes=2, seed=1), "create namespace lab")


def after(cluster: Cluster, *commands: str) -> Cluster:
    for command in commands:
        cluster.kubectl(command)
        cluster.settle()
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def limits(cluster: Cluster, **rule: Any) -> None:
    spec = {"limits": [{"type": "Container", **rule}]}
    obj = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "manners"}, "spec": spec}
    cluster.client.create("limitranges", obj, "lab")


BENCH = "create deployment bench -n lab --image=nginx --replicas=2"
SMALL = "create quota small -n lab --hard=pods=2,services=1"


def test_a_lab_without_a_namespace_is_none() -> None:
    assert missing(namespaces.check_lab(Cluster(nodes=1))) == "there is a Namespace lab: there is none of this name"


def test_a_lab_without_a_quota_has_room_for_all(cluster: Cluster) -> None:
    assert missing(namespaces.check_lab(cluster)) == "pods are limited to 2: pods is not limited"


def test_a_quota_on_sizes_is_not_what_was_asked_for(cluster: Cluster) -> None:
    after(cluster, "create quota small -n lab --hard=pods=2,services=1,requests.cpu=1")
    assert missing(namespaces.check_lab(cluster)) == "… whatever their size: also limited: requests.cpu"


def test_a_lab_that_is_half_empty_is_told(cluster: Cluster) -> None:
    after(cluster, SMALL, BENCH.replace("=2", "=1"))
    assert missing(namespaces.check_lab(cluster)) == "two pods are ready: their number is 1"


@pytest.mark.parametrize("quota", [SMALL, SMALL.replace("pods=", "count/pods=")])
def test_a_lab_is_furnished(cluster: Cluster, quota: str) -> None:
    assert namespaces.check_lab(after(cluster, quota, BENCH.replace("=2", "=3")))


def test_a_request_is_not_a_limit(cluster: Cluster) -> None:
    limits(cluster, defaultRequest={"memory": "64Mi"}, max={"memory": "64Mi"})
    assert missing(namespaces.check_manners(cluster)) == "nobody gets more than 256Mi: max.memory is 64Mi"


def test_pods_that_were_there_before_have_no_manners(cluster: Cluster) -> None:
    after(cluster, BENCH)
    limits(cluster, default={"memory": "64Mi"}, max={"memory": "256Mi"})
    assert missing(namespaces.check_manners(cluster)) == "… and they have the limit: limits.memory is absent"


def test_pods_that_are_made_anew_have_manners(cluster: Cluster) -> None:
    limits(cluster, default={"memory": "0.0625Gi"}, max={"memory": "256Mi"})
    after(cluster, BENCH)
    assert namespaces.check_manners(cluster)


def test_a_held_namespace_names_what_holds_it(cluster: Cluster) -> None:
    after(cluster, "create namespace attic", "create configmap box -n attic")
    after(cluster, """patch configmap box -n attic -p '{"metadata": {"finalizers": ["example.com/unpack"]}}'""")
    after(cluster, "delete namespace attic --wait=false")
    assert missing(namespaces.check_attic(cluster)).endswith("ConfigMap box waits for example.com/unpack")
    after(cluster, """patch configmap box -n attic --type=merge -p '{"metadata": {"finalizers": null}}'""")
    assert namespaces.check_attic(cluster)
