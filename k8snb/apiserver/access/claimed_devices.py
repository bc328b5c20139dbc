"""Who may give devices away, and where they may be looked into.

A claim's status has several authors: whoever allocates (`resourceclaims/binding`) and the drivers, which report their
own devices (`resourceclaims/driver`, by the driver's name), and none may write what is another's. Administrators'
access to devices that others use is for namespaces with a label. Upstream both are checked in the claims' strategies
(`pkg/registry/resource/authorization.go`, `pkg/registry/resource/utils.go`); here they are last in the admission chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.apiserver.access.authorizer import Authorizer, denial
from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader
from k8snb.errors import FieldError, field_forbidden, invalid
from k8snb.machinery.devices.claims import ADMIN_LABEL, CLAIMS, TEMPLATES
from k8snb.machinery.objects import labels_of
from k8snb.typing import Object

_GROUP, _RESOURCE, _STATUS = "resource.k8s.io", "resourceclaims", f"{CLAIMS}/status"
_LABELLED = f"admin access to devices requires the `{ADMIN_LABEL}: true` label on the containing namespace"
_NODE = "authentication.kubernetes.io/node-name"
_BOUND = "changing status.allocation or status.reservedFor requires extra permission"
_REPORTED = "changing status.devices requires extra permission"


class DeviceAdministration(Plugin):
    """Refuses administrators' access where the namespace is not for it."""

    name = "DRAAdminAccess"
    resources = (CLAIMS, TEMPLATES, _STATUS)
    operations = ("CREATE", "UPDATE")

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        new, old = attributes.object, attributes.old
        assert new is not None
        wanted = _asked(new) if not attributes.subresource else _given(new)
        if not wanted or (old is not None and (not attributes.subresource or _given(old))):
            return
        namespace = reader.get("namespaces", "", attributes.namespace)
        if namespace is None or labels_of(namespace).get(ADMIN_LABEL) != "true":
            raise invalid(attributes.resource, new["metadata"]["name"], [field_forbidden(wanted, _LABELLED)])


def _asked(obj: Object) -> str:
    """The first request that wants such access; empty if none does."""
    spec = obj.get("spec") or {}
    devices = (spec.get("spec") or spec).get("devices") or {}
    for at, request in enumerate(devices.get("requests") or ()):
        if (request.get("exactly") or {}).get("adminAccess"):
            return f"spec.devices.requests[{at}].adminAccess"
    return ""


def _given(obj: Object) -> str:
    """The first device that was given so; empty if none was."""
    allocation = (obj.get("status") or {}).get("allocation") or {}
    for at, result in enumerate((allocation.get("devices") or {}).get("results") or ()):
        if result.get("adminAccess"):
            return f"status.allocation.devices.results[{at}].adminAccess"
    return ""


class ClaimAuthors(Plugin):
    """Refuses what an author of a claim's status may not write of it."""

    name = "DRAResourceClaimGranularStatusAuthorization"
    resources = (_STATUS,)
    operations = ("UPDATE",)

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        new = attributes.object
        assert new is not None
        found = list(self._refusals(attributes, new.get("status") or {}, (attributes.old or {}).get("status") or {}))
        if found:
            raise invalid(attributes.resource, new["metadata"]["name"], found)

    def _refusals(self, attributes: Attributes, new: Object, old: Object) -> Iterator[FieldError]:
        if any(new.get(name) != old.get(name) for name in ("allocation", "reservedFor")):
            ways = [Access(verb, _GROUP, _RESOURCE, "binding", version="v1") for verb in ("patch", "update")]
            if why := self._refusal(attributes, ways):
                yield field_forbidden("status", f"{_BOUND}: {why}")
        for driver in _drivers(new, old):
            verbs = ["associated-node", "arbitrary-node"] if _is_local(attributes, new) else ["arbitrary-node"]
            asked = [
                Access(f"{verb}:update", _GROUP, _RESOURCE, "driver", attributes.namespace, driver, version="v1")
                for verb in verbs
            ]
            if why := self._refusal(attributes, asked):
                yield field_forbidden("status.devices", f"{_REPORTED}: {why}")

    def _refusal(self, attributes: Attributes, ways: Sequence[Access]) -> str:
        """Why the user may not; empty if they may in one of these ways."""
        decisions = [self._authorizer.decide(attributes.user, access) for access in ways]
        if any(decision.allowed for decision in decisions):
            return ""
        return denial(attributes.user, ways[-1], decisions[-1].reason)


def _drivers(new: Object, old: Object) -> list[str]:
    """The drivers whose devices are reported otherwise than before."""
    now, then = new.get("devices") or (), old.get("devices") or ()
    names = dict.fromkeys(each["driver"] for each in (*now, *then))
    return sorted(name for name in names if _of(now, name) != _of(then, name))


def _of(devices: Sequence[Object], driver: str) -> list[Object]:
    return [each for each in devices if each["driver"] == driver]


def _is_local(attributes: Attributes, status: Object) -> bool:
    """Whether the user runs on the one node that the claim's devices are on."""
    where = attributes.user.extra.get(_NODE) or ()
    terms = ((status.get("allocation") or {}).get("nodeSelector") or {}).get("nodeSelectorTerms") or ()
    fields = [field for term in terms for field in term.get("matchFields") or ()]
    return len(fields) == 1 and list(fields[0].get("values") or ()) == list(where)
