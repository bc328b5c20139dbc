"""A pod that somebody marks and deletes in one go is stopped, though the kubelet writes in between."""

from __future__ import annotations

from typing import Any

from k8snb.cluster.cluster import Cluster


def pod(name: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "a", "image": "nginx"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def test_a_pod_is_stopped_although_its_kubelet_wrote_after_the_deletion() -> None:
    cluster = Cluster(nodes=1, seed=1)
    client = cluster.client
    client.create("pods", pod("web"), "default")
    cluster.settle()
    running = client.get("pods", "web", "default")
    mark = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
    status = {**running["status"], "conditions": [*running["status"]["conditions"], mark]}
    client.update_status("pods", {**running, "status": status})
    client.delete("pods", "web", "default")
    cluster.settle()
    cluster.advance(35)
    assert client.find("pods", "web", "default") is None


def test_a_pod_that_does_not_tolerate_a_taint_of_its_node_goes() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("pods", pod("web"), "default")
    cluster.settle()
    taint = {"key": "maintenance", "value": "true", "effect": "NoExecute"}
    cluster.client.patch("nodes", "node-1", {"spec": {"taints": [taint]}})
    cluster.settle()
    cluster.advance(35)
    assert cluster.client.find("pods", "web", "default") is None
