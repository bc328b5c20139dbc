"""What the proofs of the page on etcd do not say: why two members cannot be added at once."""

from __future__ import annotations

import pytest

from k8snb import Cluster


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=0, seed=3, etcd_members=3)


def add(cluster: Cluster, name: str, flag: str = "") -> str:
    said = cluster.etcdctl(f"member add {name} --peer-urls=https://{name}:2380 {flag}")
    if not said.startswith("Error"):
        cluster.start(name)
        cluster.settle()
    return said


def test_who_was_added_has_to_run_before_another_is_added(cluster: Cluster) -> None:
    cluster.etcdctl("member add etcd-4 --peer-urls=https://etcd-4:2380")
    assert add(cluster, "etcd-5") == "Error: etcdserver: unhealthy cluster\n"
    number = next(line for line in cluster.etcdctl("member list").splitlines() if "etcd-4" in line).partition(",")[0]
    assert cluster.etcdctl(f"member remove {number}").startswith(f"Member {number} removed from cluster")
    assert "etcd-4" not in cluster.components
