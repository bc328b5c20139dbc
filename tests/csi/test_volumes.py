"""A volume from its claim to its end: made, attached, mounted, moved, made larger, given back."""

from __future__ import annotations

import pytest

from k8snb.csi.calls import methods
from tests.csi.shop import DRIVER, ZONE, Shop, claim, pod, storage_class


def test_a_claim_is_provisioned_bound_attached_and_mounted_when_its_first_pod_is_scheduled() -> None:
    shop = Shop()
    shop.create(claim())
    assert shop.events("data", "WaitForFirstConsumer", "Provisioning") == [
        "WaitForFirstConsumer: waiting for first consumer to be created before binding"
    ]
    shop.create(pod("writer", "data", script="echo kept > /data/file; sleep infinity"))
    name = shop.name_of()
    made = shop.cluster.client.get("persistentvolumeclaims", "data", "default")
    assert name == f"pvc-{made['metadata']['uid']}"
    assert shop.events("data", "Provisioning", "ProvisioningSucceeded") == [
        'Provisioning: External provisioner is provisioning volume for claim "default/data"',
        f"ProvisioningSucceeded: Successfully provisioned volume {name}",
    ]
    assert shop.events("writer", "SuccessfulAttachVolume", "FailedMount") == [
        f'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "{name}" '
    ]
    assert methods(shop.driver.calls) == [
        "CreateVolume", "ControllerPublishVolume", "NodeStageVolume", "NodePublishVolume"
    ]  # fmt: skip
    assert (shop.volumes(), shop.phase("writer")) == (["Bound data"], "Running")


def test_what_a_container_wrote_is_there_after_its_pod_moved_to_another_node() -> None:
    shop = Shop()
    shop.create(claim(), pod("writer", "data", node="node-1", script="echo kept > /data/file; sleep infinity"))
    assert shop.attached() == ["node-1"]
    shop.delete("pods", "writer")
    shop.cluster.advance(10)
    shop.create(pod("reader", "data", node="node-2"))
    assert (shop.attached(), shop.run("reader", "cat /data/file")) == (["node-2"], "kept\n")
    assert methods(shop.driver.calls)[4:] == [
        "NodeUnpublishVolume", "NodeUnstageVolume", "ControllerUnpublishVolume",
        "ControllerPublishVolume", "NodeStageVolume", "NodePublishVolume",
    ]  # fmt: skip


def test_a_volume_for_one_node_is_not_attached_to_a_second_until_the_first_has_let_it_go() -> None:
    shop = Shop()
    shop.create(claim(), pod("first", "data", node="node-1"))
    shop.create(pod("second", "data", node="node-2"))
    told = f'Multi-Attach error for volume "{shop.name_of()}" Volume is already used by pod(s) first'
    assert shop.events("second", "FailedAttachVolume") == [f"FailedAttachVolume: {told}"]
    assert (shop.phase("second"), shop.attached()) == ("Pending", ["node-1"])
    shop.delete("pods", "first")
    shop.cluster.advance(60)
    assert (shop.phase("second"), shop.attached()) == ("Running", ["node-2"])


def test_a_shared_volume_is_attached_wherever_it_is_needed() -> None:
    shop = Shop()
    shop.create(claim("data", "1Gi", "ReadWriteMany"), pod("first", "data", node="node-1"))
    shop.create(pod("second", "data", node="node-2"))
    assert sorted(shop.attached()) == ["node-1", "node-2"]


def test_a_silent_node_keeps_its_volume_for_six_minutes_after_its_pods_are_given_up() -> None:
    shop = Shop()
    shop.create(claim(), pod("first", "data", node="node-1"))
    shop.cluster.stop_kubelet("node-1")
    shop.cluster.advance(60)
    shop.cluster.client.delete("pods", "first", "default", grace=0)
    shop.create(pod("second", "data", node="node-2"))
    shop.cluster.advance(300)
    assert shop.attached() == ["node-1"]
    told = "Volume is already exclusively attached to one node and can't be attached to another"
    assert shop.events("second", "FailedAttachVolume")[0].endswith(told)
    shop.cluster.advance(150)
    assert (shop.attached(), shop.phase("second")) == (["node-2"], "Running")


