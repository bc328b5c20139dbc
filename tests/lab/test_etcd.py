"""Right and wrong ways through the exercises on etcd, each with the hint that has to follow."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.lab import etcd


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    cluster.kubectl("create deployment web --image=nginx")
    return cluster


def add(cluster: Cluster, name: str, flag: str = "") -> str:
    said = cluster.etcdctl(f"member add {name} --peer-urls=https://{name}:2380 {flag}")
    if not said.startswith("Error"):
        cluster.start(name)
        cluster.settle()
    return said


def hint(verdict: object) -> str:
    return repr(verdict).splitlines()[-1].strip()


def test_five_members_are_five_that_vote_and_run(cluster: Cluster) -> None:
    assert hint(etcd.check_five(cluster)) == "→ their names: etcd-1, etcd-2, etcd-3"
    add(cluster, "etcd-4")
    add(cluster, "etcd-5", "--learner")
    assert hint(etcd.check_five(cluster)) == "→ without a vote is etcd-5"
    cluster.etcdctl("member promote etcd-5")
    cluster.settle()
    cluster.stop("etcd-1")
    assert hint(etcd.check_five(cluster)) == "→ not running is etcd-1"
    cluster.start("etcd")
    cluster.settle()
    assert etcd.check_five(cluster)


def test_who_was_added_has_to_run_before_another_is_added(cluster: Cluster) -> None:
    cluster.etcdctl("member add etcd-4 --peer-urls=https://etcd-4:2380")
    assert add(cluster, "etcd-5") == "Error: etcdserver: unhealthy cluster\n"
    number = next(line for line in cluster.etcdctl("member list").splitlines() if "etcd-4" in line).partition(",")[0]
    assert cluster.etcdctl(f"member remove {number}").startswith(f"Member {number} removed from cluster")
    assert "etcd-4" not in cluster.components


def test_a_backup_has_to_hold_what_is_restored_and_revisions_must_go_up(cluster: Cluster) -> None:
    assert hint(etcd.check_restored(cluster)) == "→ etcdctl snapshot save saves one"
    cluster.etcdctl("snapshot save mine.db")
    cluster.kubectl("delete deployment web")
    assert hint(etcd.check_restored(cluster)) == "→ etcdutl snapshot restore does that"
    cluster.etcdutl("snapshot restore mine.db")
    assert hint(etcd.check_restored(cluster)) == "→ revisions are given a second time"
    cluster.etcdutl("snapshot restore mine.db --bump-revision 1000 --mark-compacted")
    assert etcd.check_restored(cluster)
