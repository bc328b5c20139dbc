"""TaintNodesByCondition: a new node takes no pods before somebody has found it ready."""

from __future__ import annotations

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader
from k8snb.typing import Object

NOT_READY: Object = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class TaintNodesByCondition(Plugin):
    """Upstream: `plugin/pkg/admission/nodetaint`."""

    name = "TaintNodesByCondition"
    resources = ("nodes",)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        node = attributes.object
        assert node is not None
        spec = node.get("spec") or {}
        taints = spec.get("taints") or []
        if any(taint.get("key") == NOT_READY["key"] and taint.get("effect") == NOT_READY["effect"] for taint in taints):
            return None
        return {**node, "spec": {**spec, "taints": [*taints, NOT_READY]}}
