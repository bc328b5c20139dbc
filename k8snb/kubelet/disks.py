"""Volumes that a driver attaches to the machine: mounted for pods, held in use, made larger, given back.

A pod with such a volume waits until the VolumeAttachment for this node says `attached`; then the driver's part on the
node mounts it, once for the machine and once for the pod. As long as a volume is in `status.volumesInUse` of the node
nobody detaches it. Upstream: `pkg/kubelet/volumemanager` and `pkg/volume/csi`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from k8snb.errors import StatusError
from k8snb.machinery import quantity
from k8snb.machinery.objects import annotations_of
from k8snb.machinery.volumes import (
    ATTACHMENTS,
    CSI_DRIVERS,
    asked_storage,
    attachment_name,
    capacity_of,
    claim_names,
    has_storage,
    is_bound,
    unique_name,
    with_resize,
)
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet
    from k8snb.kubelet.podworker import PodWorker

CSI_NODES = "csinodes.storage.k8s.io"
_NODE_ID = "csi.volume.kubernetes.io/nodeid"


class NodeService(Protocol):
    """The part of a driver that is on every node. A call that can refuse returns why; empty is success."""

    name: str
    limit: int
    topology: str

    def stage(self, handle: str, node: str) -> str:
        """Mount a volume on the machine."""
        ...

    def unstage(self, handle: str, node: str) -> None:
        """Unmount it."""
        ...

    def mount(self, handle: str, node: str, pod: str) -> None:
        """Mount it into a pod."""
        ...

    def unmount(self, handle: str, node: str, pod: str) -> None:
        """Unmount it from the pod."""
        ...

    def grow(self, handle: str, node: str, size: int) -> None:
        """Let the file system fill the disk."""
        ...


class NotYet(Exception):
    """A volume is still on its way to the node."""


class CannotMount(Exception):
    """The driver refused; the message is the kubelet's."""


