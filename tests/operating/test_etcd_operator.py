"""The book's operator for EtcdClusters: it founds, heals, upgrades, resizes, backs up, restores and says goodbye."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from tests.book.conftest import ROOT

MANIFESTS = ROOT / "manifests" / "ecosystem"
CLASS = {
    "metadata": {"name": "ssd", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "ssd.csi.example.com",
}


@pytest.fixture(scope="module")
def grown() -> Cluster:
    """Three members of an old version, with one key."""
    cluster = Cluster(nodes=3, seed=1)
    cluster.add_driver("ssd.csi.example.com")
    cluster.client.create("storageclasses", CLASS)
    for name in ("etcdcluster-crd", "etcd-operator"):
        cluster.kubectl("apply -f -", (MANIFESTS / f"{name}.yaml").read_text())
    cluster.settle()
    cluster.run_operator(MANIFESTS / "etcd_operator.py", "etcd-operator", account="default/etcd-operator")
    cluster.kubectl("apply -f -", (MANIFESTS / "etcdcluster.yaml").read_text())
    ready(cluster)
    etcdctl(cluster, "put k v")
    return cluster


def ready(cluster: Cluster, name: str = "demo", size: int = 3) -> None:
    """Wait until a cluster is as it is wanted."""

    def holds() -> bool:
        found = status(cluster, name)
        conditions = found.get("conditions") or [{}]
        return (conditions[0].get("status"), found.get("readyMembers")) == ("True", size)

    cluster.advance(10)
    assert cluster.wait(holds, 300), cluster.operators["etcd-operator"].log[-20:]


def status(cluster: Cluster, name: str = "demo") -> Any:
    return cluster.client.get("etcdclusters", name, "default").get("status", {})


def etcdctl(cluster: Cluster, words: str, pod: str = "demo-0") -> str:
    return cluster.kubectl(f"exec {pod} -c etcd -- etcdctl {words}")


def said(cluster: Cluster, last: int) -> list[str]:
    """The last things that the operator said."""
    return [line.partition(" ")[2] for line in cluster.operators["etcd-operator"].said[-last:]]


def test_it_founds_a_cluster_and_lets_members_join_one_by_one(grown: Cluster) -> None:
    steps = [line for line in said(grown, 99) if not line.rpartition(": ")[2].startswith("wait")]
    assert steps == [
        "there is no member: found demo-0",
        "1 of 3 members are there: add demo-1",
        "2 of 3 members are there: add demo-2",
    ]
    assert [etcdctl(grown, "get k", f"demo-{n}") for n in range(3)] == ["k\nv\n"] * 3
    owners = {pod["metadata"]["ownerReferences"][0]["name"] for pod in grown.client.list("pods", "default")}
    assert owners == {"demo"}


def test_it_replaces_a_pod_and_a_member_that_has_lost_its_disk(grown: Cluster) -> None:
    twin = grown.fork()
    number, before = status(twin)["members"]["demo-1"], twin.revision
    twin.kubectl("delete pod demo-1 --now")
    ready(twin)
    frames = twin.stepper(since=before, about="EtcdCluster/demo").frames
    (frame,) = (each for each in frames if each.caption == "demo-1 has a disk and no pod: start demo-1")
    assert (frame.actor, frame.compared[0], frame.scene["EtcdCluster/demo"]["facts"][0]) == (
        "etcd-operator",
        ("pods", "2", "3"),
        ["size", "3"],
    )
    assert "demo-1 has a disk and no pod: start demo-1" in said(twin, 3)
    assert status(twin)["members"]["demo-1"] == number
    twin.kubectl("delete pvc demo-1 --wait=false")
    twin.kubectl("delete pod demo-1 --now")
    ready(twin)
    assert "demo-1 has lost its disk: forget demo-1" in said(twin, 5)
    assert status(twin)["members"]["demo-1"] != number
    assert etcdctl(twin, "get k", "demo-1") == "k\nv\n"


def test_it_upgrades_one_member_after_the_other_and_resizes(grown: Cluster) -> None:
    twin = grown.fork()
    twin.client.patch("etcdclusters", "demo", {"spec": {"version": "3.6.6"}}, "default")
    twin.kubectl("scale etcd demo --replicas=1")
    ready(twin, size=1)
    steps = [line for line in said(twin, 9) if "wait" not in line]
    assert [line.partition(": ")[2] for line in steps][-5:-2] == ["upgrade demo-0", "upgrade demo-1", "upgrade demo-2"]
    assert [line.partition(": ")[2] for line in steps][-2:] == ["clear demo-2", "clear demo-1"]
    assert (status(twin)["version"], etcdctl(twin, "get k")) == ("3.6.6", "k\nv\n")


def test_it_backs_up_restores_and_holds_the_object_until_a_last_backup_is_made(grown: Cluster) -> None:
    twin = grown.fork()
    twin.advance(130)
    assert status(twin)["backups"] == 1
    twin.kubectl("delete pvc,pod -l etcd=demo --wait=false")
    ready(twin)
    assert ("there is no member: restore demo-0" in said(twin, 9), etcdctl(twin, "get k")) == (True, "k\nv\n")
    twin.kubectl("delete etcd demo")
    twin.settle()
    assert said(twin, 1) == ["one last backup"]
    left = [each["metadata"]["name"] for each in twin.client.list("persistentvolumeclaims", "default")]
    assert (left, twin.client.list("pods", "default", labels="etcd=demo")) == (["backups"], [])
