"""external-provisioner: makes a disk for a claim that asks for one, and deletes it when nobody wants it any more.

A claim asks by an annotation that the persistent volume controller gives it; where the class waits for the first
consumer, by the node that the scheduler has chosen, too. The volume that is made is bound to the claim from the start.
Upstream: `kubernetes-csi/external-provisioner`, `sig-storage-lib-external-provisioner`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.client.controller import Context
from k8snb.csi.calls import CallFailed
from k8snb.csi.capabilities import capability
from k8snb.csi.driver import Driver
from k8snb.csi.messages import Message
from k8snb.csi.sidecar import Sidecar, handle_in, without_finalizer
from k8snb.i18n import _
from k8snb.machinery import quantity
from k8snb.machinery.objects import annotations_of, is_deleting, key_of, labels_of, reference_to, revision_of
from k8snb.machinery.volumes import (
    ATTACHMENTS,
    ATTRIBUTES_CLASSES,
    PROVISIONED_BY,
    PROVISIONER,
    SELECTED_NODE,
    STORAGE_CLASSES,
    asked_storage,
    class_of,
    waits_for_consumer,
)
from k8snb.typing import Object, ObjectKey

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
_OURS = "csi.storage.k8s.io/"
"""How parameters begin that are for the provisioner, not for the driver."""

_FS_TYPE, _DEFAULT_FS = f"{_OURS}fstype", "ext4"
_SNAPSHOTS = "volumesnapshots.snapshot.storage.k8s.io"
_CONTENTS = "volumesnapshotcontents.snapshot.storage.k8s.io"


class Unusable(Exception):
    """What a claim is to be copied from cannot be used; the message is the provisioner's."""


