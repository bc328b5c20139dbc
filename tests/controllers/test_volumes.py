"""Claims get volumes that fit, volumes are given back or kept, and both stay while they are used."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.controllers.serviceaccount import ServiceAccountController
from k8snb.controllers.volumes.controller import PersistentVolumeController
from k8snb.controllers.volumes.ephemeral import EphemeralVolumeController
from k8snb.controllers.volumes.expanding import ExpandController
from k8snb.controllers.volumes.protection import PVCProtectionController, PVProtectionController
from k8snb.typing import Object

from .storage import claim, mounting, volume
from .world import World, pod


def made() -> World:
    kinds = (ServiceAccountController, PersistentVolumeController, EphemeralVolumeController)
    return World(*kinds, ExpandController, PVCProtectionController, PVProtectionController, nodes=1)


def phases(world: World) -> dict[str, str]:
    """Phase and partner of every volume and claim."""
    found = {}
    for each in (*world.list("persistentvolumes", ""), *world.list("persistentvolumeclaims")):
        partner = (each["spec"].get("claimRef") or {}).get("name") or each["spec"].get("volumeName", "")
        found[each["metadata"]["name"]] = f"{each['status']['phase']} {partner}".strip()
    return found


def bound_pair(world: World, **spec: Any) -> None:
    world.create(volume("disk", **spec))
    world.create(claim("data"))
    assert phases(world) == {"disk": "Bound data", "data": "Bound disk"}


def test_a_claim_gets_the_smallest_volume_that_fits_and_both_say_so() -> None:
    world = made()
    for name, size in (("large", "10Gi"), ("small", "1Gi"), ("middle", "3Gi")):
        world.create(volume(name, size))
    world.create(claim("data", "2Gi"))
    assert phases(world) == {"large": "Available", "small": "Available", "middle": "Bound data", "data": "Bound middle"}
    bound, disk = world.get("persistentvolumeclaims", "data"), world.get("persistentvolumes", "middle", "")
    assert bound["metadata"]["annotations"] == {
        "pv.kubernetes.io/bind-completed": "yes",
        "pv.kubernetes.io/bound-by-controller": "yes",
    }
    assert bound["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "3Gi"}}
    assert disk["metadata"]["annotations"] == {"pv.kubernetes.io/bound-by-controller": "yes"}
    reference = disk["spec"]["claimRef"]
    assert (reference["kind"], reference["uid"]) == ("PersistentVolumeClaim", bound["metadata"]["uid"])


@pytest.mark.parametrize(
    "unfit",
    [
        {"size": "500Mi"},
        {"modes": ("ReadWriteMany",)},
        {"storageClassName": "slow"},
        {"volumeMode": "Block"},
        {"labels": {"kind": "other"}},
    ],
)
def test_a_claim_passes_over_what_does_not_fit_and_takes_what_comes_later(unfit: Any) -> None:
    world = made()
    world.create(volume("wrong", **unfit))
    world.create(claim("data", selector={"matchExpressions": [{"key": "kind", "operator": "DoesNotExist"}]}))
    assert phases(world) == {"wrong": "Available", "data": "Pending"}
    nothing = "no persistent volumes available for this claim and no storage class is set"
    assert world.events("FailedBinding") == [nothing]
    world.create(volume("right"))
    assert phases(world)["data"] == "Bound right"


def test_a_volume_with_fewer_access_modes_is_preferred_to_a_smaller_one() -> None:
    world = made()
    world.create(volume("shared", "1Gi", modes=("ReadWriteOnce", "ReadWriteMany")))
    world.create(volume("single", "5Gi"))
    world.create(claim("data"))
    assert phases(world)["data"] == "Bound single"


def test_a_volume_can_be_kept_for_a_claim_and_a_claim_can_name_its_volume() -> None:
    world = made()
    world.create(volume("kept", "5Gi", claimRef={"name": "mine", "namespace": "default"}))
    world.create(volume("free"))
    world.create(claim("other"))
    world.create(claim("mine"))
    assert phases(world) == {"kept": "Bound mine", "free": "Bound other", "other": "Bound free", "mine": "Bound kept"}
    assert "annotations" not in world.get("persistentvolumes", "kept", "")["metadata"]
    world.create(claim("picky", "2Gi", volumeName="chosen"))
    assert phases(world)["picky"] == "Pending chosen"
    world.create(volume("chosen", "3Gi"))
    assert phases(world)["picky"] == "Bound chosen"


def test_a_claim_that_names_a_volume_it_can_not_have_is_told_why() -> None:
    world = made()
    world.create(volume("tiny", "1Mi"))
    world.create(volume("taken", claimRef={"name": "else", "namespace": "default"}))
    world.create(claim("a", volumeName="tiny"))
    world.create(claim("b", volumeName="taken"))
    assert world.events("VolumeMismatch") == ['Cannot bind to requested volume "tiny": requested PV is too small']
    assert world.events("FailedBinding") == ['volume "taken" already bound to a different claim.']


@pytest.mark.parametrize(
    ("spec", "left", "told"),
    [
        ({"persistentVolumeReclaimPolicy": "Retain"}, "Released data", []),
        ({"persistentVolumeReclaimPolicy": "Recycle"}, "Available", []),
        ({"persistentVolumeReclaimPolicy": "Delete"}, None, []),
        (
            {"persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": "/data"}},
            "Failed data",
            ["host_path deleter only supports /tmp/.+ but received provided /data"],
        ),
        (
            {"persistentVolumeReclaimPolicy": "Delete", "nfs": {"server": "s", "path": "/"}},
            "Failed data",
            ['error getting deleter volume plugin for volume "disk": no deletable volume plugin matched'],
        ),
    ],
)
def test_what_becomes_of_a_volume_whose_claim_goes(spec: Any, left: str | None, told: list[str]) -> None:
    world = made()
    bound_pair(world, **spec)
    world.delete("persistentvolumeclaims", "data")
    assert phases(world).get("disk") == left
    assert [event["message"] for event in world.list("events") if event["reason"] == "VolumeFailedDelete"] == told


def test_a_claim_whose_volume_is_torn_away_is_lost() -> None:
    world = made()
    bound_pair(world)
    world.patch("persistentvolumes", "disk", {"metadata": {"finalizers": None}}, "")
    world.delete("persistentvolumes", "disk", "")
    assert phases(world) == {"data": "Lost disk"}
    told = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    assert world.events("ClaimLost") == [told]


def test_a_claim_stays_while_a_pod_on_a_node_mounts_it_and_a_volume_while_a_claim_has_it() -> None:
    world = made()
    bound_pair(world)
    user = world.create(pod("web", volumes=mounting("data")))
    world.bind(user)
    world.settle()
    for resource, name, namespace in (("persistentvolumeclaims", "data", "default"), ("persistentvolumes", "disk", "")):
        world.delete(resource, name, namespace)
    assert phases(world) == {"disk": "Bound data", "data": "Bound disk"}
    world.delete("pods", "web", grace=0)
    assert phases(world) == {}


def test_a_pod_without_a_node_does_not_hold_its_claim() -> None:
    world = made()
    world.create(claim("data"))
    world.create(pod("web", volumes=mounting("data")))
    world.delete("persistentvolumeclaims", "data")
    assert phases(world) == {}


def test_a_claim_says_every_fifteen_seconds_what_it_waits_for() -> None:
    world = made()
    world.create(claim("data"))
    world.advance(46)
    found: list[Object] = [each for each in world.list("events") if each["reason"] == "FailedBinding"]
    assert [each["count"] for each in found] == [4]


def test_a_pod_brings_a_claim_along() -> None:
    world = made()
    world.create(volume("disk"))
    template = {"metadata": {"labels": {"a": "b"}}, "spec": claim("")["spec"]}
    owner = world.create(pod("web", volumes=[{"name": "v", "ephemeral": {"volumeClaimTemplate": template}}]))
    meta = world.get("persistentvolumeclaims", "web-v")["metadata"]
    assert (meta["labels"], meta["ownerReferences"][0]["uid"]) == ({"a": "b"}, owner["metadata"]["uid"])
    assert phases(world)["web-v"] == "Bound disk"


def test_a_claim_that_grows_waits_for_its_driver() -> None:
    world = made()
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "elastic"}}
    world.client.create("storageclasses", {**kind, "provisioner": "csi.example.com", "allowVolumeExpansion": True})
    world.create(volume("disk", storageClassName="elastic"))
    world.create(claim("data", storageClassName="elastic"))
    world.patch("persistentvolumeclaims", "data", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    assert world.events("ExternalExpanding") == ["waiting for an external controller to expand this PVC"]
    assert phases(world)["data"] == "Bound disk"
