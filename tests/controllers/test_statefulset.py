"""Pods with numbers: in order, one at a time, and each the same one after it was replaced."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.controllers.history import data_hash
from k8snb.controllers.statefulset.identity import parent_and_ordinal
from k8snb.machinery.objects import controller_of, is_deleting, labels_of
from k8snb.typing import Object
from tests.controllers.storage import claim
from tests.controllers.world import World, pod, statefulset, template

SLOW = {"ready": lambda pod: False}


def running(replicas: int = 3, **spec: Any) -> World:
    world = World(nodes=1)
    world.create(statefulset(replicas=replicas, **spec))
    world.run_pods()
    return world


def names(world: World) -> list[str]:
    return [each["metadata"]["name"] for each in world.pods()]


def images(world: World) -> dict[str, str]:
    return {each["metadata"]["name"]: each["spec"]["containers"][0]["image"][-1] for each in world.pods()}


def set_image(world: World, image: str) -> None:
    world.client.patch(
        "statefulsets", "web", {"spec": {"template": template(image=image)}}, "default", kind="strategic"
    )
    world.settle()


def scale(world: World, replicas: int) -> None:
    world.patch("statefulsets", "web", {"spec": {"replicas": replicas}})


def data(**policy: str) -> dict[str, Any]:
    """A claim template called `data`, and what becomes of its claims."""
    made = claim("data")
    meta = {"name": "data"}
    return {"volumeClaimTemplates": [{**made, "metadata": meta}], "persistentVolumeClaimRetentionPolicy": policy}


def claim_owners(world: World) -> dict[str, list[str]]:
    claims = world.list("persistentvolumeclaims")
    return {c["metadata"]["name"]: [o["kind"] for o in c["metadata"].get("ownerReferences") or ()] for c in claims}


def test_a_pod_has_its_name_as_host_name_and_labels_that_say_who_it_is() -> None:
    world = running(1)
    (one,) = world.pods()
    update = world.get("statefulsets", "web")["status"]["updateRevision"]
    assert labels_of(one) == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "0",
        "statefulset.kubernetes.io/pod-name": "web-0",
        "controller-revision-hash": update,
    }
    assert (one["spec"]["hostname"], one["spec"]["subdomain"]) == ("web-0", "web")
    assert one["metadata"]["generateName"] == "web-"


def test_the_next_pod_is_made_when_the_one_before_is_ready() -> None:
    world = World(nodes=1)
    world.create(statefulset())
    assert names(world) == ["web-0"]
    world.run_pods(ready=lambda pod: False)
    assert names(world) == ["web-0"]
    world.post_pod(world.pods()[0])
    world.settle()
    assert names(world) == ["web-0", "web-1"]


def test_in_parallel_all_are_made_at_once_and_all_taken_away_at_once() -> None:
    world = World(nodes=1)
    world.create(statefulset(podManagementPolicy="Parallel"))
    assert names(world) == ["web-0", "web-1", "web-2"]
    scale(world, 0)
    assert names(world) == []


def test_scaling_down_takes_the_highest_first_and_waits_until_it_is_gone() -> None:
    world = running()
    scale(world, 0)
    assert names(world) == ["web-0", "web-1"]
    world.run_pods()
    assert names(world) == []
    told = [f"Delete Pod web-{number} in StatefulSet web successful" for number in (2, 1, 0)]
    assert world.events("SuccessfulDelete") == told


def test_ordinals_begin_where_the_set_says() -> None:
    world = running(2, ordinals={"start": 5})
    assert names(world) == ["web-5", "web-6"]
    world.patch("statefulsets", "web", {"spec": {"ordinals": {"start": 6}}})
    world.run_pods()
    assert names(world) == ["web-6", "web-7"]


def test_a_rollout_replaces_the_highest_first_one_at_a_time() -> None:
    world = running()
    set_image(world, "nginx:2")
    assert images(world) == {"web-0": "1", "web-1": "1"}
    world.run_pods(ready=lambda pod: False)
    assert images(world) == {"web-0": "1", "web-1": "1", "web-2": "2"}
    status = world.get("statefulsets", "web")["status"]
    assert (status["currentReplicas"], status["updatedReplicas"], status["readyReplicas"]) == (2, 1, 2)
    assert status["currentRevision"] != status["updateRevision"]
    world.post_pod(world.get("pods", "web-2"))
    world.settle()
    world.run_pods()
    assert images(world) == {"web-0": "2", "web-1": "2", "web-2": "2"}
    status = world.get("statefulsets", "web")["status"]
    assert status == {
        "observedGeneration": 2,
        "replicas": 3,
        "readyReplicas": 3,
        "currentReplicas": 3,
        "updatedReplicas": 3,
        "availableReplicas": 3,
        "currentRevision": status["updateRevision"],
        "updateRevision": status["updateRevision"],
        "collisionCount": 0,
    }


def test_a_broken_rollout_stays_broken_until_the_broken_pod_is_deleted() -> None:
    world = running()
    set_image(world, "nginx:2")
    world.run_pods(ready=lambda pod: False)
    set_image(world, "nginx:1")
    world.run_pods()
    assert images(world) == {"web-0": "1", "web-1": "1", "web-2": "2"}
    world.delete("pods", "web-2")
    world.run_pods()
    assert images(world) == {"web-0": "1", "web-1": "1", "web-2": "1"}


def test_pods_below_the_partition_keep_the_current_revision_even_if_they_are_replaced() -> None:
    world = running(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    set_image(world, "nginx:2")
    world.run_pods()
    world.delete("pods", "web-0")
    world.run_pods()
    assert images(world) == {"web-0": "1", "web-1": "1", "web-2": "2"}


def test_under_on_delete_a_pod_is_updated_when_somebody_deletes_it() -> None:
    world = running(updateStrategy={"type": "OnDelete"})
    set_image(world, "nginx:2")
    world.run_pods()
    world.delete("pods", "web-1")
    world.run_pods()
    assert images(world) == {"web-0": "1", "web-1": "2", "web-2": "1"}


def test_the_field_max_unavailable_is_dropped_as_its_feature_is_off() -> None:
    world = World()
    update = {"partition": 0, "maxUnavailable": 2}
    made = world.create(statefulset(updateStrategy={"type": "RollingUpdate", "rollingUpdate": update}))
    assert made["spec"]["updateStrategy"]["rollingUpdate"] == {"partition": 0}


def test_a_pod_that_ended_is_made_anew() -> None:
    world = running(1)
    (before,) = world.pods()
    world.post_pod(before, ready=False, phase="Succeeded")
    world.settle()
    (after,) = world.pods()
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


def test_a_pod_counts_as_available_when_it_has_been_ready_for_long_enough() -> None:
    world = World(nodes=1)
    world.create(statefulset(replicas=2, minReadySeconds=30))
    (first,) = world.pods()
    world.bind(first)
    world.post_pod(first)
    ready = world.clock.now()
    world.settle()
    assert names(world) == ["web-0", "web-1"]
    assert world.clock.now() == int(ready) + 30


def test_a_template_that_comes_back_gets_the_highest_number_and_old_ones_are_forgotten() -> None:
    world = running(1, revisionHistoryLimit=1)
    for image in ("nginx:2", "nginx:3", "nginx:1", "nginx:4", "nginx:1"):
        set_image(world, image)
        world.run_pods()
    revisions = world.list("controllerrevisions")
    kept = {r["revision"]: r["data"]["spec"]["template"]["spec"]["containers"][0]["image"] for r in revisions}
    assert kept == {5: "nginx:4", 6: "nginx:1"}


def test_a_hash_that_is_taken_by_another_template_counts_as_a_collision() -> None:
    world = World()
    made = world.create(statefulset(replicas=0))
    (revision,) = world.list("controllerrevisions")
    world.delete("statefulsets", "web", propagation="Orphan")
    world.client.delete("controllerrevisions", revision["metadata"]["name"], "default")
    foreign = {"name": revision["metadata"]["name"], "namespace": "default"}
    body = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": foreign, "data": {}, "revision": 1}
    world.client.create("controllerrevisions", body)
    world.create({k: v for k, v in made.items() if k != "status"} | {"metadata": statefulset()["metadata"]})
    status = world.get("statefulsets", "web")["status"]
    assert status["collisionCount"] == 1
    assert status["updateRevision"] != foreign["name"]


def test_a_pod_of_the_right_name_and_labels_is_adopted_and_one_that_loses_its_labels_released() -> None:
    world = World(nodes=1)
    world.create(pod("web-0"))
    world.create(pod("other-0"))
    world.create(statefulset(replicas=1))
    owner = controller_of(world.get("pods", "web-0"))
    assert owner is not None
    assert owner["kind"] == "StatefulSet"
    assert controller_of(world.get("pods", "other-0")) is None
    world.patch("pods", "web-0", {"metadata": {"labels": {"app": "else"}}})
    assert controller_of(world.get("pods", "web-0")) is None


def test_each_pod_has_its_own_claim_which_stays_when_the_pod_goes() -> None:
    world = running(2, **data())
    volumes = {p["metadata"]["name"]: p["spec"]["volumes"][0]["persistentVolumeClaim"] for p in world.pods()}
    assert volumes == {"web-0": {"claimName": "data-web-0"}, "web-1": {"claimName": "data-web-1"}}
    assert world.events("SuccessfulCreate")[:2] == [
        "Create Claim data-web-0 Pod web-0 in StatefulSet web success",
        "Create Pod web-0 in StatefulSet web successful",
    ]
    scale(world, 0)
    world.run_pods()
    assert claim_owners(world) == {"data-web-0": [], "data-web-1": []}
    assert labels_of(world.get("persistentvolumeclaims", "data-web-0")) == {"app": "web"}


def test_claims_go_with_the_set_or_with_the_pod_that_is_too_many_as_the_policy_says() -> None:
    world = running(2, **data(whenDeleted="Delete", whenScaled="Delete"))
    assert claim_owners(world) == {"data-web-0": ["StatefulSet"], "data-web-1": ["StatefulSet"]}
    scale(world, 1)
    assert claim_owners(world) == {"data-web-0": ["StatefulSet"], "data-web-1": ["Pod"]}
    world.run_pods()
    assert claim_owners(world) == {"data-web-0": ["StatefulSet"]}
    world.delete("statefulsets", "web", propagation="Background")
    world.run_pods()
    assert claim_owners(world) == {}


def test_a_claim_that_somebody_else_controls_is_left_alone_with_a_warning() -> None:
    world = World(nodes=1)
    other = world.create(pod("other", app="other"))
    reference = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "other",
        "uid": other["metadata"]["uid"],
        "controller": True,
    }
    made = claim("data-web-0")
    world.client.create(
        "persistentvolumeclaims", {**made, "metadata": {**made["metadata"], "ownerReferences": [reference]}}
    )
    world.create(statefulset(replicas=1, **data(whenDeleted="Delete", whenScaled="Retain")))
    assert claim_owners(world) == {"data-web-0": ["Pod"]}
    (said, *_) = world.events("ConflictingController")
    assert said.startswith("PersistentVolumeClaim data-web-0 has a conflicting OwnerReference")


def test_a_pod_that_is_refused_is_told_about_and_tried_again() -> None:
    world = World(nodes=1)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "default"}}
    world.create({**quota, "spec": {"hard": {"pods": "0"}}})
    world.create(statefulset(replicas=1))
    (said,) = world.events("FailedCreate")
    assert said.startswith(
        'Create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota'
    )
    world.delete("resourcequotas", "none")
    world.advance(60)
    assert names(world) == ["web-0"]


def test_pods_stay_without_an_owner_when_their_set_is_orphaned_and_come_back_to_a_new_one() -> None:
    world = running(2)
    world.delete("statefulsets", "web", propagation="Orphan")
    assert [controller_of(each) for each in world.pods()] == [None, None]
    before = [each["metadata"]["uid"] for each in world.pods()]
    world.create(statefulset(replicas=2))
    assert [each["metadata"]["uid"] for each in world.pods()] == before
    assert all(controller_of(each) is not None for each in world.pods())
    assert len(world.list("controllerrevisions")) == 1


@pytest.mark.parametrize(
    ("name", "parent", "ordinal"),
    [("web-0", "web", 0), ("my-web-12", "my-web", 12), ("web", "", -1), ("web-99999999999", "web", -1)],
)
def test_a_name_says_which_set_and_which_number(name: str, parent: str, ordinal: int) -> None:
    assert parent_and_ordinal(name) == (parent, ordinal)


def test_a_hash_depends_on_the_data_alone_and_on_the_collisions() -> None:
    one: Object = {"spec": {"template": {"a": 1, "b": "<&>"}}}
    assert data_hash(one, 0) == data_hash({"spec": {"template": {"b": "<&>", "a": 1}}}, 0) != data_hash(one, 1)


def test_nothing_is_done_for_a_set_that_is_on_its_way_out() -> None:
    world = running(2)
    world.client.delete("statefulsets", "web", "default", propagation="Foreground")
    world.client.delete("pods", "web-0", "default", grace=0)
    world.settle()
    assert names(world) == []
    assert all(is_deleting(each) for each in world.list("pods"))
