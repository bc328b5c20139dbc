"""What members say to each other, told message by message; and the promises that each message is held against."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.etcd.tape import BrokenPromise
from k8snb.raft.messages import Entry


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=0, seed=3, etcd_members=3)


def told(cluster: Cluster, since: int) -> list[tuple[str, str, str]]:
    return [(f.actor, f.subject, f.acts[0].to if f.acts else "") for f in cluster.etcd.stepper(since=since)]


def test_a_write_is_proposed_appended_by_a_majority_and_committed(cluster: Cluster) -> None:
    since, leader = cluster.etcd.said, cluster.etcd.leader
    first, second = (name for name in cluster.etcd.members if name != leader)
    cluster.kubectl("create namespace a")
    assert told(cluster, since)[:7] == [
        ("kube-apiserver", "proposal", leader),
        (leader, "append", first),
        (leader, "append", second),
        (first, "appended", leader),
        (second, "appended", leader),
        (leader, "append", first),
        (leader, "append", second),
    ]


def test_an_election_asks_twice_and_what_the_dead_are_told_reaches_nobody(cluster: Cluster) -> None:
    since, before = cluster.etcd.said, cluster.etcd.leader
    cluster.stop(before)
    cluster.settle()
    story, leader = cluster.etcd.stepper(since=since), cluster.etcd.leader
    assert [f.subject for f in story][:8] == [
        *("killed", "timeout", "pre-vote", "pre-vote", "pre-voted", "vote", "vote", "voted"),
    ]
    assert {f.error for f in story if f.acts and f.acts[0].to == before} == {f"{before} does not hear it"}
    words = [story[-1].scene[f"Member/{name}"]["word"] for name in (leader, before)]
    assert words == ["leader (2)", "down"]
    assert story[-1].scene[f"Log/{leader}"]["word"] == "19 (19 ✓)"
    assert [each[1:] for each in story[-1].compared] == [("holds", "holds")] * 4


def test_of_a_member_that_does_not_run_its_log_is_still_there(cluster: Cluster) -> None:
    since, before = cluster.etcd.said, cluster.etcd.leader
    cluster.kubectl("create namespace a")
    cluster.stop(before)
    story = cluster.etcd.stepper(since=since)
    logs = [f.scene[f"Log/{before}"]["word"] for f in story if f.subject in ("appended", "killed")]
    assert (logs[0], logs[-1]) == ("19 (19 ✓)", "19")


def test_messages_are_at_no_revision_of_the_cluster(cluster: Cluster) -> None:
    since, before = cluster.etcd.said, cluster.etcd.leader
    cluster.stop(before)
    cluster.settle()
    story = cluster.etcd.stepper(since=since)
    assert f"  1  +0.0 s  {before}\n" in str(story)
    assert f"<strong>{before} · +0.0 s</strong>" in story.html()


def test_heartbeats_are_told_to_those_who_ask(cluster: Cluster) -> None:
    since = cluster.etcd.said
    cluster.kubectl("get namespaces")
    assert len(cluster.etcd.stepper(since=since)) == 0
    assert [f.subject for f in cluster.etcd.stepper(since=since, heartbeats=True)][:2] == ["heartbeat", "heartbeat"]


def test_a_broken_promise_is_an_error_at_once(cluster: Cluster) -> None:
    tape = cluster.etcd.admin.ensemble.tape
    with pytest.raises(BrokenPromise, match=r"^state machine safety: index 3 is applied twice"):
        tape.applies(Entry(7, 3))
