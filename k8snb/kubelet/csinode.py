"""The CSINode by which a kubelet tells which storage drivers are on its machine.

It is there from the start, without drivers, and goes with its Node. Upstream: `pkg/volume/csi/nodeinfomanager`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.client.client import Client
from k8snb.csi.messages import Message
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

CSI_NODES = "csinodes.storage.k8s.io"
_NODE_ID = "csi.volume.kubernetes.io/nodeid"
_MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins"
_PLUGINS = ",".join(
    f"kubernetes.io/{name}"
    for name in ("aws-ebs", "azure-disk", "azure-file", "cinder", "gce-pd", "portworx-volume", "vsphere-volume")
)
"""The plugins of former days whose volumes drivers serve."""


def establish(client: Client, node: Object) -> None:
    """Make the CSINode of a machine if there is none; raises StatusError."""
    meta, name = {"annotations": {_MIGRATED: _PLUGINS}}, node["metadata"]["name"]
    found = client.find(CSI_NODES, name)
    if found is None:
        client.create(CSI_NODES, _new(node, meta))
    elif annotations_of(found).get(_MIGRATED) != _PLUGINS:
        client.patch(CSI_NODES, name, {"metadata": meta})


def _new(node: Object, meta: Mapping[str, Any]) -> Object:
    name = node["metadata"]["name"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
    made = {**meta, "name": name, "ownerReferences": [owner]}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": made, "spec": {"drivers": None}}


def add_driver(client: Client, name: str, driver: str, info: Message) -> None:
    """Say that a driver has come to the machine, and how many volumes it can have; raises StatusError.

    `info` is what the driver's part on the machine answered to NodeGetInfo.
    """
    node = client.get("nodes", name)
    known = annotations_of(node).get(_NODE_ID, "{}")
    if f'"{driver}":' not in known:
        ids = known[1:-1] + ("," if known != "{}" else "") + f'"{driver}":"{info["node_id"]}"'
        client.patch("nodes", name, {"metadata": {"annotations": {_NODE_ID: f"{{{ids}}}"}}})
    establish(client, node)
    found = client.get(CSI_NODES, name)
    drivers = found["spec"].get("drivers") or ()
    if all(each["name"] != driver for each in drivers):
        client.update(CSI_NODES, {**found, "spec": {"drivers": [*drivers, _entry(driver, info)]}})


def _entry(driver: str, info: Message) -> Object:
    most = info.get("max_volumes_per_node", 0)
    return {
        "name": driver,
        "nodeID": info["node_id"],
        "topologyKeys": list(info.get("accessible_topology", {}).get("segments", ())) or None,
        **({"allocatable": {"count": most}} if most else {}),
    }
