"""The side of the volumes: free, kept for a claim, bound, and what becomes of them when their claim has gone.

A volume that a driver made is deleted by the driver; of the others only directories below `/tmp` can be deleted or
emptied here, as upstream. Upstream: `pv_controller.go` (`syncVolume`, `reclaimVolume`), `pkg/volume/hostpath`.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.controllers.volumes.writing import Writer
from k8snb.machinery.objects import annotations_of, is_deleting
from k8snb.machinery.volumes import PROVISIONED_BY, same_mode
from k8snb.typing import Object, ObjectKey

_ENDED = ("Released", "Failed")
_RECYCLED = ("hostPath", "nfs")
_NO_DELETER = "error getting deleter volume plugin for volume"


class Volumes:
    """Looks after volumes. `look_at` has a claim looked at."""

    def __init__(
        self, client: Client, events: EventRecorder, writer: Writer, look_at: Callable[[ObjectKey], None]
    ) -> None:
        self._client = client
        self._events = events
        self._writer = writer
        self._look_at = look_at

    def sync(self, volume: Object) -> None:
        """Bring a volume on."""
        reference = volume["spec"].get("claimRef")
        if reference is None or not reference.get("uid"):
            self._writer.set_phase(volume, "Available")
            if reference is not None:
                self._look_at(ObjectKey(reference.get("namespace", ""), reference.get("name", "")))
            return
        claim = self._client.find("persistentvolumeclaims", reference["name"], reference["namespace"])
        if claim is None or claim["metadata"]["uid"] != reference["uid"]:
            self._claim_is_gone(volume)
        elif not claim["spec"].get("volumeName"):
            self._claim_is_open(volume, claim)
        elif claim["spec"]["volumeName"] == volume["metadata"]["name"]:
            self._writer.set_phase(volume, "Bound")
        else:
            self._claim_is_elsewhere(volume)

    def _claim_is_open(self, volume: Object, claim: Object) -> None:
        """The volume knows its claim, the claim does not know its volume yet."""
        meta = claim["metadata"]
        if same_mode(volume, claim):
            self._look_at(ObjectKey(meta["namespace"], meta["name"]))
            return
        told = "due to incompatible volumeMode."
        name = volume["metadata"]["name"]
        claim_told = f'Cannot bind PersistentVolume "{name}" to requested PersistentVolumeClaim "{meta["name"]}" {told}'
        told = f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{meta["name"]}" {told}'
        self._events.warning(volume, "VolumeMismatch", told)
        self._events.warning(claim, "VolumeMismatch", claim_told)

    def _claim_is_elsewhere(self, volume: Object) -> None:
        made = PROVISIONED_BY in annotations_of(volume)
        if made and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            self._claim_is_gone(volume)
        else:
            self._writer.unbind(volume)

    def _claim_is_gone(self, volume: Object) -> None:
        phase = (volume.get("status") or {}).get("phase")
        if phase not in _ENDED:
            volume = self._writer.set_phase(volume, "Released")
        policy = volume["spec"].get("persistentVolumeReclaimPolicy")
        if phase != "Failed" and policy == "Delete":
            self._delete(volume)
        elif phase != "Failed" and policy == "Recycle":
            self._recycle(volume)

    def _delete(self, volume: Object) -> None:
        spec, name = volume["spec"], volume["metadata"]["name"]
        if "csi" in spec or PROVISIONED_BY in annotations_of(volume) or is_deleting(volume):
            return
        if "hostPath" not in spec:
            self._failed(volume, "VolumeFailedDelete", f'{_NO_DELETER} "{name}": no deletable volume plugin matched')
            return
        path = spec["hostPath"].get("path", "")
        if "/tmp/" not in path or path.endswith("/tmp/"):
            told = f"host_path deleter only supports /tmp/.+ but received provided {path}"
            self._failed(volume, "VolumeFailedDelete", told)
            return
        self._client.delete("persistentvolumes", name)

    def _recycle(self, volume: Object) -> None:
        if not any(kind in volume["spec"] for kind in _RECYCLED):
            self._failed(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!")
            return
        self._events.normal(volume, "VolumeRecycled", "Volume recycled")
        self._writer.unbind(volume)

    def _failed(self, volume: Object, reason: str, told: str) -> None:
        self._writer.set_phase(volume, "Failed", told)
        self._events.warning(volume, reason, told)
