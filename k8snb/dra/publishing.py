"""Tells the cluster which devices there are: a ResourceSlice for every node, in a pool that is called like the node.

The slice belongs to its Node, and goes with it. One that somebody deleted or changed is put right.
Upstream: `dynamic-resource-allocation/resourceslice`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.dra.driver import DeviceDriver
from k8snb.i18n import _
from k8snb.machinery.devices.claims import SLICES
from k8snb.machinery.objects import revision_of
from k8snb.typing import Object, ObjectKey


class Publisher(Controller):
    """Keeps the slices of one driver; a node's name is the key."""

    name = "dra-driver"

    def __init__(self, context: Context, driver: DeviceDriver) -> None:
        super().__init__(context)
        self._driver = driver
        self._nodes = self.informers.of("nodes")
        self._slices = self.informers.of(SLICES)

    def start(self) -> None:
        self._nodes.on_change(self._node_changed)
        self._slices.on_change(self._slice_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None and new is not None:
            self.queue.add(ObjectKey("", new["metadata"]["name"]), revision_of(new))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new if new is not None else old
        assert changed is not None
        if changed["spec"]["driver"] == self._driver.name:
            self.queue.add(ObjectKey("", changed["spec"].get("nodeName") or ""), revision_of(changed))

    def reconcile(self, key: ObjectKey) -> float | None:
        node = self._nodes.get("", key.name)
        if node is None:
            return None
        devices = self._driver.devices(key.name)
        fields = f"spec.driver={self._driver.name},spec.nodeName={key.name}"
        found = self.client.list(SLICES, fields=fields)
        self.compares(_("slices of the node"), len(found), 1)
        if not found:
            self.wants(_("the node has devices: publish them"))
            self.client.create(SLICES, self._slice(node, devices))
        elif found[0]["spec"]["devices"] != devices:
            self.wants(_("somebody has changed the devices: publish them again"))
            pool = {**found[0]["spec"]["pool"], "generation": found[0]["spec"]["pool"].get("generation", 0) + 1}
            self.client.update(SLICES, {**found[0], "spec": {**found[0]["spec"], "pool": pool, "devices": devices}})
        return None

    def _slice(self, node: Object, devices: list[Object]) -> Object:
        name = node["metadata"]["name"]
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"], "controller": True}
        meta = {"generateName": f"{name}-{self._driver.name}-", "ownerReferences": [owner]}
        pool = {"name": name, "generation": 1, "resourceSliceCount": 1}
        spec = {"driver": self._driver.name, "nodeName": name, "pool": pool, "devices": devices}
        return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": meta, "spec": spec}
