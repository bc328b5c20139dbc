"""The ephemeral volume controller: makes the claims that pods bring along.

A pod's ephemeral volume is a claim named after pod and volume. It belongs to the pod, so it goes when the pod does.
Upstream: `pkg/controller/volume/ephemeral`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import COMING
from k8snb.i18n import _
from k8snb.machinery.objects import controller_reference, is_deleting, key_of, revision_of
from k8snb.typing import Object, ObjectKey


class EphemeralVolumeController(Controller):
    """Gives every pod the claims of its ephemeral volumes."""

    name = "ephemeral-volume-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pods = self.informers.of("pods")

    def start(self) -> None:
        self._pods.on_change(self._pod_changed, COMING)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and _templates(new):
            self.queue.add(key_of(new), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        pod = self._pods.get(*key)
        if pod is None or is_deleting(pod):
            return None
        for volume in _templates(pod):
            name = f"{key.name}-{volume['name']}"
            found = self.client.find("persistentvolumeclaims", name, key.namespace)
            if found is None:
                self.compares(_("claim {name}").format(name=name), _("none"), _("there"))
                self.wants(_("the pod brings a volume along: make its claim"))
                self._create(pod, name, volume["ephemeral"]["volumeClaimTemplate"])
        return None

    def _create(self, pod: Object, name: str, template: Object) -> None:
        given = template.get("metadata") or {}
        meta = {
            **{k: given[k] for k in ("labels", "annotations") if given.get(k)},
            "name": name,
            "namespace": pod["metadata"]["namespace"],
            "ownerReferences": [controller_reference(pod)],
        }
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": template["spec"]}
        self.client.create("persistentvolumeclaims", claim)


def _templates(pod: Object) -> list[Object]:
    return [volume for volume in pod["spec"].get("volumes") or () if "ephemeral" in volume]
