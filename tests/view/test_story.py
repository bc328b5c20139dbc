"""A story has one frame per turn, says who acted because of what, and shows the cluster as it was then."""

from __future__ import annotations

import pytest

from k8snb.view.acts import actor_name
from k8snb.view.scene import scene
from tests.view import tape as make
from tests.view.tape import Tape

SHORT = """\
A story · 4 steps
  1  +0.0 s  @1  you   [○]
       act      create Pod web
  2  +0.0 s  @2  scheduler because of @1   [◐]
       observe  nodes 3, fit 3
       diff     bind it to node-2, the best of 3 nodes
       act      bind Pod web
                  spec.nodeName: ∅ → node-2
       act      event Scheduled: Successfully assigned default/web to node-2
  3  +0.0 s  @3  kubelet node-2 because of @2   [◐]
       observe  containers 1
       diff     make its sandbox and pull the image
       act      event Pulling: Pulling image "nginx"
       act      patch status of Pod web
                  status.containerStatuses[nginx]: ∅ → waiting (ContainerCreating)
  4  +1.5 s  @4  kubelet node-2   [●]
       observe  containers 1, running 1
       diff     report that it runs
       act      event Started: Started container nginx
       act      patch status of Pod web
                  status.phase: Pending → Running
                  status.containerStatuses[nginx].state: waiting (ContainerCreating) → running
                  status.containerStatuses[nginx].ready: ∅ → true
                  status.podIP: ∅ → 10.244.1.7
                  … and 1 more"""


def one_pod() -> Tape:
    tape = Tape()
    cause = tape.write("create", make.pod("web"))
    make.start_pod(tape, make.pod("web"), "node-2", "10.244.1.7", cause)
    return tape


def test_the_life_of_a_pod_reads_as_a_story() -> None:
    assert str(one_pod().story()) == SHORT


def test_every_frame_shows_the_cluster_as_of_its_revision() -> None:
    tape = make.rollout()
    story = tape.story()
    assert len(story) > 40
    assert all(frame.scene == scene(tape.at(frame.revision)) for frame in story)


def test_a_story_begins_after_one_revision_and_ends_with_another() -> None:
    tape = make.rollout()
    told = tape.story(since=10, until=20)
    assert told[0].revision == 11
    assert told[-1].revision == 20
    assert told[0].time == 0


def test_the_same_record_tells_the_same_story() -> None:
    assert make.rollout().story().html() == make.rollout().story().html()


def test_reconciles_that_write_nothing_make_no_frame() -> None:
    tape = one_pod()
    with tape.span("scheduler", "web", 4, "nothing to do"):
        tape.ask("get", make.pod("web"), user=make.SCHEDULER)
    with tape.span("scheduler", "web", 4, "nothing to do"):
        pass
    assert str(tape.story()) == SHORT


def test_a_reader_who_talks_to_a_container_or_changes_nothing_makes_no_frame() -> None:
    tape = one_pod()
    tape.ask("create", make.pod("web"), sub="exec")
    tape.ask("patch", make.pod("web"))
    assert str(tape.story()) == SHORT


def test_a_refused_request_is_told_with_its_code() -> None:
    tape = Tape()
    tape.write("create", make.deployment())
    with tape.span("deployment-controller", "web", 1, "count its pods") as span:
        tape.write("update", make.deployment(), user=make.ACCOUNT + "deployment-controller", sub="status", code=409)
        span.error = "the object has been modified"
    frame = tape.story()[1]
    assert [act.sentence for act in frame.acts] == ["update status of Deployment web → 409"]
    assert frame.error == "the object has been modified"


def test_heartbeats_and_other_namespaces_are_not_told() -> None:
    tape = one_pod()
    tape.write("create", make.node("node-1"), user="system:node:node-1")
    beat = tape.revision
    tape.write("patch", make.node("node-1"), user="system:node:node-1", sub="status")
    elsewhere = make.pod("other")
    tape.ask("create", {**elsewhere, "metadata": {"name": "other", "namespace": "kube-system"}})
    assert [frame.actor for frame in tape.story(since=beat)] == []


def test_about_limits_a_story_to_an_object_and_what_hangs_from_it() -> None:
    tape = make.rollout(1)
    tape.write("create", make.service())
    tape.write("create", make.pod("alone"))
    told = tape.story(about=["deploy/web"])
    shown = {name for frame in told for name in frame.scene}
    assert "Pod/alone" not in shown
    assert "Service/web" not in shown
    assert {frame.lane for frame in told} >= {"you", "deployment-controller", "replicaset-controller", "kubelet"}
    assert [frame.revision for frame in tape.story(about=["pod/alone"])] == [tape.revision]


def test_a_deletion_is_told_as_what_it_is() -> None:
    tape = one_pod()
    last = tape.revision
    tape.write("update", make.ending(tape.get("Pod/web")))
    tape.write("delete", tape.get("Pod/web"), user="system:node:node-2")
    told = tape.story(since=last)
    assert [act.sentence for frame in told for act in frame.acts] == ["update Pod web", "delete Pod web"]
    assert told[0].scene["Pod/web"]["state"] == "ending"
    assert "Pod/web" not in told[1].scene


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("system:node:node-1", "kubelet node-1"),
        ("kubelet/node-1", "kubelet node-1"),
        ("system:serviceaccount:kube-system:replicaset-controller", "replicaset-controller"),
        ("system:kube-scheduler", "scheduler"),
        ("kubernetes-admin", "you"),
        ("jane", "jane"),
    ],
)
def test_actors_have_the_names_that_readers_know(user: str, name: str) -> None:
    assert actor_name(user) == name


def test_what_a_story_is_about_is_in_its_picture_and_of_a_secret_no_value() -> None:
    tape = Tape()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "default"}}
    tape.write("create", {**secret, "data": {"password": "aHVudGVyMg=="}})
    tape.write("create", make.service())
    [frame] = tape.story(about=["secret/key"])
    assert frame.scene == {"Secret/key": {}}
    assert frame.objects["Secret/key"]["data"] == {"password": "7 bytes"}
