"""The expand controller: says who has to act when a bound claim asks for more than it has.

Volumes are made larger by their drivers; this controller only tells that one is waited for. Upstream:
`pkg/controller/volume/expand`.
"""

from __future__ import annotations

from k8snb.client.controller import Controller
from k8snb.i18n import _
from k8snb.machinery.objects import key_of, revision_of
from k8snb.machinery.quantity import compare
from k8snb.machinery.volumes import asked_storage
from k8snb.typing import Object, ObjectKey


class ExpandController(Controller):
    """Tells who is waited for."""

    name = "volume_expand"

    def start(self) -> None:
        self.informers.of("persistentvolumeclaims").on_change(self._claim_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and compare(asked_storage(new), asked_storage(old)) > 0:
            self.queue.add(key_of(new), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        claim = self.client.find("persistentvolumeclaims", key.name, key.namespace)
        if claim is None:
            return None
        status = claim.get("status") or {}
        has = (status.get("capacity") or {}).get("storage", "0")
        if status.get("phase") == "Bound" and compare(asked_storage(claim), has) > 0:
            self.compares(_("capacity"), has, asked_storage(claim))
            self.wants(_("the claim has grown: its driver has to make the volume larger"))
            told = "waiting for an external controller to expand this PVC"
            self.events.normal(claim, "ExternalExpanding", told)
        return None
