from __future__ import annotations

from k8snb.clock import VirtualClock
from k8snb.controllers.expectations import TIMEOUT_SECONDS, Expectations
from k8snb.controllers.replicaset import count_available, slow_start
from k8snb.machinery.objects import condition
from k8snb.typing import Object, ObjectKey
from tests.controllers.world import World, deployment, pod, replicaset

KEY = ObjectKey("default", "web")


def running(replicas: int = 3) -> World:
    world = World(nodes=1)
    world.create(replicaset(replicas=replicas))
    world.run_pods()
    return world


def test_a_replicaset_makes_as_many_pods_as_wanted_from_its_template() -> None:
    world = World()
    rs = world.create(replicaset())
    made = world.pods()
    assert len(made) == 3
    (one, *_) = made
    assert one["metadata"]["name"].startswith("web-")
    assert one["metadata"]["labels"] == {"app": "web"}
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": rs["metadata"]["uid"]}
    assert one["metadata"]["ownerReferences"] == [{**reference, "controller": True, "blockOwnerDeletion": True}]
    assert world.events("SuccessfulCreate") == [f"Created pod: {name}" for name in _names_by_age(world)]


def _names_by_age(world: World) -> list[str]:
    pods = sorted(world.pods(), key=lambda pod: int(pod["metadata"]["resourceVersion"]))
    return [pod["metadata"]["name"] for pod in pods]


def test_pods_of_one_replicaset_share_what_they_have_in_common() -> None:
    world = World()
    world.create(replicaset())
    first, second, third = world.pods()
    assert first["spec"] is second["spec"] is third["spec"]
    assert first["metadata"]["labels"] is third["metadata"]["labels"]


def test_a_deleted_pod_is_replaced() -> None:
    world = running()
    lost = world.pods()[0]["metadata"]["name"]
    world.delete("pods", lost)
    assert len(world.pods()) == 3
    assert world.get("replicasets", "web")["status"]["terminatingReplicas"] == 1
    world.run_pods()
    assert lost not in [each["metadata"]["name"] for each in world.list("pods")]
    assert world.get("replicasets", "web")["status"]["terminatingReplicas"] == 0


def test_a_pod_that_has_failed_is_replaced() -> None:
    world = running()
    world.post_pod(world.pods()[0], ready=False, phase="Failed")
    world.settle()
    assert sorted(each["status"]["phase"] for each in world.pods()) == ["Failed", "Pending", "Running", "Running"]


def test_scaling_down_deletes_the_surplus_the_unready_first() -> None:
    world = running()
    doomed = world.pods()[1]
    world.post_pod(doomed, ready=False)
    world.settle()
    world.patch("replicasets", "web", {"spec": {"replicas": 2}})
    assert doomed["metadata"]["name"] not in [each["metadata"]["name"] for each in world.pods()]
    assert world.events("SuccessfulDelete") == [f"Deleted pod: {doomed['metadata']['name']}"]
    world.run_pods()
    assert world.get("replicasets", "web")["status"] == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "terminatingReplicas": 0,
        "observedGeneration": 2,
    }


def test_a_matching_pod_that_nobody_controls_is_adopted() -> None:
    world = World()
    world.create(pod("stray"))
    world.create(replicaset())
    assert len(world.pods()) == 3
    assert world.get("pods", "stray")["metadata"]["ownerReferences"][0]["name"] == "web"
    world.create(pod("late"))
    assert len(world.pods()) == 3, "one too many was deleted"


def test_a_pod_that_no_longer_matches_is_released_and_replaced() -> None:
    world = running()
    quarantined = world.pods()[0]["metadata"]["name"]
    world.patch("pods", quarantined, {"metadata": {"labels": {"app": "quarantine"}}})
    assert "ownerReferences" not in world.get("pods", quarantined)["metadata"]
    assert len(world.pods("app=web")) == 3
    assert len(world.pods()) == 4
    world.patch("pods", quarantined, {"metadata": {"labels": {"app": "web"}}})
    assert len(world.pods()) == 3, "taken back, it is one too many"


def test_a_refused_pod_is_reported_and_tried_again() -> None:
    world = World()
    world.create({**replicaset(), "spec": {**replicaset()["spec"], "template": _with_missing_account()}})
    found = condition(world.get("replicasets", "web"), "ReplicaFailure")
    assert found is not None
    assert (found["reason"], found["status"]) == ("FailedCreate", "True")
    assert "absent" in found["message"]
    assert world.events("FailedCreate") == [f"Error creating: {found['message']}"]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "absent", "namespace": "default"}}
    world.create(account)
    world.advance(2000)
    assert len(world.pods()) == 3
    assert condition(world.get("replicasets", "web"), "ReplicaFailure") is None


def _with_missing_account() -> Object:
    template = replicaset()["spec"]["template"]
    return {**template, "spec": {**template["spec"], "serviceAccountName": "absent"}}


def test_after_a_refusal_no_larger_batch_is_tried() -> None:
    assert list(slow_start(10)) == [1, 2, 4, 3]
    assert list(slow_start(0)) == []


def test_pods_are_counted_as_available_when_they_have_been_ready_for_long_enough() -> None:
    def ready(since: str) -> Object:
        return {"status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": since}]}}

    clock = VirtualClock()
    pods = [ready("2026-01-01T00:00:00Z"), ready("2025-12-31T23:59:55Z"), ready("2025-12-31T23:59:50Z"), {"status": {}}]
    assert count_available(pods, 10, clock.now()) == (1, 5.0)
    assert count_available(pods, 0, clock.now()) == (3, None)


def test_deleting_a_replicaset_takes_its_pods_unless_they_are_to_stay() -> None:
    world = running()
    world.delete("replicasets", "web", propagation="Orphan")
    assert len(world.pods()) == 3
    assert all("ownerReferences" not in each["metadata"] for each in world.pods())
    world.create(replicaset())
    assert all("ownerReferences" in each["metadata"] for each in world.pods())
    world.delete("replicasets", "web")
    world.run_pods()
    assert world.list("pods") == []


def test_replicasets_of_one_deployment_give_up_pods_where_there_are_many_of_them() -> None:
    world = World(nodes=2)
    world.create(deployment(replicas=3))
    first, second, third = world.pods()
    for each, node in ((first, "node-1"), (second, "node-2"), (third, "node-2")):
        world.bind(each, node)
        world.post_pod(each)
    world.settle()
    world.patch("deployments", "web", {"spec": {"replicas": 2}})
    left = sorted(each["spec"]["nodeName"] for each in world.pods())
    assert left == ["node-1", "node-2"]


def test_what_was_asked_for_is_waited_for_but_not_for_ever() -> None:
    clock = VirtualClock()
    expected = Expectations(clock)
    assert expected.satisfied(KEY)
    expected.expect_creations(KEY, 2)
    expected.created(KEY)
    assert not expected.satisfied(KEY)
    assert expected.pending(KEY) == 1
    expected.created(KEY)
    assert expected.satisfied(KEY)
    expected.expect_deletions(KEY, ["a", "b"])
    expected.deleted(KEY, "a")
    expected.deleted(KEY, "a")
    assert not expected.satisfied(KEY), "the same deletion counts once"
    clock.advance_to(clock.now() + TIMEOUT_SECONDS + 1)
    assert expected.satisfied(KEY)
    expected.forget(KEY)
    assert expected.pending(KEY) == 0


def test_a_reconcile_that_waits_for_its_own_pods_does_not_create_them_again() -> None:
    world = running(5)
    assert len(world.list("pods")) == 5
    created = [span.wanted for span in world.spans("replicaset-controller") if "create 5" in span.wanted]
    assert len(created) == 1
