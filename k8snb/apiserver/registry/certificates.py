"""CertificateSigningRequests: who wants which certificate, and what became of it.

What is asked for never changes; approval goes through one subresource, the certificate through another. Upstream:
`pkg/apis/certificates/validation/validation.go`, `pkg/registry/certificates/certificates/strategy.go`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.x509 import read_request
from k8snb.typing import Object

USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
MIN_SECONDS = 600
_DECISIONS = ("Approved", "Denied")
_SIGNER_FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
_NONE: Mapping[str, Any] = {}


def conditions_of(obj: Object) -> Sequence[Object]:
    """The conditions in the status."""
    found: Sequence[Object] = (obj.get("status") or _NONE).get("conditions") or ()
    return found


def with_conditions(obj: Object, conditions: Iterable[Object]) -> Object:
    """The object with other conditions."""
    listed = list(conditions)
    status = {key: value for key, value in (obj.get("status") or _NONE).items() if key != "conditions"}
    return {**obj, "status": {**status, "conditions": listed} if listed else status}


class RequestStrategy(Strategy):
    """The rules of requests. Whose request it is, admission writes into it (`access/certificates.py`)."""

    name_rule = "path-segment"
    counts_generation = False
    fields: Mapping[str, Field] = {"spec.signerName": checks.text("spec", "signerName")}

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate_create(self, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or _NONE
        errors = _request_errors(spec.get("request") or "")
        errors += _usage_errors(spec.get("usages") or ())
        errors += _signer_errors(spec.get("signerName") or "")
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < MIN_SECONDS:
            why = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(invalid_value("spec.expirationSeconds", seconds, why))
        return errors

    def prepare_update(self, new: Object, old: Object) -> Object:
        kept = {field: old[field] for field in ("spec", "status") if field in old}
        return {**{key: value for key, value in new.items() if key not in ("spec", "status")}, **kept}

    def prepare_status(self, new: Object, old: Object) -> Object:
        """Decisions are made elsewhere: those that are there stay, and none come."""
        kept = [each for each in conditions_of(old) if each.get("type") in _DECISIONS]
        others = [each for each in conditions_of(new) if each.get("type") not in _DECISIONS]
        return with_conditions(super().prepare_status(new, old), [*kept, *others])

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return _condition_errors(new, old)


class ApprovalStrategy(RequestStrategy):
    """The subresource `approval`: only decisions come, and none goes."""

    def prepare_update(self, new: Object, old: Object) -> Object:
        decided = [each for each in conditions_of(new) if each.get("type") in _DECISIONS]
        others = [each for each in conditions_of(old) if each.get("type") not in _DECISIONS]
        return with_conditions(
            {**super().prepare_update(new, old), "status": old.get("status") or {}}, [*others, *decided]
        )

    def validate_create(self, obj: Object) -> list[FieldError]:
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return _condition_errors(new, old)


RequestStrategy.parts = {"approval": ApprovalStrategy()}


def _request_errors(request: str) -> list[FieldError]:
    try:
        read_request(base64.b64decode(request))
    except (ValueError, binascii.Error) as error:
        return [invalid_value("spec.request", request, str(error))]
    return []


def _usage_errors(usages: Sequence[str]) -> list[FieldError]:
    if not usages:
        return [required("spec.usages")]
    errors = []
    for index, usage in enumerate(usages):
        if usage not in USAGES:
            errors.append(not_supported(f"spec.usages[{index}]", usage, USAGES))
        elif usage in usages[:index]:
            errors.append(duplicate(f"spec.usages[{index}]", usage))
    return errors


def _signer_errors(name: str) -> list[FieldError]:
    if not name:
        return [required("spec.signerName")]
    domain, slash, path = name.partition("/")
    if not slash or not path or "/" in path or not domain:
        return [invalid_value("spec.signerName", name, _SIGNER_FORM)]
    errors = [invalid_value("spec.signerName", domain, why) for why in formats.dns_subdomain(domain)]
    if "." not in domain:
        errors.append(
            invalid_value("spec.signerName", domain, "should be a domain with at least two segments separated by dots")
        )
    return errors + [invalid_value("spec.signerName", path, why) for why in formats.dns_subdomain(path)]


def _condition_errors(new: Object, old: Object) -> list[FieldError]:
    path, errors = "status.conditions", []
    seen: list[str] = []
    for index, condition in enumerate(conditions_of(new)):
        type, status = condition.get("type", ""), condition.get("status", "")
        if not type:
            errors.append(required(f"{path}[{index}].type"))
        if not status:
            errors.append(required(f"{path}[{index}].status"))
        elif type in (*_DECISIONS, "Failed") and status != "True":
            errors.append(not_supported(f"{path}[{index}].status", status, ["True"]))
        if type in seen:
            errors.append(duplicate(f"{path}[{index}].type", type))
        opposite = {"Approved": "Denied", "Denied": "Approved"}.get(type)
        if opposite in seen:
            errors.append(
                invalid_value(f"{path}[{index}].type", type, "Approved and Denied conditions are mutually exclusive")
            )
        seen.append(type)
    for condition in conditions_of(old):
        type = condition.get("type", "")
        if type in (*_DECISIONS, "Failed") and type not in seen:
            errors.append(field_forbidden(path, f'updates may not remove a condition of type "{type}"'))
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "certificatesigningrequests.certificates.k8s.io": lambda _: RequestStrategy()
}
