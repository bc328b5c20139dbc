"""`etcdctl lease`: keys that go after a time, or with their lease."""

from __future__ import annotations

import json

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


def test_a_lease_that_ends_without_a_majority_takes_its_keys_when_there_is_one_again() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    cluster.etcdctl(f"put /a 1 --lease={granted(cluster, 30)}")
    cluster.stop("etcd-1")
    cluster.stop("etcd-2")
    assert cluster.etcdctl("lease grant 9") == LOST
    cluster.advance(40)
    cluster.start("etcd-1")
    cluster.advance(10)
    assert cluster.etcdctl("get /a") == ""


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
