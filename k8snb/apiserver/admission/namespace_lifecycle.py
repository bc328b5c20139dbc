"""NamespaceLifecycle: nothing is created in a namespace that is missing or going; some namespaces never go."""

from __future__ import annotations

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.errors import StatusError, not_found
from k8snb.machinery.scheme import ROWS
from k8snb.typing import Object

IMMORTAL = frozenset({"default", "kube-public", "kube-system"})
_NAMESPACES = next(row for row in ROWS if row.kind == "Namespace")


class NamespaceLifecycle(Plugin):
    """Upstream: `apiserver/pkg/admission/plugin/namespace/lifecycle`."""

    name = "NamespaceLifecycle"
    operations = ("CREATE", "UPDATE", "DELETE")

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        if not attributes.resource.namespaced:
            return None
        namespace = reader.get("namespaces", "", attributes.namespace)
        if namespace is None:
            raise not_found(_NAMESPACES, attributes.namespace)
        if attributes.operation == "CREATE" and (namespace.get("status") or {}).get("phase") == "Terminating":
            raise _terminating(attributes)
        return None

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        if attributes.operation == "DELETE" and attributes.resource is _NAMESPACES and attributes.name in IMMORTAL:
            raise refused(attributes, "this namespace may not be deleted")


def _terminating(attributes: Attributes) -> StatusError:
    name = attributes.namespace
    why = f"unable to create new content in namespace {name} because it is being terminated"
    refusal = refused(attributes, why)
    message = f"namespace {name} is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
    details = {**refusal.status["details"], "causes": [cause]}
    return StatusError(refusal.code, refusal.reason, refusal.message, details)
