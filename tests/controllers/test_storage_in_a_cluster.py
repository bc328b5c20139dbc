"""Storage among scheduler and kubelets: claims are bound where pods go, and data stays where it was written."""

from __future__ import annotations

from typing import Any

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object

from .storage import claim, mounting, volume


def local_volume(name: str, node: str, **spec: Any) -> Object:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    return volume(name, nodeAffinity=affinity, **spec)


def user(name: str, script: str, *, node: str = "") -> Object:
    mount = {"name": "data", "mountPath": "/data"}
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script], "volumeMounts": [mount]}
    where = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": mounting("data"), **where}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def phase(cluster: Cluster, name: str) -> str:
    return str(cluster.client.get("pods", name, "default")["status"]["phase"])


def test_a_claim_that_waits_is_bound_on_the_node_that_can_reach_a_volume_and_the_data_outlives_the_pod() -> None:
    cluster = Cluster(3, seed=1, debug=True)
    late = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"}}
    cluster.client.create("storageclasses", {**kind, **late})
    cluster.client.create("persistentvolumes", local_volume("on-2", "node-2", storageClassName="late"))
    cluster.client.create("persistentvolumeclaims", claim("data", storageClassName="late"))
    cluster.settle()
    assert cluster.client.get("persistentvolumeclaims", "data", "default")["status"]["phase"] == "Pending"
    cluster.client.create("pods", user("writer", "echo kept > /data/file"))
    cluster.settle()
    writer = cluster.client.get("pods", "writer", "default")
    assert (writer["spec"]["nodeName"], writer["status"]["phase"]) == ("node-2", "Succeeded")
    cluster.client.create("pods", user("reader", "grep -q kept /data/file"))
    cluster.settle()
    assert phase(cluster, "reader") == "Succeeded"
    assert not cluster.server.panics


def test_a_directory_of_a_node_is_not_that_of_another() -> None:
    cluster = Cluster(2, seed=1)
    cluster.client.create("persistentvolumes", volume("disk", modes=("ReadWriteMany",)))
    cluster.client.create("persistentvolumeclaims", claim("data", modes=("ReadWriteMany",)))
    cluster.client.create("pods", user("writer", "echo kept > /data/file", node="node-1"))
    cluster.settle()
    for name, node in (("here", "node-1"), ("there", "node-2")):
        cluster.client.create("pods", user(name, "grep -q kept /data/file", node=node))
    cluster.settle()
    assert (phase(cluster, "here"), phase(cluster, "there")) == ("Succeeded", "Failed")
