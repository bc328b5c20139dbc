"""A cluster with members of etcd that is kept in a file, and what its members have when another process goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snb import Cluster


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cluster.db"


def made(path: Path) -> Cluster:
    return Cluster(nodes=0, path=path, etcd_members=3)


def fields(cluster: Cluster, key: str) -> list[str]:
    """The numbers of a key."""
    return cluster.etcdctl(f"get {key} -w fields").splitlines()[5:8]


def test_members_come_back_with_their_terms_their_log_and_their_keys(path: Path) -> None:
    cluster = made(path)
    cluster.stop(cluster.etcd.leader)
    cluster.kubectl("create configmap one")
    cluster.kubectl("label configmap one color=red")
    key = "/registry/configmaps/default/one"
    before, mark, votes = fields(cluster, key), cluster.admin.ensemble.mark, cluster.admin.ensemble.votes()
    cluster = Cluster(path=path)
    facts = [cluster.etcd.facts(name) for name in cluster.etcd.members]
    assert fields(cluster, key) == before
    assert all(each is not None and each.index > mark.at and not each.errors for each in facts)
    assert all(cluster.admin.ensemble.votes()[name][0] > term for name, (term, _) in votes.items() if term == 2)
    assert len({cluster.etcd.admin.digest(name) for name in cluster.etcd.members}) == 1


def test_a_write_that_nobody_has_applied_is_gone_for_good(path: Path) -> None:
    cluster = made(path)
    followers = [name for name in cluster.etcd.members if name != cluster.etcd.leader]
    for name in followers:
        cluster.stop(name)
    assert "timed out" in cluster.kubectl("create configmap one")
    cluster = Cluster(path=path)
    cluster.kubectl("create configmap two")
    assert "configmap/one" not in cluster.kubectl("get configmaps -o name")


def test_who_belongs_to_them_and_whose_disk_is_lost_is_not_forgotten(path: Path) -> None:
    cluster = made(path)
    cluster.etcd.lose_disk("etcd-3")
    cluster.etcdctl("member remove etcd-3")
    cluster.etcdctl("member add etcd-4 --peer-urls=https://etcd-4:2380")
    ids = cluster.etcdctl("member list")
    cluster = Cluster(path=path)
    assert cluster.etcdctl("member list") == ids
    cluster.start("etcd-4")
    cluster.settle()
    assert [cluster.etcd.admin.is_learner(name) for name in cluster.etcd.members] == [False] * 3
    assert len({cluster.etcd.admin.digest(name) for name in cluster.etcd.members}) == 1
    cluster.etcd.lose_disk("etcd-1")
    with pytest.raises(ValueError, match="etcd-1 has lost its disk"):
        Cluster(path=path).start("etcd-1")


def test_those_who_have_lost_their_majority_come_back_without_and_refuse(path: Path) -> None:
    cluster = made(path)
    for name in ("etcd-1", "etcd-2"):
        cluster.etcd.lose_disk(name)
    cluster = Cluster(path=path)
    assert "no leader" in cluster.etcdctl("endpoint status")
    assert cluster.kubectl("create configmap one").endswith("etcdserver: request timed out\n")


def test_a_snapshot_outlives_the_process_and_what_was_restored_is_what_is_kept(path: Path) -> None:
    cluster = made(path)
    cluster.kubectl("create configmap one")
    cluster.kubectl("label configmap one color=red")
    cluster.etcdctl("snapshot save backup.db")
    status = cluster.etcdutl("snapshot status backup.db")
    cluster.kubectl("delete configmap one")
    cluster.kubectl("create configmap two")
    cluster = Cluster(path=path)
    assert cluster.etcdutl("snapshot status backup.db") == status
    cluster.etcdutl("snapshot restore backup.db")
    shown = cluster.kubectl("get configmaps -o yaml --show-managed-fields")
    assert ("name: one" in shown, "color: red" in shown, "name: two" in shown) == (True, True, False)
    assert Cluster(path=path).kubectl("get configmaps -o yaml --show-managed-fields") == shown


def test_a_file_of_a_cluster_without_members_gets_some(path: Path) -> None:
    Cluster(nodes=0, path=path).kubectl("create configmap one")
    cluster = Cluster(path=path, etcd_members=3)
    assert {cluster.etcd.keyspace(name).revision for name in cluster.etcd.members} == {cluster.revision}
    assert Cluster(path=path).etcd.members == ["etcd-1", "etcd-2", "etcd-3"]


def test_a_cluster_that_came_back_is_forked_with_its_members(path: Path) -> None:
    made(path).kubectl("create configmap one")
    cluster = Cluster(path=path)
    twin = cluster.fork()
    assert twin.etcdctl("endpoint status") == cluster.etcdctl("endpoint status")
