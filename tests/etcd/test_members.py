"""A cluster whose store stands on members of etcd: what it does while they agree, and while they do not."""

from __future__ import annotations

import pytest

from k8snb import Cluster

LATE = "the server was unable to return a response in the time allotted, but may still be processing the request"


def made(members: int = 3, nodes: int = 0) -> Cluster:
    return Cluster(nodes=nodes, seed=3, etcd_members=members)


def hung(cluster: Cluster, command: str) -> tuple[str, float]:
    """What kubectl prints, and how long it took."""
    began = cluster.clock.now()
    return cluster.kubectl(command), round(cluster.clock.now() - began, 1)


def others(cluster: Cluster) -> list[str]:
    return [name for name in cluster.etcd.members if name != cluster.etcd.leader]


def digests(cluster: Cluster) -> set[int]:
    return {cluster.etcd.admin.digest(name) for name in cluster.etcd.members}


def test_members_change_nothing_about_what_a_cluster_does() -> None:
    alone, agreed = (Cluster(nodes=2, seed=5, etcd_members=count) for count in (0, 3))
    for cluster in (alone, agreed):
        cluster.kubectl("create deployment web --image=nginx --replicas=2")
        cluster.settle()
    assert alone.kubectl("get all,events -A -o yaml") == agreed.kubectl("get all,events -A -o yaml")


@pytest.mark.parametrize("members", [1, 3, 5])
def test_every_member_has_what_the_api_shows(members: int) -> None:
    cluster = made(members)
    cluster.kubectl("create configmap a --from-literal=x=1")
    cluster.kubectl("delete configmap a")
    assert len(digests(cluster)) == 1
    assert {cluster.etcd.keyspace(name).revision for name in cluster.etcd.members} == {cluster.revision}


def test_a_follower_that_was_away_catches_up_from_the_log() -> None:
    cluster = made()
    away = others(cluster)[0]
    cluster.stop(away)
    assert hung(cluster, "create configmap a") == ("configmap/a created\n", 0.0)
    cluster.start(away)
    cluster.settle()
    assert len(digests(cluster)) == 1


def test_without_its_leader_the_cluster_hangs_until_another_is_elected() -> None:
    cluster = made()
    before = cluster.etcd.leader
    cluster.stop(before)
    said, seconds = hung(cluster, "create configmap a")
    assert (said, 1 <= seconds <= 2, cluster.etcd.leader != before) == ("configmap/a created\n", True, True)


def test_without_a_majority_writes_fail_after_seven_seconds_and_reads_after_sixty() -> None:
    cluster = made()
    for name in others(cluster):
        cluster.stop(name)
    assert hung(cluster, "create namespace a") == ("Error from server: etcdserver: request timed out\n", 7.0)
    assert hung(cluster, "get namespaces") == (f"Error from server (Timeout): {LATE} (get namespaces)\n", 60.0)
    assert hung(cluster, "get namespace a") == (f"Error from server (Timeout): {LATE} (get namespaces a)\n", 60.0)


def test_a_write_that_timed_out_may_have_happened() -> None:
    cluster = made()
    first, second = others(cluster)
    for name in (first, second):
        cluster.stop(name)
    cluster.kubectl("create namespace a")
    cluster.start(first)
    assert cluster.kubectl("get namespace a").startswith("NAME")


def test_a_write_that_only_the_old_leader_had_has_not_happened() -> None:
    cluster = made()
    alone, rest = cluster.etcd.leader, others(cluster)
    cluster.etcd.partition([alone, "kube-apiserver"], rest)
    assert hung(cluster, "create namespace a")[0] == "Error from server: etcdserver: request timed out\n"
    cluster.etcd.heal()
    cluster.settle()
    assert "a  " not in cluster.kubectl("get namespaces")
    assert len(digests(cluster)) == 1


def test_a_leader_that_is_cut_off_is_not_asked_any_more() -> None:
    cluster = made(5)
    alone = cluster.etcd.leader
    cluster.etcd.partition([alone, others(cluster)[0]], others(cluster)[1:])
    cluster.advance(3)
    assert (hung(cluster, "create namespace a"), cluster.etcd.leader != alone) == (("namespace/a created\n", 0.0), True)
    assert cluster.etcdctl(f"get /registry/namespaces/a --consistency=s --endpoints={alone}") == ""


def test_any_state_is_answered_without_a_majority() -> None:
    cluster = made()
    cluster.stop("etcd")
    assert cluster.client.request("GET", "/api/v1/namespaces", {"resourceVersion": "0"}).code == 200
    assert cluster.client.request("GET", "/readyz").code == 500
    assert cluster.client.request("GET", "/livez/etcd").code == 500
    assert "etcd-0               Unhealthy" in cluster.kubectl("get cs")
    assert hung(cluster, "create namespace a")[0].startswith("Error from server: rpc error: code = Unavailable desc")


def test_what_runs_goes_on_without_etcd_and_is_told_when_it_is_back() -> None:
    cluster = made(nodes=1)
    cluster.kubectl("run web --image=nginx")
    cluster.settle()
    cluster.stop("etcd")
    cluster.advance(30)
    cluster.start("etcd")
    cluster.advance(30)
    assert "web    1/1     Running   0" in cluster.kubectl("get pods")
    assert "node-1   Ready" in cluster.kubectl("get nodes")
    assert cluster.server.panics == []


def test_an_etcd_of_one_process_can_be_stopped_too() -> None:
    cluster = Cluster(nodes=0)
    cluster.stop("etcd")
    assert hung(cluster, "get namespaces") == (f"Error from server (Timeout): {LATE} (get namespaces)\n", 60.0)
    cluster.stop("kube-apiserver")
    cluster.start("kube-apiserver")
    assert cluster.kubectl("get namespaces").startswith("The connection to the server")
    cluster.start("etcd")
    assert cluster.kubectl("get namespaces").startswith("NAME")


def test_a_fork_and_a_rewind_live_through_what_happened_to_members() -> None:
    cluster = made()
    before, leader = cluster.revision, cluster.etcd.leader
    cluster.stop(leader)
    cluster.kubectl("get namespaces")
    cluster.kubectl("create namespace a")
    twin = cluster.fork()
    state = [(each.revision, each.clock.now(), each.etcd.leader) for each in (cluster, twin)]
    assert state[0] == state[1]
    cluster.rewind(before)
    assert (cluster.revision, cluster.etcd.leader, twin.etcd.leader != leader) == (before, leader, True)


def test_a_kubelet_that_starts_while_there_is_no_majority_registers_when_there_is_one() -> None:
    cluster = made(nodes=1)
    cluster.stop_kubelet("node-1")
    cluster.stop("etcd")
    cluster.start_kubelet("node-1")
    cluster.advance(20)
    assert not cluster.kubelets["node-1"].running
    cluster.start("etcd")
    cluster.advance(20)
    assert "node-1   Ready" in cluster.kubectl("get nodes")