class Disks:
    """The attached volumes of one node."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self._users: dict[str, dict[str, None]] = {}
        """By the node's name for a volume: the pods that it is for, by UID."""
        self._volumes: dict[str, Object] = {}
        self._mounted: dict[tuple[str, str], str] = {}
        """Mounted volumes by their unique name and pod, with the driver's handle."""

    # -- drivers -----------------------------------------------------------------------------------

    def register(self, driver: NodeService) -> None:
        """A driver has come to the node: say so, and how many volumes it can have."""
        client, name = self._kubelet.client, self._kubelet.name
        node = client.get("nodes", name)
        known = annotations_of(node).get(_NODE_ID, "{}")
        ids = known[1:-1] + ("," if known != "{}" else "") + f'"{driver.name}":"{name}"'
        if f'"{driver.name}":' not in known:
            client.patch("nodes", name, {"metadata": {"annotations": {_NODE_ID: f"{{{ids}}}"}}})
        entry = {
            "name": driver.name,
            "nodeID": name,
            "topologyKeys": [driver.topology] if driver.topology else None,
            **({"allocatable": {"count": driver.limit}} if driver.limit else {}),
        }
        found = client.find(CSI_NODES, name)
        drivers = [*(((found or {}).get("spec") or {}).get("drivers") or ())]
        if any(each["name"] == driver.name for each in drivers):
            return
        spec = {"drivers": [*drivers, entry]}
        if found is not None:
            client.update(CSI_NODES, {**found, "spec": spec})
            return
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
        meta = {"name": name, "ownerReferences": [owner]}
        client.create(CSI_NODES, {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": meta, "spec": spec})

    # -- mounting ----------------------------------------------------------------------------------

    def mount(self, worker: PodWorker) -> None:
        """Mount every attached volume of a pod; raises NotYet or CannotMount."""
        for claim, volume in self._of(worker):
            name = unique_name(volume)
            if worker.uid not in self._users.get(name, ()):
                self._users.setdefault(name, {})[worker.uid] = None
                self._volumes[name] = volume
                self._report()
            if (name, worker.uid) not in self._mounted:
                self._mount(worker, volume)
            self._grow(worker, claim, volume)

    def _of(self, worker: PodWorker) -> Iterator[tuple[Object, Object]]:
        """The claims of a pod whose volumes are a driver's, with those volumes."""
        client, namespace = self._kubelet.client, worker.key.namespace
        for name in claim_names(worker.pod):
            claim = client.find("persistentvolumeclaims", name, namespace)
            if claim is not None and is_bound(claim):
                volume = client.find("persistentvolumes", claim["spec"]["volumeName"])
                if volume is not None and "csi" in volume["spec"]:
                    yield claim, volume

    def _mount(self, worker: PodWorker, volume: Object) -> None:
        kubelet, csi = self._kubelet, volume["spec"]["csi"]
        said = f'MountVolume.MountDevice failed for volume "{volume["metadata"]["name"]}" : '
        driver = kubelet.pool.drivers.get(csi["driver"])
        if driver is None:
            why = f"driver name {csi['driver']} not found in the list of registered CSI drivers"
            raise CannotMount(
                f"{said}kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: {why}"
            )
        if self._is_attached_first(csi["driver"]):
            attachment = kubelet.client.find(ATTACHMENTS, attachment_name(volume, kubelet.name))
            if not ((attachment or {}).get("status") or {}).get("attached"):
                raise NotYet
        name, handle = unique_name(volume), csi["volumeHandle"]
        if not any(each == name for each, _uid in self._mounted):
            refusal = driver.stage(handle, kubelet.name)
            if refusal:
                raise CannotMount(said + refusal)
        driver.mount(handle, kubelet.name, worker.key.name)
        self._mounted[name, worker.uid] = handle

    def _is_attached_first(self, driver: str) -> bool:
        found = self._kubelet.client.find(CSI_DRIVERS, driver)
        return found is None or bool(found["spec"].get("attachRequired", True))

    def unmount(self, worker: PodWorker) -> None:
        """Give back what a pod had."""
        names = [name for name, users in self._users.items() if worker.uid in users]
        for name in names:
            driver = self._kubelet.pool.drivers.get(self._volumes[name]["spec"]["csi"]["driver"])
            handle = self._mounted.pop((name, worker.uid), "")
            if driver is not None and handle:
                driver.unmount(handle, self._kubelet.name, worker.key.name)
            del self._users[name][worker.uid]
            if not self._users[name]:
                del self._users[name], self._volumes[name]
                if driver is not None and handle:
                    driver.unstage(handle, self._kubelet.name)
        if names:
            self._report()

    def _report(self) -> None:
        """Say which volumes must not be detached."""
        status = {"status": {"volumesInUse": sorted(self._users) or None}}
        try:
            self._kubelet.client.patch("nodes", self._kubelet.name, status, subresource="status")
        except StatusError as error:
            if error.code != 404:
                raise

    # -- growing -----------------------------------------------------------------------------------

    def grow(self, worker: PodWorker) -> None:
        """See whether a volume of a pod has become larger than its file system."""
        for claim, volume in self._of(worker):
            if (unique_name(volume), worker.uid) in self._mounted:
                self._grow(worker, claim, volume)

    def _grow(self, worker: PodWorker, claim: Object, volume: Object) -> None:
        size = capacity_of(volume)
        if quantity.compare(size, has_storage(claim)) <= 0 or quantity.compare(asked_storage(claim), size) > 0:
            return
        kubelet, csi = self._kubelet, volume["spec"]["csi"]
        kubelet.pool.drivers[csi["driver"]].grow(csi["volumeHandle"], kubelet.name, quantity.value(size))
        status = {**with_resize(claim["status"], None), "capacity": {**claim["status"]["capacity"], "storage": size}}
        kubelet.client.update_status("persistentvolumeclaims", {**claim, "status": status})
        told = f'MountVolume.NodeExpandVolume succeeded for volume "{volume["metadata"]["name"]}" {kubelet.name}'
        kubelet.events.record(worker.pod, "Normal", "FileSystemResizeSuccessful", told)
