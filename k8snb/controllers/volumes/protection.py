"""The protection controllers: a claim that a pod uses, a volume that a claim uses and a class of attributes that either
names are not removed.

Admission gives all of them a finalizer; here it is taken away once nobody needs the object any more. Pods are followed
from the first claim on: a cluster without claims pays nothing for them. Upstream: `pvcprotection`, `pvprotection` and
`vacprotection` in `pkg/controller/volume`.
"""

from __future__ import annotations

from itertools import chain

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import GOING
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of, revision_of, with_meta
from k8snb.machinery.volumes import ATTRIBUTES_CLASSES, claim_names
from k8snb.typing import Object, ObjectKey

PVC_FINALIZER = "kubernetes.io/pvc-protection"
PV_FINALIZER = "kubernetes.io/pv-protection"
VAC_FINALIZER = "kubernetes.io/vac-protection"


class PVCProtectionController(Controller):
    """Lets a claim go when no pod on a node mounts it."""

    name = "pvc-protection-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._claims = self.informers.of("persistentvolumeclaims")
        self._pods = self.informers.of("pods")
        self._follows_pods = False

    def start(self) -> None:
        self._claims.on_change(self._claim_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        if not self._follows_pods:
            self._follows_pods = True
            self._pods.on_change(self._pod_changed, GOING)
        if is_deleting(new):
            self.queue.add(key_of(new), revision_of(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and len(self._claims):
            namespace = old["metadata"]["namespace"]
            for name in claim_names(old):
                self.queue.add(ObjectKey(namespace, name), revision_of(old))

    def reconcile(self, key: ObjectKey) -> float | None:
        claim = self.client.find("persistentvolumeclaims", key.name, key.namespace)
        if claim is None or not is_deleting(claim) or PVC_FINALIZER not in claim["metadata"].get("finalizers", ()):
            return None
        pods = self.client.list("pods", key.namespace)
        users = [
            pod["metadata"]["name"] for pod in pods if pod["spec"].get("nodeName") and key.name in claim_names(pod)
        ]
        self.saw(users=users)
        self.compares(_("pods that use the claim"), len(users), 0)
        if users:
            self.wants(_("pods use the claim: it stays"))
            return None
        self.wants(_("no pod uses the claim: let it go"))
        self.client.update("persistentvolumeclaims", _without(claim, PVC_FINALIZER))
        return None


class PVProtectionController(Controller):
    """Lets a volume go when no claim is bound to it."""

    name = "pv-protection-controller"

    def start(self) -> None:
        self.informers.of("persistentvolumes").on_change(self._volume_changed)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_deleting(new):
            self.queue.add(key_of(new), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        volume = self.client.find("persistentvolumes", key.name)
        if volume is None or not is_deleting(volume) or PV_FINALIZER not in volume["metadata"].get("finalizers", ()):
            return None
        phase = (volume.get("status") or {}).get("phase")
        self.compares(_("phase"), phase, _("anything but {phase}").format(phase="Bound") if phase == "Bound" else phase)
        if phase == "Bound":
            self.wants(_("a claim is bound to the volume: it stays"))
            return None
        self.wants(_("no claim is bound to the volume: let it go"))
        self.client.update("persistentvolumes", _without(volume, PV_FINALIZER))
        return None


class VACProtectionController(Controller):
    """Lets a class of attributes go when no volume or claim names it."""

    name = "volumeattributesclass-protection-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._classes = self.informers.of(ATTRIBUTES_CLASSES)

    def start(self) -> None:
        self._classes.on_change(self._class_changed)
        for resource in ("persistentvolumes", "persistentvolumeclaims"):
            self.informers.of(resource).on_change(self._user_changed)

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_deleting(new):
            self.queue.add(key_of(new), revision_of(new))

    def _user_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or not len(self._classes):
            return
        for name in attributes_classes(old) - (attributes_classes(new) if new is not None else set()):
            self.queue.add(ObjectKey("", name), revision_of(new if new is not None else old))

    def reconcile(self, key: ObjectKey) -> float | None:
        found = self.client.find(ATTRIBUTES_CLASSES, key.name)
        if found is None or not is_deleting(found) or VAC_FINALIZER not in found["metadata"].get("finalizers", ()):
            return None
        listed = (self.client.list(resource) for resource in ("persistentvolumes", "persistentvolumeclaims"))
        users = [each["metadata"]["name"] for each in chain(*listed) if key.name in attributes_classes(each)]
        self.compares(_("volumes and claims that name the class"), ", ".join(users) or 0, 0)
        if users:
            self.wants(_("volumes or claims name the class: it stays"))
            return None
        self.wants(_("no volume or claim names the class: let it go"))
        self.client.update(ATTRIBUTES_CLASSES, _without(found, VAC_FINALIZER))
        return None


def attributes_classes(obj: Object) -> set[str]:
    """The classes of attributes that a volume or claim has, asks for, or is on the way to. Pure."""
    status = obj.get("status") or {}
    named = (
        obj["spec"].get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    )
    return {each for each in named if each}


def _without(obj: Object, finalizer: str) -> Object:
    left = [each for each in obj["metadata"]["finalizers"] if each != finalizer]
    return with_meta(obj, finalizers=left or None)
