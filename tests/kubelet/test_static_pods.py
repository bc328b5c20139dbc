"""Static pods: what a kubelet runs because a manifest lies on its machine."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.errors import StatusError
from k8snb.typing import Object

MANIFEST = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: kube-system
  labels: {tier: control-plane}
spec:
  containers:
  - name: main
    image: registry.k8s.io/pause:3.10
"""
NAME = "web-node-1"


def running() -> Cluster:
    """A cluster with one node, on which a manifest lies."""
    cluster = Cluster(nodes=1, seed=1)
    cluster.put_manifest("node-1", MANIFEST)
    cluster.settle()
    return cluster


def mirror(cluster: Cluster) -> Object:
    return cluster.client.get("pods", NAME, "kube-system")


def container(pod: Object) -> tuple[str, int]:
    (status,) = pod["status"]["containerStatuses"]
    return status["containerID"], status["restartCount"]


def test_the_api_mirrors_what_a_kubelet_runs_on_its_own() -> None:
    cluster = running()
    pod, node = mirror(cluster), cluster.client.get("nodes", "node-1")
    meta, digest = pod["metadata"], pod["metadata"]["annotations"]["kubernetes.io/config.hash"]
    assert pod["status"]["phase"] == "Running"
    assert meta["annotations"] == {
        "kubernetes.io/config.hash": digest,
        "kubernetes.io/config.mirror": digest,
        "kubernetes.io/config.seen": "2026-01-01T00:00:00Z",
        "kubernetes.io/config.source": "file",
    }
    owner = {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": node["metadata"]["uid"], "controller": True}
    assert (meta["ownerReferences"], meta["labels"]) == ([owner], {"tier": "control-plane"})
    assert pod["spec"]["tolerations"] == [{"effect": "NoExecute", "operator": "Exists"}]
    assert "volumes" not in pod["spec"]
    events = cluster.client.list("events", "kube-system", fields=f"involvedObject.uid={digest}")
    assert [each["reason"] for each in events] == ["Pulling", "Pulled", "Created", "Started"]


def test_who_deletes_the_mirror_has_not_deleted_the_pod() -> None:
    cluster = running()
    before = mirror(cluster)
    for grace in (None, 0):
        cluster.client.delete("pods", NAME, "kube-system", grace=grace)
        cluster.settle()
    after = mirror(cluster)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert (container(after), after["status"]["phase"]) == (container(before), "Running")
    assert "pause" in cluster.kubectl("describe pod web-node-1 -n kube-system")


def test_the_pod_ends_with_its_manifest_and_another_one_replaces_it() -> None:
    cluster = running()
    before = mirror(cluster)
    cluster.put_manifest("node-1", MANIFEST.replace("pause:3.10", "pause:3.9"))
    cluster.settle()
    after = mirror(cluster)
    assert after["spec"]["containers"][0]["image"] == "registry.k8s.io/pause:3.9"
    assert container(after) != container(before)
    assert after["status"]["phase"] == "Running"
    cluster.remove_manifest("node-1", "web")
    cluster.settle()
    assert cluster.client.find("pods", NAME, "kube-system") is None


def test_a_kubelet_runs_it_without_a_place_for_its_mirror() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.put_manifest("node-1", MANIFEST.replace("kube-system", "nowhere"))
    cluster.settle()
    (worker,) = cluster.kubelets["node-1"].workers.values()
    assert (worker.state, worker.status is not None and worker.status["phase"]) == ("Running", "Running")
    assert cluster.client.list("pods", "nowhere") == []


def test_it_survives_its_kubelet_and_a_fork_has_it_too() -> None:
    cluster = running()
    before = container(mirror(cluster))
    cluster.stop_kubelet("node-1")
    cluster.client.delete("pods", NAME, "kube-system", grace=0)
    cluster.settle()
    assert cluster.client.find("pods", NAME, "kube-system") is None
    cluster.start_kubelet("node-1")
    cluster.settle()
    assert (container(mirror(cluster)), mirror(cluster.fork())) == (before, mirror(cluster))


def test_a_node_mirrors_its_own_pods_and_nothing_that_refers_to_other_objects() -> None:
    cluster = Cluster(nodes=1, seed=1)
    uid = cluster.client.get("nodes", "node-1")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": uid, "controller": True}
    secret = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]

    def refusal(owners: list[Object], env: Sequence[Object] = ()) -> str:
        meta = {"name": "p", "annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": owners}
        spec = {"nodeName": "node-1", "containers": [{"name": "c", "image": "x", "env": [*env]}]}
        with pytest.raises(StatusError) as caught:
            cluster.kubelets["node-1"].client.create("pods", {"metadata": meta, "spec": spec}, "default")
        return caught.value.message.removeprefix('pods "p" is forbidden: node "node-1" ')

    assert refusal([]) == "can only create pods with an owner reference set to itself"
    assert (
        refusal([owner, {**owner, "controller": False}])
        == "can only create pods with a single owner reference set to itself"
    )
    assert refusal([{**owner, "controller": False}]) == (
        "can only create pods with a controller owner reference set to itself"
    )
    assert refusal([{**owner, "uid": "other"}]) == f"UID mismatch: expected other got {uid}"
    assert refusal([owner], secret) == "can not create pods that reference secrets"


def test_a_manifest_that_was_laid_down_without_an_api_server_is_mirrored_when_there_is_one() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.stop("kube-apiserver")
    cluster.put_manifest("node-1", MANIFEST)
    cluster.advance(30)
    cluster.start("kube-apiserver")
    cluster.advance(15)
    status, made = mirror(cluster)["status"], mirror(cluster)["metadata"]["creationTimestamp"]
    assert (status["phase"], status["startTime"] < made) == ("Running", True)
