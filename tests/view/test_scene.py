"""A scene says what is there at one revision, in kubectl's words."""

from __future__ import annotations

import pytest

from k8snb.typing import Object
from k8snb.view.scene import difference, natural, node_item, pod_state, pod_word, related, scene
from tests.view import tape as make
from tests.view.tape import Tape

POD = make.pod("p")
PLACED = make.bound(POD, "node-1")


def ended(code: int, reason: str, phase: str) -> Object:
    state = {"terminated": {"exitCode": code, "reason": reason}}
    return {**PLACED, "status": {"phase": phase, "containerStatuses": [{"name": "c", "state": state}]}}


@pytest.mark.parametrize(
    ("pod", "state", "word"),
    [
        (POD, "pending", "Pending"),
        (PLACED, "starting", "Pending"),
        (make.creating(PLACED), "starting", "ContainerCreating"),
        (make.creating(PLACED, "ErrImagePull"), "failing", "ErrImagePull"),
        (make.creating(PLACED, "ImagePullBackOff"), "failing", "ImagePullBackOff"),
        (make.creating(PLACED, "CrashLoopBackOff"), "failing", "CrashLoopBackOff"),
        (make.creating(PLACED, "CreateContainerConfigError"), "failing", "CreateContainerConfigError"),
        (make.running(PLACED, "10.0.0.1", ready=False), "unready", "Running"),
        (make.running(PLACED, "10.0.0.1"), "ready", "Running"),
        (make.ending(make.running(PLACED, "10.0.0.1")), "ending", "Terminating"),
        (ended(0, "Completed", "Succeeded"), "done", "Completed"),
        (ended(1, "Error", "Failed"), "failing", "Error"),
        (ended(137, "OOMKilled", "Running"), "failing", "OOMKilled"),
    ],
)
def test_a_pod_has_a_state_and_kubectls_word_for_it(pod: Object, state: str, word: str) -> None:
    assert (pod_state(pod), pod_word(pod)) == (state, word)


def test_a_scene_shows_who_belongs_to_whom_and_where_pods_run() -> None:
    tape = Tape()
    tape.write("create", make.node("node-1"))
    web = make.deployment(replicas=2)
    tape.write("create", web)
    rs = make.replica_set(web, "5d4f", 1, 2)
    tape.write("create", rs)
    placed = make.running(make.bound(make.pod("web-5d4f-a", rs), "node-1"), "10.244.0.1")
    tape.write("create", placed)
    door = make.service()
    tape.write("create", door)
    tape.write("create", make.endpoint_slice(door, placed))
    shown = scene(tape.at(tape.revision))
    assert shown["Deployment/web"]["facts"][0] == ["wanted", "2"]
    assert shown["ReplicaSet/web-5d4f"]["parent"] == "Deployment/web"
    assert shown["ReplicaSet/web-5d4f"]["generation"] == 1
    assert shown["Pod/web-5d4f-a"] == {
        "parent": "ReplicaSet/web-5d4f",
        "generation": 1,
        "state": "ready",
        "word": "Running",
        "in": ["EndpointSlice/web-x7k2p"],
        "place": "Node/node-1",
        "facts": [["address", "10.244.0.1"], ["image", "nginx:1.14.2"]],
    }
    assert shown["EndpointSlice/web-x7k2p"]["parent"] == "Service/web"
    assert shown["Node/node-1"] == {}


def test_a_pod_without_a_node_waits_nowhere() -> None:
    tape = Tape()
    tape.write("create", POD)
    assert scene(tape.at(1))["Pod/p"]["place"] == "Node/"


def test_empty_nodes_are_shown_while_they_are_few() -> None:
    tape = Tape()
    for number in range(1, 8):
        tape.write("create", make.node(f"node-{number}"))
    assert list(scene(tape.at(3))) == ["Node/node-1", "Node/node-2", "Node/node-3"]
    assert scene(tape.at(7)) == {}
    tape.write("create", PLACED)
    assert list(scene(tape.at(8))) == ["Pod/p", "Node/node-1"]


def test_names_with_numbers_sort_as_people_count() -> None:
    nodes = [make.node(f"node-{number}") for number in (10, 9, 1)]
    assert [each["metadata"]["name"] for each in sorted(nodes, key=natural)] == ["node-1", "node-9", "node-10"]


def test_a_node_says_what_is_wrong_with_it() -> None:
    assert node_item(make.node("n")) == {}
    assert node_item(make.node("n", ready=False))["word"] == "NotReady"
    assert node_item(make.node("n", cordoned=True))["word"] == "Ready,SchedulingDisabled"


def test_a_stalled_deployment_says_why() -> None:
    tape = Tape()
    stalled = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    tape.write("create", {**make.deployment(), "status": {"conditions": [stalled]}})
    assert scene(tape.at(1))["Deployment/web"]["word"] == "ProgressDeadlineExceeded"


def test_an_image_is_called_by_its_last_name() -> None:
    tape = Tape()
    tape.write("create", make.pod("p", image="registry.k8s.io/e2e-test-images/agnhost:2.53"))
    assert ["image", "agnhost:2.53"] in scene(tape.at(1))["Pod/p"]["facts"]


def test_a_service_says_how_it_is_reached_from_outside() -> None:
    tape = Tape()
    ports = [{"port": 80, "targetPort": 9376, "nodePort": 30007}]
    spec = {"type": "LoadBalancer", "clusterIP": "10.96.0.7", "ports": ports}
    status = {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}, {"hostname": "lb.example.com"}]}}
    tape.write("create", {**make.service("web"), "spec": spec, "status": status})
    assert scene(tape.at(1))["Service/web"]["facts"] == [
        ["type", "LoadBalancer"],
        ["address", "10.96.0.7"],
        ["port", "80→9376"],
        ["node port", "30007"],
        ["external IP", "198.51.100.7, lb.example.com"],
    ]


def test_the_api_servers_own_service_is_not_shown() -> None:
    tape = Tape()
    tape.write("create", make.service("kubernetes"))
    tape.write("create", make.service("web"))
    assert list(scene(tape.at(2))) == ["Service/web"]


def test_a_scene_and_the_difference_to_the_next_give_the_next() -> None:
    tape = make.rollout()
    before = scene(tape.at(0))
    for revision in range(1, tape.revision + 1):
        after = scene(tape.at(revision))
        changed, gone = difference(before, after)
        assert {name: item for name, item in {**before, **changed}.items() if name not in gone} == after
        before = after


def test_related_is_everything_that_hangs_from_an_object() -> None:
    tape = make.rollout(1)
    tape.write("create", make.service("other"))
    scenes = [scene(tape.at(revision)) for revision in range(tape.revision + 1)]
    found = related(scenes, ["Deployment/web"])
    assert {name.split("/")[0] for name in found} == {"Deployment", "ReplicaSet", "Pod"}
    assert len([name for name in found if name.startswith("ReplicaSet/")]) == 2