class Provisioner(Sidecar):
    """Makes and deletes volumes."""

    name = "csi-provisioner"

    def __init__(self, context: Context, driver: Driver) -> None:
        super().__init__(context, driver)
        self._claims = self.informers.of(CLAIMS)
        self._volumes = self.informers.of(VOLUMES)
        self._scheme = context.scheme

    def start(self) -> None:
        self.meet()
        self._claims.on_change(self._claim_changed)
        self._volumes.on_change(self._volume_changed)
        self.informers.of(ATTACHMENTS).on_change(self._attachment_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and not new["spec"].get("volumeName") and self._is_asked(new):
            self.queue.add(key_of(new), revision_of(new))

    def _is_asked(self, claim: Object) -> bool:
        return annotations_of(claim).get(PROVISIONER) == self.driver.name

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and self._is_to_go(new):
            self.queue.add(key_of(new), revision_of(new))

    def _attachment_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            volume = self._volumes.get("", old["spec"]["source"].get("persistentVolumeName", ""))
            if volume is not None and self._is_to_go(volume):
                self.queue.add(key_of(volume), revision_of(old))

    def _is_to_go(self, volume: Object) -> bool:
        if annotations_of(volume).get(PROVISIONED_BY) != self.driver.name:
            return False
        return (volume.get("status") or {}).get("phase") == "Released" or is_deleting(volume)

    def reconcile(self, key: ObjectKey) -> float | None:
        if key.namespace:
            claim = self.client.find(CLAIMS, key.name, key.namespace)
            if claim is not None and not claim["spec"].get("volumeName") and self._is_asked(claim):
                self._provision(key, claim)
        else:
            volume = self.client.find(VOLUMES, key.name)
            if volume is not None and self._is_to_go(volume):
                self._delete(key, volume)
        return None

    # -- making ------------------------------------------------------------------------------------

    def _provision(self, key: ObjectKey, claim: Object) -> None:
        kind = self.client.find(STORAGE_CLASSES, class_of(claim))
        node = annotations_of(claim).get(SELECTED_NODE, "")
        if kind is None or is_deleting(claim) or (waits_for_consumer(kind) and not node):
            return
        name = f"pvc-{claim['metadata']['uid']}"
        self.compares(_("volume of the claim"), "", name)
        if (str(key), "create") not in self._ends:
            told = f'External provisioner is provisioning volume for claim "{key}"'
            self.events.normal(claim, "Provisioning", told)
        try:
            source = self._source(claim)
            if not self.has_taken(key, "create"):
                self.wants(_("the claim asks for a volume: have the driver make one"))
                return
            disk = self.ask("CreateVolume", self._request(name, claim, kind, source))["volume"]
        except (Unusable, CallFailed) as error:
            told = f'failed to provision volume with StorageClass "{class_of(claim)}": {error}'
            self.events.warning(claim, "ProvisioningFailed", told)
            self.later(key)
            return
        self.wants(_("the driver has made the disk: write down the volume, bound to the claim"))
        if self.client.find(VOLUMES, name) is None:
            self.client.create(VOLUMES, self._volume(name, claim, kind, disk))
        self.events.normal(claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    def _request(self, name: str, claim: Object, kind: Object, source: Message) -> Message:
        """What the driver is asked for: the claim's size and modes, the class's parameters, the place."""
        place = self._place(annotations_of(claim).get(SELECTED_NODE, ""), kind)
        where = {key: [{"segments": place}] for key in ("requisite", "preferred")} if place else {}
        parameters = kind.get("parameters") or {}
        how: dict[str, Any] = {
            "block": claim["spec"].get("volumeMode") == "Block",
            "fs_type": parameters.get(_FS_TYPE, _DEFAULT_FS),
            "flags": kind.get("mountOptions") or (),
        }
        return {
            "name": name,
            "capacity_range": {"required_bytes": quantity.value(asked_storage(claim))},
            "volume_capabilities": [capability(mode, **how) for mode in claim["spec"]["accessModes"]],
            "parameters": {key: value for key, value in parameters.items() if not key.startswith(_OURS)},
            "mutable_parameters": self._attributes(claim),
            "volume_content_source": source,
            "accessibility_requirements": where,
        }

    def _attributes(self, claim: Object) -> Mapping[str, str]:
        """The parameters of the VolumeAttributesClass that a claim names. Raises Unusable."""
        name = claim["spec"].get("volumeAttributesClassName")
        if not name:
            return {}
        kind = self.client.find(ATTRIBUTES_CLASSES, name)
        if kind is None:
            raise Unusable(f'volumeattributesclasses.storage.k8s.io "{name}" not found')
        if kind["driverName"] != self.driver.name:
            driver = f"driver {kind['driverName']} which does not match driver name {self.driver.name}"
            raise Unusable(f"VAC {name} referenced in PVC is for {driver}")
        return kind.get("parameters") or {}

    def _place(self, node: str, kind: Object) -> Mapping[str, str]:
        """Where a disk is made: near the node that was chosen, else in the first place that the class allows."""
        label = self.driver.topology
        if not label:
            return {}
        if node:
            return {label: labels_of(self.client.get("nodes", node)).get(label, "")}
        allowed = [
            value
            for term in kind.get("allowedTopologies") or ()
            for each in term.get("matchLabelExpressions") or ()
            if each.get("key") == label
            for value in each.get("values") or ()
        ]
        nodes = (labels_of(each).get(label, "") for each in self.client.list("nodes"))
        return {label: min([*allowed] or [each for each in nodes if each], default="")}

    def _volume(self, name: str, claim: Object, kind: Object, disk: Message) -> Object:
        made_by = {PROVISIONED_BY: self.driver.name}
        parameters = kind.get("parameters") or {}
        file_system = parameters.get(_FS_TYPE, _DEFAULT_FS)
        block = claim["spec"].get("volumeMode") == "Block"
        attributes = claim["spec"].get("volumeAttributesClassName")
        spec = {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": quantity_text(disk["capacity_bytes"])},
            "claimRef": reference_to(claim),
            "csi": {
                "driver": self.driver.name,
                "volumeHandle": disk["volume_id"],
                **({} if block else {"fsType": file_system}),
            },
            "persistentVolumeReclaimPolicy": kind.get("reclaimPolicy", "Delete"),
            "storageClassName": kind["metadata"]["name"],
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
            **({"volumeAttributesClassName": attributes} if attributes else {}),
            **({"mountOptions": kind["mountOptions"]} if kind.get("mountOptions") else {}),
            **_affinity(next((each["segments"] for each in disk.get("accessible_topology", ())), {})),
        }
        meta = {"name": name, "annotations": made_by, "finalizers": [FINALIZER]}
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}

    # -- copying -----------------------------------------------------------------------------------

    def _source(self, claim: Object) -> Message:
        """The disk or snapshot that a claim is to be a copy of; empty for a new one. Raises Unusable."""
        given = claim["spec"].get("dataSource") or {}
        name, namespace = given.get("name", ""), claim["metadata"]["namespace"]
        if given.get("kind") == "PersistentVolumeClaim":
            return {"volume": {"volume_id": self._of_claim(claim, name, namespace)}}
        if given.get("kind") == "VolumeSnapshot":
            return {"snapshot": {"snapshot_id": self._of_snapshot(claim, name, namespace)}}
        return {}

    def _of_claim(self, claim: Object, name: str, namespace: str) -> str:
        lead = f"error getting handle for DataSource Type PersistentVolumeClaim by Name {name}: "
        source = self.client.find(CLAIMS, name, namespace)
        if source is None:
            raise Unusable(f'{lead}error getting PVC {name} (namespace "{namespace}") from api server: '
                           f'persistentvolumeclaims "{name}" not found')  # fmt: skip
        volume = self.client.find(VOLUMES, source["spec"].get("volumeName") or "-")
        if volume is None or (source.get("status") or {}).get("phase") != "Bound":
            raise Unusable(f"{lead}the PVC {name} is not bound")
        if (volume["spec"].get("csi") or {}).get("driver") != self.driver.name:
            raise Unusable(f"{lead}the source PV of PVC {name} is not created by {self.driver.name}")
        if quantity.compare(asked_storage(claim), volume["spec"]["capacity"]["storage"]) < 0:
            sizes = "new PVC request must be greater than or equal in size to the specified PVC data source"
            raise Unusable(f"{lead}error, {sizes}")
        return handle_in(volume)

    def _of_snapshot(self, claim: Object, name: str, namespace: str) -> str:
        lead = f"error getting handle for DataSource Type VolumeSnapshot by Name {name}: "
        found = self.client.find(_SNAPSHOTS, name, namespace) if self._scheme.find(_SNAPSHOTS) else None
        if found is None:
            missing = f'volumesnapshots.snapshot.storage.k8s.io "{name}" not found'
            raise Unusable(f"{lead}error getting snapshot {name} from api server: {missing}")
        status = found.get("status") or {}
        content = self.client.find(_CONTENTS, status.get("boundVolumeSnapshotContentName") or "-")
        if content is None:
            raise Unusable(f"{lead}snapshot {name} not bound")
        if not status.get("readyToUse"):
            raise Unusable(f"{lead}snapshot {name} is not Ready")
        if status.get("restoreSize") and quantity.compare(asked_storage(claim), status["restoreSize"]) < 0:
            asked = quantity.value(asked_storage(claim))
            size = quantity.value(status["restoreSize"])
            told = f"requested volume size {asked} is less than the size {size} for the source snapshot {name}"
            raise Unusable(f"{lead}{told}")
        return str((content.get("status") or {}).get("snapshotHandle", ""))

    # -- deleting ----------------------------------------------------------------------------------

    def _delete(self, key: ObjectKey, volume: Object) -> None:
        spec = volume["spec"]
        if (volume.get("status") or {}).get("phase") != "Released":
            return  # somebody still uses it
        if spec.get("persistentVolumeReclaimPolicy") != "Delete":
            if is_deleting(volume):
                self.client.update(VOLUMES, without_finalizer(volume, FINALIZER))
            return
        held = [a for a in self.client.list(ATTACHMENTS) if a["spec"]["source"].get("persistentVolumeName") == key.name]
        if held:
            told = f"persistentvolume {key.name} is still attached to node {held[0]['spec']['nodeName']}"
            self.events.warning(volume, "VolumeFailedDelete", told)
            self.later(key)
            return
        if not self.has_taken(key, "delete"):
            self.wants(_("the claim has gone: have the driver delete the disk"))
            return
        try:
            self.ask("DeleteVolume", {"volume_id": handle_in(volume)})
        except CallFailed as error:
            self.events.warning(volume, "VolumeFailedDelete", str(error))
            self.later(key)
            return
        self.wants(_("the disk is deleted: so is the volume"))
        if not is_deleting(volume):
            self.client.delete(VOLUMES, key.name)
        left = self.client.find(VOLUMES, key.name)
        if left is not None:
            self.client.update(VOLUMES, without_finalizer(left, FINALIZER))


def _affinity(place: Mapping[str, str]) -> Object:
    if not place:
        return {}
    terms = [{"key": key, "operator": "In", "values": [value]} for key, value in place.items()]
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": terms}]}}}


def quantity_text(size: int) -> str:
    """Bytes in the largest binary unit that fits evenly."""
    for power, unit in ((40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")):
        if size and size % (1 << power) == 0:
            return f"{size >> power}{unit}"
    return str(size)
