"""The resource claim controller: makes the claims that pods bring along, and lets go of what nobody uses any more.

A pod that names a template gets a claim of its own, whose name goes into the pod's status. A claim is reserved for its
users by the scheduler; here those that are gone are taken off, and with the last one the claim's devices are free
again. Pods and claims are keys of one queue, told apart by `pod:` and `claim:`. All changes of pods are followed from
the first one on that claims something. Upstream: `pkg/controller/resourceclaim`.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.client.controller import Context, Controller
from k8snb.client.informer import COMING
from k8snb.controllers.written import Written
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.devices.claims import (
    CLAIMS,
    FINALIZER,
    TEMPLATES,
    NoClaim,
    allocation_of,
    check_owner,
    claim_name,
    claims_of,
    consumer,
    consumers_of,
    is_generated,
    is_reserved_for,
    known_names,
)
from k8snb.machinery.devices.extended import may_claim
from k8snb.machinery.objects import (
    annotations_of,
    controller_of,
    controller_reference,
    is_deleting,
    revision_of,
    with_meta,
)
from k8snb.typing import Object, ObjectKey

ANNOTATION = "resource.kubernetes.io/pod-claim-name"
"""Says for which entry of the pod's spec a claim was made."""
_FINISHED = ("Succeeded", "Failed")
_LONGEST = 57
_BY_CLAIM, _BY_OWNER = "resource claim", "owning pod"


