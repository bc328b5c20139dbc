"""The node service, of which one runs on every machine: it mounts what is attached there.

A disk is mounted twice: once for the machine (*stage*), where a file system is made if there is none, and from there
once for every pod (*publish*). What is mounted where is what
this service knows itself, so that each call can be repeated.
"""

from __future__ import annotations

from k8snb.csi.calls import CallFailed
from k8snb.csi.capabilities import same_kind
from k8snb.csi.messages import Message
from k8snb.csi.requests import need, need_access
from k8snb.csi.stock import Stock

CAPABILITIES = ("STAGE_UNSTAGE_VOLUME", "GET_VOLUME_STATS", "EXPAND_VOLUME", "SINGLE_NODE_MULTI_WRITER")


class NodeService:
    """The part of a driver on one machine."""

    def __init__(self, stock: Stock, node: str) -> None:
        self._stock = stock
        self._node = node
        self._staged: dict[str, tuple[str, Message]] = {}
        """By disk: the path, and how it is used."""
        self._published: dict[str, tuple[str, bool]] = {}
        """By path in a pod: the disk, and whether it is only read."""

    def node_get_info(self, request: Message) -> Message:
        """What the driver calls the machine, where that is, and how many disks it can have."""
        place = self._stock.machines[self._node]
        where = {"accessible_topology": {"segments": place}} if place else {}
        return {"node_id": self._node, "max_volumes_per_node": self._stock.limit, **where}

    def node_get_capabilities(self, request: Message) -> Message:
        """What it can do."""
        return {"capabilities": [{"rpc": {"type": each}} for each in CAPABILITIES]}

    # -- for the machine ---------------------------------------------------------------------------

    def node_stage_volume(self, request: Message) -> Message:
        """Mount a disk on the machine, for all pods there."""
        need(request, "volume_id", "staging_target_path", "volume_capability")
        need_access(request["volume_capability"])
        handle, wanted = request["volume_id"], (request["staging_target_path"], request["volume_capability"])
        disk = self._stock.disks.get(handle)
        if disk is None or self._node not in disk.attached:
            raise CallFailed("NotFound", f"no device for volume {handle} on {self._node}")
        there = self._staged.setdefault(handle, wanted)
        if there[0] != wanted[0] or not same_kind(there[1], wanted[1]):
            raise CallFailed("AlreadyExists", f"volume {handle} is staged at {there[0]} in another way")
        return {}

    def node_unstage_volume(self, request: Message) -> Message:
        """Unmount it from the machine."""
        need(request, "volume_id", "staging_target_path")
        self._staged.pop(request["volume_id"], None)
        return {}

    # -- for a pod ---------------------------------------------------------------------------------

    def node_publish_volume(self, request: Message) -> Message:
        """Mount it into a pod."""
        need(request, "volume_id", "target_path", "volume_capability")
        need_access(request["volume_capability"])
        handle, path = request["volume_id"], request["target_path"]
        if self._staged.get(handle, ("",))[0] != request.get("staging_target_path", ""):
            raise CallFailed("FailedPrecondition", f"volume {handle} is not staged on {self._node}")
        wanted = handle, request.get("readonly", False)
        if self._published.setdefault(path, wanted) != wanted:
            raise CallFailed("AlreadyExists", f"{path} is in use in another way")
        return {}

    def node_unpublish_volume(self, request: Message) -> Message:
        """Unmount it from the pod."""
        need(request, "volume_id", "target_path")
        self._published.pop(request["target_path"], None)
        return {}

    # -- what is mounted ---------------------------------------------------------------------------

    def node_get_volume_stats(self, request: Message) -> Message:
        """How full it is."""
        need(request, "volume_id", "volume_path")
        self._need_mount(request)
        total, used = self._stock.disk(request["volume_id"]).size, self._stock.contents.used(request["volume_id"])
        return {"usage": [{"available": max(total - used, 0), "total": total, "used": used, "unit": "BYTES"}]}

    def node_expand_volume(self, request: Message) -> Message:
        """Let the file system fill the disk."""
        need(request, "volume_id", "volume_path")
        self._need_mount(request)
        return {"capacity_bytes": self._stock.disk(request["volume_id"]).size}

    def _need_mount(self, request: Message) -> None:
        handle, path = request["volume_id"], request["volume_path"]
        self._stock.disk(handle)
        if path != self._staged.get(handle, ("",))[0] and self._published.get(path, ("",))[0] != handle:
            raise CallFailed("NotFound", f"volume {handle} is not mounted at {path}")
