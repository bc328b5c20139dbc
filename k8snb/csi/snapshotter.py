"""snapshot-controller and external-snapshotter: keep a disk as it is, for every VolumeSnapshot of a claim.

A VolumeSnapshot is what people ask for, a VolumeSnapshotContent what there is, as a claim and its volume are.
Finalizers keep both until the other side is done. Upstream: `kubernetes-csi/external-snapshotter`.
"""

from __future__ import annotations

from typing import Any

from k8snb.csi.calls import CallFailed
from k8snb.csi.provisioner import CLAIMS, VOLUMES, quantity_text
from k8snb.csi.sidecar import Sidecar, handle_in, with_finalizer, without_finalizer
from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, is_deleting, key_of, reference_to, revision_of
from k8snb.typing import Object, ObjectKey

GROUP = "snapshot.storage.k8s.io"
SNAPSHOTS, CONTENTS = f"volumesnapshots.{GROUP}", f"volumesnapshotcontents.{GROUP}"
CLASSES = f"volumesnapshotclasses.{GROUP}"
_DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
_BOUND = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
_AS_SOURCE = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"
_CONTENT = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"


class Snapshotter(Sidecar):
    """Makes, binds and deletes snapshots of the driver's volumes."""

    name = "snapshot-controller"
    caller = "csi-snapshotter"

    def start(self) -> None:
        self.meet()
        self.informers.of(SNAPSHOTS).on_change(self._snapshot_changed)
        self.informers.of(CONTENTS).on_change(self._content_changed)

    def _snapshot_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self.queue.add(key_of(new), revision_of(new))

    def _content_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old
        assert changed is not None
        reference = changed["spec"]["volumeSnapshotRef"]
        self.queue.add(ObjectKey(reference["namespace"], reference["name"]), revision_of(changed))

    def reconcile(self, key: ObjectKey) -> float | None:
        snapshot = self.client.find(SNAPSHOTS, key.name, key.namespace)
        if snapshot is None:
            return None
        if is_deleting(snapshot):
            self._delete(key, snapshot)
        elif not (snapshot.get("status") or {}).get("readyToUse"):
            self._make(key, snapshot)
        return None

    # -- making ------------------------------------------------------------------------------------

    def _make(self, key: ObjectKey, snapshot: Object) -> None:
        kind = self._class(snapshot)
        volume = self._volume(snapshot)
        if kind is None or volume is None:
            return
        name = f"snapcontent-{snapshot['metadata']['uid']}"
        content = self.client.find(CONTENTS, name)
        if content is None:
            self.wants(_("a claim is to be kept as it is: write down what will hold that"))
            held = with_finalizer(with_finalizer(snapshot, _AS_SOURCE), _BOUND)
            snapshot = self.client.update(SNAPSHOTS, held)
            told = f"Waiting for a snapshot {key} to be created by the CSI driver."
            self.events.normal(snapshot, "CreatingSnapshot", told)
            self.client.create(CONTENTS, self._content(name, snapshot, kind, volume))
            return
        if not self.has_taken(key, "snapshot"):
            return
        self._take(key, snapshot, content, volume)

    def _take(self, key: ObjectKey, snapshot: Object, content: Object, volume: Object) -> None:
        try:
            name = f"snapshot-{snapshot['metadata']['uid']}"
            request = {"name": name, "source_volume_id": handle_in(volume)}
            made = self.ask("CreateSnapshot", request)["snapshot"]
        except CallFailed as error:
            self.events.warning(snapshot, "SnapshotContentCreationFailed", f"Failed to create snapshot: {error}")
            self.later(key)
            return
        self.wants(_("the driver has kept the disk: the snapshot can be used"))
        size, at = made["size_bytes"], made["creation_time"]["seconds"] * 10**9
        status: dict[str, Any] = {"readyToUse": True, "restoreSize": size, "snapshotHandle": made["snapshot_id"]}
        status["creationTime"] = at
        self.client.update_status(CONTENTS, {**content, "status": status})
        bound = {
            "boundVolumeSnapshotContentName": content["metadata"]["name"],
            "creationTime": self.clock.timestamp(),
            "readyToUse": True,
            "restoreSize": quantity_text(size),
        }
        self.client.update_status(SNAPSHOTS, {**snapshot, "status": bound})
        self.events.normal(snapshot, "SnapshotCreated", f"Snapshot {key} was successfully created by the CSI driver.")
        self.events.normal(snapshot, "SnapshotReady", f"Snapshot {key} is ready to use.")

    def _class(self, snapshot: Object) -> Object | None:
        """The class that a snapshot names, or the default of this driver."""
        name = snapshot["spec"].get("volumeSnapshotClassName")
        if name:
            found = self.client.find(CLASSES, name)
            if found is None:
                why = f'volumesnapshotclass.snapshot.storage.k8s.io "{name}" not found'
                told = f"Failed to get snapshot class with error {why}"
                self.events.warning(snapshot, "GetSnapshotClassFailed", told)
            return found if found is not None and found["driver"] == self.driver.name else None
        marked = [each for each in self.client.list(CLASSES) if annotations_of(each).get(_DEFAULT) == "true"]
        return next((each for each in marked if each["driver"] == self.driver.name), None)

    def _volume(self, snapshot: Object) -> Object | None:
        """The driver's volume behind the claim that a snapshot is taken of."""
        name = snapshot["spec"]["source"].get("persistentVolumeClaimName", "")
        claim = self.client.find(CLAIMS, name, snapshot["metadata"]["namespace"]) if name else None
        volume = self.client.find(VOLUMES, claim["spec"].get("volumeName") or "-") if claim is not None else None
        if volume is None:
            why = f"the PVC {name} is not yet bound to a PV, will not attempt to take a snapshot"
            if claim is None:
                why = f'failed to retrieve PVC {name} from the lister: persistentvolumeclaim "{name}" not found'
            told = f"Failed to create snapshot content with error {why}"
            self.events.warning(snapshot, "SnapshotContentCreationFailed", told)
            self.later(key_of(snapshot))
            return None
        return volume if (volume["spec"].get("csi") or {}).get("driver") == self.driver.name else None

    def _content(self, name: str, snapshot: Object, kind: Object, volume: Object) -> Object:
        spec = {
            "deletionPolicy": kind["deletionPolicy"],
            "driver": self.driver.name,
            "source": {"volumeHandle": volume["spec"]["csi"]["volumeHandle"]},
            "sourceVolumeMode": volume["spec"].get("volumeMode", "Filesystem"),
            "volumeSnapshotClassName": kind["metadata"]["name"],
            "volumeSnapshotRef": reference_to(snapshot),
        }
        head = {"apiVersion": f"{GROUP}/v1", "kind": "VolumeSnapshotContent"}
        return {**head, "metadata": {"name": name, "finalizers": [_CONTENT]}, "spec": spec}

    # -- deleting ----------------------------------------------------------------------------------

    def _delete(self, key: ObjectKey, snapshot: Object) -> None:
        name = f"snapcontent-{snapshot['metadata']['uid']}"
        content = self.client.find(CONTENTS, name)
        if content is not None and content["spec"]["deletionPolicy"] == "Delete":
            if not self.has_taken(key, "delete"):
                self.wants(_("the snapshot is not wanted any more: have the driver delete it"))
                return
            handle = (content.get("status") or {}).get("snapshotHandle", "")
            if handle:
                self.ask("DeleteSnapshot", {"snapshot_id": handle})
            if not is_deleting(content):
                self.client.delete(CONTENTS, name)
            left = self.client.find(CONTENTS, name)
            if left is not None:
                self.client.update(CONTENTS, without_finalizer(left, _CONTENT))
        freed = without_finalizer(without_finalizer(snapshot, _BOUND), _AS_SOURCE)
        if freed["metadata"].get("finalizers") != snapshot["metadata"].get("finalizers"):
            self.client.update(SNAPSHOTS, freed)
