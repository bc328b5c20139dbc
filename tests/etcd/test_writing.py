"""Writing past the API server, and what it, its watchers and its controllers make of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster

KEY = "/registry/configmaps/default/a"
MAP = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"},"data":{"x":"%s"}}'


@pytest.fixture(params=[0, 3])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """One whose etcd is alone, and one that has members."""
    return Cluster(nodes=0, seed=3, etcd_members=request.param)


def put(value: str) -> str:
    return f"put {KEY} '{MAP % value}'"


def test_what_is_put_is_what_the_api_shows_and_watchers_are_told(cluster: Cluster) -> None:
    stream = cluster.client.watch("configmaps", "default", since=cluster.revision)
    assert [cluster.etcdctl(put(value)) for value in ("1", "2")] == ["OK\n", "OK\n"]
    assert cluster.etcdctl(f"del {KEY}") == "1\n"
    told = [stream.next() for _ in range(3)]
    assert [(each["type"], each["object"]["data"]["x"]) for each in told] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("DELETED", "2"),
    ]
    cluster.etcdctl(put("3"))
    assert cluster.kubectl("get configmap a -o jsonpath={.data.x}") == "3"
    assert cluster.kubectl("get configmap a").splitlines()[1].split() == ["a", "1", "<unknown>"]


def test_a_deletion_asks_no_finalizer_and_a_controller_makes_up_for_it(cluster: Cluster) -> None:
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.settle()
    cluster.kubectl('patch deployment web -p \'{"metadata":{"finalizers":["example.com/held"]}}\'')
    assert cluster.etcdctl("del /registry/pods/default/ --prefix") == "2\n"
    cluster.settle()
    assert len(cluster.kubectl("get pods -o name").split()) == 2
    assert cluster.etcdctl("del /registry/deployments/default/web") == "1\n"
    cluster.settle()
    assert cluster.kubectl("get deployments,pods") == "No resources found in default namespace.\n"


def test_what_no_api_server_could_read_is_refused(cluster: Cluster) -> None:
    assert cluster.etcdctl(f"put {KEY} nonsense").startswith("Error: ")
    told = cluster.etcdctl(f"put {KEY} '{(MAP % 1).replace('ConfigMap', 'Endpoints')}'")
    assert told == 'Error: no kind "Endpoints" is registered for version "v1" in scheme\n'
    assert cluster.etcdctl(put("1").replace("default/a", "default/b")).startswith("Error: the object is default/a")
    assert cluster.etcdctl(f"get {KEY}") == ""


def test_other_keys_take_any_bytes(cluster: Cluster) -> None:
    before = cluster.revision
    cluster.etcdctl("put /mine/one 1")
    cluster.etcdctl("put /mine/one", "12\n34")
    assert cluster.etcdctl("get /mine --prefix") == "/mine/one\n12\n34\n"
    assert cluster.etcdctl(f"watch /mine --prefix --rev={before}") == "PUT\n/mine/one\n1\nPUT\n/mine/one\n12\n34\n"
    assert cluster.etcdctl("del /mine --prefix --prev-kv") == "1\n/mine/one\n12\n34\n"
    assert cluster.etcdctl("get /mine --prefix") == ""


def test_a_transaction_does_one_thing_or_the_other(cluster: Cluster) -> None:
    asked = 'version("/k") = "0"\n\nput /k first\nput /other "two words"\n\nget /k\ndel /k\n\n'
    assert cluster.etcdctl("txn", asked) == "SUCCESS\n\nOK\n\nOK\n"
    assert cluster.etcdctl("txn", asked) == "FAILURE\n\n/k\nfirst\n\n1\n"
    assert cluster.etcdctl("txn -i", 'value("/other") = "two words"\n\n\n').splitlines()[-1] == "SUCCESS"
    assert cluster.etcdctl("txn", "mod(/k) = 1\n\n\n") == "Error: malformed comparison: mod(/k) = 1\n"


def test_a_fork_has_what_was_put_and_so_has_a_file(cluster: Cluster, tmp_path: Path) -> None:
    cluster.etcdctl(put("1"))
    assert cluster.fork().kubectl("get configmap a -o yaml") == cluster.kubectl("get configmap a -o yaml")
    kept = Cluster(nodes=0, path=tmp_path / "cluster.db")
    kept.etcdctl(put("1"))
    kept.etcdctl("put /mine k8s:enc:1")
    kept = Cluster(path=tmp_path / "cluster.db")
    assert (kept.etcdctl("get /mine"), kept.etcdctl(f"get {KEY} --keys-only")) == ("/mine\nk8s:enc:1\n", f"{KEY}\n\n")


# -- no room -----------------------------------------------------------------------------------------------


@pytest.fixture
def full() -> Cluster:
    """A cluster whose etcd has just run out of room."""
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    facts = cluster.etcd.facts(cluster.etcd.leader)
    assert facts is not None
    cluster.etcd.set_quota(facts.size + 10_000)
    for _ in range(9):
        cluster.kubectl(f"create configmap large --from-literal=x={'y' * 3000}")
        cluster.kubectl("delete configmap large")
    return cluster


def test_without_room_nothing_is_written_and_everybody_says_so(full: Cluster) -> None:
    refused = "etcdserver: mvcc: database space exceeded\n"
    assert full.kubectl("create configmap a") == f"error: failed to create configmap: {refused}"
    assert full.etcdctl("put /mine 1") == f"Error: {refused}"
    number = int(full.etcd.admin.id_of(full.etcd.leader), 16)
    assert full.etcdctl("alarm list") == f"memberID:{number} alarm:NOSPACE \n"
    assert [row.split(", ")[-3] for row in full.etcdctl("endpoint status").splitlines()] == [
        f"memberID:{number} alarm:NOSPACE "
    ] * 3
    assert "Active Alarm(s): NOSPACE" in full.etcdctl("endpoint health")
    assert full.kubectl("get namespaces -o name").startswith("namespace/default")


def test_room_is_made_by_compaction_and_defragmentation_and_then_the_alarm_is_disarmed(full: Cluster) -> None:
    assert full.etcdctl("alarm disarm").count("NOSPACE") == 1
    assert "space exceeded" in full.kubectl("create configmap a")
    full.etcdctl(f"compact {full.revision}")
    full.etcdctl("defrag --cluster")
    assert "space exceeded" in full.kubectl("create configmap a")
    full.etcdctl("alarm disarm")
    assert full.kubectl("create configmap a") == "configmap/a created\n"
    assert (full.etcdctl("alarm list"), full.etcdctl("endpoint health").count("is healthy")) == ("", 3)


def test_an_alarm_outlives_the_process(tmp_path: Path) -> None:
    cluster = Cluster(nodes=0, path=tmp_path / "cluster.db", etcd_members=3)
    cluster.etcd.set_quota("1Ki")
    assert "space exceeded" in cluster.kubectl("create configmap a")
    listed = cluster.etcdctl("alarm list")
    assert Cluster(path=tmp_path / "cluster.db").etcdctl("alarm list") == listed


def decoded(line: str) -> Any:
    return json.loads(line)


def test_changes_are_told_in_other_formats_too(cluster: Cluster) -> None:
    before = cluster.revision + 1
    for command in ("put /k 1", "put /k 2", "del /k"):
        cluster.etcdctl(command)
    watch = f"watch /k --rev={before} --prev-kv"
    assert cluster.etcdctl(watch) == "PUT\n/k\n1\nPUT\n/k\n1\n/k\n2\nDELETE\n/k\n2\n/k\n\n"
    told = decoded(cluster.etcdctl(f"{watch} -w json"))
    assert list(told) == ["Header", "Events", "CompactRevision", "Canceled", "Created"]
    key = {"key": "L2s=", "create_revision": before}
    first, second = (
        {**key, "mod_revision": before + n, "version": n + 1, "value": v} for n, v in enumerate(("MQ==", "Mg=="))
    )
    assert told["Events"] == [
        {"kv": first},
        {"kv": second, "prev_kv": first},
        {"type": 1, "kv": {"key": "L2s=", "mod_revision": before + 2}, "prev_kv": second},
    ]
    fields = cluster.etcdctl(f"watch /k --rev={before + 2} -w fields").splitlines()[4:]
    assert fields[:4] == ['"Type" : DELETE', '"Key" : "/k"', '"CreateRevision" : 0', f'"ModRevision" : {before + 2}']
    assert cluster.etcdctl("watch /k -w json") == ""


def test_a_transaction_is_told_in_other_formats_too(cluster: Cluster) -> None:
    asked = 'version("/t") = "0"\n\nput /t 1\nget /t\ndel /t\n\n\n'
    told = decoded(cluster.etcdctl("txn -w json", asked))
    now = cluster.revision
    assert (list(told), told["succeeded"]) == (["header", "succeeded", "responses"], True)
    kv = {"key": "L3Q=", "create_revision": now - 1, "mod_revision": now - 1, "version": 1, "value": "MQ=="}
    assert [each["Response"] for each in told["responses"]] == [
        {"response_put": {"header": {"revision": now - 1}}},
        {"response_range": {"header": {"revision": now - 1}, "kvs": [kv], "count": 1}},
        {"response_delete_range": {"header": {"revision": now}, "deleted": 1}},
    ]
    fields = cluster.etcdctl("txn -w fields", asked).splitlines()
    assert fields[4:9] == [
        '"Succeeded" : true',
        '"ClusterID" : 0',
        '"MemberID" : 0',
        f'"Revision" : {now + 1}',
        '"RaftTerm" : 0',
    ]
