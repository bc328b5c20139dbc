"""Clients of a served cluster wait by the clock: for a majority, or until their time is up."""

from __future__ import annotations

from k8snb import Cluster
from k8snb.cluster.stalling import attend
from k8snb.serving.console import answer
from k8snb.wire import Request, Response, User

ADMIN = User("kubernetes-admin", ("system:masters",))


def asked(cluster: Cluster, method: str, path: str, body: bytes = b"") -> list[int]:
    """The code of the answer, once there is one."""
    codes: list[int] = []

    def then(response: Response) -> None:
        codes.append(response.code)

    headers = {"content-type": "application/json"}
    attend(cluster, Request(method, path, {}, headers, body, user=ADMIN), then)
    return codes


def test_a_request_is_answered_as_soon_as_there_is_a_majority() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    for name in ("etcd-2", "etcd-3"):
        assert answer(cluster, f"stop {name}") == ""
    cluster.advance(5)
    read = asked(cluster, "GET", "/api/v1/namespaces")
    write = asked(cluster, "POST", "/api/v1/namespaces", b'{"metadata": {"name": "a"}}')
    at_once = asked(cluster, "GET", "/version")
    cluster.advance(3)
    assert (read, write, at_once) == ([], [], [200])
    answer(cluster, "start etcd-2")
    cluster.advance(3)
    assert (read, write) == ([200], [201])


def test_a_request_whose_time_is_up_is_refused() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=1)
    answer(cluster, "stop etcd")
    read = asked(cluster, "GET", "/api/v1/namespaces")
    write = asked(cluster, "POST", "/api/v1/namespaces", b'{"metadata": {"name": "a"}}')
    cluster.advance(1)
    assert (read, write) == ([], [500])
    cluster.advance(60)
    assert read == [504]


def test_the_console_knows_what_it_is_told() -> None:
    cluster = Cluster(nodes=0, seed=3, etcd_members=1)
    assert answer(cluster, "etcdctl version\n") == "etcdctl version: 3.6.0\nAPI version: 3.6\n"
    assert answer(cluster, "stop nobody").startswith("no process nobody runs here")
    assert answer(cluster, "dance").startswith("commands are: ")
