"""The persistent volume controller: gives claims their volumes, and looks after what is left of both.

Claims and volumes are keys of one queue; a claim's key has a namespace. Everything that is decided on is read anew, for
two claims that want one volume are looked at one after the other. A claim that waits is looked at again when a volume
becomes free, and every fifteen seconds, when it says again what it waits for. Upstream:
`pkg/controller/volume/persistentvolume`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.controllers.volumes.claims import Claims
from k8snb.controllers.volumes.reclaiming import Volumes
from k8snb.controllers.volumes.writing import Writer
from k8snb.i18n import _
from k8snb.machinery.objects import key_of, revision_of
from k8snb.machinery.volumes import STORAGE_CLASSES, is_bound
from k8snb.typing import Object, ObjectKey

RESYNC = 15.0
"""`--pvclaimbinder-sync-period`."""


class PersistentVolumeController(Controller):
    """Binds, releases and reclaims."""

    name = "persistentvolume-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._volumes = self.informers.of("persistentvolumes")
        self._claims = self.informers.of("persistentvolumeclaims")
        self._has_classes = context.scheme.find(STORAGE_CLASSES) is not None
        writer = Writer(self.client, self.clock)
        self._claim_side = Claims(self.client, self.events, writer, has_classes=self._has_classes)
        self._volume_side = Volumes(self.client, self.events, writer, self.queue.add)

    def start(self) -> None:
        self._volumes.on_change(self._volume_changed)
        self._claims.on_change(self._claim_changed)
        if self._has_classes:
            self.informers.of(STORAGE_CLASSES).on_change(self._class_changed)

    # -- noticing ----------------------------------------------------------------------------------

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None
        if new is not None:
            self.queue.add(key_of(new), revision_of(new))
        reference = (old or new or {})["spec"].get("claimRef")
        if reference is not None and (new is None or new["spec"].get("claimRef") != reference):
            self.queue.add(ObjectKey(reference.get("namespace", ""), reference.get("name", "")), revision_of(changed))
        if new is not None and _became_free(old, new):
            self._look_at_waiting(revision_of(new))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.queue.add(key_of(new), revision_of(new))
        elif old is not None and old["spec"].get("volumeName"):
            self.queue.add(ObjectKey("", old["spec"]["volumeName"]), revision_of(old))

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._look_at_waiting(revision_of(new))

    def _look_at_waiting(self, cause: int) -> None:
        for claim in self._claims.list():
            if not is_bound(claim):
                self.queue.add(key_of(claim), cause)

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        if key.namespace:
            self._reconcile_claim(key)
        else:
            volume = self.client.find("persistentvolumes", key.name)
            if volume is not None:
                self._reconcile_volume(volume)
        return None

    def _reconcile_volume(self, volume: Object) -> None:
        phase, claim = (volume.get("status") or {}).get("phase"), volume["spec"].get("claimRef")
        self.saw(phase=phase or "", claim=claim["name"] if claim else "")
        self.compares(_("phase"), phase or _("none"), "Bound" if claim else "Available")
        self.wants(_("see whether its claim is still there") if claim else _("no claim has the volume: it is free"))
        self._volume_side.sync(volume)

    def _reconcile_claim(self, key: ObjectKey) -> None:
        claim = self.client.find("persistentvolumeclaims", key.name, key.namespace)
        if claim is None:
            return
        phase = (claim.get("status") or {}).get("phase", "")
        self.saw(phase=phase, volume=claim["spec"].get("volumeName", ""))
        self.compares(_("phase"), phase or _("none"), "Bound")
        if not self._claim_side.sync(claim):
            self.wants(
                _("the claim has its volume") if phase == "Bound" else _("a volume is there for it: bind the two")
            )
        else:
            self.wants(_("the claim waits: look again in {seconds:.0f} s"), seconds=RESYNC)
            self.queue.add_after(key, RESYNC, background=True)


def _became_free(old: Object | None, new: Object) -> bool:
    phases = [(each.get("status") or {}).get("phase") for each in (old or {}, new)]
    return phases[1] == "Available" and phases[0] != "Available"
