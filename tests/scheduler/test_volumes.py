"""Pods go where their volumes are or can be, and say what keeps them from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from k8snb.scheduler.diagnosis import FitError
from k8snb.scheduler.framework import Code
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object
from tests.controllers.storage import mounting
from tests.scheduler.cluster import ControlPlane
from tests.scheduler.world import World, node, pod

LATE = "WaitForFirstConsumer"


def a_class(
    name: str = "late", mode: str = LATE, provisioner: str = "kubernetes.io/no-provisioner", **fields: Any
) -> Object:
    meta = {"name": name}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    return {**kind, "metadata": meta, "provisioner": provisioner, "volumeBindingMode": mode, **fields}


def claim(name: str = "data", volume: str = "", storage_class: str = "late", size: str = "1Gi", **parts: Any) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **parts.pop("spec", {})}
    annotations = {"pv.kubernetes.io/bind-completed": "yes"} if volume else {}
    spec |= {"storageClassName": storage_class, "volumeName": volume}
    meta = {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "annotations": {**annotations, **parts.pop("marks", {})},
    }
    meta |= {"ownerReferences": [parts.pop("owner")]} if "owner" in parts else {}
    status = {"phase": "Bound" if volume else "Pending"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": spec,
        "status": status,
        **parts,
    }


def volume(name: str, on: str = "", size: str = "1Gi", labels: Object | None = None, **spec: Any) -> Object:
    body = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "late", **spec}
    if on:
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [on]}
        body["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    meta = {"name": name, "resourceVersion": "1", "labels": labels or {}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": meta,
        "spec": body,
        "status": {"phase": "Available"},
    }


def world(*storage: Object, pods: Sequence[Object] = (), **how: Any) -> World:
    return World([node("a", **how), node("b", **how)], pods, storage=storage)


def mount(*claims: str, name: str = "p", **spec: Any) -> Object:
    return pod(name, volumes=mounting(*claims), **spec)


def why(where: World, what: Object) -> str:
    with pytest.raises(FitError) as caught:
        where.choose(what)
    return str(caught.value)


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ([], 'persistentvolumeclaim "data" not found'),
        ([claim(storage_class="")], "pod has unbound immediate PersistentVolumeClaims"),
        ([a_class(mode="Immediate"), claim()], "pod has unbound immediate PersistentVolumeClaims"),
        (
            [claim(volume="gone", status={"phase": "Lost"})],
            'persistentvolumeclaim "data" bound to non-existent persistentvolume "gone"',
        ),
    ],
)
def test_a_pod_whose_claims_are_not_ready_fits_nowhere(storage: Sequence[Object], told: str) -> None:
    assert why(world(*storage), mount("data")) == f"0/2 nodes are available: {told}."


def test_a_pod_goes_where_its_volume_can_be_reached() -> None:
    assert world(claim(volume="disk"), volume("disk", on="b")).choose(mount("data")) == "b"
    far = world(claim(volume="disk"), volume("disk", on="c"))
    assert (
        why(far, mount("data")) == "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity."
    )
    gone = 'persistentvolume "disk" not found'
    assert why(world(claim(volume="disk")), mount("data")) == f"0/2 nodes are available: {gone}."


def test_a_claim_that_waits_for_its_pod_gets_a_volume_where_the_pod_goes_and_the_pod_waits_for_it() -> None:
    where = world(a_class(), claim(), volume("on-b", on="b"), volume("large", on="b", size="5Gi"))
    info = PodInfo(mount("data"))
    choice = where.cycle.choose(info)
    assert (choice.node.name, where.cycle.place(info, choice).code) == ("b", Code.WAIT)
    assert where.api.said == [("nominate", "p", "b"), ("give", "on-b", "data")]
    assert list(where.cache.node("b").pods) == [info.uid]  # type: ignore[union-attr]
    assert choice.state is not None
    assert where.cycle.go_on(info, choice.state).code is Code.WAIT


def test_two_claims_do_not_plan_with_the_same_volume() -> None:
    one, two = claim("one"), claim("two")
    lonely = world(a_class(), one, two, volume("x", on="a"))
    told = "2 node(s) didn't find available persistent volumes to bind"
    assert why(lonely, mount("one", "two")) == f"0/2 nodes are available: {told}."
    assert world(a_class(), one, two, volume("x", on="a"), volume("y", on="a")).choose(mount("one", "two")) == "a"


def test_a_class_with_a_provisioner_is_told_the_node_and_its_topology_counts() -> None:
    zone = {"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["b"]}]}
    where = world(a_class(provisioner="csi.example.com", allowedTopologies=[zone]), claim())
    info = PodInfo(mount("data"))
    assert where.cycle.place(info, where.cycle.choose(info)).code is Code.WAIT
    assert where.api.said == [("nominate", "p", "b"), ("select", "data", "b")]


def test_a_claim_for_one_pod_only_turns_the_second_away() -> None:
    exclusive = claim(volume="disk", spec={"accessModes": ["ReadWriteOncePod"]})
    where = world(exclusive, volume("disk"), pods=[mount("data", name="first", node="a")])
    told = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    assert why(where, mount("data")) == f"0/2 nodes are available: 2 {told}."
    assert where.choose(pod("free")) in ("a", "b")


def test_a_volume_of_another_zone_is_out_of_reach_unless_the_node_has_no_zone() -> None:
    labels = {"topology.kubernetes.io/zone": "z1__z2"}
    storage = (claim(volume="disk"), volume("disk", labels=labels))
    told = "2 node(s) had no available volume zone"
    assert why(world(*storage, zone="z3"), mount("data")) == f"0/2 nodes are available: {told}."
    assert world(*storage, zone="z2").choose(mount("data")) in ("a", "b")
    assert world(*storage).choose(mount("data")) in ("a", "b")


def test_a_driver_attaches_no_more_volumes_than_it_can() -> None:
    csi = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "spec": {"drivers": [{"name": "d", "allocatable": {"count": 1}}]},
    }
    full = {**csi, "metadata": {"name": "a"}}
    disks = [volume(name, csi={"driver": "d", "volumeHandle": name}) for name in ("x", "y")]
    claims = [claim("one", "x"), claim("two", "y")]
    where = world(full, *claims, *disks, pods=[mount("one", name="first", node="a")])
    assert where.choose(mount("two")) == "b"
    assert where.choose(mount("one")) in ("a", "b")


def test_a_pod_is_placed_as_soon_as_its_claim_is_bound() -> None:
    plane = ControlPlane([node("a")])
    plane.create(mount("data"))
    plane.settle()
    preempt = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    told = f'0/1 nodes are available: persistentvolumeclaim "data" not found. no new claims to deallocate, {preempt}'
    assert plane.why("p") == f"Unschedulable: {told}"
    made = {**claim(storage_class=""), "spec": {**claim()["spec"], "storageClassName": ""}}
    meta = {"name": "data", "namespace": "default"}
    plane.client.create("persistentvolumeclaims", {**made, "metadata": meta})
    plane.settle()
    told = told.replace('persistentvolumeclaim "data" not found', "pod has unbound immediate PersistentVolumeClaims")
    assert plane.why("p") == f"Unschedulable: {told}"
    disk = volume("disk", hostPath={"path": "/tmp/disk"}, storageClassName="")
    plane.client.create("persistentvolumes", {**disk, "metadata": {"name": "disk"}})
    change = {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": "disk"}}
    plane.client.patch("persistentvolumeclaims", "data", change, "default")
    plane.settle()
    assert plane.node_of("p") == "a"


def test_a_pod_is_bound_to_the_node_for_which_its_volume_was_made() -> None:
    plane = ControlPlane([node("a"), node("b", cpu="4")])
    free = a_class(provisioner="csi.example.com")
    plane.client.create("storageclasses.storage.k8s.io", {**free, "metadata": {"name": free["metadata"]["name"]}})
    plane.client.create("persistentvolumeclaims", {**claim(), "metadata": {"name": "data", "namespace": "default"}})
    plane.create(mount("data"))
    plane.settle()
    found = plane.client.get("persistentvolumeclaims", "data", "default")
    assert (found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"], plane.node_of("p")) == ("a", "")
    plane.create(pod("big", cpu="4", node="a"))
    plane.settle()
    disk = volume("disk", hostPath={"path": "/tmp/disk"})
    plane.client.create("persistentvolumes", {**disk, "metadata": {"name": "disk"}})
    change = {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": "disk"}}
    plane.client.patch("persistentvolumeclaims", "data", change, "default")
    plane.settle()
    assert plane.node_of("p") == "a"


def test_who_waits_too_long_for_volumes_is_tried_again() -> None:
    plane = ControlPlane([node("a")])
    free = a_class(provisioner="csi.example.com")
    plane.client.create("storageclasses.storage.k8s.io", {**free, "metadata": {"name": free["metadata"]["name"]}})
    plane.client.create("persistentvolumeclaims", {**claim(), "metadata": {"name": "data", "namespace": "default"}})
    plane.create(mount("data"))
    plane.advance(599)
    assert plane.why("p") == ""
    plane.advance(1)
    late = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
    assert plane.why("p") == f"SchedulerError: {late}"
