from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.controllers.deployment.revisions import REVISION
from k8snb.machinery.objects import annotations_of, condition
from k8snb.typing import Object
from tests.controllers.world import World, deployment, replicaset, template

Image = Callable[[Object], bool]


def sizes(world: World) -> dict[str, int]:
    """The size of each ReplicaSet, by the image of its pods."""
    sets = world.list("replicasets")
    return {rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs["spec"]["replicas"] for rs in sets}


def rolled_out(replicas: int = 3, **spec: Any) -> World:
    """A world with a Deployment of nginx:1 that is complete."""
    world = World(nodes=1)
    world.create(deployment(replicas=replicas, **spec))
    world.run_pods()
    return world


def set_image(world: World, image: str) -> None:
    container = {"name": "web", "image": image, "ports": [{"name": "http", "containerPort": 80}]}
    world.patch("deployments", "web", {"spec": {"template": {"spec": {"containers": [container]}}}})


def status(world: World) -> Object:
    found: Object = world.get("deployments", "web")["status"]
    return found


def progressing(world: World) -> tuple[str, str, str]:
    found = condition(world.get("deployments", "web"), "Progressing")
    assert found is not None
    return found["status"], found["reason"], found["message"]


def broken(image: str) -> Image:
    """Pods of this image never get ready."""
    return lambda pod: pod["spec"]["containers"][0]["image"] != image


def test_a_new_deployment_gets_one_replicaset_and_the_replicaset_its_pods() -> None:
    world = World(nodes=1)
    world.create(deployment())
    (rs,) = world.list("replicasets")
    assert rs["metadata"]["name"].startswith("web-")
    assert rs["metadata"]["labels"]["pod-template-hash"] == rs["metadata"]["name"].removeprefix("web-")
    assert annotations_of(rs) == {
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
        "deployment.kubernetes.io/revision": "1",
    }
    assert [owner["name"] for owner in rs["metadata"]["ownerReferences"]] == ["web"]
    assert len(world.pods()) == 3
    assert annotations_of(world.get("deployments", "web"))[REVISION] == "1"
    assert world.events("ScalingReplicaSet") == [f"Scaled up replica set {rs['metadata']['name']} from 0 to 3"]


def test_a_complete_deployment_says_so() -> None:
    world = rolled_out()
    (rs,) = world.list("replicasets")
    found = status(world)
    assert {k: v for k, v in found.items() if k != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in found["conditions"]] == [
        ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        (
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            f'ReplicaSet "{rs["metadata"]["name"]}" has successfully progressed.',
        ),
    ]


def test_a_rolling_update_replaces_the_pods_step_by_step_and_keeps_the_old_replicaset() -> None:
    world = rolled_out()
    set_image(world, "nginx:2")
    assert sizes(world) == {"nginx:1": 3, "nginx:2": 1}
    world.run_pods()
    assert sizes(world) == {"nginx:1": 0, "nginx:2": 3}
    scalings = [
        message.split(" ", 4)[1] + " " + message.split(" from ")[1] for message in world.events("ScalingReplicaSet")
    ]
    assert scalings == ["up 0 to 3", "up 0 to 1", "down 3 to 2", "up 1 to 2", "down 2 to 1", "up 2 to 3", "down 1 to 0"]
    assert progressing(world)[1] == "NewReplicaSetAvailable"


def test_a_rollout_of_a_broken_image_stalls_and_leaves_the_old_pods_serving() -> None:
    world = rolled_out(progressDeadlineSeconds=60)
    set_image(world, "nginx:broken")
    world.run_pods(ready=broken("nginx:broken"))
    assert sizes(world) == {"nginx:1": 3, "nginx:broken": 1}
    assert status(world)["availableReplicas"] == 3
    assert progressing(world)[:2] == ("True", "ReplicaSetUpdated")
    world.advance(62)
    name = next(rs["metadata"]["name"] for rs in world.list("replicasets") if rs["spec"]["replicas"] == 1)
    assert progressing(world) == (
        "False",
        "ProgressDeadlineExceeded",
        f'ReplicaSet "{name}" has timed out progressing.',
    )
    set_image(world, "nginx:1")
    world.run_pods()
    assert sizes(world) == {"nginx:1": 3, "nginx:broken": 0}
    assert progressing(world)[1] == "NewReplicaSetAvailable"


def test_going_back_to_an_old_template_reuses_its_replicaset_under_a_new_revision() -> None:
    world = rolled_out()
    set_image(world, "nginx:2")
    world.run_pods()
    set_image(world, "nginx:1")
    world.run_pods()
    revisions = {
        rs["spec"]["template"]["spec"]["containers"][0]["image"]: annotations_of(rs) for rs in world.list("replicasets")
    }
    assert revisions["nginx:1"][REVISION] == "3"
    assert revisions["nginx:1"]["deployment.kubernetes.io/revision-history"] == "1"
    assert revisions["nginx:2"][REVISION] == "2"
    assert annotations_of(world.get("deployments", "web"))[REVISION] == "3"


