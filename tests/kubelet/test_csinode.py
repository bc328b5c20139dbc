"""What a kubelet says of the storage drivers on its machine."""

from __future__ import annotations

from k8snb.cluster.cluster import Cluster
from k8snb.kubelet.csinode import CSI_NODES


def test_a_machine_without_drivers_has_a_csinode_that_names_none() -> None:
    cluster = Cluster(nodes=1)
    uid = cluster.client.get("nodes", "node-1")["metadata"]["uid"]
    made = cluster.client.get(CSI_NODES, "node-1")
    assert made["spec"] == {"drivers": None}
    assert made["metadata"]["ownerReferences"] == [{"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": uid}]
    assert made["metadata"]["annotations"] == {
        "storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/aws-ebs,kubernetes.io/azure-disk,"
        "kubernetes.io/azure-file,kubernetes.io/cinder,kubernetes.io/gce-pd,kubernetes.io/portworx-volume,"
        "kubernetes.io/vsphere-volume"
    }


def test_it_goes_with_its_node() -> None:
    cluster = Cluster(nodes=1)
    cluster.stop_kubelet("node-1")
    cluster.client.delete("nodes", "node-1")
    cluster.settle()
    assert cluster.client.find(CSI_NODES, "node-1") is None


def test_one_that_was_deleted_comes_back_when_the_kubelet_starts_again() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.delete(CSI_NODES, "node-1")
    cluster.settle()
    assert cluster.client.find(CSI_NODES, "node-1") is None
    cluster.stop_kubelet("node-1")
    cluster.start_kubelet("node-1")
    assert cluster.client.get(CSI_NODES, "node-1")["spec"] == {"drivers": None}
