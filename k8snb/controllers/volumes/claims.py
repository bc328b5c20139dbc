"""The side of the claims: find a volume, wait for one to be made, or see that a bound one stays bound.

Upstream: `pv_controller.go` (`syncUnboundClaim`, `syncBoundClaim`, `provisionClaim`).
"""

from __future__ import annotations

from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.controllers.volumes.writing import Writer
from k8snb.machinery.objects import annotations_of, is_deleting, with_meta
from k8snb.machinery.quantity import compare
from k8snb.machinery.volumes import (
    BETA_CLASS,
    BETA_PROVISIONER,
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    DEFAULT_CLASS_MARKS,
    PROVISIONER,
    SELECTED_NODE,
    STORAGE_CLASSES,
    asked_storage,
    candidates,
    capacity_of,
    claim_names,
    class_of,
    has_modes,
    is_for,
    misfit,
    newest_default,
    same_mode,
    waits_for_consumer,
)
from k8snb.typing import Object

IN_TREE = "kubernetes.io/"
"""What the names of provisioners begin with that were part of Kubernetes once. None of them is left."""

_NOTHING = "no persistent volumes available for this claim and no storage class is set"
_FIRST_CONSUMER = "waiting for first consumer to be created before binding"


class Claims:
    """Looks after claims."""

    def __init__(self, client: Client, events: EventRecorder, writer: Writer, *, has_classes: bool) -> None:
        self._client = client
        self._events = events
        self._writer = writer
        self._has_classes = has_classes

    def sync(self, claim: Object) -> bool:
        """Bring a claim on; whether it still has to wait."""
        if BIND_COMPLETED in annotations_of(claim):
            self._sync_bound(claim)
            return False
        if claim["spec"].get("volumeName"):
            return self._sync_named(claim)
        return self._sync_open(claim)

    # -- without a volume --------------------------------------------------------------------------

    def _sync_open(self, claim: Object) -> bool:
        """A claim that takes any volume that fits, the one kept for it before all others."""
        volumes = self._client.list("persistentvolumes")
        found = next((each for each in volumes if _is_kept(each, claim)), None)
        storage_class = self._class(class_of(claim))
        delayed = waits_for_consumer(storage_class)
        if found is None and not delayed:
            found = next(candidates(volumes, claim), None)
        if found is not None:
            self._writer.bind(found, claim)
            return False
        if claim["spec"].get("storageClassName") is None and BETA_CLASS not in annotations_of(claim):
            default = newest_default(self._classes(), DEFAULT_CLASS_MARKS)
            if default is not None:
                changed = {**claim["spec"], "storageClassName": default["metadata"]["name"]}
                self._client.update("persistentvolumeclaims", {**claim, "spec": changed})
                return True
        if delayed and SELECTED_NODE not in annotations_of(claim):
            self._tell_who_is_waited_for(claim)
        elif class_of(claim):
            self._provision(claim, storage_class)
        else:
            self._events.normal(claim, "FailedBinding", _NOTHING)
        self._writer.set_claim_phase(claim, "Pending")
        return True

    def _tell_who_is_waited_for(self, claim: Object) -> None:
        meta = claim["metadata"]
        pods = [
            pod["metadata"]["name"]
            for pod in self._client.list("pods", meta["namespace"])
            if not pod["spec"].get("nodeName") and meta["name"] in claim_names(pod)
        ]
        if pods:
            text = f"waiting for {'pods' if len(pods) > 1 else 'pod'} {','.join(pods)} to be scheduled"
            self._events.normal(claim, "WaitForPodScheduled", text)
        else:
            self._events.normal(claim, "WaitForFirstConsumer", _FIRST_CONSUMER)

    def _provision(self, claim: Object, storage_class: Object | None) -> None:
        """Ask whoever makes volumes of the class for one: the annotation is what a driver looks for."""
        name = class_of(claim)
        if storage_class is None:
            text = f'storageclass.storage.k8s.io "{name}" not found'
            self._events.warning(claim, "ProvisioningFailed", text)
            return
        provisioner = storage_class.get("provisioner", "")
        if provisioner.startswith(IN_TREE):
            self._events.warning(claim, "ProvisioningFailed", f"no volume plugin matched name: {provisioner}")
            return
        marks = {BETA_PROVISIONER: provisioner, PROVISIONER: provisioner}
        if not marks.items() <= annotations_of(claim).items():
            marked = with_meta(claim, annotations={**annotations_of(claim), **marks})
            claim = self._client.update("persistentvolumeclaims", marked)
        self._events.normal(
            claim,
            "ExternalProvisioning",
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by "
            "the system administrator. If volume creation is delayed, please verify that the provisioner is running "
            "and correctly registered.",
        )

    # -- with a name -------------------------------------------------------------------------------

    def _sync_named(self, claim: Object) -> bool:
        """A claim that names its volume itself."""
        name = claim["spec"]["volumeName"]
        volume = self._client.find("persistentvolumes", name)
        if volume is not None and volume["spec"].get("claimRef") is None:
            why = misfit(volume, claim)
            if is_deleting(volume):
                why = f'the volume is marked for deletion "{name}"'
            if not why:
                self._writer.bind(volume, claim)
                return False
            self._events.warning(claim, "VolumeMismatch", f'Cannot bind to requested volume "{name}": {why}')
        elif volume is not None and is_for(volume, claim):
            self._writer.bind(volume, claim)
            return False
        elif volume is not None and BOUND_BY_CONTROLLER not in annotations_of(claim):
            self._events.warning(claim, "FailedBinding", f'volume "{name}" already bound to a different claim.')
        self._writer.set_claim_phase(claim, "Pending")
        return True

    # -- bound -------------------------------------------------------------------------------------

    def _sync_bound(self, claim: Object) -> None:
        name = claim["spec"].get("volumeName")
        if not name:
            told = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            self._lost(claim, "ClaimLost", told)
            return
        volume = self._client.find("persistentvolumes", name)
        if volume is None:
            told = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            self._lost(claim, "ClaimLost", told)
        elif volume["spec"].get("claimRef") is None or is_for(volume, claim):
            self._writer.bind(volume, claim)
        else:
            told = "Two claims are bound to the same volume, this one is bound incorrectly"
            self._lost(claim, "ClaimMisbound", told)

    def _lost(self, claim: Object, reason: str, told: str) -> None:
        if (claim.get("status") or {}).get("phase") != "Lost":
            self._writer.set_claim_phase(claim, "Lost")
            self._events.warning(claim, reason, told)

    # -- classes -----------------------------------------------------------------------------------

    def _classes(self) -> list[Object]:
        return self._client.list(STORAGE_CLASSES) if self._has_classes else []

    def _class(self, name: str) -> Object | None:
        return self._client.find(STORAGE_CLASSES, name) if name and self._has_classes else None


def _is_kept(volume: Object, claim: Object) -> bool:
    """Whether somebody has reserved the volume for the claim, and it would do."""
    if not is_for(volume, claim) or is_deleting(volume):
        return False
    fits = same_mode(volume, claim) and has_modes(volume, claim)
    return fits and compare(capacity_of(volume), asked_storage(claim)) >= 0
