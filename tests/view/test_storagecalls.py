"""What a storage driver was asked: the table of its calls, and the way of a disk from the claim to the mount."""

from __future__ import annotations

import pytest

from k8snb.errors import StatusError
from tests.csi.shop import Shop, claim, pod


@pytest.fixture(scope="module")
def shop() -> Shop:
    shop = Shop(1)
    shop.create(claim(), pod("user", "data"))
    return shop


def test_the_table_has_each_call_with_its_fields_and_its_answer(shop: Shop) -> None:
    text = str(shop.cluster.csi_calls("pvc/data"))
    handle = next(iter(shop.driver.disks))
    lines = text.splitlines()
    assert lines[0] == "+0.0 s  csi-provisioner → driver-controller: Controller.CreateVolume · 64 bytes"
    assert lines[1:7] == [
        f"     name: {shop.name_of()}",
        "     capacity_range.required_bytes: 1073741824",
        "     volume_capabilities[0].mount.fs_type: ext4",
        "     volume_capabilities[0].access_mode.mode: SINGLE_NODE_MULTI_WRITER",
        "   ← volume.capacity_bytes: 1073741824",
        f"   ← volume.volume_id: {handle}",
    ]
    assert "   ← publish_context.devicePath: /dev/vdb" in lines
    assert "kubelet node-1 → driver-node node-1: Node.NodePublishVolume" in text


def test_without_a_claim_the_questions_about_the_driver_itself_are_there(shop: Shop) -> None:
    methods = [call.method for call in shop.cluster.csi_calls().calls]
    assert methods[:4] == ["Probe", "GetPluginInfo", "GetPluginCapabilities", "ControllerGetCapabilities"]
    assert "NodeGetInfo" in methods


def test_the_story_moves_the_disk_to_its_node_and_into_the_pod(shop: Shop) -> None:
    story = shop.cluster.mounting("data")
    disk = f"Disk/{next(iter(shop.driver.disks))}"
    words = [frame.scene[disk]["word"] for frame in story if disk in frame.scene]
    assert list(dict.fromkeys(words)) == ["made", "attached", "staged", "mounted"]
    assert story[-1].scene[disk]["place"] == "Node/node-1"
    assert [frame.actor for frame in story][:2] == ["csi-provisioner", "driver-controller"]


def test_a_claim_that_was_never_there_is_not_found(shop: Shop) -> None:
    with pytest.raises(StatusError):
        shop.cluster.csi_calls("nosuch")
