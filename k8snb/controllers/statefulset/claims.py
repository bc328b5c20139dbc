"""The claims of a StatefulSet's pods: made before the pod, kept or given away by the retention policy.

Whether a claim goes with its set or with its pod is said by owner references alone; the garbage collector does the
rest. A claim that somebody else controls, or that belongs to a pod of the same name which is gone, is left as it is.
Upstream: `stateful_pod_control.go` and `stateful_set_utils.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from k8snb.client.client import Client
from k8snb.controllers.statefulset.identity import claim_name, claim_templates, ordinal_of, ordinals_of
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.machinery.objects import controller_reference, is_deleting, labels_of, with_meta
from k8snb.typing import Object

CLAIMS = "persistentvolumeclaims"
Tell = Callable[[str, str], None]
"""Says something about the set: a reason and a message."""


class Claims:
    """Reads and writes the claims of pods."""

    def __init__(self, client: Client, find: Callable[[str, str], Object | None]) -> None:
        self._client = client
        self._find = find
        self._written = Written()

    def of(self, sts: Object, pod: Object) -> Iterator[tuple[Object, Object | None]]:
        """The claims that the pod should have, each as it should be made and as it is."""
        for wanted in wanted_claims(sts, pod):
            yield wanted, self._get(wanted["metadata"]["namespace"], wanted["metadata"]["name"])

    def _get(self, namespace: str, name: str) -> Object | None:
        found = self._find(namespace, name)
        return None if found is None else self._written.newest(found)

    def make(self, sts: Object, pod: Object, normal: Tell, warning: Tell) -> None:
        """Make the claims that are missing. Raises `StatusError` if one cannot be made or is on its way out."""
        troubles: list[str] = []
        for wanted, found in self.of(sts, pod):
            name = wanted["metadata"]["name"]
            if found is not None:
                if is_deleting(found):
                    troubles.append(f"pvc {name} is being deleted")
                continue
            about = f"Pod {pod['metadata']['name']} in StatefulSet {sts['metadata']['name']}"
            try:
                self._client.create(CLAIMS, wanted)
            except StatusError as error:
                if error.reason == "AlreadyExists":
                    continue
                troubles.append(f"failed to create PVC {name}: {error.message}")
                warning("FailedCreate", f"Create Claim {name} for {about} failed error: {error.message}")
            else:
                normal("SuccessfulCreate", f"Create Claim {name} {about} success")
        if troubles:
            text = troubles[0] if len(troubles) == 1 else f"[{', '.join(troubles)}]"
            raise StatusError(500, "InternalError", text)

    def match(self, sts: Object, pod: Object) -> bool:
        """Whether the pod's claims belong to whom the retention policy says."""
        return all(found is None or is_up_to_date(found, sts, pod) for _, found in self.of(sts, pod))

    def settle(self, sts: Object, pod: Object, warning: Tell) -> None:
        """Give the pod's claims to whom the retention policy says."""
        for _, found in self.of(sts, pod):
            if found is None:
                continue
            name = found["metadata"]["name"]
            if _other_controls(found, sts, pod):
                warning(
                    "ConflictingController",
                    f"PersistentVolumeClaim {name} has a conflicting OwnerReference that acts as a manging controller, "
                    "the retention policy is ignored for this claim",
                )
            if not is_up_to_date(found, sts, pod):
                references = new_references(found, sts, pod)
                self._give(with_meta(found, ownerReferences=references or None))

    def _give(self, claim: Object) -> None:
        """Write a claim with its new owners. Raises `StatusError`."""
        try:
            self._written.note(self._client.update(CLAIMS, claim))
        except StatusError as error:
            name = claim["metadata"]["name"]
            text = f"could not update claim {name} for delete policy ownerRefs: {error.message}"
            raise StatusError(error.code, error.reason, text) from error

    def stale(self, sts: Object, pod: Object) -> bool:
        """Whether a claim of the pod still belongs to a pod of that name that is gone, and will go with it."""
        if not _deletes(sts, "whenScaled"):
            return False
        return any(found is not None and _stale(found, pod) for _, found in self.of(sts, pod))


def wanted_claims(sts: Object, pod: Object) -> Iterator[Object]:
    """The claims that the pod should have."""
    ordinal, namespace = ordinal_of(pod), sts["metadata"]["namespace"]
    selected = sts["spec"]["selector"].get("matchLabels") or {}
    for template in claim_templates(sts):
        meta = {**template["metadata"], "name": claim_name(sts, template, ordinal), "namespace": namespace}
        if labels := {**labels_of(template), **selected}:
            meta["labels"] = labels
        claim = {k: v for k, v in template.items() if k != "status"}
        yield {**claim, "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta}


def _deletes(sts: Object, when: str) -> bool:
    return (sts["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get(when) == "Delete"


def _references(claim: Object) -> list[Object]:
    return list(claim["metadata"].get("ownerReferences") or ())


def _names(reference: Object, obj: Object) -> bool:
    """Whether the reference is to an object of this kind and name, if perhaps to an earlier one."""
    return bool(
        (reference["apiVersion"], reference["kind"], reference["name"])
        == (obj["apiVersion"], obj["kind"], obj["metadata"]["name"])
    )


def _uid(obj: Object) -> str:
    return str(obj["metadata"].get("uid", ""))


def _stale(claim: Object, owner: Object) -> bool:
    found = next((each for each in _references(claim) if _names(each, owner)), None)
    return found is not None and found["uid"] != _uid(owner)


def _owned(claim: Object, owner: Object) -> bool:
    return any(each["uid"] == _uid(owner) for each in _references(claim))


def _other_controls(claim: Object, sts: Object, pod: Object) -> bool:
    """Whether somebody else than set and pod controls the claim, where that matters."""
    if not _deletes(sts, "whenScaled") and not _deletes(sts, "whenDeleted"):
        return False
    for each in _references(claim):
        mine = next((owner for owner in (sts, pod) if _names(each, owner)), None)
        if mine is not None:
            if each["uid"] != _uid(mine):
                return True
        elif each.get("controller"):
            return True
    return False


def is_up_to_date(claim: Object, sts: Object, pod: Object) -> bool:
    """Whether the claim belongs to whom the retention policy says, or is not to be touched."""
    if _stale(claim, sts) or _stale(claim, pod):
        return True
    by_set, by_pod = _owned(claim, sts), _owned(claim, pod)
    if _other_controls(claim, sts, pod):
        return not (by_set or by_pod)
    owners = (_uid(sts), _uid(pod))
    if any(each["uid"] in owners and not each.get("controller") for each in _references(claim)):
        return False
    return (by_set, by_pod) == _owners(sts, pod)


def _owners(sts: Object, pod: Object) -> tuple[bool, bool]:
    """Whether the claim should belong to the set, and whether to the pod."""
    goes_with_pod = _deletes(sts, "whenScaled") and ordinal_of(pod) not in ordinals_of(sts)
    return _deletes(sts, "whenDeleted") and not goes_with_pod, goes_with_pod


def new_references(claim: Object, sts: Object, pod: Object) -> list[Object]:
    """The owner references that the claim should have."""
    others = [each for each in _references(claim) if not _names(each, sts) and not _names(each, pod)]
    if _other_controls(claim, sts, pod):
        return others
    owners = [owner for owner, owns in zip((sts, pod), _owners(sts, pod), strict=True) if owns]
    return [*others, *map(controller_reference, owners)]
