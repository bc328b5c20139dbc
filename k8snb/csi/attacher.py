"""external-attacher: attaches a disk to a machine for every VolumeAttachment, and detaches it when that is deleted.

Upstream: `kubernetes-csi/external-attacher`.
"""

from __future__ import annotations

from typing import Any

from k8snb.csi.calls import CallFailed
from k8snb.csi.capabilities import of_volume
from k8snb.csi.provisioner import VOLUMES
from k8snb.csi.sidecar import Sidecar, handle_in, with_finalizer, without_finalizer
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of, revision_of
from k8snb.machinery.volumes import ATTACHMENTS
from k8snb.typing import Object, ObjectKey


class Attacher(Sidecar):
    """Attaches and detaches."""

    name = "csi-attacher"

    @property
    def finalizer(self) -> str:
        """What keeps attachments and volumes until the disk is detached."""
        return f"external-attacher/{self.driver.name.replace('.', '-')}"

    def start(self) -> None:
        self.meet()
        self.informers.of(ATTACHMENTS).on_change(self._changed_attachment)
        self.informers.of(VOLUMES).on_change(self._volume_changed)

    def _changed_attachment(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["spec"]["attacher"] == self.driver.name:
            self.queue.add(key_of(new), revision_of(new))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        """A volume that is to go is let go once it is attached nowhere."""
        if new is not None and is_deleting(new) and self.finalizer in new["metadata"].get("finalizers", ()):
            self.queue.add(ObjectKey("volume", new["metadata"]["name"]), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        if key.namespace:
            self._let_go(key.name)
            return None
        attachment = self.client.find(ATTACHMENTS, key.name)
        if attachment is None:
            return None
        status = attachment.get("status") or {}
        self.saw(attached=bool(status.get("attached")), node=attachment["spec"]["nodeName"])
        if is_deleting(attachment):
            if self.finalizer in attachment["metadata"].get("finalizers", ()):
                self._detach(key, attachment)
        elif not status.get("attached"):
            self._attach(key, attachment)
        return None

    def _attach(self, key: ObjectKey, attachment: Object) -> None:
        spec = attachment["spec"]
        volume = self.client.find(VOLUMES, spec["source"].get("persistentVolumeName", ""))
        if volume is None:
            return
        if not self.has_taken(key, "attach"):
            self.wants(_("the disk is wanted on a machine: have the driver attach it"))
            return
        held = with_finalizer(volume, self.finalizer)
        if held is not volume:
            self.client.update(VOLUMES, held)
        attachment = self._written(attachment, with_finalizer(attachment, self.finalizer))
        try:
            status = self._publish(volume, spec["nodeName"])
            self.wants(_("the disk is attached: say so"))
        except CallFailed as error:
            status = {"attached": False, "attachError": {"message": str(error), "time": self.clock.timestamp()}}
            self.later(key)
        self.client.update_status(ATTACHMENTS, {**attachment, "status": status})

    def _publish(self, volume: Object, node: str) -> dict[str, Any]:
        """Have the disk attached; the attachment's status says how the machine will find it."""
        request = {"volume_id": handle_in(volume), "node_id": node, "volume_capability": of_volume(volume)}
        found = self.ask("ControllerPublishVolume", request).get("publish_context")
        return {"attached": True, **({"attachmentMetadata": found} if found else {})}

    def _detach(self, key: ObjectKey, attachment: Object) -> None:
        if not self.has_taken(key, "detach"):
            self.wants(_("nobody on the machine needs the disk: have the driver detach it"))
            return
        spec = attachment["spec"]
        volume = self.client.find(VOLUMES, spec["source"].get("persistentVolumeName", ""))
        if volume is not None:
            self.ask("ControllerUnpublishVolume", {"volume_id": handle_in(volume), "node_id": spec["nodeName"]})
        self.wants(_("the disk is detached: let the attachment go"))
        attachment = self.client.update_status(ATTACHMENTS, {**attachment, "status": {"attached": False}})
        self._written(attachment, without_finalizer(attachment, self.finalizer))
        if volume is not None:
            self._let_go(volume["metadata"]["name"])

    def _let_go(self, name: str) -> None:
        volume = self.client.find(VOLUMES, name)
        others = [a for a in self.client.list(ATTACHMENTS) if a["spec"]["source"].get("persistentVolumeName") == name]
        if volume is not None and not others and self.finalizer in volume["metadata"].get("finalizers", ()):
            self.client.update(VOLUMES, without_finalizer(volume, self.finalizer))

    def _written(self, before: Object, after: Object) -> Object:
        return before if after is before else self.client.update(ATTACHMENTS, after)
