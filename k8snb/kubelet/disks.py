"""Volumes that a driver attaches to the machine: mounted for pods, held in use, made larger, given back.

A pod with such a volume waits until the VolumeAttachment for this node says `attached`; then the driver's part on the
node mounts it, once for the machine and once for the pod. As long as a volume is in `status.volumesInUse` of the node
nobody detaches it. Upstream: `pkg/kubelet/volumemanager` and `pkg/volume/csi`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from k8snb.csi.calls import CallFailed
from k8snb.csi.capabilities import of_volume
from k8snb.csi.messages import Message
from k8snb.errors import StatusError
from k8snb.kubelet import csinode
from k8snb.machinery import quantity
from k8snb.machinery.objects import labels_of
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

_ROOT = "/var/lib/kubelet"
_NOTHING: Mapping[str, Any] = {}


class NodeDriver(Protocol):
    """A driver that is on every node, as kubelets see it: `csi.Driver`."""

    name: str

    def start_on(self, node: str, labels: Mapping[str, str]) -> None:
        """Run the driver's part on a machine."""
        ...

    def call(self, method: str, request: Message, caller: str = "", node: str = "") -> Message:
        """Ask that part; raises CallFailed."""
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

    def register(self, driver: NodeDriver) -> None:
        """A driver has come to the node: say so, and how many volumes it can have."""
        client, name = self._kubelet.client, self._kubelet.name
        labels = labels_of(client.get("nodes", name))
        driver.start_on(name, labels)
        driver.call("GetPluginInfo", {}, f"node-driver-registrar {name}", name)
        csinode.add_driver(client, name, driver.name, self._ask(driver, "NodeGetInfo"))

    def _ask(self, driver: NodeDriver, method: str, request: Message = _NOTHING) -> Message:
        """Call the driver's part on this node; raises CallFailed."""
        return driver.call(method, request, f"kubelet {self._kubelet.name}", self._kubelet.name)

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
        context: Mapping[str, str] = _NOTHING
        if self._is_attached_first(csi["driver"]):
            attachment = kubelet.client.find(ATTACHMENTS, attachment_name(volume, kubelet.name))
            status = (attachment or {}).get("status") or {}
            if not status.get("attached"):
                raise NotYet
            context = status.get("attachmentMetadata") or _NOTHING
        name = unique_name(volume)
        request = {"volume_id": csi["volumeHandle"], "publish_context": context, "volume_capability": of_volume(volume)}
        request |= {"staging_target_path": staging_path(volume), "volume_context": csi.get("volumeAttributes") or {}}
        try:
            if not any(each == name for each, _uid in self._mounted):
                self._ask(driver, "NodeGetCapabilities")
                self._ask(driver, "NodeStageVolume", request)
            target = {"target_path": target_path(volume, worker.uid), "readonly": bool(csi.get("readOnly"))}
            self._ask(driver, "NodePublishVolume", {**request, **target})
        except CallFailed as refusal:
            raise CannotMount(said + str(refusal)) from None
        self._mounted[name, worker.uid] = csi["volumeHandle"]

    def _is_attached_first(self, driver: str) -> bool:
        found = self._kubelet.client.find(CSI_DRIVERS, driver)
        return found is None or bool(found["spec"].get("attachRequired", True))

    def unmount(self, worker: PodWorker) -> None:
        """Give back what a pod had."""
        names = [name for name, users in self._users.items() if worker.uid in users]
        for name in names:
            volume = self._volumes[name]
            driver = self._kubelet.pool.drivers.get(volume["spec"]["csi"]["driver"])
            handle = self._mounted.pop((name, worker.uid), "")
            if driver is not None and handle:
                there = {"volume_id": handle, "target_path": target_path(volume, worker.uid)}
                self._ask(driver, "NodeUnpublishVolume", there)
            del self._users[name][worker.uid]
            if not self._users[name]:
                del self._users[name], self._volumes[name]
                if driver is not None and handle:
                    there = {"volume_id": handle, "staging_target_path": staging_path(volume)}
                    self._ask(driver, "NodeUnstageVolume", there)
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
        request = {"volume_id": csi["volumeHandle"], "volume_path": target_path(volume, worker.uid)}
        request |= {"capacity_range": {"required_bytes": quantity.value(size)}, "volume_capability": of_volume(volume)}
        request |= {"staging_target_path": staging_path(volume)}
        self._ask(kubelet.pool.drivers[csi["driver"]], "NodeExpandVolume", request)
        status = {**with_resize(claim["status"], None), "capacity": {**claim["status"]["capacity"], "storage": size}}
        kubelet.client.update_status("persistentvolumeclaims", {**claim, "status": status})
        told = f'MountVolume.NodeExpandVolume succeeded for volume "{volume["metadata"]["name"]}" {kubelet.name}'
        kubelet.events.record(worker.pod, "Normal", "FileSystemResizeSuccessful", told)


def staging_path(volume: Object) -> str:
    """Where a volume is mounted for the whole machine."""
    csi, block = volume["spec"]["csi"], volume["spec"].get("volumeMode") == "Block"
    if block:
        return f"{_ROOT}/plugins/kubernetes.io/csi/volumeDevices/staging/{volume['metadata']['name']}"
    digest = hashlib.sha256(csi["volumeHandle"].encode()).hexdigest()
    return f"{_ROOT}/plugins/kubernetes.io/csi/{csi['driver']}/{digest}/globalmount"


def target_path(volume: Object, uid: str) -> str:
    """Where a volume is mounted for a pod."""
    name, block = volume["metadata"]["name"], volume["spec"].get("volumeMode") == "Block"
    if block:
        return f"{_ROOT}/plugins/kubernetes.io/csi/volumeDevices/publish/{name}/{uid}"
    return f"{_ROOT}/pods/{uid}/volumes/kubernetes.io~csi/{name}/mount"
