"""`etcdctl` and `etcdutl`: what they print, and what they do to members."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=0, seed=3, etcd_members=3)


def test_members_and_endpoints_are_listed_as_etcdctl_lists_them(cluster: Cluster) -> None:
    assert cluster.etcdctl("member list").splitlines()[0] == (
        "c336191420c812f8, started, etcd-1, https://etcd-1:2380, https://etcd-1:2379, false"
    )
    rows = [line.split(", ") for line in cluster.etcdctl("endpoint status").splitlines()]
    assert [(row[0], row[2], row[8]) for row in rows] == [
        (f"https://{name}:2379", "3.6.0", str(name == cluster.etcd.leader).lower()) for name in cluster.etcd.members
    ]
    assert cluster.etcdctl("member list -w table").splitlines()[1] == (
        "|        ID        | STATUS  |  NAME  |     PEER ADDRS      |    CLIENT ADDRS     | IS LEARNER |"
    )


def test_without_a_majority_what_needs_one_fails_after_five_seconds(cluster: Cluster) -> None:
    cluster.stop("etcd-1")
    cluster.stop("etcd-2")
    began = cluster.clock.now()
    assert cluster.etcdctl("get /registry/namespaces/default") == "Error: context deadline exceeded\n"
    assert round(cluster.clock.now() - began, 1) == 5.0
    local = "get /registry/namespaces/default --consistency=s --endpoints=https://etcd-3:2379 --keys-only"
    assert cluster.etcdctl(local) == "/registry/namespaces/default\n\n"
    assert cluster.etcdctl("endpoint health").splitlines()[-1] == "Error: unhealthy cluster"


def test_a_lost_disk_takes_another_member_of_the_same_name(cluster: Cluster) -> None:
    cluster.etcd.lose_disk("etcd-2")
    with pytest.raises(ValueError, match="bootstrapped before"):
        cluster.start("etcd-2")
    removed = cluster.etcdctl("member remove etcd-2")
    added = cluster.etcdctl("member add etcd-2 --peer-urls=https://etcd-2:2380").splitlines()[0]
    assert (removed.split()[1] != added.split()[1], added.split()[2:4]) == (True, ["added", "to"])
    assert ", unstarted, , https://etcd-2:2380, , false" in cluster.etcdctl("member list")
    cluster.start("etcd-2")
    cluster.settle()
    assert len({line.split(", ", 1)[1] for line in cluster.etcdctl("endpoint hashkv").splitlines()}) == 1


def test_what_would_cost_the_majority_is_refused(cluster: Cluster) -> None:
    cluster.stop("etcd-2")
    refused = "Error: etcdserver: unhealthy cluster\n"
    assert cluster.etcdctl("member add etcd-4 --peer-urls=https://etcd-4:2380") == refused
    assert cluster.etcdctl("member remove etcd-3") == refused


def test_the_leadership_is_handed_over(cluster: Cluster) -> None:
    to = next(name for name in cluster.etcd.members if name != cluster.etcd.leader)
    assert cluster.etcdctl(f"move-leader {to}").startswith("Leadership transferred from ")
    assert (cluster.etcd.leader, cluster.kubectl("create namespace a")) == (to, "namespace/a created\n")


def test_a_key_has_revisions_until_they_are_compacted(cluster: Cluster) -> None:
    cluster.kubectl("create configmap a --from-literal=x=1")
    first, key = cluster.revision, "/registry/configmaps/default/a"
    cluster.kubectl('patch configmap a -p \'{"data":{"x":"2"}}\'')
    fields = cluster.etcdctl(f"get {key} -w fields").splitlines()
    assert fields[5:8] == [f'"CreateRevision" : {first}', f'"ModRevision" : {first + 1}', '"Version" : 2']
    assert cluster.etcdctl(f"get {key} --rev={first} --print-value-only") != cluster.etcdctl(
        f"get {key} --print-value-only"
    )
    kinds = [line for line in cluster.etcdctl(f"watch {key} --rev={first}").splitlines() if line == "PUT"]
    assert kinds == ["PUT", "PUT"]
    assert cluster.etcdctl(f"compact {first + 1}") == f"compacted revision {first + 1}\n"
    gone = "Error: etcdserver: mvcc: required revision has been compacted\n"
    assert cluster.etcdctl(f"get {key} --rev={first}") == gone
    assert cluster.etcdctl(f"compact {first}") == gone


def test_compaction_frees_pages_and_defragmentation_gives_them_back(cluster: Cluster) -> None:
    for number in range(5):
        cluster.kubectl(f"create configmap a{number} --from-literal=x={'y' * 2000}")
        cluster.kubectl(f"delete configmap a{number}")
    cluster.etcdctl(f"compact {cluster.revision}")
    facts = cluster.etcd.facts("etcd-1")
    cluster.etcdctl("defrag --endpoints=https://etcd-1:2379")
    after = cluster.etcd.facts("etcd-1")
    assert facts is not None
    assert after is not None
    assert (facts.size - facts.in_use > 10_000, after.size == after.in_use == facts.in_use) == (True, True)


# -- snapshots ---------------------------------------------------------------------------------------------


@pytest.fixture
def restored() -> Cluster:
    """A cluster whose Deployment was scaled, and its Service made, after the snapshot that is restored then."""
    cluster = Cluster(nodes=2, seed=3, etcd_members=3)
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.kubectl("create configmap kept --from-literal=x=1")
    cluster.settle()
    cluster.etcdctl("snapshot save backup.db")
    cluster.kubectl("scale deployment web --replicas=4")
    cluster.kubectl("create service clusterip late --tcp=80")
    cluster.kubectl("delete configmap kept")
    cluster.settle()
    return cluster


RESTORE = "snapshot restore backup.db"
BUMPED = f"{RESTORE} --bump-revision 1000000000 --mark-compacted"


def words(cluster: Cluster, command: str) -> list[str]:
    return cluster.kubectl(command).split()


def test_a_restored_cluster_is_as_it_was_and_everybody_catches_up(restored: Cluster) -> None:
    assert restored.etcdutl(BUMPED).splitlines()[-1] == "restored snapshot backup.db"
    restored.settle()
    restored.advance(60)
    names = "-o jsonpath='{.items[*].metadata.name}'"
    assert len(words(restored, f"get pods {names}")) == 2
    assert words(restored, f"get configmaps,services {names}") == ["kept", "kube-root-ca.crt", "kubernetes"]
    running = [w for kubelet in restored.kubelets.values() for w in kubelet.workers]
    assert len(running) == 2
    assert restored.kubectl("create service clusterip late --tcp=80") == "service/late created\n"
    assert len({restored.etcd.admin.digest(name) for name in restored.etcd.members}) == 1
    assert restored.server.panics == []


def test_with_a_higher_revision_a_watch_of_the_lost_time_is_told_to_begin_anew(restored: Cluster) -> None:
    lost = restored.revision
    restored.etcdutl(BUMPED)
    assert restored.revision > lost
    stream = restored.client.watch("configmaps", "default", since=lost)
    event = stream.next()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    twin = restored.fork()
    assert (twin.revision, twin.kubectl("get pods,cm,svc")) == (restored.revision, restored.kubectl("get pods,cm,svc"))


def test_without_it_revisions_are_given_a_second_time(restored: Cluster) -> None:
    lost = restored.revision
    assert restored.etcdutl(RESTORE).startswith("added member")
    assert restored.revision < lost
    with pytest.raises(StatusError, match="Too large resource version"):
        restored.client.watch("configmaps", "default", since=lost)


def test_a_snapshot_that_is_not_there_restores_nothing(cluster: Cluster) -> None:
    assert cluster.etcdutl("snapshot restore nothing.db") == "Error: open nothing.db: no such file or directory\n"
    assert cluster.etcdutl(f"{RESTORE} --mark-compacted").startswith("Error: --mark-compacted required")
