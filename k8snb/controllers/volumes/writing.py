"""What binding writes: references on both sides, and the phases of both.

Each function sends what differs from what is there, nothing if nothing does. The annotations say who did what:
`bound-by-controller` that it was this controller that chose, `bind-completed` that both sides are done.
Upstream: `pv_controller.go` (`bind`, `updateVolumePhase`, `updateClaimStatus`).
"""

from __future__ import annotations

from typing import Any

from k8snb.client.client import Client
from k8snb.clock import Clock
from k8snb.machinery.objects import annotations_of, reference_to, with_meta
from k8snb.machinery.volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER, is_for
from k8snb.typing import Object


class Writer:
    """Writes claims and volumes."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def bind(self, volume: Object, claim: Object) -> None:
        """Make a volume and a claim each other's, the volume first."""
        volume = self.set_phase(self._volume_for(volume, claim), "Bound")
        claim = self._claim_with(claim, volume)
        self.set_claim_phase(claim, "Bound", volume)

    def _volume_for(self, volume: Object, claim: Object) -> Object:
        changed = volume
        if not is_for(volume, claim):
            changed = _annotated(changed, BOUND_BY_CONTROLLER)
        if (volume["spec"].get("claimRef") or {}).get("uid") != claim["metadata"]["uid"]:
            changed = {**changed, "spec": {**changed["spec"], "claimRef": reference_to(claim)}}
        return changed if changed is volume else self._client.update("persistentvolumes", changed)

    def _claim_with(self, claim: Object, volume: Object) -> Object:
        changed, name = claim, volume["metadata"]["name"]
        if claim["spec"].get("volumeName") != name:
            changed = _annotated({**claim, "spec": {**claim["spec"], "volumeName": name}}, BOUND_BY_CONTROLLER)
        changed = _annotated(changed, BIND_COMPLETED)
        return changed if changed is claim else self._client.update("persistentvolumeclaims", changed)

    def unbind(self, volume: Object) -> None:
        """Free a volume: the reference goes if this controller made it, else only what was filled into it."""
        spec = dict(volume["spec"])
        if BOUND_BY_CONTROLLER in annotations_of(volume):
            del spec["claimRef"]
        else:
            spec["claimRef"] = {k: v for k, v in spec["claimRef"].items() if k != "uid"}
        annotations = {k: v for k, v in annotations_of(volume).items() if k != BOUND_BY_CONTROLLER}
        freed = with_meta({**volume, "spec": spec}, annotations=annotations or None)
        self.set_phase(self._client.update("persistentvolumes", freed), "Available")

    def set_phase(self, volume: Object, phase: str, message: str = "") -> Object:
        """Say how a volume is."""
        status = volume.get("status") or {}
        if status.get("phase") == phase and status.get("message", "") == message:
            return volume
        changed: dict[str, Any] = {k: v for k, v in status.items() if k != "message"}
        if status.get("phase") != phase:
            changed |= {"phase": phase, "lastPhaseTransitionTime": self._clock.timestamp()}
        if message:
            changed["message"] = message
        return self._client.update_status("persistentvolumes", {**volume, "status": changed})

    def set_claim_phase(self, claim: Object, phase: str, volume: Object | None = None) -> Object:
        """Say how a claim is: what it got from its volume when it becomes bound, nothing without one."""
        status = claim.get("status") or {}
        changed = {**status, "phase": phase}
        if volume is None:
            changed = {k: v for k, v in changed.items() if k not in ("accessModes", "capacity")}
        else:
            changed["accessModes"] = volume["spec"].get("accessModes") or []
            if status.get("phase") != phase:
                changed["capacity"] = volume["spec"].get("capacity") or {}
                if volume["spec"].get("volumeAttributesClassName"):
                    changed["currentVolumeAttributesClassName"] = volume["spec"]["volumeAttributesClassName"]
        if changed == status:
            return claim
        return self._client.update_status("persistentvolumeclaims", {**claim, "status": changed})


def _annotated(obj: Object, key: str) -> Object:
    """The object with an annotation `yes`, itself if it has that already."""
    if key in annotations_of(obj):
        return obj
    return with_meta(obj, annotations={**annotations_of(obj), key: "yes"})
