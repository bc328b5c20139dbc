"""Whose a certificate request is, and who may approve it: what admission adds to CertificateSigningRequests.

Upstream: `plugin/pkg/admission/certificates` and the strategy's `PrepareForCreate`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.access.authorizer import Authorizer
from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.clock import rfc3339
from k8snb.machinery.x509 import read_request
from k8snb.typing import Object
from k8snb.wire import User

GROUP = "certificates.k8s.io"
REQUESTS = f"certificatesigningrequests.{GROUP}"
CLIENT = "kubernetes.io/kube-apiserver-client"
_NONE: Mapping[str, Any] = {}


class CertificateRequestor(Plugin):
    """Writes into a new request who asks; what the client says of it does not count."""

    name = "CertificateRequestor"
    resources = (REQUESTS,)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        obj, user = attributes.object or _NONE, attributes.user
        own = ("username", "uid", "groups", "extra")
        spec = {key: value for key, value in (obj.get("spec") or _NONE).items() if key not in own}
        spec["username"] = user.name
        if user.uid:
            spec["uid"] = user.uid
        spec["groups"] = list(user.groups)
        if user.extra:
            spec["extra"] = {key: list(values) for key, values in user.extra.items()}
        return {**obj, "spec": spec}


class CertificateSubjectRestriction(Plugin):
    """Nobody asks for a client certificate of `system:masters`."""

    name = "CertificateSubjectRestriction"
    resources = (REQUESTS,)

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        spec = (attributes.object or _NONE).get("spec") or _NONE
        if spec.get("signerName") != CLIENT:
            return
        if "system:masters" in read_request(base64.b64decode(spec["request"])).organizations:
            raise refused(attributes, f"use of {CLIENT} signer with system:masters group is not allowed")


class CertificateApproval(Plugin):
    """Who decides needs the verb `approve` on the signer; when it was decided, the server says."""

    name = "CertificateApproval"
    resources = (f"{REQUESTS}/approval",)
    operations = ("UPDATE",)

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        obj = attributes.object or _NONE
        signer = ((attributes.old or _NONE).get("spec") or _NONE).get("signerName", "")
        if not may(self._authorizer, attributes.user, "approve", signer):
            raise refused(attributes, f'user not permitted to approve requests with signerName "{signer}"')
        now = rfc3339(int(reader.now()))
        status = obj.get("status") or _NONE
        stamped = [
            {"status": "True", "lastUpdateTime": now, "lastTransitionTime": now, **_given(each)}
            for each in status.get("conditions") or ()
        ]
        return {**obj, "status": {**status, "conditions": stamped}}


class CertificateSigning(Plugin):
    """Who writes a certificate, or what became of a request, needs the verb `sign` on the signer."""

    name = "CertificateSigning"
    resources = (f"{REQUESTS}/status",)
    operations = ("UPDATE",)

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        old = attributes.old or _NONE
        if _outcome(old) == _outcome(attributes.object or _NONE):
            return
        signer = (old.get("spec") or _NONE).get("signerName", "")
        if not may(self._authorizer, attributes.user, "sign", signer):
            raise refused(attributes, f'user not permitted to sign requests with signerName "{signer}"')


class ClusterTrustBundleAttest(Plugin):
    """Who says whom a signer's certificates are to be checked against needs the verb `attest` on the signer.

    The API of trust bundles is off by default, as upstream.
    """

    name = "ClusterTrustBundleAttest"
    resources = (f"clustertrustbundles.{GROUP}",)
    operations = ("CREATE", "UPDATE")

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        spec = (attributes.object or _NONE).get("spec") or _NONE
        if spec == (attributes.old or _NONE).get("spec"):
            return
        signer = spec.get("signerName") or ""
        if signer and not may(self._authorizer, attributes.user, "attest", signer):
            raise refused(attributes, f'user not permitted to attest for signerName "{signer}"')


def _outcome(request: Object) -> tuple[Any, Any]:
    status = request.get("status") or _NONE
    return status.get("certificate") or None, status.get("conditions") or None


def _given(condition: Object) -> Object:
    return {key: value for key, value in condition.items() if value not in (None, "")}


def may(authorizer: Authorizer, user: User, verb: str, signer: str) -> bool:
    """Whether a user may do something as or for a signer, by its name or by that of its domain."""
    return any(
        authorizer.decide(user, Access(verb, GROUP, "signers", name=name, version="*")).allowed
        for name in (signer, f"{signer.partition('/')[0]}/*")
    )
