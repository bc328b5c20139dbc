"""`etcdctl lease`: keys that go after a time, or with their lease."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8snb import Cluster

LOST = "Error: context deadline exceeded\n"


@pytest.fixture(params=[0, 3])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return Cluster(nodes=0, seed=3, etcd_members=request.param)


def granted(cluster: Cluster, seconds: int) -> str:
    """Grant a lease; returns its number."""
    said = cluster.etcdctl(f"lease grant {seconds}").split()
    assert said[2:] == ["granted", "with", f"TTL({seconds}s)"]
    return said[1]


def test_keys_go_when_the_time_of_their_lease_is_over(cluster: Cluster) -> None:
    lease = granted(cluster, 60)
    assert cluster.etcdctl(f"put /a 1 --lease={lease}") == "OK\n"
    cluster.etcdctl(f"put /b 1 --lease={lease}")
    cluster.etcdctl("put /b 2")
    cluster.advance(20)
    told = f"lease {lease} granted with TTL(60s), remaining(40s)"
    assert cluster.etcdctl(f"lease timetolive {lease}") == f"{told}\n"
    assert cluster.etcdctl(f"lease timetolive {lease} --keys") == f"{told}, attached keys([/a])\n"
    assert f'"Lease" : {int(lease, 16)}' in cluster.etcdctl("get /a -w fields")
    assert lease in cluster.etcdctl("lease list").splitlines()
    cluster.advance(41)
    assert cluster.etcdctl("get / --prefix --keys-only").split()[0] == "/b"
    assert cluster.etcdctl(f"lease timetolive {lease}") == f"lease {lease} already expired\n"
    assert cluster.etcdctl(f"lease keep-alive {lease}") == f"lease {lease} expired or revoked.\n"


def test_a_lease_is_kept_alive_and_revoked(cluster: Cluster) -> None:
    lease = granted(cluster, 60)
    cluster.etcdctl(f"put /a 1 --lease={lease}")
    cluster.advance(50)
    assert cluster.etcdctl(f"lease keep-alive --once {lease}") == f"lease {lease} keepalived with TTL(60)\n"
    cluster.advance(50)
    assert cluster.etcdctl("get /a --print-value-only") == "1\n"
    twin = cluster.fork()
    assert twin.etcdctl(f"lease revoke {lease}") == f"lease {lease} revoked\n"
    assert (twin.etcdctl("get /a"), cluster.etcdctl("get /a")) == ("", "/a\n1\n")
    gone = "etcdserver: requested lease not found"
    assert twin.etcdctl(f"lease revoke {lease}") == f"Error: failed to revoke lease ({gone})\n"
    assert twin.etcdctl(f"put /a 1 --lease={lease}") == f"Error: {gone}\n"
    assert twin.etcdctl(f"lease keep-alive --once {lease}") == f"Error: {gone}\n"


def test_a_lease_has_its_whole_time_again_once_there_is_a_majority_again() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    cluster.etcdctl(f"put /a 1 --lease={granted(cluster, 30)}")
    cluster.stop("etcd-1")
    cluster.stop("etcd-2")
    assert cluster.etcdctl("lease grant 9") == LOST
    cluster.advance(40)
    cluster.start("etcd-1")
    cluster.advance(25)
    assert cluster.etcdctl("get /a --print-value-only") == "1\n"
    cluster.advance(10)
    assert cluster.etcdctl("get /a") == ""


def test_leases_are_in_the_log_of_every_member_and_a_new_leader_reckons_anew() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    lease = granted(cluster, 30)
    cluster.etcdctl(f"put /a 1 --lease={lease}")
    leader = cluster.etcd.leader
    behind = next(name for name in cluster.etcd.members if name != leader)
    cluster.stop(behind)
    other = granted(cluster, 90)
    cluster.etcdctl(f"put /a 2 --lease={other}")
    cluster.advance(25)
    cluster.start(behind)
    cluster.stop(leader)
    assert cluster.etcdctl(f"lease timetolive {other} --keys").endswith("remaining(91s), attached keys([/a])\n")
    assert [len(cluster.etcd.keyspace(name).leases) for name in cluster.etcd.members if name != leader] == [2, 2]
    log = repr(cluster.etcd.log(behind, 20))
    assert f"grant lease {other} for 90s" in log
    cluster.etcdctl(f"lease revoke {other}")
    cluster.start(leader)
    cluster.settle()
    spaces = [cluster.etcd.keyspace(name) for name in cluster.etcd.members]
    assert [(sorted(space.leases), space.revision) for space in spaces] == [([int(lease, 16)], cluster.revision)] * 3
    assert not any("/a" in space.keys for space in spaces)


def test_leases_and_what_hangs_on_them_come_back_with_a_snapshot() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    lease = granted(cluster, 30)
    cluster.etcdctl(f"put /a 1 --lease={lease}")
    cluster.etcdctl("snapshot save backup.db")
    later = granted(cluster, 30)
    cluster.etcdctl(f"lease revoke {lease}")
    cluster.advance(100)
    cluster.etcdutl("snapshot restore backup.db")
    told = f"lease {lease} granted with TTL(30s), remaining(31s), attached keys([/a])\n"
    assert cluster.etcdctl(f"lease timetolive {lease} --keys") == told
    assert cluster.etcdctl(f"lease timetolive {later}") == f"lease {later} already expired\n"
    cluster.advance(32)
    assert cluster.etcdctl("get /a") == ""


@pytest.mark.parametrize("members", [0, 3])
def test_leases_outlive_the_process(members: int, tmp_path: Path) -> None:
    path = tmp_path / "cluster.db"
    cluster = Cluster(nodes=0, path=path, etcd_members=members)
    lease, other, gone = (granted(cluster, 60) for _ in range(3))
    cluster.etcdctl(f"put /a 1 --lease={lease}")
    cluster.etcdctl(f"put /b 1 --lease={other}")
    cluster.etcdctl(f"put /registry/configmaps/default/kube-root-ca.crt --ignore-value --lease={lease}")
    cluster.etcdctl(f"lease revoke {gone}")
    cluster.advance(50)
    if members:
        cluster.etcdctl("snapshot save backup.db")
    cluster = Cluster(path=path)
    numbers = [number for number in cluster.etcdctl("lease list").splitlines() if number in (lease, other, gone)]
    assert numbers == [lease, other]
    told = f"lease {lease} granted with TTL(60s), remaining(61s), attached keys([/a /registry/configmaps/default/"
    assert cluster.etcdctl(f"lease timetolive {lease} --keys").startswith(told)
    assert granted(cluster, 60) not in (lease, other, gone)
    twin = cluster.fork()
    cluster.advance(62)
    assert (cluster.etcdctl("get /a"), twin.etcdctl("get /a --print-value-only")) == ("", "1\n")
    if members:
        cluster = Cluster(path=path)
        cluster.etcdutl("snapshot restore backup.db")
        assert cluster.etcdctl(f"lease timetolive {other} --keys").endswith("attached keys([/b])\n")
    cluster.close()


def test_events_hang_on_leases_of_the_api_server(cluster: Cluster) -> None:
    cluster.kubectl("run web --image=nginx")
    cluster.settle()
    [lease] = cluster.etcdctl("lease list").splitlines()[1:]
    told = cluster.etcdctl(f"lease timetolive {lease} --keys")
    assert told.startswith(f"lease {lease} granted with TTL(3660s), remaining(36")
    assert "attached keys([/registry/events/default/web." in told
    assert f'"lease":{int(lease, 16)}' in cluster.etcdctl("get /registry/events/ --prefix --limit=1 -w json")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("grant", "lease grant command needs TTL argument"),
        ("grant long", 'bad TTL (strconv.ParseInt: parsing "long": invalid syntax)'),
        ("grant 9000000001", "failed to grant lease (etcdserver: too large lease TTL)"),
        ("revoke", "lease revoke command needs 1 argument"),
        ("revoke x", 'bad lease ID (strconv.ParseInt: parsing "x": invalid syntax), expecting ID in Hex'),
        ("timetolive", "lease timetolive command needs lease ID as argument"),
        ("keep-alive", "lease keep-alive command needs lease ID as argument"),
    ],
)
def test_what_is_missing_or_no_number_is_said(command: str, why: str) -> None:
    assert Cluster(nodes=0).etcdctl(f"lease {command}") == f"Error: {why}\n"


def test_leases_are_told_in_other_formats_too() -> None:
    cluster = Cluster(nodes=0)
    made = json.loads(cluster.etcdctl("lease grant 30 -w json"))
    head = ["cluster_id", "member_id", "revision", "raft_term"]
    assert (list(made), made["TTL"]) == ([*head, "ID", "TTL", "Error"], 30)
    number = made["ID"]
    left = json.loads(cluster.etcdctl(f"lease timetolive {number:x} -w json"))
    assert {key: left[key] for key in ("id", "ttl", "granted-ttl")} == {"id": number, "ttl": 30, "granted-ttl": 30}
    assert json.loads(cluster.etcdctl("lease list -w json"))["leases"] == [{"id": number}]
    assert cluster.etcdctl(f"lease keep-alive {number:x} -w fields").splitlines()[-2:] == [
        f'"ID" : {number}',
        '"TTL" : 30',
    ]
