"""The controller service: it makes, attaches, copies and enlarges disks, from wherever it runs.

Every call may be repeated and then finds what it would have done; a call that contradicts what was done before is
refused. Requirements and codes are those of the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.csi.calls import CallFailed
from k8snb.csi.capabilities import is_shared
from k8snb.csi.messages import Message
from k8snb.csi.requests import need, need_access, page
from k8snb.csi.stock import Disk, Snapshot, Stock, handle_of

CAPABILITIES = (
    "CREATE_DELETE_VOLUME", "PUBLISH_UNPUBLISH_VOLUME", "LIST_VOLUMES", "GET_CAPACITY", "CREATE_DELETE_SNAPSHOT",
    "LIST_SNAPSHOTS", "CLONE_VOLUME", "PUBLISH_READONLY", "EXPAND_VOLUME", "LIST_VOLUMES_PUBLISHED_NODES", "GET_VOLUME",
    "SINGLE_NODE_MULTI_WRITER", "MODIFY_VOLUME",
)  # fmt: skip
DEFAULT_SIZE = 1 << 30
MUTABLE = ("type", "iops", "throughput")
"""What of a disk can be changed later."""

_DEVICES = "bcdefghijklmnopqrstuvwxyz"


class ControllerService:
    """The part of a driver that there is once."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    def controller_get_capabilities(self, request: Message) -> Message:
        """What it can do besides what every driver can."""
        return {"capabilities": [{"rpc": {"type": each}} for each in CAPABILITIES]}

    # -- disks -------------------------------------------------------------------------------------

    def create_volume(self, request: Message) -> Message:
        """Make a disk, a copy of a disk or snapshot if there is a source."""
        need(request, "name", "volume_capabilities")
        for each in request["volume_capabilities"]:
            need_access(each)
        _known_parameters(request.get("mutable_parameters", {}))
        size, most = _range(request)
        handle, place = handle_of("vol", request["name"]), self._place(request)
        source = request.get("volume_content_source", {})
        disk = self._stock.disks.get(handle)
        if disk is None:
            disk = self._made(handle, size, place, request)
        elif disk.source != source or disk.size < size or (most and disk.size > most):
            raise CallFailed("AlreadyExists", f"volume {request['name']} already exists but is incompatible")
        return {"volume": disk.message}

    def _made(self, handle: str, size: int, place: Mapping[str, str], request: Message) -> Disk:
        source = request.get("volume_content_source", {})
        origin = self._origin(source)
        if origin is not None and origin.size > size:
            why = f"a copy needs at least the {origin.size} bytes of its source, {size} are asked for"
            raise CallFailed("OutOfRange", why)
        if self._stock.free(place) < size:
            raise CallFailed("ResourceExhausted", f"{size} bytes are asked for, {self._stock.free(place)} are left")
        parameters = {**request.get("parameters", {}), **request.get("mutable_parameters", {})}
        disk = self._stock.disks[handle] = Disk(handle, size, place, source, parameters)
        if origin is not None:
            self._stock.contents.copy(origin.handle, handle)
        return disk

    def _origin(self, source: Message) -> Disk | Snapshot | None:
        """What a new disk is to be a copy of; raises CallFailed (NotFound)."""
        if not source:
            return None
        snapshot, volume = source.get("snapshot", {}).get("snapshot_id"), source.get("volume", {}).get("volume_id", "")
        found = self._stock.snapshots.get(snapshot) if snapshot else self._stock.disks.get(volume)
        if found is None:
            raise CallFailed("NotFound", f"source {snapshot or volume} not found")
        return found

    def _place(self, request: Message) -> Mapping[str, str]:
        """The first place that is preferred, else the first that will do."""
        asked = request.get("accessibility_requirements", {})
        places = [each.get("segments", {}) for key in ("preferred", "requisite") for each in asked.get(key, ())]
        return places[0] if places and self._stock.topology else {}

    def delete_volume(self, request: Message) -> Message:
        """Delete a disk with all that is on it."""
        need(request, "volume_id")
        handle = request["volume_id"]
        disk = self._stock.disks.get(handle)
        if disk is not None and disk.attached:
            raise CallFailed("FailedPrecondition", f"volume {handle} is still attached to {disk.attached[0]}")
        if self._stock.disks.pop(handle, None) is not None:
            self._stock.contents.forget(handle)
        return {}

    def controller_expand_volume(self, request: Message) -> Message:
        """Make a disk larger. What is on it has to be made larger on the machine."""
        need(request, "volume_id", "capacity_range")
        size, _most = _range(request)
        disk = self._stock.disk(request["volume_id"])
        if self._stock.free(disk.place) < size - disk.size:
            raise CallFailed("OutOfRange", f"{size} bytes are more than there are")
        disk.size = max(disk.size, size)
        on_node = "block" not in request.get("volume_capability", {})
        return {"capacity_bytes": disk.size, "node_expansion_required": on_node}

    def controller_modify_volume(self, request: Message) -> Message:
        """Change how fast a disk is, or what kind it is."""
        need(request, "volume_id")
        disk = self._stock.disk(request["volume_id"])
        _known_parameters(request.get("mutable_parameters", {}))
        disk.parameters |= request.get("mutable_parameters", {})
        return {}

    # -- attaching ---------------------------------------------------------------------------------

    def controller_publish_volume(self, request: Message) -> Message:
        """Attach a disk to a machine."""
        need(request, "volume_id", "node_id", "volume_capability")
        need_access(request["volume_capability"])
        disk, node = self._stock.disk(request["volume_id"]), request["node_id"]
        if node not in self._stock.machines:
            raise CallFailed("NotFound", f"node {node} not found")
        readonly = request.get("readonly", False)
        if node not in disk.attached:
            self._attach(disk, node, request)
            disk.readonly = readonly
        elif disk.readonly != readonly:
            raise CallFailed("AlreadyExists", f"volume {disk.handle} is attached to {node} in another way")
        at = [each.handle for each in self._stock.on(node)].index(disk.handle)
        return {"publish_context": {"devicePath": f"/dev/vd{_DEVICES[at % len(_DEVICES)]}"}}

    def _attach(self, disk: Disk, node: str, request: Message) -> None:
        if disk.attached and not is_shared(request["volume_capability"]):
            raise CallFailed("FailedPrecondition", f"volume {disk.handle} is attached to {disk.attached[0]}")
        limit = self._stock.limit
        if limit and len(self._stock.on(node)) >= limit:
            raise CallFailed("ResourceExhausted", f"{node} has {limit} volumes attached, and can have no more")
        disk.attached.append(node)

    def controller_unpublish_volume(self, request: Message) -> Message:
        """Detach a disk from a machine, or without one from all."""
        need(request, "volume_id")
        disk, node = self._stock.disks.get(request["volume_id"]), request.get("node_id", "")
        if disk is not None:
            disk.attached = [each for each in disk.attached if node and each != node]
        return {}

    # -- asking ------------------------------------------------------------------------------------

    def validate_volume_capabilities(self, request: Message) -> Message:
        """Whether a disk can be used in these ways; ours can be in all."""
        need(request, "volume_id", "volume_capabilities")
        self._stock.disk(request["volume_id"])
        kept = ("volume_context", "volume_capabilities", "parameters", "mutable_parameters")
        return {"confirmed": {key: request[key] for key in kept if key in request}}

    def list_volumes(self, request: Message) -> Message:
        """All disks, and where they are attached."""
        return page(request, [_entry(disk) for disk in self._stock.disks.values()])

    def controller_get_volume(self, request: Message) -> Message:
        """One disk, and where it is attached."""
        need(request, "volume_id")
        return _entry(self._stock.disk(request["volume_id"]))

    def get_capacity(self, request: Message) -> Message:
        """How much room is left in a place."""
        place = request.get("accessible_topology", {}).get("segments", {})
        return {"available_capacity": max(self._stock.free(place), 0)}

    # -- snapshots ---------------------------------------------------------------------------------

    def create_snapshot(self, request: Message) -> Message:
        """Keep a disk as it is now."""
        need(request, "name", "source_volume_id")
        handle, source = handle_of("snap", request["name"]), request["source_volume_id"]
        found = self._stock.snapshots.get(handle)
        if found is None:
            size = self._stock.disk(source).size
            found = self._stock.snapshots[handle] = Snapshot(handle, source, size, self._stock.now())
            self._stock.contents.copy(source, handle)
        elif found.source != source:
            raise CallFailed("AlreadyExists", f"snapshot {request['name']} is of another volume: {found.source}")
        return {"snapshot": found.message}

    def delete_snapshot(self, request: Message) -> Message:
        """Forget what was kept."""
        need(request, "snapshot_id")
        if self._stock.snapshots.pop(request["snapshot_id"], None) is not None:
            self._stock.contents.forget(request["snapshot_id"])
        return {}

    def list_snapshots(self, request: Message) -> Message:
        """All snapshots, those of a disk, or a certain one."""
        source, handle = request.get("source_volume_id"), request.get("snapshot_id")
        found = [
            {"snapshot": each.message}
            for each in self._stock.snapshots.values()
            if source in (None, each.source) and handle in (None, each.handle)
        ]
        return page(request, found)


def _entry(disk: Disk) -> dict[str, Any]:
    return {"volume": disk.message, "status": {"published_node_ids": disk.attached}}


def _range(request: Message) -> tuple[int, int]:
    """The least and the most bytes that are asked for (0: no limit); raises CallFailed (OutOfRange)."""
    asked = request.get("capacity_range", {})
    least, most = asked.get("required_bytes", 0), asked.get("limit_bytes", 0)
    if least < 0 or most < 0 or (most and most < least):
        raise CallFailed("OutOfRange", f"no volume has between {least} and {most} bytes")
    return least or min(most or DEFAULT_SIZE, DEFAULT_SIZE), most


def _known_parameters(given: Mapping[str, str]) -> None:
    for key in given:
        if key not in MUTABLE:
            raise CallFailed("InvalidArgument", f"{key} cannot be changed; {', '.join(MUTABLE)} can")
