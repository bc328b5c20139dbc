"""PodResizeValidator: a pod on a node is not resized to more than the node has to give, nor where it cannot be.

Upstream: `plugin/pkg/admission/podresize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, denied
from k8snb.errors import StatusError
from k8snb.machinery import quantity
from k8snb.machinery.amounts import requests_of
from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}


class PodResizeValidator(Plugin):
    """Upstream: `PodResizeValidator`."""

    name = "PodResizeValidator"
    resources = ("pods/resize",)
    operations = ("UPDATE",)

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        pod, old = attributes.object, attributes.old
        assert pod is not None
        name = pod["spec"].get("nodeName")
        if not name or (old is not None and pod["spec"] == old["spec"]):
            return
        node = reader.get("nodes", "", name)
        if node is None:
            raise denied(attributes, f'node "{name}" not found')
        lacking = _lacking(pod, (node.get("status") or _NONE).get("allocatable") or _NONE)
        if lacking:
            why = f"Node didn't have enough allocatable resources: {lacking}"
            raise _because("NodeCapacity", denied(attributes, why))
        system = (node["metadata"].get("labels") or _NONE).get("kubernetes.io/os", "")
        if system != "linux":
            why = f'pod resize is only supported on linux nodes, node "{name}" is "{system}"'
            raise _because("UnsupportedPlatform", denied(attributes, why))


def _lacking(pod: Object, allocatable: Mapping[str, str]) -> str:
    """What the pod asks for beyond what the node has: `cpu, requested: 9000, allocatable: 8000`."""
    asked = requests_of(pod)
    told = []
    for name, read in (("cpu", quantity.milli), ("memory", quantity.value)):
        requested, there = read(asked.get(name, "0")), read(allocatable.get(name, "0"))
        if requested > there:
            told.append(f"{name}, requested: {requested}, allocatable: {there}")
    return "; ".join(told)


def _because(cause: str, error: StatusError) -> StatusError:
    """The refusal with what kind it is, so that a client need not read the message."""
    details = {**error.status.get("details", _NONE), "causes": [{"reason": cause}]}
    return StatusError(error.code, error.reason, error.message, details)
