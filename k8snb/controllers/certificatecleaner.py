"""The cleaner of certificate requests: what nobody looks at any more is deleted.

Once an hour it looks at every request. One that was signed, denied or has failed goes after an hour, one that nobody
has decided on after a day, and one whose certificate has expired at once. Whoever asked has the certificate by then;
deleting a request takes none back. Upstream: `pkg/controller/certificates/cleaner`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from k8snb.client.controller import Context, Controller
from k8snb.clock import parse_time
from k8snb.controllers.certificates import REQUESTS
from k8snb.controllers.refusals import delete
from k8snb.i18n import _
from k8snb.machinery import der
from k8snb.machinery.objects import key_of
from k8snb.machinery.x509 import read_certificate
from k8snb.typing import Object, ObjectKey

PERIOD_SECONDS = 3600.0
DECIDED_SECONDS, PENDING_SECONDS = 3600.0, 86400.0
_NONE: Mapping[str, Any] = {}


class CertificateCleaner(Controller):
    """Deletes old certificate requests. A key is a request."""

    name = "certificatesigningrequest-cleaner-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._began = self.clock.now()
        self._requests = self.informers.of(REQUESTS)

    def start(self) -> None:
        self._requests.on_change(self._came, ("ADDED",))

    def _came(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._later(key_of(new))

    def _later(self, key: ObjectKey) -> None:
        """Look at a request with the next round."""
        rest = PERIOD_SECONDS - (self.clock.now() - self._began) % PERIOD_SECONDS
        self.queue.add_after(key, rest, background=True)

    def reconcile(self, key: ObjectKey) -> float | None:
        request = self._requests.get(*key)
        if request is None:
            return None
        why = _reason(request, self.clock.now())
        if why:
            self.compares(_("age"), why, _("nobody needs it any more"))
            self.wants(_("the request is of no more use: delete it"))
            delete(self.client, REQUESTS, key.name)
        else:
            self._later(key)
        return None


def _reason(request: Object, now: float) -> str:
    """Why a request can go; empty if it cannot. Pure."""
    status = request.get("status") or _NONE
    conditions = status.get("conditions") or ()
    if not conditions and now - parse_time(request["metadata"]["creationTimestamp"]) > PENDING_SECONDS:
        return _("pending for a day")
    certificate = status.get("certificate")
    for each in conditions:
        told = each.get("lastUpdateTime")
        ended = each["type"] in ("Denied", "Failed") or (each["type"] == "Approved" and bool(certificate))
        if ended and told and now - parse_time(told) > DECIDED_SECONDS:
            return _("{type} for an hour").format(type=each["type"])
    return _("its certificate has expired") if certificate and _ended(certificate) < now else ""


def _ended(certificate: str) -> float:
    """When a certificate expires; never, if that cannot be read."""
    block = der.from_pem(base64.b64decode(certificate))
    return read_certificate(block[1]).not_after if block is not None else math.inf