def test_a_node_that_is_out_of_service_gives_up_its_volumes_at_once() -> None:
    shop = Shop()
    shop.create(claim(), pod("first", "data", node="node-1"))
    shop.cluster.stop_kubelet("node-1")
    shop.cluster.kubectl("taint node node-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    shop.cluster.advance(60)
    shop.create(pod("second", "data", node="node-2"))
    shop.cluster.advance(30)
    assert (shop.attached(), shop.phase("second")) == (["node-2"], "Running")


def test_a_claim_in_use_stays_and_then_takes_its_volume_and_disk_with_it() -> None:
    shop = Shop()
    shop.create(claim(), pod("user", "data"))
    shop.delete("persistentvolumeclaims", "data")
    assert (shop.volumes(), len(shop.driver.disks)) == (["Bound data"], 1)
    shop.delete("pods", "user")
    shop.cluster.advance(60)
    assert (shop.volumes(), shop.driver.disks, shop.attached()) == ([], {}, [])
    assert methods(shop.driver.calls)[-1] == "DeleteVolume"


def test_a_volume_that_is_to_be_kept_is_released_with_its_data() -> None:
    shop = Shop(kind=storage_class(reclaimPolicy="Retain"))
    shop.create(claim(), pod("user", "data", script="echo kept > /data/file; sleep infinity"))
    name = shop.name_of()
    shop.delete("pods", "user")
    shop.delete("persistentvolumeclaims", "data")
    shop.cluster.advance(60)
    assert (shop.volumes(), len(shop.driver.disks)) == (["Released data"], 1)
    free = [{"op": "remove", "path": "/spec/claimRef"}]
    shop.cluster.client.patch("persistentvolumes", name, free, kind="json")
    shop.create(claim("again", volumeName=name), pod("reader", "again"))
    assert shop.run("reader", "cat /again/file") == "kept\n"
    shop.delete("persistentvolumes", name)
    assert shop.volumes() == ["Bound again"]


def test_a_claim_grows_by_its_disk_and_then_by_its_file_system() -> None:
    shop = Shop()
    shop.create(claim(), pod("user", "data"))
    shop.cluster.kubectl('patch pvc data -p {\\"spec\\":{\\"resources\\":{\\"requests\\":{\\"storage\\":\\"5Gi\\"}}}}')
    shop.cluster.settle()
    status = shop.cluster.client.get("persistentvolumeclaims", "data", "default")["status"]
    assert [each["type"] for each in status["conditions"]] == ["FileSystemResizePending"]
    assert (status["capacity"], status["allocatedResourceStatuses"]) == (
        {"storage": "1Gi"},
        {"storage": "NodeResizePending"},
    )
    shop.cluster.advance(70)
    status = shop.cluster.client.get("persistentvolumeclaims", "data", "default")["status"]
    assert (status["capacity"], "conditions" in status) == ({"storage": "5Gi"}, False)
    assert shop.events("data", "ExternalExpanding", "Resizing", "FileSystemResizeRequired") == [
        "ExternalExpanding: waiting for an external controller to expand this PVC",
        f"Resizing: External resizer is resizing volume {shop.name_of()}",
        "FileSystemResizeRequired: Require file system resize of volume on node",
    ]
    assert shop.events("user", "FileSystemResizeSuccessful") != []


def test_a_node_takes_no_more_volumes_than_its_driver_can_attach() -> None:
    shop = Shop(1, limit=1)
    shop.create(claim("one"), claim("two"), pod("first", "one"), pod("second", "two"))
    [told] = shop.events("second", "FailedScheduling")
    assert "0/1 nodes are available: 1 node(s) exceed max volume count." in told
    shop.delete("pods", "first")
    shop.cluster.advance(60)
    assert shop.phase("second") == "Running"


def test_volumes_that_are_still_to_be_made_count_as_well() -> None:
    shop = Shop(1, limit=1)
    shop.create(claim("one"), claim("two"), pod("both", "one", "two"))
    assert (shop.phase("both"), shop.volumes()) == ("Pending", [])


def test_a_volume_is_made_where_its_pod_goes_and_its_next_pod_follows_it() -> None:
    shop = Shop(zones=True, topology=ZONE)
    shop.create(claim(), pod("first", "data", node="node-2"))
    [disk] = shop.driver.disks.values()
    assert disk.place == {ZONE: "zone-2"}
    shop.delete("pods", "first")
    shop.create(pod("second", "data"))
    assert shop.cluster.client.get("pods", "second", "default")["spec"]["nodeName"] == "node-2"
    shop.create(pod("third", "data", node="node-1"))
    assert "didn't match PersistentVolume's node affinity" in shop.events("third", "FailedScheduling")[0]


def test_a_claim_for_one_pod_is_mounted_by_one_pod() -> None:
    shop = Shop(1)
    shop.create(claim("data", "1Gi", "ReadWriteOncePod"), pod("first", "data"))
    shop.create(pod("second", "data"))
    assert "ReadWriteOncePod access mode" in shop.events("second", "FailedScheduling")[0]


def test_an_ephemeral_volume_comes_and_goes_with_its_pod() -> None:
    shop = Shop()
    template = {"spec": claim()["spec"]}
    volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}
    shop.create(pod("user", volumes=[volume]))
    assert (shop.phase("user"), shop.volumes()) == ("Running", ["Bound user-scratch"])
    shop.delete("pods", "user")
    shop.cluster.advance(60)
    assert (shop.volumes(), shop.driver.disks) == ([], {})


