"""What csi-sanity asks of every driver: what is required, what may be repeated, and which code refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.csi.calls import CODES, CallFailed
from k8snb.csi.capabilities import capability
from k8snb.csi.driver import Driver
from k8snb.csi.messages import Field, decode, encode, specification

GI = 1 << 30
ONE, MANY = capability("ReadWriteOnce", fs_type="ext4"), capability("ReadWriteMany")
STAGE, TARGET = "/plugins/stage", "/pods/a/mount"


class Nothing:
    """Disks on which nobody has written anything."""

    def copy(self, source: str, target: str) -> None: ...

    def forget(self, name: str) -> None: ...

    def used(self, name: str) -> int:
        return 4096


class Probe:
    """Calls a driver on two nodes: the answer, or the code of the refusal."""

    def __init__(self, **stock: Any) -> None:
        self.driver = Driver("disks.example.com", Nothing(), lambda: 1000.0, **stock)
        for node in ("n1", "n2"):
            self.driver.start_on(node, {"zone": f"z-{node}"})

    def __call__(self, method: str, node: str = "", **request: Any) -> Any:
        try:
            return self.driver.call(method, request, node=node)
        except CallFailed as refusal:
            return refusal.code

    def volume(self, name: str = "v", size: int = GI, **more: Any) -> Any:
        request = {"name": name, "capacity_range": {"required_bytes": size}, "volume_capabilities": [ONE], **more}
        made = self("CreateVolume", **request)
        return made if isinstance(made, str) else made["volume"]["volume_id"]

    def publish(self, volume: str, node: str = "n1", use: Any = ONE, **more: Any) -> Any:
        return self("ControllerPublishVolume", volume_id=volume, node_id=node, volume_capability=use, **more)

    def stage(self, volume: str, **more: Any) -> Any:
        request = {"volume_id": volume, "staging_target_path": STAGE, "volume_capability": ONE, **more}
        return self("NodeStageVolume", "n1", **request)

    def mount(self, volume: str, **more: Any) -> Any:
        request = {"volume_id": volume, "staging_target_path": STAGE, "target_path": TARGET, "volume_capability": ONE}
        return self("NodePublishVolume", "n1", **request, **more)


REQUIRED = {
    "CreateVolume": {"name": "x", "volume_capabilities": [ONE]},
    "DeleteVolume": {"volume_id": "x"},
    "ControllerPublishVolume": {"volume_id": "x", "node_id": "n1", "volume_capability": ONE},
    "ControllerUnpublishVolume": {"volume_id": "x"},
    "ValidateVolumeCapabilities": {"volume_id": "x", "volume_capabilities": [ONE]},
    "ControllerGetVolume": {"volume_id": "x"},
    "ControllerExpandVolume": {"volume_id": "x", "capacity_range": {"required_bytes": GI}},
    "ControllerModifyVolume": {"volume_id": "x"},
    "CreateSnapshot": {"name": "x", "source_volume_id": "x"},
    "DeleteSnapshot": {"snapshot_id": "x"},
    "NodeStageVolume": {"volume_id": "x", "staging_target_path": STAGE, "volume_capability": ONE},
    "NodeUnstageVolume": {"volume_id": "x", "staging_target_path": STAGE},
    "NodePublishVolume": {"volume_id": "x", "target_path": TARGET, "volume_capability": ONE},
    "NodeUnpublishVolume": {"volume_id": "x", "target_path": TARGET},
    "NodeGetVolumeStats": {"volume_id": "x", "volume_path": TARGET},
    "NodeExpandVolume": {"volume_id": "x", "volume_path": TARGET},
}


@pytest.mark.parametrize(("method", "missing"), [(m, field) for m, fields in REQUIRED.items() for field in fields])
def test_a_call_without_what_it_requires_is_an_invalid_argument(method: str, missing: str) -> None:
    request = {key: value for key, value in REQUIRED[method].items() if key != missing}
    node = "n1" if method.startswith("Node") else ""
    assert Probe()(method, node, **request) == "InvalidArgument"


def test_the_driver_says_who_it_is_and_what_it_can_do() -> None:
    probe = Probe(topology="zone", limit=3)
    assert probe("GetPluginInfo") == {"name": "disks.example.com", "vendor_version": "1.0.0"}
    assert probe("Probe") == {"ready": {"value": True}}
    can = [next(iter(each.values()))["type"] for each in probe("GetPluginCapabilities")["capabilities"]]
    assert can == ["CONTROLLER_SERVICE", "VOLUME_ACCESSIBILITY_CONSTRAINTS", "ONLINE"]
    place = {"accessible_topology": {"segments": {"zone": "z-n1"}}}
    assert probe("NodeGetInfo", "n1") == {"node_id": "n1", "max_volumes_per_node": 3, **place}
    assert probe("NodeGetInfo") == probe("CreateVolume", "n1") == "Unimplemented"
    for method, kinds in (("ControllerGetCapabilities", "ControllerRPCType"), ("NodeGetCapabilities", "NodeRPCType")):
        found = [each["rpc"]["type"] for each in probe(method, "n1" if "Node" in method else "")["capabilities"]]
        assert found
        assert set(found) <= set(specification().enums[kinds])


def test_a_volume_is_made_once_for_its_name_and_a_different_one_of_that_name_is_refused() -> None:
    probe = Probe()
    assert probe.volume() == probe.volume()
    assert len(probe.driver.disks) == 1
    assert probe.volume(size=2 * GI) == "AlreadyExists"
    assert probe.volume("v" * 128) in probe.driver.disks
    assert probe.volume("v" * 129) == "InvalidArgument"
    assert probe.volume("w", capacity_range={"required_bytes": 2 * GI, "limit_bytes": GI}) == "OutOfRange"
    assert probe.volume("w", volume_content_source={"volume": {"volume_id": "none"}}) == "NotFound"
    assert probe.volume("w", volume_content_source={"snapshot": {"snapshot_id": "none"}}) == "NotFound"
    assert probe.volume("w", GI // 2, volume_content_source={"volume": {"volume_id": probe.volume()}}) == "OutOfRange"


def test_storage_runs_out_in_one_place_and_is_left_in_another() -> None:
    probe = Probe(topology="zone", capacity=3 * GI)
    here = {"accessibility_requirements": {"preferred": [{"segments": {"zone": "a"}}]}}
    probe.volume("one", 2 * GI, **here)
    assert probe.volume("two", 2 * GI, **here) == "ResourceExhausted"
    left = [probe("GetCapacity", accessible_topology={"segments": {"zone": each}}) for each in "ab"]
    assert left == [{"available_capacity": GI}, {"available_capacity": 3 * GI}]


def test_what_is_deleted_detached_or_unmounted_twice_is_gone_and_no_error() -> None:
    probe = Probe()
    volume = probe.volume()
    probe.publish(volume)
    assert probe("DeleteVolume", volume_id=volume) == "FailedPrecondition"
    for _ in range(2):
        assert probe("NodeUnpublishVolume", "n1", volume_id=volume, target_path=TARGET) == {}
        assert probe("NodeUnstageVolume", "n1", volume_id=volume, staging_target_path=STAGE) == {}
        assert probe("ControllerUnpublishVolume", volume_id=volume) == {}
    assert [probe("DeleteVolume", volume_id=each) for each in (volume, volume, "none")] == [{}, {}, {}]
    assert probe("DeleteSnapshot", snapshot_id="none") == {}


def test_a_disk_is_attached_once_to_one_machine_unless_it_is_shared() -> None:
    probe = Probe(limit=1)
    volume = probe.volume()
    assert probe.publish(volume) == probe.publish(volume) == {"publish_context": {"devicePath": "/dev/vdb"}}
    assert probe.publish(volume, readonly=True) == "AlreadyExists"
    assert probe.publish(volume, "n2") == "FailedPrecondition"
    assert probe.publish(volume, "n2", MANY) == {"publish_context": {"devicePath": "/dev/vdb"}}
    assert probe.publish(probe.volume("w")) == "ResourceExhausted"
    assert [probe.publish("none"), probe.publish(volume, "none")] == ["NotFound", "NotFound"]
    assert probe("ControllerGetVolume", volume_id=volume)["status"] == {"published_node_ids": ["n1", "n2"]}
    assert probe("ValidateVolumeCapabilities", volume_id="none", volume_capabilities=[ONE]) == "NotFound"
    confirmed = {"confirmed": {"volume_capabilities": [ONE]}}
    assert probe("ValidateVolumeCapabilities", volume_id=volume, volume_capabilities=[ONE]) == confirmed


def test_a_disk_is_staged_and_then_mounted_and_each_only_in_one_way() -> None:
    probe = Probe()
    volume = probe.volume()
    assert (probe.stage(volume), probe.mount(volume)) == ("NotFound", "FailedPrecondition")
    probe.publish(volume)
    assert [probe.stage(volume), probe.stage(volume), probe.mount(volume), probe.mount(volume)] == [{}] * 4
    assert probe.stage(volume, volume_capability=MANY) == "AlreadyExists"
    assert probe.mount(volume, readonly=True) == "AlreadyExists"
    usage = {"available": GI - 4096, "total": GI, "used": 4096, "unit": "BYTES"}
    assert probe("NodeGetVolumeStats", "n1", volume_id=volume, volume_path=TARGET) == {"usage": [usage]}
    for method in ("NodeGetVolumeStats", "NodeExpandVolume"):
        assert probe(method, "n1", volume_id=volume, volume_path="/elsewhere") == "NotFound"
        assert probe(method, "n1", volume_id="none", volume_path=TARGET) == "NotFound"


def test_a_disk_grows_and_its_file_system_after_it() -> None:
    probe = Probe()
    volume = probe.volume()
    probe.publish(volume)
    probe.stage(volume)
    wanted = {"capacity_range": {"required_bytes": 2 * GI}}
    grown = {"capacity_bytes": 2 * GI, "node_expansion_required": True}
    assert probe("ControllerExpandVolume", volume_id=volume, **wanted) == grown
    assert probe("NodeExpandVolume", "n1", volume_id=volume, volume_path=STAGE) == {"capacity_bytes": 2 * GI}
    assert probe("ControllerExpandVolume", volume_id="none", **wanted) == "NotFound"
    block = {"volume_capability": capability("ReadWriteOnce", block=True)}
    assert probe("ControllerExpandVolume", volume_id=volume, **wanted, **block) == {"capacity_bytes": 2 * GI}


def test_what_of_a_disk_can_be_changed_is_changed_and_nothing_else() -> None:
    probe = Probe()
    volume = probe.volume(parameters={"type": "gp3"})
    assert probe("ControllerModifyVolume", volume_id=volume, mutable_parameters={"iops": "6000"}) == {}
    assert probe.driver.disks[volume].parameters == {"type": "gp3", "iops": "6000"}
    assert probe("ControllerModifyVolume", volume_id=volume, mutable_parameters={"zone": "b"}) == "InvalidArgument"


def test_a_snapshot_is_taken_once_for_its_name() -> None:
    probe = Probe()
    one, two = probe.volume("one"), probe.volume("two")
    first = probe("CreateSnapshot", name="s", source_volume_id=one)["snapshot"]
    assert first | {"snapshot_id": ""} == {
        "size_bytes": GI, "snapshot_id": "", "source_volume_id": one, "creation_time": {"seconds": 1000},
        "ready_to_use": True,
    }  # fmt: skip
    assert probe("CreateSnapshot", name="s", source_volume_id=one)["snapshot"] == first
    assert probe("CreateSnapshot", name="s", source_volume_id=two) == "AlreadyExists"
    assert probe("CreateSnapshot", name="t", source_volume_id="none") == "NotFound"
    assert probe("ListSnapshots", source_volume_id=one) == {"entries": [{"snapshot": first}]}
    assert probe("ListSnapshots", snapshot_id="none") == {}


def test_a_list_comes_in_pages_and_a_wrong_token_is_refused() -> None:
    probe = Probe()
    made = [probe.volume(name) for name in "abc"]
    pages, token = [], ""
    for _ in range(2):
        found = probe("ListVolumes", max_entries=2, starting_token=token)
        pages += [each["volume"]["volume_id"] for each in found["entries"]]
        token = found.get("next_token", "")
    assert (pages, token) == (made, "")
    assert probe("ListVolumes", starting_token="invalid-token") == "Aborted"


# -- bytes -------------------------------------------------------------------------------------------


def test_a_request_has_the_bytes_that_protocol_buffers_give_it() -> None:
    request = {"name": "pvc-1", "capacity_range": {"required_bytes": GI}, "volume_capabilities": [ONE]}
    text = "0a 05 70 76 63 2d 31  12 06 08 80 80 80 80 04  1a 0c 12 06 0a 04 65 78 74 34 1a 02 08 07"
    assert encode("CreateVolumeRequest", request) == bytes.fromhex(text)


def values_of(field: Field) -> Any:
    """Something in a field."""
    enums = specification().enums
    if field.type == "map":
        return {"key": "value", "other": ""}
    plain = {"string": "text", "bool": True, "int": -(2**40) + field.number}
    one = enums[field.type][-1] if field.type in enums else plain.get(field.type)
    one = full(field.type) if one is None else one
    return [one, one] if field.repeated else one


def full(name: str) -> dict[str, Any]:
    """A message with every field that it can have."""
    return {key: values_of(field) for key, field in specification().messages[name].items()}


def test_every_message_is_read_as_it_was_written_with_all_its_fields_and_with_each_alone() -> None:
    for name, fields in specification().messages.items():
        whole = full(name)
        for message in ({}, whole, *({key: whole[key]} for key in fields)):
            assert decode(name, encode(name, message)) == message


def test_every_call_has_a_request_and_a_response_and_codes_are_those_of_grpc() -> None:
    spec = specification()
    ends = [f"{method}{end}" for method in spec.services for end in ("Request", "Response")]
    assert [each for each in ends if each not in spec.messages] == []
    assert (CODES["NotFound"], CODES["ResourceExhausted"], CODES["Unimplemented"]) == (5, 8, 12)
