"""A reader at a stepper with a kernel breaks the cluster, goes back, and compares two futures."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.cluster.playing import Playing


@pytest.fixture
def playing() -> Playing:
    cluster = Cluster(nodes=2, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=2")
    cluster.settle()
    made = cluster.stepper("web", about="deployment/web").playing
    assert isinstance(made, Playing)
    return made


def pods(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.client.list("pods", "default")]


def test_a_deleted_pod_is_replaced_and_the_story_goes_on(playing: Playing) -> None:
    first, told = pods(playing.cluster), len(playing.story)
    playing.act({"do": "delete", "object": f"Pod/{first[0]}"})
    assert len(pods(playing.cluster)) == 2
    assert first[0] not in pods(playing.cluster)
    assert "create Pod" in str(playing.story[told:])


def test_a_container_that_crashes_is_started_again(playing: Playing) -> None:
    name = pods(playing.cluster)[0]
    playing.act({"do": "crash", "object": f"Pod/{name}"})
    (status,) = playing.cluster.client.get("pods", name, "default")["status"]["containerStatuses"]
    assert status["restartCount"] == 1


def test_a_node_is_cordoned_and_uncordoned(playing: Playing) -> None:
    playing.act({"do": "cordon", "object": "Node/node-1"})
    assert playing.said == "node/node-1 cordoned"
    playing.act({"do": "cordon", "object": "Node/node-1"})
    assert playing.said == "node/node-1 uncordoned"


def test_the_pods_of_a_node_that_is_cut_off_are_given_up_and_replaced(playing: Playing) -> None:
    before = pods(playing.cluster)
    playing.act({"do": "partition", "object": "Node/node-1"})
    nodes = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in playing.cluster.client.list("pods", "default")}
    assert [nodes[name] for name in nodes if name not in before] == ["node-2"]
    playing.act({"do": "partition", "object": "Node/node-1"})
    assert len(pods(playing.cluster)) == 2


def test_an_edited_manifest_replaces_the_object(playing: Playing) -> None:
    deployment = playing.cluster.client.get("deployments.apps", "web", "default")
    manifest = playing.cluster.kubectl("get deployment web -o yaml").replace("replicas: 2", "replicas: 3", 1)
    playing.act({"do": "apply", "object": "Deployment/web", "manifest": manifest})
    assert playing.said == "deployment.apps/web replaced"
    assert deployment["spec"]["replicas"] == 2
    assert len(pods(playing.cluster)) == 3


def test_what_the_api_refuses_is_said_in_its_words(playing: Playing) -> None:
    playing.act({"do": "delete", "object": "Pod/nobody"})
    assert playing.said == 'pods "nobody" not found'


def test_going_back_stands_still_until_it_is_let_go_on(playing: Playing) -> None:
    told = str(playing.story)
    moment = playing.story[2].revision
    playing.act({"do": "rewind", "revision": moment})
    assert len(playing.story) == 3
    playing.act({"do": "continue"})
    assert str(playing.story) == told


def test_a_fork_has_a_future_of_its_own_that_can_be_compared(playing: Playing) -> None:
    playing.act({"do": "fork", "revision": playing.cluster.revision})
    assert playing.compared() == []
    playing.act({"do": "delete", "object": "Deployment/web", "side": "there"})
    assert len(pods(playing.cluster)) == 2
    assert [row[2] for row in playing.compared()] == ["not there"] * 4
    assert playing.other is not None
    assert "delete Deployment web" in str(playing.other)
