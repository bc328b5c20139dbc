"""The image of etcd: members that found, join, agree, leave, and are restored."""

from __future__ import annotations

import pytest

from k8snb import Cluster

IMAGE = "quay.io/coreos/etcd:v3.5.21"
SERVICE = {
    "metadata": {"name": "e"},
    "spec": {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"app": "e"},
        "ports": [{"port": 2380}],
    },
}


def url(name: str) -> str:
    return f"http://{name}.e.default.svc:2380"


def member(
    cluster: Cluster, name: str, *others: str, state: str = "new", image: str = IMAGE, directory: str = "etcd"
) -> None:
    """A pod with a member, whose data lie on its node."""
    initial = ",".join(f"{each}={url(each)}" for each in sorted({name, *others}))
    flags = [f"--name={name}", f"--initial-advertise-peer-urls={url(name)}", f"--initial-cluster={initial}"]
    container = {
        "name": "etcd",
        "image": image,
        "command": ["etcd", *flags, f"--initial-cluster-state={state}", f"--data-dir=/data/{directory}"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volume = {"name": "data", "hostPath": {"path": f"/srv/{name}"}}
    spec = {"hostname": name, "subdomain": "e", "containers": [container], "volumes": [volume]}
    cluster.client.create("pods", {"metadata": {"name": name, "labels": {"app": "e"}}, "spec": spec}, "default")
    cluster.settle(20)


def say(cluster: Cluster, pod: str, words: str) -> str:
    """What a tool prints in a member's container."""
    return cluster.kubectl(f"exec {pod} -- {words}")


def log(cluster: Cluster, pod: str) -> str:
    return cluster.kubectl(f"logs {pod}").splitlines()[-1].partition('"msg":"')[2].rstrip('"}')


@pytest.fixture(scope="module")
def founded() -> Cluster:
    """Three members with a key."""
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("services", SERVICE, "default")
    member(cluster, "a")
    for name, others in (("b", ("a",)), ("c", ("a", "b"))):
        say(cluster, "a", f"etcdctl member add {name} --peer-urls={url(name)}")
        member(cluster, name, *others, state="existing")
    say(cluster, "a", "etcdctl put k v")
    return cluster


def test_what_is_written_at_one_member_is_read_at_all(founded: Cluster) -> None:
    assert {say(founded, pod, "etcdctl get k") for pod in "abc"} == {"k\nv\n"}
    assert say(founded, "b", "etcdctl endpoint health --cluster").count("is healthy") == 3
    lines = [line.split(", ")[1:4] for line in say(founded, "c", "etcdctl member list").splitlines()]
    assert lines == [["started", name, url(name)] for name in "abc"]


def test_a_member_that_nobody_was_told_of_is_not_let_in(founded: Cluster) -> None:
    member(founded, "x", "a", state="existing")
    assert log(founded, "x") == "error validating peerURLs: unmatched member while checking PeerURLs"


def test_who_has_lost_its_data_does_not_found_a_cluster_again(founded: Cluster) -> None:
    member(founded, "z", "a", "b", "c")
    assert "has already been bootstrapped" in log(founded, "z")


def test_a_snapshot_begins_a_cluster_of_its_own() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("services", SERVICE, "default")
    member(cluster, "a")
    say(cluster, "a", "etcdctl put k v")
    assert (
        say(cluster, "a", "etcdctl snapshot save /data/s.db") == "Snapshot saved at /data/s.db\nServer version 3.5.0\n"
    )
    assert say(cluster, "a", "etcdutl snapshot status /data/s.db").split(", ")[1:3] == ["2", "1"]
    say(cluster, "a", "etcdctl del k")
    restore = "etcdutl snapshot restore /data/s.db --data-dir=/data/"
    assert 'Error: data-dir "/data/etcd" not empty or could not be read' in say(cluster, "a", f"{restore}etcd")
    say(cluster, "a", f"{restore}new --name=a --initial-advertise-peer-urls={url('a')}")
    cluster.kubectl("delete pod a --now")
    member(cluster, "a", directory="new")
    assert say(cluster, "a", "etcdctl get k") == "k\nv\n"


def test_an_older_minor_version_does_not_start_on_newer_data() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("services", SERVICE, "default")
    member(cluster, "a", image="quay.io/coreos/etcd:v3.6.6")
    cluster.kubectl("delete pod a --now")
    member(cluster, "a")
    assert log(cluster, "a") == "invalid downgrade; server version is lower than determined cluster version"


def test_without_a_majority_nothing_is_answered_and_a_removed_member_ends() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.client.create("services", SERVICE, "default")
    member(cluster, "a")
    say(cluster, "a", f"etcdctl member add b --peer-urls={url('b')}")
    assert "Error: context deadline exceeded" in say(cluster, "a", "etcdctl get k")
    member(cluster, "b", "a", state="existing")
    number = say(cluster, "a", "etcdctl member list").splitlines()[1].partition(",")[0]
    assert say(cluster, "a", f"etcdctl member remove {number}").startswith(f"Member {number} removed from cluster ")
    cluster.settle(5)
    assert "the member has been permanently removed" in cluster.kubectl("logs b")
    assert say(cluster, "a", "etcdctl put k v") == "OK\n"