def test_a_class_that_does_not_wait_has_its_volumes_made_at_once() -> None:
    shop = Shop(kind=storage_class(volumeBindingMode="Immediate"))
    shop.create(claim())
    assert shop.volumes() == ["Bound data"]


def test_a_fork_has_disks_of_its_own() -> None:
    shop = Shop()
    shop.create(claim(), pod("user", "data"))
    twin = shop.cluster.fork()
    assert [str(each) for each in twin.drivers[DRIVER].calls] == [str(each) for each in shop.driver.calls]
    shop.delete("pods", "user")
    assert len(twin.drivers[DRIVER].calls) < len(shop.driver.calls)


@pytest.mark.parametrize("source", ["PersistentVolumeClaim", "VolumeSnapshot"])
def test_a_copy_has_what_its_source_had_then(source: str) -> None:
    shop = Shop(snapshots=True)
    shop.create(claim(), pod("writer", "data", script="echo old > /data/file; sleep infinity"))
    head = {"apiVersion": "snapshot.storage.k8s.io/v1"}
    client = shop.cluster.client
    kind = {**head, "kind": "VolumeSnapshotClass", "metadata": {"name": "snap"}, "driver": DRIVER}
    client.create("volumesnapshotclasses.snapshot.storage.k8s.io", {**kind, "deletionPolicy": "Delete"})
    of = {"volumeSnapshotClassName": "snap", "source": {"persistentVolumeClaimName": "data"}}
    snapshot = {**head, "kind": "VolumeSnapshot", "metadata": {"name": "before"}, "spec": of}
    client.create("volumesnapshots.snapshot.storage.k8s.io", snapshot, "default")
    shop.cluster.settle()
    group = {"apiGroup": "snapshot.storage.k8s.io"} if source == "VolumeSnapshot" else {}
    given = {"kind": source, "name": "before" if group else "data", **group}
    if group:
        shop.run("writer", "echo new > /data/file")
    shop.create(claim("copy", dataSource=given), pod("reader", "copy"))
    assert shop.run("reader", "cat /copy/file") == "old\n"
    if group:
        ready = shop.cluster.kubectl("get volumesnapshots -o jsonpath={.items[*].status.readyToUse}")
        assert (ready, shop.run("writer", "cat /data/file")) == ("true", "new\n")
        shop.cluster.client.delete("volumesnapshots.snapshot.storage.k8s.io", "before", "default")
        shop.cluster.settle()
        assert shop.driver.snapshots == {}


def test_a_copy_of_nothing_is_refused_with_what_is_missing() -> None:
    shop = Shop(kind=storage_class(volumeBindingMode="Immediate"), snapshots=True)
    given = {"kind": "VolumeSnapshot", "name": "nosuch", "apiGroup": "snapshot.storage.k8s.io"}
    shop.create(claim("copy", dataSource=given))
    assert shop.events("copy", "ProvisioningFailed") == [
        'ProvisioningFailed: failed to provision volume with StorageClass "fast": error getting handle for DataSource '
        "Type VolumeSnapshot by Name nosuch: error getting snapshot nosuch from api server: "
        'volumesnapshots.snapshot.storage.k8s.io "nosuch" not found'
    ]
