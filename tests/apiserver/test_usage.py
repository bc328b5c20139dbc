"""What is answered without being stored: the use of pods and nodes, component statuses, counters."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster.cluster import ADMIN, Cluster
from k8snb.errors import StatusError
from k8snb.wire import Request
from tests.controllers.world import deployment


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(2, seed=1)
    made.client.create("deployments", deployment(replicas=2))
    made.settle()
    made.advance(30)
    return made


def test_a_pod_uses_what_its_programs_use(cluster: Cluster) -> None:
    found = cluster.client.list("pods.metrics.k8s.io", "default", labels="app=web")
    assert [[c["name"] for c in each["containers"]] for each in found] == [["web"], ["web"]]
    assert (found[0]["window"], found[0]["containers"][0]["usage"]) == ("15s", {"cpu": "1m", "memory": "9Mi"})


def test_a_node_uses_what_its_pods_use_and_something_itself(cluster: Cluster) -> None:
    found = cluster.client.list("nodes.metrics.k8s.io")
    assert [each["usage"] for each in found] == [{"cpu": "51m", "memory": "393Mi"}] * 2


def test_a_pod_that_has_just_started_cannot_be_measured_yet() -> None:
    made = Cluster(1, seed=1)
    made.client.create("deployments", deployment(replicas=1))
    made.settle()
    assert made.client.list("pods.metrics.k8s.io", "default") == []
    with pytest.raises(StatusError, match=r'podmetrics.metrics.k8s.io "default/nope" not found'):
        made.client.get("pods.metrics.k8s.io", "nope", "default")


def test_the_components_are_well(cluster: Cluster) -> None:
    found = cluster.client.list("componentstatuses")
    assert [each["metadata"]["name"] for each in found] == ["controller-manager", "scheduler", "etcd-0"]
    with pytest.raises(StatusError, match="Component not found: nope"):
        cluster.client.get("componentstatuses", "nope")


def ask(cluster: Cluster, path: str, **query: Any) -> str:
    return cluster.server.handle(Request("GET", path, query=query, user=ADMIN)).body.decode()


def test_requests_from_outside_are_counted(cluster: Cluster) -> None:
    ask(cluster, "/api/v1/namespaces/default/pods")
    ask(cluster, "/api/v1/namespaces/default/pods/nope")
    lines = ask(cluster, "/metrics").splitlines()
    labels = 'component="apiserver",dry_run="",group="",resource="pods"'
    assert [line for line in lines if 'resource="pods",scope' in line] == [
        f'apiserver_request_total{{code="200",{labels},scope="namespace",subresource="",verb="LIST",version="v1"}} 1',
        f'apiserver_request_total{{code="404",{labels},scope="resource",subresource="",verb="GET",version="v1"}} 1',
    ]
    assert 'apiserver_storage_objects{resource="nodes"} 2' in lines


def test_who_deletes_a_job_and_says_nothing_of_its_pods_is_told_that_they_stay(cluster: Cluster) -> None:
    container = {"name": "a", "image": "busybox"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    meta = {"name": "pi", "namespace": "default"}
    cluster.client.create("jobs", {"metadata": meta, "spec": {"template": template}})
    path = "/apis/batch/v1/namespaces/default/jobs/pi"
    answer = cluster.server.handle(Request("DELETE", path, user=ADMIN))
    assert [warning[:42] for warning in answer.warnings] == ["child pods are preserved by default when j"]
    assert answer.object is not None
    assert answer.object["metadata"]["finalizers"] == ["orphan"]


def test_where_the_metrics_server_is_down_nobody_answers(cluster: Cluster) -> None:
    made, name = cluster.fork(), "v1beta1.metrics.k8s.io"
    behind = {"spec": {"service": {"name": "metrics-server", "namespace": "kube-system"}}}
    made.client.patch("apiservices", name, behind)
    made.settle()
    with pytest.raises(StatusError, match=r"unable to handle the request \(get pods.metrics.k8s.io\)"):
        made.client.list("pods.metrics.k8s.io", "default")
    made.client.delete("apiservices", name)
    with pytest.raises(StatusError, match=r"could not find the requested resource \(get nodes.metrics.k8s.io\)"):
        made.client.list("nodes.metrics.k8s.io")
