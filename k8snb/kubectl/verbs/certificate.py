"""kubectl certificate approve and deny: deciding on requests for certificates.

Upstream: `kubectl/pkg/cmd/certificates/certificates.go`.
"""

from __future__ import annotations

from functools import partial

from k8snb.kubectl.asking import Asked, found, manifests
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import FILES, PRINTING, Flag
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

_OPPOSITE = {"Approved": "Denied", "Denied": "Approved"}


def decide(call: Call, type: str, verb: str, done: str) -> None:
    """Add a condition to each request, unless it is there already."""
    resource = call.scheme.find("certificatesigningrequests")
    assert resource is not None
    if not call.args and not call.flags.texts("filename"):
        raise CommandError("one or more CSRs must be specified as <name> or -f <filename>")
    named = [Target(resource, "", name) for name in call.args]
    filed = list(manifests(call)) if call.flags.texts("filename") else []
    chosen = found(call, Asked(named=named, filed=filed))
    raise_all(chosen.errors)
    for target in chosen.targets:
        request = target.known
        conditions = list((request.get("status") or {}).get("conditions") or ())
        types = [each["type"] for each in conditions]
        if _OPPOSITE[type] in types:
            raise CommandError(f'certificate signing request "{target.name}" is already {_OPPOSITE[type]}')
        if type not in types or call.flags.on("force"):
            condition: Object = {
                "type": type,
                "status": "True",
                "reason": f"Kubectl{verb.title()}",
                "message": f"This CSR was {done} by kubectl certificate {verb}.",
                "lastUpdateTime": call.session.clock.timestamp(),
            }
            conditions = [*(each for each in conditions if each["type"] != type), condition]
            changed = {**request, "status": {**(request.get("status") or {}), "conditions": conditions}}
            request = call.session.replace(target, changed, call.query(), subresource="approval")
        call.done(request, target.full_name, done)


CERTIFICATE = Verb(
    "certificate",
    "Modify certificate resources",
    verbs=tuple(
        Verb(
            verb,
            f"{verb.title()} a certificate signing request",
            partial(decide, type=type, verb=verb, done=done),
            (*PRINTING, *FILES, Flag("force", kind="switch")),
        )
        for type, verb, done in (("Approved", "approve", "approved"), ("Denied", "deny", "denied"))
    ),
)
