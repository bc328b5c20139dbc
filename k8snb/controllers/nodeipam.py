"""Node IPAM: gives every node a range of pod addresses of its own.

The cluster's range is cut into blocks of one size; a node gets the first that is free, and gives it back when it
is deleted. Upstream: `pkg/controller/nodeipam/ipam/range_allocator.go`.
"""

from __future__ import annotations

import heapq
from ipaddress import IPv4Network

from k8snb.client.controller import Context, Controller
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.typing import Object, ObjectKey


class Blocks:
    """The blocks of a range: which are taken. Hands out the lowest free one."""

    def __init__(self, cidr: str, mask_size: int) -> None:
        self._network = IPv4Network(cidr)
        self._mask_size = mask_size
        self._step = 1 << (32 - mask_size)
        self._count = 1 << (mask_size - self._network.prefixlen)
        self._next = 0
        self._freed: list[int] = []
        self._taken: set[int] = set()

    def take(self) -> str | None:
        """A free block, such as `10.244.3.0/24`; None if there is none left."""
        while self._freed:
            number = heapq.heappop(self._freed)
            if number not in self._taken:
                return self._occupied(number)
        while self._next < self._count:
            number = self._next
            self._next += 1
            if number not in self._taken:
                return self._occupied(number)
        return None

    def _occupied(self, number: int) -> str:
        self._taken.add(number)
        return f"{self._network.network_address + number * self._step}/{self._mask_size}"

    def occupy(self, block: str) -> None:
        """Note that a block is in use."""
        number = self._number(block)
        if number is not None:
            self._taken.add(number)

    def release(self, block: str) -> None:
        """Note that a block is free again."""
        number = self._number(block)
        if number is not None and number in self._taken:
            self._taken.remove(number)
            heapq.heappush(self._freed, number)

    def _number(self, block: str) -> int | None:
        network = IPv4Network(block)
        if network.prefixlen != self._mask_size or not network.subnet_of(self._network):
            return None
        return (int(network.network_address) - int(self._network.network_address)) // self._step


class NodeIpamController(Controller):
    """Writes `spec.podCIDR` of every node."""

    name = "node-ipam-controller"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._nodes = self.informers.of("nodes")
        self._blocks = Blocks(settings.cluster_cidr, settings.node_cidr_mask_size)
        self._given: dict[str, str] = {}

    def start(self) -> None:
        self._nodes.on_change(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            assert old is not None
            given = self._given.pop(old["metadata"]["uid"], None)
            for block in old["spec"].get("podCIDRs") or ([given] if given else ()):
                self._blocks.release(block)
        elif new["spec"].get("podCIDRs"):
            for block in new["spec"]["podCIDRs"]:
                self._blocks.occupy(block)
        else:
            self.queue.add(ObjectKey("", new["metadata"]["name"]), int(new["metadata"]["resourceVersion"]))

    def reconcile(self, key: ObjectKey) -> float | None:
        node = self._nodes.get(*key)
        if node is None or node["spec"].get("podCIDRs") or node["metadata"]["uid"] in self._given:
            return None
        block = self._blocks.take()
        self.compares("podCIDR", _("none"), block or _("none left"))
        if block is None:
            self.wants(_("no block of addresses is left for the node"))
            message = f"Node {key.name} status is now: CIDRNotAvailable"
            self.events.normal(node, "CIDRNotAvailable", message)
            return None
        self.wants(_("the node has no pod addresses: give it {block}"), block=block)
        try:
            self.client.patch("nodes", key.name, {"spec": {"podCIDR": block, "podCIDRs": [block]}}, kind="strategic")
        except StatusError:
            self._blocks.release(block)
            raise
        self._given[node["metadata"]["uid"]] = block
        return None
