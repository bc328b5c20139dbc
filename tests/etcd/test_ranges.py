"""`etcdctl get` and `del` of ranges, in every order and format; what etcd says that has no members."""

from __future__ import annotations

import base64
import json

import pytest

from k8snb import Cluster


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=0, seed=3, etcd_members=3)
    for key, value in (("/k/b", "2"), ("/k/a", "3"), ("/k/c", "1"), ("/k/a", "3"), ("/l", '"é\\')):
        cluster.etcdctl(f"put {key}", value)
    return cluster


def keys(cluster: Cluster, command: str) -> str:
    return " ".join(cluster.etcdctl(f"get {command} --keys-only").split())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/k/a", "/k/a"),
        ("/k/a /k/c", "/k/a /k/b"),
        ("/k --prefix", "/k/a /k/b /k/c"),
        ("/k/b --from-key", "/k/b /k/c /l /registry"),
        ("/k --prefix --limit 2", "/k/a /k/b"),
        ("/k --prefix --order=descend", "/k/c /k/b /k/a"),
        ("/k --prefix --sort-by=VALUE", "/k/c /k/b /k/a"),
        ("/k --prefix --sort-by=create --limit=1", "/k/b"),
        ("/k --prefix --sort-by=MODIFY --order=DESCEND", "/k/a /k/c /k/b"),
        ("/k --prefix --sort-by=VERSION --order=DESCEND --limit=1", "/k/a"),
    ],
)
def test_keys_are_those_of_the_range_in_the_order_that_is_asked_for(
    cluster: Cluster, command: str, expected: str
) -> None:
    assert keys(cluster, command).partition("/registry")[0].strip() == expected.removesuffix(" /registry")
    assert ("/registry" in keys(cluster, command)) is expected.endswith("/registry")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "get command needs one argument as key and an optional argument as range_end"),
        ("/k --prefix --from-key", "`--prefix` and `--from-key` cannot be set at the same time, choose one"),
        ("/k --keys-only --count-only", "`--keys-only` and `--count-only` cannot be set at the same time, choose one"),
        ("/k /l --prefix", "too many arguments, only accept one argument when `--prefix` or `--from-key` is set"),
        ("/k --count-only", "--count-only is only for `--write-out=fields`"),
        ("/k --print-value-only -w json", "print-value-only is only for `--write-out=simple`"),
        ("/k -w table", "table not supported as output format"),
        ("/k --order=up", "bad sort order up"),
        ("/k --sort-by=size", "bad sort target size"),
    ],
)
def test_what_makes_no_sense_is_refused_as_etcdctl_refuses_it(cluster: Cluster, command: str, why: str) -> None:
    assert cluster.etcdctl(f"get {command}") == f"Error: {why}\n"


def test_an_answer_as_fields_says_who_gave_it_and_when(cluster: Cluster) -> None:
    facts = cluster.etcd.facts(cluster.etcd.leader)
    assert facts is not None
    head = [
        f'"ClusterID" : {int(cluster.etcd.admin.cluster_id, 16)}',
        f'"MemberID" : {int(facts.id, 16)}',
        f'"Revision" : {cluster.revision}',
        f'"RaftTerm" : {facts.term}',
    ]
    count = cluster.etcdctl("get /k --prefix --count-only -w fields").splitlines()
    assert count == [*head, '"More" : false', '"Count" : 3']
    newest = cluster.revision
    assert cluster.etcdctl("get /l -w fields").splitlines() == [
        *head,
        '"Key" : "/l"',
        f'"CreateRevision" : {newest}',
        f'"ModRevision" : {newest}',
        '"Version" : 1',
        '"Value" : "\\"é\\\\"',
        '"Lease" : 0',
        '"More" : false',
        '"Count" : 1',
    ]


def test_an_answer_as_json_leaves_out_what_is_empty(cluster: Cluster) -> None:
    found = json.loads(cluster.etcdctl("get /k --prefix --limit=1 -w json"))
    assert list(found) == ["header", "kvs", "more", "count"]
    assert list(found["header"]) == ["cluster_id", "member_id", "revision", "raft_term"]
    assert (found["more"], found["count"], list(found["kvs"][0])) == (
        True,
        3,
        ["key", "create_revision", "mod_revision", "version", "value"],
    )
    assert base64.b64decode(found["kvs"][0]["value"]) == b"3"
    assert list(json.loads(cluster.etcdctl("get /none -w json"))) == ["header"]
    assert list(json.loads(cluster.etcdctl("get /k/a --keys-only -w json"))["kvs"][0])[-1] == "version"


def test_deletions_are_of_ranges_too() -> None:
    cluster = Cluster(nodes=0)
    for key in ("/k/a", "/k/b", "/k/c", "~1", "~2"):
        cluster.etcdctl(f"put {key} x")
    assert cluster.etcdctl("del /k/a /k/c") == "2\n"
    gone = json.loads(cluster.etcdctl("del ~ --from-key --prev-kv -w json"))
    assert (gone["deleted"], [base64.b64decode(each["key"]) for each in gone["prev_kvs"]]) == (2, [b"~1", b"~2"])
    assert cluster.etcdctl("get /k --prefix --keys-only") == "/k/c\n\n"
    put = cluster.etcdctl("put /k/c y --prev-kv -w fields").splitlines()
    assert (put[4], put[8]) == ('"PrevKey" : "/k/c"', '"PrevValue" : "x"')


def test_an_etcd_without_members_is_compacted_and_has_no_alarm() -> None:
    cluster = Cluster(nodes=0)
    cluster.etcdctl("put /k 1")
    old = cluster.revision
    cluster.etcdctl("put /k 2")
    assert cluster.etcdctl(f"compact {old + 1}") == f"compacted revision {old + 1}\n"
    compacted = "Error: etcdserver: mvcc: required revision has been compacted\n"
    assert (cluster.etcdctl(f"get /k --rev={old}"), cluster.etcdctl(f"compact {old}")) == (compacted, compacted)
    future = "Error: etcdserver: mvcc: required revision is a future revision\n"
    assert cluster.etcdctl(f"compact {old + 9}") == future
    assert cluster.etcdctl("defrag") == "Finished defragmenting etcd member[127.0.0.1:2379]. took 1ms\n"
    assert (cluster.etcdctl("alarm list"), cluster.etcdctl("alarm disarm")) == ("", "")
    assert cluster.fork().etcdctl(f"get /k --rev={old}") == compacted


def test_a_quota_can_be_given_from_the_start() -> None:
    cluster = Cluster(nodes=0, etcd_members=1, quota_backend_bytes=200_000)
    for number in range(40):
        refused = cluster.etcdctl(f"put /k/{number}", "x" * 9_000)
    assert refused == "Error: etcdserver: mvcc: database space exceeded\n"
    assert cluster.etcdctl("endpoint status").split(", ")[7] == "200 kB"
