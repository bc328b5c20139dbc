"""A cluster behind the official client is drawn like one of our own, and is only read."""

from __future__ import annotations

import pytest

import k8snb
from k8snb.cluster.cluster import Cluster
from k8snb.errors import StatusError

pytest.importorskip("kubernetes")

CAKES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "cakes.bakery.example"},
    "spec": {
        "group": "bakery.example",
        "scope": "Namespaced",
        "names": {"plural": "cakes", "kind": "Cake"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}},
        ],
    },
}
CAKE = {"apiVersion": "bakery.example/v1", "kind": "Cake", "metadata": {"name": "torte"}}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=2, seed=1)
    made.kubectl("create deployment web --image=nginx --replicas=2")
    made.kubectl("expose deployment web --port=80")
    made.client.create("crd", CAKES)
    made.settle()
    made.client.create("cakes.bakery.example", CAKE, "default")
    made.settle()
    return made


@pytest.mark.parametrize(
    "name", ["deploy/web", "svc/web", "node/node-1", "clusterrole/view", "crd/cakes.bakery.example", "cake/torte"]
)
def test_it_looks_the_same_through_the_official_client(cluster: Cluster, name: str) -> None:
    assert str(k8snb.diagram(cluster.api_client, name)) == str(cluster.diagram(name))


def test_our_own_clients_and_clusters_are_drawn_too(cluster: Cluster) -> None:
    assert str(k8snb.diagram(cluster.client, "svc/web")) == str(k8snb.diagram(cluster, "svc/web"))


def test_drawing_only_lists(cluster: Cluster) -> None:
    before = cluster.trace.requests[-1].number
    k8snb.diagram(cluster.api_client, "deploy/web", "control-plane")
    sent = [each.request.info for each in cluster.trace.requests if each.number > before]
    assert {info.verb for info in sent if info is not None} == {"list"}


def test_what_is_not_there_is_the_apis_not_found(cluster: Cluster) -> None:
    with pytest.raises(StatusError, match='services "gone" not found'):
        k8snb.diagram(cluster.api_client, "svc/gone")
