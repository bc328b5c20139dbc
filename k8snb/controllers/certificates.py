"""The certificate controllers: approve what kubelets ask for themselves, and sign what is approved.

The API server's own signers sign client certificates (of anybody, and of kubelets) and the serving certificates of
kubelets; `legacy-unknown` signs nearly anything, which nobody trusts. Upstream: `pkg/controller/certificates`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.i18n import _
from k8snb.machinery.x509 import Request, read_request
from k8snb.typing import Object, ObjectKey

REQUESTS = "certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY = "kubernetes.io/legacy-unknown"
_NODES, _NODE_PREFIX = "system:nodes", "system:node:"
_COMMON = frozenset({"digital signature", "key encipherment"})
_REVIEWS = "subjectaccessreviews.authorization.k8s.io"
YEAR = 365 * 86400
BACKDATE = 300
"""Seconds by which certificates begin earlier, for machines whose clocks are slow.

A cluster whose time runs faster is ahead of all its clients, and TLS asks the machine's clock: it counts from that."""

_NONE: Mapping[str, Any] = {}


def _has(request: Object, *types: str) -> bool:
    conditions = (request.get("status") or _NONE).get("conditions") or ()
    return any(each["type"] in types for each in conditions)


def _read(request: Object) -> Request:
    return read_request(base64.b64decode(request["spec"]["request"]))


class ApprovingController(Controller):
    """Approves the client certificates that kubelets ask for, if they may have them."""

    name = "certificatesigningrequest-approving-controller"

    def start(self) -> None:
        self.follow(REQUESTS)

    def reconcile(self, key: ObjectKey) -> float | None:
        request = self.informers.of(REQUESTS).get(*key)
        if (
            request is None
            or _has(request, "Approved", "Denied")
            or (request.get("status") or _NONE).get("certificate")
        ):
            return None
        spec = request["spec"]
        asked = _read(request)
        if spec["signerName"] != KUBELET_CLIENT or _client_problem(asked, spec["usages"]):
            return None
        for subresource, whose, applies in (
            ("selfnodeclient", "self kubelet", spec.get("username") == asked.common_name),
            ("nodeclient", "kubelet", True),
        ):
            if applies and self._may(spec, subresource):
                self._approve(request, f"Auto approving {whose} client certificate after SubjectAccessReview.")
                return None
        return None

    def _may(self, spec: Object, subresource: str) -> bool:
        asked = {"group": "certificates.k8s.io", "resource": REQUESTS, "subresource": subresource, "verb": "create"}
        asked["version"] = "*"
        who = {"user": spec.get("username", ""), "groups": spec.get("groups") or [], "extra": spec.get("extra") or {}}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}}
        answer = self.client.create(_REVIEWS, {**review, "spec": {**who, "resourceAttributes": asked}})
        return bool(answer["status"]["allowed"])

    def _approve(self, request: Object, message: str) -> None:
        self.compares(_("condition"), _("none"), "Approved")
        self.wants(_("a kubelet may have this certificate: approve it"))
        status = request.get("status") or _NONE
        condition = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message}
        changed = {**status, "conditions": [*(status.get("conditions") or ()), condition]}
        self.client.update(REQUESTS, {**request, "status": changed}, subresource="approval")


class SigningController(Controller):
    """Signs what is approved, for the signers that belong to the API server."""

    name = "certificatesigningrequest-signing-controller"

    def __init__(self, context: Context, settings: Settings = DEFAULTS) -> None:
        super().__init__(context)
        self._authority = settings.authority

    def start(self) -> None:
        self.follow(REQUESTS)

    def reconcile(self, key: ObjectKey) -> float | None:
        request = self.informers.of(REQUESTS).get(*key)
        if request is None or self._authority is None or not _has(request, "Approved"):
            return None
        status = request.get("status") or _NONE
        if status.get("certificate") or _has(request, "Denied", "Failed"):
            return None
        problem = self._problem(request["spec"])
        if problem is None:
            return None
        if problem:
            self.compares(_("condition"), "Approved", "Failed")
            self.wants(_("the signer does not sign such a certificate: say so"))
            now = self.clock.timestamp()
            failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": problem}
            failed |= {"lastUpdateTime": now, "lastTransitionTime": now}
            changed = {**status, "conditions": [*status["conditions"], failed]}
        else:
            self.compares(_("certificate"), _("none"), _("signed"))
            self.wants(_("the request is approved: sign the certificate"))
            changed = {**status, "certificate": self._signed(request)}
        self.client.update_status(REQUESTS, {**request, "status": changed})
        return None

    @staticmethod
    def _problem(spec: Object) -> str | None:
        """What the signer has against the request; None if it is another's."""
        asked, usages = read_request(base64.b64decode(spec["request"])), spec["usages"]
        match spec["signerName"]:
            case name if name == CLIENT:
                return "" if _uses(usages, "client auth") else _bad_usages(usages)
            case name if name == KUBELET_CLIENT:
                return _client_problem(asked, usages)
            case name if name == KUBELET_SERVING:
                return _serving_problem(asked, usages)
            case name if name == LEGACY:
                return ""
        return None

    def _signed(self, request: Object) -> str:
        assert self._authority is not None
        spec, now = request["spec"], self.clock.now()
        seconds = min(spec.get("expirationSeconds") or YEAR, YEAR)
        begin = min(now, self.clock.outside()) - BACKDATE
        issued = self._authority.issue(_read(request), spec["usages"], begin, now + seconds)
        return base64.b64encode(issued).decode()


def _uses(usages: Sequence[str], purpose: str) -> bool:
    return purpose in usages and set(usages) <= {*_COMMON, purpose}


def _bad_usages(usages: Sequence[str]) -> str:
    return f"invalid usage for client certificate: [{' '.join(usages)}]"


def _client_problem(asked: Request, usages: Sequence[str]) -> str:
    if list(asked.organizations) != [_NODES]:
        return "subject organization is not system:nodes"
    if asked.names.dns:
        return "DNS subjectAltNames are not allowed"
    if asked.names.emails:
        return "Email subjectAltNames are not allowed"
    if asked.names.addresses:
        return "IP subjectAltNames are not allowed"
    if asked.names.uris:
        return "URI subjectAltNames are not allowed"
    if not asked.common_name.startswith(_NODE_PREFIX):
        return "subject common name does not begin with system:node:"
    if not _uses(usages, "client auth"):
        return (
            "usages did not match [client auth digital signature] or [client auth digital signature key encipherment]"
        )
    return ""


def _serving_problem(asked: Request, usages: Sequence[str]) -> str:
    if list(asked.organizations) != [_NODES]:
        return "subject organization is not system:nodes"
    if not asked.names.dns and not asked.names.addresses:
        return "DNS or IP subjectAltName is required"
    if asked.names.emails:
        return "Email subjectAltNames are not allowed"
    if asked.names.uris:
        return "URI subjectAltNames are not allowed"
    if not _uses(usages, "server auth"):
        return (
            "usages did not match [server auth digital signature] or [server auth digital signature key encipherment]"
        )
    if not asked.common_name.startswith(_NODE_PREFIX):
        return "subject common name does not begin with system:node:"
    return ""
