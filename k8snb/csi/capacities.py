"""external-provisioner, its other half: says how much room a driver has where, so that pods are not sent elsewhere.

For each class of the driver and each place there is a CSIStorageCapacity. They are looked at again whenever a disk may
have been made or deleted. Only a driver whose CSIDriver says `storageCapacity` has them.
Upstream: `kubernetes-csi/external-provisioner`, `pkg/capacity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from k8snb.csi.capabilities import capability
from k8snb.csi.provisioner import VOLUMES, quantity_text
from k8snb.csi.sidecar import Sidecar
from k8snb.i18n import _
from k8snb.machinery.objects import key_of, labels_of, revision_of
from k8snb.machinery.volumes import STORAGE_CAPACITIES, STORAGE_CLASSES
from k8snb.typing import Object, ObjectKey

NAMESPACE = "kube-system"
_DRIVER = "csi.storage.k8s.io/drivername"
_MANAGER = "csi.storage.k8s.io/managed-by"


class Capacities(Sidecar):
    """Publishes how much room there is."""

    name = "csi-provisioner-capacity"
    caller = "csi-provisioner"

    def start(self) -> None:
        self._classes = self.informers.of(STORAGE_CLASSES)
        self._nodes = self.informers.of("nodes")
        self._classes.on_change(self._class_changed)
        self._nodes.on_change(self._node_changed)
        self.informers.of(VOLUMES).on_change(self._volume_changed)

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        found = new if new is not None else old
        if found is not None and found["provisioner"] == self.driver.name:
            self.queue.add(key_of(found), revision_of(found))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        label = self.driver.topology
        before, now = (labels_of(each).get(label, "") if each is not None else "" for each in (old, new))
        if before != now:
            self._all(new if new is not None else old)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        found = new if new is not None else old
        is_ours = found is not None and (found["spec"].get("csi") or {}).get("driver") == self.driver.name
        if is_ours and (old is None or new is None or old["spec"]["capacity"] != new["spec"]["capacity"]):
            self._all(found)

    def _all(self, because: Object | None) -> None:
        for each in self._classes.list():
            if each["provisioner"] == self.driver.name:
                self.queue.add(key_of(each), revision_of(because) if because is not None else 0)

    def reconcile(self, key: ObjectKey) -> float | None:
        kind = self.client.find(STORAGE_CLASSES, key.name)
        wanted = dict(self._rooms(kind)) if kind is not None else {}
        for obj in self.client.list(STORAGE_CAPACITIES, NAMESPACE):
            if labels_of(obj).get(_DRIVER) != self.driver.name or obj["storageClassName"] != key.name:
                continue
            place = tuple(sorted(((obj.get("nodeTopology") or {}).get("matchLabels") or {}).items()))
            room = wanted.pop(place, None)
            self.compares(_("room"), obj.get("capacity", ""), room or _("none"))
            if room is None:
                self.client.delete(STORAGE_CAPACITIES, obj["metadata"]["name"], NAMESPACE)
            elif room != obj.get("capacity"):
                self.client.update(STORAGE_CAPACITIES, {**obj, "capacity": room})
        for place, room in wanted.items():
            self.client.create(STORAGE_CAPACITIES, self._made(key.name, dict(place), room))
        return None

    def _rooms(self, kind: Object) -> Iterator[tuple[tuple[tuple[str, str], ...], str]]:
        """Each place where there are nodes, and how much room there is for a class."""
        label = self.driver.topology
        values = sorted({labels_of(node).get(label, "") for node in self._nodes.list()}) if label else [""]
        for value in filter(None, values) if label else values:
            place = {label: value} if label else {}
            request = {
                "parameters": kind.get("parameters") or {},
                "volume_capabilities": [capability("ReadWriteOnce", block=False, fs_type="ext4", flags=())],
                "accessible_topology": {"segments": place},
            }
            yield tuple(place.items()), quantity_text(self.ask("GetCapacity", request)["available_capacity"])

    def _made(self, kind: str, place: Mapping[str, str], room: str) -> Object:
        labels = {_DRIVER: self.driver.name, _MANAGER: "external-provisioner"}
        return {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIStorageCapacity",
            "metadata": {"generateName": "csisc-", "namespace": NAMESPACE, "labels": labels},
            "nodeTopology": {"matchLabels": place} if place else {},
            "storageClassName": kind,
            "capacity": room,
        }
