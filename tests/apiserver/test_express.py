"""The express counter: the same outcome as the ordinary way, and only where nothing is out of the ordinary."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster, NodeSpec
from k8snb.apiserver.express import Express
from k8snb.errors import StatusError
from k8snb.typing import Object
from k8snb.wire import User

CONTAINER = {"name": "web", "image": "nginx:1.27", "resources": {"requests": {"cpu": "50m"}}}


def deployment(replicas: int) -> Object:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def lived(trace: int, nodes: Any = 4) -> Cluster:
    """A cluster in which a Deployment was made, rolled and shrunk."""
    cluster = Cluster(nodes, trace=trace, debug=True)
    cluster.client.create("deployments", deployment(12), "default")
    cluster.settle()
    change = {"spec": {"template": {"spec": {"containers": [{**CONTAINER, "image": "nginx:1.28"}]}}}}
    cluster.client.patch("deployments", "web", change, "default")
    cluster.settle()
    cluster.client.patch("deployments", "web", {"spec": {"replicas": 3}}, "default")
    cluster.settle()
    return cluster


def history(cluster: Cluster) -> dict[int, tuple[str, str, Object]]:
    """Every revision that is kept."""
    buckets = cluster.store.buckets().items()
    return {each.revision: (name, each.type, each.object) for name, bucket in buckets for each in bucket.log}


@pytest.mark.parametrize("labels", [{}, {"topology.kubernetes.io/zone": "a"}])
def test_a_cluster_without_a_trace_lives_through_the_same_revisions_as_one_with_it(labels: dict[str, str]) -> None:
    nodes = [NodeSpec("node-1", labels=labels), NodeSpec("node-2")]
    quick, ordinary = lived(0, nodes), lived(1000, nodes)
    assert ordinary.server.express is None
    assert quick.server.express is not None
    expected = history(ordinary)
    assert [change for change in history(quick).items() if expected.pop(change[0]) != change[1]] == []
    assert expected == {}
    assert quick.store.verify() == []


def limited(trace: int) -> Cluster:
    """A cluster in which a Deployment wanted more pods than a quota allows, and then fewer."""
    cluster = Cluster(2, trace=trace)
    hard = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "5"}}}
    cluster.client.create("resourcequotas", hard, "default")
    cluster.settle()
    cluster.client.create("deployments", deployment(9), "default")
    cluster.settle()
    cluster.client.patch("deployments", "web", {"spec": {"replicas": 2}}, "default")
    cluster.settle()
    return cluster


def test_pods_that_a_quota_counts_go_the_ordinary_way() -> None:
    quick, ordinary = limited(0), limited(1000)
    assert quick.client.get("resourcequotas", "q", "default")["status"]["used"] == {"pods": "2"}
    assert history(quick) == history(ordinary)


def pod(cluster: Cluster, name: str) -> Object:
    """A pod without a node."""
    made = {"metadata": {"name": name}, "spec": {"containers": [CONTAINER]}}
    return cluster.client.create("pods", made, "default")


@pytest.fixture
def cluster() -> Cluster:
    """A cluster in which the administrator has bound a pod and written its status in the ordinary way."""
    cluster = Cluster(1, trace=0)
    cluster.scheduler.paused = True
    first = pod(cluster, "first")
    cluster.client.bind(first, "node-1")
    cluster.settle()
    found = cluster.client.get("pods", "first", "default")
    cluster.client.put_pod_status(found, {**found["status"], "message": "looked at"})
    return cluster


def express(cluster: Cluster) -> Express:
    """The counter of the cluster's server."""
    assert cluster.server.express is not None
    return cluster.server.express


def test_it_binds_a_pod_of_which_the_newest_version_is_shown(cluster: Cluster) -> None:
    bound = express(cluster).bind(cluster.client.user, pod(cluster, "web"), "node-1")
    assert bound is cluster.client.get("pods", "web", "default")
    assert bound["spec"]["nodeName"] == "node-1"


@pytest.mark.parametrize("change", [{"labels": {"a": "b"}}, {"finalizers": ["x/y"]}])
def test_it_does_not_bind_a_pod_that_has_changed_meanwhile(cluster: Cluster, change: Object) -> None:
    old = pod(cluster, "web")
    cluster.client.patch("pods", "web", {"metadata": change}, "default")
    assert express(cluster).bind(cluster.client.user, old, "node-1") is None


def test_it_does_not_bind_a_pod_twice_nor_one_that_is_being_deleted(cluster: Cluster) -> None:
    user = cluster.client.user
    bound = express(cluster).bind(user, pod(cluster, "web"), "node-1")
    assert bound is not None
    assert express(cluster).bind(user, bound, "node-1") is None
    cluster.settle()
    leaving = cluster.client.delete("pods", "web", "default")
    assert express(cluster).put_status(user, leaving, {**leaving["status"], "message": "late"}) is None


def test_it_serves_nobody_who_has_not_been_allowed_in_the_ordinary_way(cluster: Cluster) -> None:
    waiting = pod(cluster, "web")
    assert express(cluster).bind(User("system:kube-scheduler"), waiting, "node-1") is None


def test_it_serves_nobody_any_more_once_a_role_has_changed(cluster: Cluster) -> None:
    waiting = pod(cluster, "web")
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    cluster.client.create("clusterroles", {"metadata": {"name": "reader"}, "rules": rules})
    assert express(cluster).bind(cluster.client.user, waiting, "node-1") is None


@pytest.mark.parametrize(
    "change",
    [
        {"qosClass": "Guaranteed"},
        {"podIP": "10.244.0.999", "podIPs": [{"ip": "10.244.0.999"}]},
        {"podIPs": [{"ip": "10.244.0.9"}]},
        {"hostIP": "10.0.0.1"},
        {"conditions": [{"type": "Ready", "status": "True"}]},
        {"conditions": [{"type": "No Such", "status": "True", "observedGeneration": 1}]},
        {"nominatedNodeName": "node-1"},
    ],
)
def test_it_leaves_a_status_alone_that_the_ordinary_way_has_to_look_at(cluster: Cluster, change: Object) -> None:
    first = cluster.client.get("pods", "first", "default")
    assert express(cluster).put_status(cluster.client.user, first, {**first["status"], **change}) is None


def test_a_refusal_comes_from_the_ordinary_way(cluster: Cluster) -> None:
    first = cluster.client.get("pods", "first", "default")
    with pytest.raises(StatusError, match="qosClass: Invalid value"):
        cluster.client.put_pod_status(first, {**first["status"], "qosClass": "Guaranteed"})


def test_a_status_that_says_nothing_new_makes_no_revision(cluster: Cluster) -> None:
    first, before = cluster.client.get("pods", "first", "default"), cluster.revision
    assert express(cluster).put_status(cluster.client.user, first, {**first["status"]}) is first
    assert cluster.revision == before
