"""The controllers among scheduler and kubelets: whole stories on a whole cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.controllers.deployment.rolling import max_total, min_available
from k8snb.controllers.podstate import is_active, is_ready
from k8snb.machinery.objects import condition, is_deleting
from k8snb.typing import Object
from tests.controllers.world import deployment, service


def serving(replicas: int = 4, **spec: Any) -> Cluster:
    cluster = Cluster(3, seed=1, debug=True)
    cluster.client.create("deployments", deployment(replicas=replicas, **spec))
    cluster.client.create("services", service())
    cluster.settle()
    return cluster


def set_image(cluster: Cluster, image: str) -> int:
    """Change the image; returns the revision at which it was changed."""
    containers = [{"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 80}]}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    cluster.client.patch("deployments", "web", change, "default", kind="strategic")
    return cluster.revision


def moments(cluster: Cluster, since: int) -> Iterator[list[Object]]:
    """The pods that nobody had asked to go, at every revision from one on."""
    for revision in range(since, cluster.revision + 1):
        yield [pod for pod in cluster.at(revision).list("pods", "default") if is_active(pod)]


def images(cluster: Cluster) -> list[str]:
    pods = cluster.client.list("pods", "default")
    return [pod["spec"]["containers"][0]["image"] for pod in pods if not is_deleting(pod)]


def addresses(cluster: Cluster) -> list[str]:
    """What the Service's slices say is ready."""
    slices = cluster.client.list("endpointslices", "default", labels="kubernetes.io/service-name=web")
    ready = [each for one in slices for each in one["endpoints"] or () if each["conditions"]["ready"]]
    return sorted(each["addresses"][0] for each in ready)


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable"), [(4, "25%", "25%"), (3, 0, 1), (5, "100%", 0), (6, 1, 0), (2, "50%", "50%")]
)
def test_at_no_moment_of_a_rollout_are_there_too_many_pods_or_too_few_that_serve(
    replicas: int, surge: int | str, unavailable: int | str
) -> None:
    update = {"maxSurge": surge, "maxUnavailable": unavailable}
    cluster = serving(replicas, strategy={"type": "RollingUpdate", "rollingUpdate": update})
    target = cluster.client.get("deployments", "web", "default")
    since = set_image(cluster, "nginx:1.28")
    cluster.settle(600)
    assert images(cluster) == ["nginx:1.28"] * replicas
    for pods in moments(cluster, since):
        assert len(pods) <= max_total(target)
        assert sum(map(is_ready, pods)) >= min_available(target)
    assert cluster.store.verify() == []


def test_an_image_that_cannot_be_pulled_stalls_the_rollout_and_undoing_it_ends_that() -> None:
    cluster = serving(3)
    before = addresses(cluster)
    set_image(cluster, "nginx:no-such-version-anywhere")
    cluster.settle(30)
    assert addresses(cluster) == before
    cluster.advance(700)
    late = condition(cluster.client.get("deployments", "web", "default"), "Progressing")
    assert late is not None
    assert (late["status"], late["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert addresses(cluster) == before
    set_image(cluster, "nginx:1")
    cluster.settle()
    assert images(cluster) == ["nginx:1"] * 3
    done = condition(cluster.client.get("deployments", "web", "default"), "Progressing")
    assert done is not None
    assert done["reason"] == "NewReplicaSetAvailable"


def test_a_lost_node_loses_its_pods_and_others_take_their_place() -> None:
    cluster = serving(6)
    lost = [p["metadata"]["name"] for p in cluster.client.list("pods", "default") if p["spec"]["nodeName"] == "node-2"]
    assert lost
    cluster.stop_kubelet("node-2")
    cluster.advance(60)
    assert len(addresses(cluster)) == 6 - len(lost), "its pods get no requests any more"
    cluster.advance(320)
    assert len(addresses(cluster)) == 6
    nodes = {pod["spec"]["nodeName"] for pod in cluster.client.list("pods", "default") if not is_deleting(pod)}
    assert nodes == {"node-1", "node-3"}
    cluster.start_kubelet("node-2")
    cluster.advance(60)
    left = [pod["metadata"]["name"] for pod in cluster.client.list("pods", "default")]
    assert not set(left) & set(lost), "the kubelet finishes what was asked of it"


def test_a_namespace_vanishes_with_everything_in_it() -> None:
    cluster = Cluster(2, seed=1)
    client = cluster.client
    client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})
    cluster.settle()
    for obj in (deployment(), service()):
        client.create(obj["kind"].lower() + "s", {**obj, "metadata": {"name": "web", "namespace": "team"}})
    cluster.settle()
    assert len(client.list("pods", "team")) == 3
    client.delete("namespaces", "team")
    cluster.settle()
    assert client.find("namespaces", "team") is None
    for resource in ("pods", "replicasets", "services", "endpointslices", "endpoints", "configmaps", "events"):
        assert client.list(resource, "team") == []


def test_deleting_a_deployment_leaves_nothing_behind() -> None:
    cluster = serving()
    cluster.client.delete("deployments", "web", "default")
    cluster.settle()
    assert cluster.client.list("replicasets", "default") == []
    assert cluster.client.list("pods", "default") == []
    assert addresses(cluster) == []
    assert cluster.server.panics == []
