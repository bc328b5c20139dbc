"""external-resizer: makes a disk larger when a bound claim asks for more than it has.

The claim's status says how far that has come: first the disk (`Resizing`), then the file system on it
(`FileSystemResizePending`), which is for the kubelet of the machine where it is mounted.
Upstream: `kubernetes-csi/external-resizer`.
"""

from __future__ import annotations

from typing import Any

from k8snb.csi.calls import CallFailed
from k8snb.csi.capabilities import of_volume
from k8snb.csi.provisioner import CLAIMS, VOLUMES, quantity_text
from k8snb.csi.sidecar import Sidecar, handle_in
from k8snb.i18n import _
from k8snb.machinery import quantity
from k8snb.machinery.objects import key_of, revision_of
from k8snb.machinery.volumes import RESIZING, asked_storage, capacity_of, has_storage, is_bound, with_resize
from k8snb.typing import Object, ObjectKey

_PENDING = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class Resizer(Sidecar):
    """Makes volumes larger."""

    name = "csi-resizer"

    def start(self) -> None:
        self.meet()
        self.informers.of(CLAIMS).on_change(self._claim_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_bound(new) and _wants_more(new):
            self.queue.add(key_of(new), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        claim = self.client.find(CLAIMS, key.name, key.namespace)
        if claim is None or not is_bound(claim) or not _wants_more(claim):
            return None
        volume = self.client.find(VOLUMES, claim["spec"]["volumeName"])
        if volume is None or (volume["spec"].get("csi") or {}).get("driver") != self.driver.name:
            return None
        self.compares(_("size of the volume"), capacity_of(volume), asked_storage(claim))
        if quantity.compare(capacity_of(volume), asked_storage(claim)) < 0:
            self._expand(key, claim, volume)
        return None

    def _expand(self, key: ObjectKey, claim: Object, volume: Object) -> None:
        name, asked = volume["metadata"]["name"], asked_storage(claim)
        if (str(key), "expand") not in self._ends:
            claim = self._say(claim, RESIZING, "", "ControllerResizeInProgress", asked)
            self.events.normal(claim, RESIZING, f"External resizer is resizing volume {name}")
        if not self.has_taken(key, "expand"):
            self.wants(_("the claim asks for more: have the driver make the disk larger"))
            return
        request = {"volume_id": handle_in(volume), "capacity_range": {"required_bytes": quantity.value(asked)}}
        try:
            grown = self.ask("ControllerExpandVolume", {**request, "volume_capability": of_volume(volume)})
        except CallFailed as error:
            told = f'resize volume "{name}" by resizer "{self.driver.name}" failed: {error}'
            self.events.warning(claim, "VolumeResizeFailed", told)
            self.later(key)
            return
        size = quantity_text(grown["capacity_bytes"])
        spec = {**volume["spec"], "capacity": {**volume["spec"]["capacity"], "storage": size}}
        self.client.update(VOLUMES, {**volume, "spec": spec})
        if not grown.get("node_expansion_required"):
            done = with_resize(claim["status"], None) | {"capacity": {"storage": asked}}
            self.client.update_status(CLAIMS, {**claim, "status": done})
            self.events.normal(claim, "VolumeResizeSuccessful", "Resize volume succeeded")
            return
        self.wants(_("the disk is larger; the file system on it is for the kubelet"))
        self._say(claim, "FileSystemResizePending", _PENDING, "NodeResizePending", asked)
        told = "Require file system resize of volume on node"
        self.events.normal(claim, "FileSystemResizeRequired", told)

    def _say(self, claim: Object, type: str, message: str, state: str, asked: str) -> Object:
        condition: dict[str, Any] = {
            "type": type,
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.clock.timestamp(),
            **({"message": message} if message else {}),
        }
        status = with_resize(claim["status"], condition)
        status |= {"allocatedResources": {"storage": asked}, "allocatedResourceStatuses": {"storage": state}}
        return self.client.update_status(CLAIMS, {**claim, "status": status})


def _wants_more(claim: Object) -> bool:
    return quantity.compare(asked_storage(claim), has_storage(claim)) > 0
