"""external-resizer, its other half: changes what a disk is like when its claim names another VolumeAttributesClass.

The claim's status says how far that has come: `Pending` as long as there is no such class, `InProgress`, `Infeasible`
if the driver cannot do it. When it is done, volume and claim have the class, and nothing is left of how it went.
Upstream: `kubernetes-csi/external-resizer`, `pkg/modifycontroller`.
"""

from __future__ import annotations

from typing import Any

from k8snb.csi.calls import CallFailed
from k8snb.csi.provisioner import CLAIMS, VOLUMES
from k8snb.csi.sidecar import RETRY_SECONDS, Sidecar, handle_in
from k8snb.i18n import _
from k8snb.machinery.objects import key_of, revision_of
from k8snb.machinery.volumes import ATTRIBUTES_CLASSES, is_bound
from k8snb.typing import Object, ObjectKey

SLOW_SECONDS = 300.0
"""After how long something is tried again that the driver says it cannot do."""
_MODIFYING, _FAILED = "ModifyingVolume", "ModifyVolumeError"
_UNDER_WAY = "ModifyVolume operation in progress."


class Modifier(Sidecar):
    """Gives volumes other attributes."""

    name = "csi-resizer-modify"
    caller = "csi-resizer"

    def start(self) -> None:
        self.informers.of(CLAIMS).on_change(self._claim_changed)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        wanted, before = (_wanted(each) if each is not None and is_bound(each) else "" for each in (new, old))
        if new is not None and wanted and wanted != before:
            self.queue.add(key_of(new), revision_of(new))

    def reconcile(self, key: ObjectKey) -> float | None:
        claim = self.client.find(CLAIMS, key.name, key.namespace)
        wanted = _wanted(claim) if claim is not None and is_bound(claim) else ""
        volume = self.client.find(VOLUMES, claim["spec"]["volumeName"]) if claim is not None and wanted else None
        if claim is None or volume is None or (volume["spec"].get("csi") or {}).get("driver") != self.driver.name:
            return None
        current = (claim.get("status") or {}).get("currentVolumeAttributesClassName") or ""
        self.compares(_("class of the volume's attributes"), current, wanted)
        kind = self.client.find(ATTRIBUTES_CLASSES, wanted)
        if kind is None:
            self.wants(_("there is no such class yet"))
            self._say(claim, "Pending", None)
            self.later(key)
            return None
        if (str(key), "modify") not in self._ends:
            claim = self._say(claim, "InProgress", _condition(_MODIFYING, _UNDER_WAY), wanted)
            told = f"external resizer is modifying volume {key.name} with vac {wanted}"
            self.events.normal(claim, "VolumeModify", told)
        if not self.has_taken(key, "modify"):
            self.wants(_("the claim names another class: have the driver change the disk"))
            return None
        try:
            request = {"volume_id": handle_in(volume), "mutable_parameters": kind.get("parameters") or {}}
            self.ask("ControllerModifyVolume", request)
        except CallFailed as error:
            self._fail(key, claim, error)
            return None
        self._finish(claim, volume, wanted)
        return None

    def _fail(self, key: ObjectKey, claim: Object, error: CallFailed) -> None:
        told = f"ModifyVolume failed with error: {error}. Waiting for retry."
        state = "Infeasible" if error.code == "InvalidArgument" else "InProgress"
        self._say(claim, state, _condition(_FAILED, told))
        self.events.warning(claim, "VolumeModifyFailed", str(error))
        self.queue.add_after(key, SLOW_SECONDS if state == "Infeasible" else RETRY_SECONDS, background=True)

    def _finish(self, claim: Object, volume: Object, wanted: str) -> None:
        """The volume has it first, so that it is never the claim alone."""
        self.client.update(VOLUMES, {**volume, "spec": {**volume["spec"], "volumeAttributesClassName": wanted}})
        status = {key: value for key, value in claim["status"].items() if key != "modifyVolumeStatus"}
        status |= {"conditions": _others(claim), "currentVolumeAttributesClassName": wanted}
        name = claim["metadata"]["name"]
        claim = self.client.update_status(CLAIMS, {**claim, "status": status})
        told = f"external resizer modified volume {name} with vac {wanted} successfully "
        self.events.normal(claim, "VolumeModifySuccessful", told)

    def _say(self, claim: Object, state: str, condition: Object | None, target: str = "") -> Object:
        status: dict[str, Any] = dict(claim["status"])
        before = status.get("modifyVolumeStatus") or {}
        status["modifyVolumeStatus"] = {**before, "status": state}
        if target:
            status["modifyVolumeStatus"]["targetVolumeAttributesClassName"] = target
        if condition is not None:
            stamped = {**condition, "lastTransitionTime": self.clock.timestamp()}
            status["conditions"] = [*_others(claim), stamped]
        elif before == status["modifyVolumeStatus"]:
            return claim
        return self.client.update_status(CLAIMS, {**claim, "status": status})


def _condition(type: str, message: str) -> Object:
    return {"type": type, "status": "True", "lastProbeTime": None, "message": message}


def _others(claim: Object) -> list[Object]:
    """The conditions of a claim that are about other things."""
    return [each for each in claim["status"].get("conditions") or () if each["type"] not in (_MODIFYING, _FAILED)]


def _wanted(claim: Object) -> str:
    """The class that a claim names and does not have; empty if it has it."""
    name = claim["spec"].get("volumeAttributesClassName") or ""
    return "" if name == ((claim.get("status") or {}).get("currentVolumeAttributesClassName") or "") else name