class ResourceClaimController(Controller):
    """Makes claims from templates, and takes users that are gone off claims."""

    name = "resource-claim-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._served = context.scheme.find(CLAIMS) is not None
        self._pods = self.informers.of("pods")
        self._follows = False
        self._written = Written()
        self._harmless: Object | None = None
        """The spec of the last pod that claims nothing; the next one often has the same."""

    def start(self) -> None:
        if not self._served:
            return
        self._templates = self.informers.of(TEMPLATES)
        self._claims = self.informers.of(CLAIMS)
        self._claims.add_index(_BY_OWNER, _owner_of)
        self._claims.on_change(self._claim_changed)
        self._pods.on_change(self._pod_came, COMING)

    # -- noticing ----------------------------------------------------------------------------------

    def _pod_came(self, old: Object | None, new: Object | None) -> None:
        if new is None or self._follows or new["spec"] is self._harmless:
            return
        if not may_claim(new["spec"]):
            self._harmless = new["spec"]
        else:
            self._follows = True
            self._pods.add_index(_BY_CLAIM, _keys_of)
            self._pods.on_change(self._pod_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new if new is not None else old
        assert pod is not None
        if not may_claim(pod["spec"]):
            return
        if new is None or _is_done(new):
            for name in known_names(pod):
                self._look_at("claim", pod, name)
        if new is not None and self._needs_work(new):
            self._look_at("pod", new, new["metadata"]["name"])

    def _look_at(self, kind: str, because: Object, name: str) -> None:
        self.queue.add(ObjectKey(because["metadata"]["namespace"], f"{kind}:{name}"), revision_of(because))

    def _needs_work(self, pod: Object) -> bool:
        if is_deleting(pod) or _is_done(pod):
            return False
        for wanted in claims_of(pod):
            try:
                name = claim_name(pod, wanted)
                if name is None:
                    return False
                claim = self._claims.get(pod["metadata"]["namespace"], name)
                if claim is None:
                    return is_generated(wanted)
                if is_generated(wanted):
                    check_owner(claim, pod)
            except NoClaim:
                return True
            if pod["spec"].get("nodeName") and allocation_of(claim) is not None and not is_reserved_for(claim, pod):
                return True
        return False

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        claim = new if new is not None else old
        assert claim is not None
        if new is not None:
            self._look_at("claim", new, new["metadata"]["name"])
        if self._follows:
            key = f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
            for pod in self._pods.by_index(_BY_CLAIM, key):
                if self._needs_work(pod):
                    self._look_at("pod", claim, pod["metadata"]["name"])

    # -- doing -------------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        kind, _colon, name = key.name.partition(":")
        if kind == "pod":
            self._sync_pod(key.namespace, name)
        else:
            self._sync_claim(key.namespace, name)
        return None

    def _sync_pod(self, namespace: str, name: str) -> None:
        pod = self._pods.get(namespace, name)
        if pod is None or is_deleting(pod) or _is_done(pod):
            return
        made: list[Object] = []
        for wanted in claims_of(pod):
            try:
                found = self._claim_for(pod, wanted)
            except StatusError as error:
                said = f"PodResourceClaim {wanted['name']}: {error.message}"
                self.events.record(pod, "Warning", "FailedResourceClaimCreation", said)
                raise
            if found:
                made.append({"name": wanted["name"], "resourceClaimName": found})
        if made:
            self.wants(_("the claims are there: say in the pod's status what they are called"))
            statuses = {"resourceClaimStatuses": made}
            self.client.patch("pods", name, {"status": statuses}, namespace, kind="strategic", subresource="status")
        if pod["spec"].get("nodeName"):
            self._reserve(pod)

    def _claim_for(self, pod: Object, wanted: Object) -> str:
        """The name of a claim that was made for the pod and is not in its status yet; empty if there is none."""
        if not is_generated(wanted):
            return ""
        try:
            name = claim_name(pod, wanted)
            if name is None:
                return ""
            known = self._claims.get(pod["metadata"]["namespace"], name)
            if known is not None:
                check_owner(known, pod)
                return ""
        except NoClaim:
            pass
        orphans = self._claims.by_index(_BY_OWNER, pod["metadata"]["uid"])
        found = next((each for each in orphans if annotations_of(each).get(ANNOTATION) == wanted["name"]), None)
        claim = found if found is not None else self._create(pod, wanted)
        return str(claim["metadata"]["name"])

    def _create(self, pod: Object, wanted: Object) -> Object:
        meta, name = pod["metadata"], wanted["resourceClaimTemplateName"]
        template = self._templates.get(meta["namespace"], name)
        if template is None:
            why = f'resourceclaimtemplate.resource.k8s.io "{name}" not found'
            raise StatusError(404, "NotFound", f'resource claim template "{name}": {why}')
        self.compares(_("claim {name}").format(name=wanted["name"]), _("none"), _("there"))
        self.wants(_("the pod wants a claim of its own: make it from the template"))
        given = template["spec"].get("metadata") or {}
        body = {
            "generateName": _base(meta["name"], wanted["name"]),
            "namespace": meta["namespace"],
            "annotations": {**(given.get("annotations") or {}), ANNOTATION: wanted["name"]},
            **({"labels": given["labels"]} if given.get("labels") else {}),
            "ownerReferences": [controller_reference(pod)],
        }
        kind = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim"}
        try:
            return self.client.create(CLAIMS, {**kind, "metadata": body, "spec": template["spec"]["spec"]})
        except StatusError as error:
            raise StatusError(error.code, error.reason, f"create ResourceClaim : {error.message}") from None

    def _reserve(self, pod: Object) -> None:
        """Reserve claims for a pod that was given its node by somebody else than the scheduler."""
        for name in known_names(pod):
            known = self._claims.get(pod["metadata"]["namespace"], name)
            claim = self._written.newest(known) if known is not None else None
            if claim is not None and allocation_of(claim) is not None and not is_reserved_for(claim, pod):
                self.wants(_("the pod has a node, and its claim has devices: reserve the claim for it"))
                status = {**claim["status"], "reservedFor": [*consumers_of(claim), consumer(pod)]}
                self._written.note(self.client.update_status(CLAIMS, {**claim, "status": status}))

    # -- letting go --------------------------------------------------------------------------------

    def _sync_claim(self, namespace: str, name: str) -> None:
        known = self._claims.get(namespace, name)
        if known is None:
            return
        claim = self._written.newest(known)
        users = consumers_of(claim)
        left = [user for user in users if self._still_uses(namespace, user)]
        self.compares(_("users of the claim"), len(users), len(left))
        held = FINALIZER in (claim["metadata"].get("finalizers") or ())
        if len(left) < len(users):
            self.wants(_("pods that used the claim are gone: take them off"))
            claim = self._without(claim, left, deallocate=held and not left)
            if held and allocation_of(claim) is None:
                self._let_go(claim)
        elif held and is_deleting(claim) and not left:
            self.wants(_("nobody uses the claim: let it go"))
            if allocation_of(claim) is not None:
                claim = self._without(claim, left, deallocate=True)
            self._let_go(claim)
        if not left:
            self._delete_unused(claim)

    def _still_uses(self, namespace: str, user: Object) -> bool:
        pod = self._pods.get(namespace, user["name"]) or self.client.find("pods", user["name"], namespace)
        return pod is not None and pod["metadata"]["uid"] == user["uid"] and not _is_done(pod)

    def _without(self, claim: Object, users: Sequence[Object], *, deallocate: bool) -> Object:
        gone = {"reservedFor", *(("allocation", "devices") if deallocate else ())}
        status = {name: value for name, value in (claim.get("status") or {}).items() if name not in gone}
        status |= {"reservedFor": list(users)} if users else {}
        return self._written.note(self.client.update_status(CLAIMS, {**claim, "status": status}))

    def _let_go(self, claim: Object) -> None:
        left = [each for each in claim["metadata"].get("finalizers") or () if each != FINALIZER]
        self._written.note(self.client.update(CLAIMS, with_meta(claim, finalizers=left or None)))

    def _delete_unused(self, claim: Object) -> None:
        """A claim that was made for a pod that will not run is of no use."""
        owner, meta = controller_of(claim), claim["metadata"]
        if owner is None or owner["kind"] != "Pod" or is_deleting(claim):
            return
        pod = self._pods.get(meta["namespace"], owner["name"])
        if pod is not None and (pod["metadata"]["uid"] != owner["uid"] or _is_done(pod)):
            self.wants(_("the pod that the claim was made for will not run: delete the claim"))
            self.client.delete(CLAIMS, meta["name"], meta["namespace"])


def _is_done(pod: Object) -> bool:
    """Whether nothing of the pod runs, or ever will."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in _FINISHED or (is_deleting(pod) and not pod["spec"].get("nodeName"))


def _keys_of(pod: Object) -> tuple[str, ...]:
    return tuple(f"{pod['metadata']['namespace']}/{name}" for name in known_names(pod))


def _owner_of(claim: Object) -> tuple[str, ...]:
    owner = controller_of(claim)
    return (owner["uid"],) if owner is not None and owner["kind"] == "Pod" else ()


def _base(pod: str, claim: str) -> str:
    """What the name of a claim begins with; both names are cut alike where they are too long together."""
    whole = f"{pod}-{claim}-"
    if len(whole) <= _LONGEST:
        return whole
    return f"{pod[: len(pod) * _LONGEST // len(whole)]}-{claim[: len(claim) * _LONGEST // len(whole)]}"
