"""Pods get the claims that they bring along, and claims lose the users that are gone."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.controllers.garbagecollector import GarbageCollector
from k8snb.controllers.resourceclaims import ResourceClaimController, _base
from k8snb.controllers.serviceaccount import ServiceAccountController
from k8snb.machinery.devices.claims import FINALIZER, TEMPLATES, consumer
from k8snb.typing import Object

from .world import World, pod

CLAIMS = "resourceclaims.resource.k8s.io"
GROUP = {"apiVersion": "resource.k8s.io/v1"}
ASKED = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}]}}
DEVICE = {"request": "gpu", "driver": "gpu.example.com", "pool": "node-1", "device": "gpu-0"}


def made() -> World:
    return World(ServiceAccountController, ResourceClaimController, nodes=1)


def template(**metadata: Any) -> Object:
    meta = {"name": "gpus", "namespace": "default"}
    spec = {"spec": ASKED, **({"metadata": metadata} if metadata else {})}
    return {**GROUP, "kind": "ResourceClaimTemplate", "metadata": meta, "spec": spec}


def claim(name: str = "mine") -> Object:
    return {**GROUP, "kind": "ResourceClaim", "metadata": {"name": name, "namespace": "default"}, "spec": ASKED}


def user(name: str = "p", **claim: str) -> Object:
    wanted = {"name": "gpu", **(claim or {"resourceClaimTemplateName": "gpus"})}
    return pod(name, resourceClaims=[wanted])


def only(world: World) -> Object:
    found = world.list(CLAIMS)
    assert len(found) == 1
    return found[0]


def reserve(world: World, claim: Object, *pods: Object, holds: bool = True) -> None:
    """What the scheduler does."""
    if holds:
        claim = world.patch(CLAIMS, claim["metadata"]["name"], {"metadata": {"finalizers": [FINALIZER]}})
    status = {"allocation": {"devices": {"results": [DEVICE]}}, "reservedFor": [consumer(each) for each in pods]}
    world.client.update_status(CLAIMS, {**claim, "status": status})
    world.settle()


def test_a_claim_is_made_from_the_template_and_named_in_the_pods_status() -> None:
    world = made()
    world.create(template(labels={"app": "x"}, annotations={"why": "because"}))
    owner = world.create(user())
    found, now = only(world), world.get("pods", "p")
    assert now["status"]["resourceClaimStatuses"] == [{"name": "gpu", "resourceClaimName": found["metadata"]["name"]}]
    meta = found["metadata"]
    assert meta["generateName"] == "p-gpu-"
    assert meta["labels"] == {"app": "x"}
    assert meta["annotations"] == {"why": "because", "resource.kubernetes.io/pod-claim-name": "gpu"}
    assert meta["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": owner["metadata"]["uid"], "controller": True,
         "blockOwnerDeletion": True}
    ]  # fmt: skip
    assert found["spec"]["devices"]["requests"][0]["exactly"]["deviceClassName"] == "gpu.example.com"


def test_a_claim_of_that_name_is_not_made() -> None:
    world = made()
    world.create(user(resourceClaimName="mine"))
    assert world.list(CLAIMS) == []


def test_a_missing_template_is_told_and_waited_for() -> None:
    world = made()
    world.create(user())
    assert world.events("FailedResourceClaimCreation")[0] == (
        'PodResourceClaim gpu: resource claim template "gpus": resourceclaimtemplate.resource.k8s.io "gpus" not found'
    )
    world.create(template())
    world.advance(60)
    assert only(world)["metadata"]["generateName"] == "p-gpu-"


def test_a_claim_that_somebody_deleted_is_made_again() -> None:
    world = made()
    world.create(template())
    world.create(user())
    first = only(world)["metadata"]["name"]
    world.delete(CLAIMS, first)
    assert only(world)["metadata"]["name"] != first
    assert world.get("pods", "p")["status"]["resourceClaimStatuses"][0]["resourceClaimName"] != first


@pytest.mark.parametrize("how", ["deleted", "Succeeded", "Failed"])
def test_with_its_last_user_a_claim_loses_its_devices(how: str) -> None:
    world = made()
    world.create(claim())
    first, second = (world.create(user(name, resourceClaimName="mine")) for name in "pq")
    for each in (first, second):
        world.bind(each)
    reserve(world, only(world), first, second)
    assert [each["name"] for each in only(world)["status"]["reservedFor"]] == ["p", "q"]
    for name in "pq":
        if how == "deleted":
            world.delete("pods", name, grace=0)
        else:
            world.client.patch("pods", name, {"status": {"phase": how}}, "default", subresource="status")
        world.settle()
        if name == "p":
            assert [each["name"] for each in only(world)["status"]["reservedFor"]] == ["q"]
            assert "allocation" in only(world)["status"]
    assert only(world)["status"] == {}
    assert "finalizers" not in only(world)["metadata"]


def test_a_claim_made_for_a_pod_goes_when_the_pod_has_finished() -> None:
    world = made()
    world.create(template())
    world.create(user())
    world.client.patch("pods", "p", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
    world.settle()
    assert world.list(CLAIMS) == []


def test_a_claim_made_for_a_pod_goes_with_it() -> None:
    world = World(ServiceAccountController, ResourceClaimController, GarbageCollector, nodes=1)
    world.create(template())
    world.bind(world.create(user()))
    reserve(world, only(world), world.get("pods", "p"))
    world.delete("pods", "p", grace=0)
    world.settle()
    assert world.list(CLAIMS) == []


def test_a_claim_that_is_deleted_while_in_use_stays_until_nobody_uses_it() -> None:
    world = made()
    world.create(claim())
    owner = world.create(user(resourceClaimName="mine"))
    world.bind(owner)
    reserve(world, only(world), owner)
    world.delete(CLAIMS, "mine")
    assert "deletionTimestamp" in only(world)["metadata"]
    world.delete("pods", "p", grace=0)
    assert world.list(CLAIMS) == []


def test_who_puts_a_pod_on_a_node_without_the_scheduler_gets_its_claim_reserved() -> None:
    world = made()
    world.create(claim())
    reserve(world, only(world))
    world.create(
        {**user(resourceClaimName="mine"), "spec": {**user(resourceClaimName="mine")["spec"], "nodeName": "node-1"}}
    )
    assert [each["name"] for each in only(world)["status"]["reservedFor"]] == ["p"]


def test_long_names_are_cut_alike() -> None:
    assert _base("web", "gpu") == "web-gpu-"
    assert _base("p" * 60, "c" * 40) == "p" * 33 + "-" + "c" * 22


def test_templates_are_served() -> None:
    assert made().list(TEMPLATES) == []
