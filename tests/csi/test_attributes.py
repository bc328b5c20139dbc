"""What a class of attributes makes of a disk, now and later, and where there is room for one."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.csi.shop import DRIVER, ZONE, Shop, claim, pod, storage_class

GI = 1 << 30


def attributes(name: str, **parameters: str) -> Object:
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": name}}
    return {**head, "driverName": DRIVER, "parameters": parameters}


@pytest.fixture
def shop() -> Shop:
    """Disks that are made at once, and two classes for them."""
    shop = Shop(nodes=1, kind=storage_class(volumeBindingMode="Immediate"))
    for each in (attributes("slow", iops="100"), attributes("quick", iops="9000")):
        shop.cluster.client.create("volumeattributesclasses", each)
    return shop


def status(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.cluster.client.get("persistentvolumeclaims", "data", "default")["status"]
    return found


def ask_for(shop: Shop, name: str) -> None:
    patch = {"spec": {"volumeAttributesClassName": name}}
    shop.cluster.client.patch("persistentvolumeclaims", "data", patch, "default")


def iops(shop: Shop) -> str:
    (disk,) = shop.driver.disks.values()
    return disk.parameters["iops"]


def test_a_disk_is_made_as_its_class_of_attributes_says_and_changed_when_its_claim_names_another(shop: Shop) -> None:
    shop.create(claim(volumeAttributesClassName="slow"))
    assert (iops(shop), status(shop)["currentVolumeAttributesClassName"]) == ("100", "slow")
    ask_for(shop, "quick")
    shop.cluster.advance(1)
    assert status(shop)["modifyVolumeStatus"] == {"status": "InProgress", "targetVolumeAttributesClassName": "quick"}
    assert [each["type"] for each in status(shop)["conditions"]] == ["ModifyingVolume"]
    shop.cluster.settle()
    assert (iops(shop), status(shop)["currentVolumeAttributesClassName"]) == ("9000", "quick")
    assert ("modifyVolumeStatus" in status(shop), status(shop).get("conditions") or []) == (False, [])
    volume = shop.cluster.client.get("persistentvolumes", shop.name_of())
    assert volume["spec"]["volumeAttributesClassName"] == "quick"
    assert shop.events("data", "VolumeModify", "VolumeModifySuccessful", "VolumeModifyFailed") == [
        "VolumeModify: external resizer is modifying volume data with vac quick",
        "VolumeModifySuccessful: external resizer modified volume data with vac quick successfully ",
    ]


def test_a_class_that_comes_later_is_waited_for_and_what_cannot_be_done_is_infeasible(shop: Shop) -> None:
    shop.create(claim())
    ask_for(shop, "odd")
    shop.cluster.settle()
    assert status(shop)["modifyVolumeStatus"] == {"status": "Pending"}
    shop.cluster.client.create("volumeattributesclasses", attributes("odd", colour="red"))
    shop.cluster.advance(15)
    assert status(shop)["modifyVolumeStatus"] == {"status": "Infeasible", "targetVolumeAttributesClassName": "odd"}
    (condition,) = status(shop)["conditions"]
    assert condition["message"].startswith("ModifyVolume failed with error: rpc error: code = InvalidArgument desc = ")
    ask_for(shop, "quick")
    shop.cluster.settle()
    assert (iops(shop), status(shop)["currentVolumeAttributesClassName"]) == ("9000", "quick")


def test_a_claim_for_a_class_that_is_not_there_gets_no_volume(shop: Shop) -> None:
    shop.create(claim(volumeAttributesClassName="none"))
    why = 'failed to provision volume with StorageClass "fast": volumeattributesclasses.storage.k8s.io "none" not found'
    assert shop.events("data", "ProvisioningFailed") == [f"ProvisioningFailed: {why}"]


# -- room --------------------------------------------------------------------------------------------------


def rooms(shop: Shop) -> list[str]:
    """How much room each place is said to have."""
    found = shop.cluster.client.list("csistoragecapacities", "kube-system")
    return sorted(f"{each['nodeTopology']['matchLabels'][ZONE]} {each['capacity']}" for each in found)


def test_a_pod_goes_where_there_is_room_for_its_disk() -> None:
    shop = Shop(zones=True, topology=ZONE, capacity="3Gi")
    assert rooms(shop) == ["zone-1 3Gi", "zone-2 3Gi"]
    shop.create(claim("first", "2Gi"), pod("first", "first", node="node-1"))
    assert rooms(shop) == ["zone-1 1Gi", "zone-2 3Gi"]
    shop.create(claim("second", "2Gi"), pod("second", "second"))
    assert shop.cluster.client.get("pods", "second", "default")["spec"]["nodeName"] == "node-2"
    shop.create(claim("third", "2Gi"), pod("third", "third"))
    (why,) = shop.events("third", "FailedScheduling")
    assert "0/2 nodes are available: 2 node(s) did not have enough free storage." in why
    shop.delete("pods", "first")
    shop.delete("persistentvolumeclaims", "first")
    shop.cluster.advance(20)
    assert shop.phase("third") == "Running"


def test_a_driver_that_counts_nothing_is_asked_for_any_size() -> None:
    shop = Shop(nodes=1)
    shop.create(claim("data", "9Ti"), pod("web", "data"))
    assert (shop.phase("web"), shop.cluster.client.list("csistoragecapacities", "kube-system")) == ("Running", [])


def test_a_class_of_attributes_stays_as_long_as_a_claim_or_volume_names_it(shop: Shop) -> None:
    shop.create(claim(volumeAttributesClassName="slow"))
    shop.cluster.client.delete("volumeattributesclasses", "slow")
    shop.cluster.settle()
    assert "deletionTimestamp" in shop.cluster.client.get("volumeattributesclasses", "slow")["metadata"]
    ask_for(shop, "quick")
    shop.cluster.settle()
    left = [each["metadata"]["name"] for each in shop.cluster.client.list("volumeattributesclasses")]
    assert left == ["quick"]