def test_scaling_is_not_a_rollout() -> None:
    world = rolled_out()
    world.patch("deployments", "web", {"spec": {"replicas": 5}})
    world.run_pods()
    (rs,) = world.list("replicasets")
    assert rs["spec"]["replicas"] == 5
    assert annotations_of(rs)["deployment.kubernetes.io/desired-replicas"] == "5"
    assert annotations_of(rs)["deployment.kubernetes.io/max-replicas"] == "7"
    assert annotations_of(rs)[REVISION] == "1"
    assert progressing(world)[1] == "NewReplicaSetAvailable"


def test_scaling_in_the_middle_of_a_rollout_is_spread_in_proportion() -> None:
    world = rolled_out(10, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    set_image(world, "nginx:broken")
    world.run_pods(ready=broken("nginx:broken"))
    assert sizes(world) == {"nginx:1": 8, "nginx:broken": 5}
    world.patch("deployments", "web", {"spec": {"replicas": 15}})
    assert sizes(world) == {"nginx:1": 11, "nginx:broken": 7}


def test_a_paused_deployment_is_scaled_but_not_rolled() -> None:
    world = rolled_out()
    world.patch("deployments", "web", {"spec": {"paused": True}})
    assert progressing(world) == ("Unknown", "DeploymentPaused", "Deployment is paused")
    set_image(world, "nginx:2")
    world.patch("deployments", "web", {"spec": {"replicas": 4}})
    world.run_pods()
    assert sizes(world) == {"nginx:1": 4}
    world.patch("deployments", "web", {"spec": {"paused": None}})
    world.run_pods()
    assert sizes(world) == {"nginx:1": 0, "nginx:2": 4}


def test_recreate_ends_every_old_pod_before_the_first_new_one_starts() -> None:
    world = rolled_out(strategy={"type": "Recreate"})
    set_image(world, "nginx:2")
    assert sizes(world) == {"nginx:1": 0}
    assert len(world.list("pods")) == 3, "they are still ending"
    world.run_pods()
    assert sizes(world) == {"nginx:1": 0, "nginx:2": 3}
    assert len(world.pods()) == 3


def test_only_so_many_old_replicasets_are_kept() -> None:
    world = rolled_out(revisionHistoryLimit=1)
    for image in ("nginx:2", "nginx:3", "nginx:4"):
        set_image(world, image)
        world.run_pods()
    assert sizes(world) == {"nginx:3": 0, "nginx:4": 3}


def test_pods_count_as_available_only_after_min_ready_seconds() -> None:
    world = World(nodes=1)
    world.create(deployment(minReadySeconds=10))
    for pod in world.pods():
        world.bind(pod)
        world.post_pod(pod)
    while world.loop.turn():
        pass
    assert status(world)["readyReplicas"] == 3
    assert "availableReplicas" not in status(world)
    world.settle()
    assert status(world)["availableReplicas"] == 3
    assert progressing(world)[1] == "NewReplicaSetAvailable"


def test_a_replicaset_that_matches_is_adopted_and_one_that_no_longer_does_is_released() -> None:
    world = World(nodes=1)
    world.create(replicaset(replicas=1))
    world.create(deployment(replicas=1))
    (rs,) = world.list("replicasets")
    assert [owner["kind"] for owner in rs["metadata"]["ownerReferences"]] == ["Deployment"]
    world.patch("replicasets", "web", {"metadata": {"labels": {"app": "other"}}})
    adopted = [rs["metadata"].get("ownerReferences") is not None for rs in world.list("replicasets")]
    assert sorted(adopted) == [False, True]


def test_deleting_a_deployment_takes_its_replicasets_and_pods_with_it() -> None:
    world = rolled_out()
    world.delete("deployments", "web")
    world.run_pods()
    assert world.list("replicasets") == []
    assert world.list("pods") == []


def test_when_its_name_is_taken_the_next_replicaset_gets_another() -> None:
    world = World(nodes=1)
    world.create(deployment("probe", template=template("probe")))
    (probe,) = world.list("replicasets")
    hash = probe["metadata"]["name"].removeprefix("probe-")
    world.delete("deployments", "probe")
    world.create(replicaset(f"probe-{hash}", replicas=0))
    world.create(deployment("probe", template=template("probe")))
    names = [rs["metadata"]["name"] for rs in world.list("replicasets")]
    assert len(names) == 2
    assert world.get("deployments", "probe")["status"]["collisionCount"] == 1


def test_each_reconcile_tells_what_it_saw_and_wants() -> None:
    world = rolled_out()
    set_image(world, "nginx:2")
    span = next(span for span in world.spans("deployment-controller")[::-1] if "create" in span.wanted)
    assert span.observed["wanted"] == 3
    assert span.observed["available"] == 3
    assert span.wanted.startswith("no ReplicaSet has this template: create web-")
    assert [sent.code for sent in span.requests] == [201, 201, 200, 200]
