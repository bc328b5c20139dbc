"""The protection controllers: a claim that a pod uses and a volume that a claim uses are not removed.

Admission gives both a finalizer; here it is taken away once nobody needs the object any more. Pods are followed from
the first claim on: a cluster without claims pays nothing for them. Upstream: `pkg/controller/volume/pvcprotection`,
`pvprotection`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import GOING
from k8snb.i18n import _
from k8snb.machinery.objects import is_deleting, key_of, revision_of, with_meta
from k8snb.machinery.volumes import claim_names
from k8snb.typing import Object, ObjectKey

PVC_FINALIZER = "kubernetes.io/pvc-protection"
PV_FINALIZER = "kubernetes.io/pv-protection"


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


def _without(obj: Object, finalizer: str) -> Object:
    left = [each for each in obj["metadata"]["finalizers"] if each != finalizer]
    return with_meta(obj, finalizers=left or None)
