"""The quota controller: what a namespace uses is known, counted at once and counted out again."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.controllers.replicaset import ReplicaSetController
from k8snb.controllers.resourcequota import ResourceQuotaController
from k8snb.controllers.serviceaccount import ServiceAccountController
from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, config_map, pod, replicaset


def made() -> World:
    return World(ServiceAccountController, ReplicaSetController, ResourceQuotaController)


def quota(**hard: str) -> Object:
    meta = {"name": "q", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": hard}}


def used(world: World) -> Object:
    found: Object = world.get("resourcequotas", "q")["status"]["used"]
    return found


def test_a_new_quota_counts_what_is_there() -> None:
    world = made()
    world.create(config_map("a"))
    world.create(quota(configmaps="3", pods="1"))
    assert world.get("resourcequotas", "q")["status"] == {
        "hard": {"configmaps": "3", "pods": "1"},
        "used": {"configmaps": "1", "pods": "0"},
    }


def test_what_goes_is_counted_out_and_a_pod_that_has_ended_too() -> None:
    world = made()
    world.create(quota(configmaps="3", pods="2"))
    world.create(config_map("a"))
    ended = world.create(pod("a"))
    world.create(pod("b"))
    assert used(world) == {"configmaps": "1", "pods": "2"}
    world.delete("configmaps", "a")
    world.post_pod(ended, phase="Succeeded")
    world.settle()
    assert used(world) == {"configmaps": "0", "pods": "1"}


def test_a_write_that_failed_after_it_was_counted_is_counted_out_within_five_minutes() -> None:
    world = made()
    world.create(quota(configmaps="3"))
    world.create(config_map("a"))
    with pytest.raises(StatusError, match="already exists"):
        world.create(config_map("a"))
    assert used(world) == {"configmaps": "2"}
    world.advance(301)
    assert used(world) == {"configmaps": "1"}


def test_a_replicaset_makes_what_fits_says_why_no_more_and_goes_on_when_there_is_room() -> None:
    world = made()
    world.create(quota(pods="2"))
    world.create(replicaset("web", 3))
    assert (len(world.pods()), used(world)) == (2, {"pods": "2"})
    condition = world.get("replicasets", "web")["status"]["conditions"][0]
    told = "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert condition["message"].endswith(f"is forbidden: {told}")
    assert {message.partition(" is forbidden: ")[2] for message in world.events("FailedCreate")} == {told}
    world.patch("resourcequotas", "q", {"spec": {"hard": {"pods": "5"}}})
    world.advance(1000)
    assert (len(world.pods()), used(world)) == (3, {"pods": "3"})


def test_a_limit_that_is_taken_away_is_not_counted_any_more() -> None:
    world = made()
    world.create(quota(configmaps="3", secrets="3"))
    world.patch("resourcequotas", "q", {"spec": {"hard": {"secrets": None}}})
    assert world.get("resourcequotas", "q")["status"] == {"hard": {"configmaps": "3"}, "used": {"configmaps": "0"}}


@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_what_a_resized_container_gives_back_is_counted_out_when_its_kubelet_says_so(field: str) -> None:
    cluster = Cluster(1, seed=1)
    cluster.kubectl("create quota q --hard=requests.cpu=4")
    wanted = {"image": "nginx", "resources": {"requests": {"cpu": "1"}}}
    spec = {
        "containers": [{**wanted, "name": "c"}],
        "initContainers": [{**wanted, "name": "s", "restartPolicy": "Always"}],
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    cluster.client.create("pods", body, "default")
    cluster.advance(10)
    less = {"name": spec[field][0]["name"], "resources": {"requests": {"cpu": "250m"}}}
    cluster.client.patch("pods", "p", {"spec": {field: [less]}}, "default", subresource="resize")
    cluster.advance(5)
    assert cluster.client.get("resourcequotas", "q", "default")["status"]["used"] == {"requests.cpu": "1250m"}
