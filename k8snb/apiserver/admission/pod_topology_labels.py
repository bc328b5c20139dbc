"""PodTopologyLabels: a pod learns the zone and the region of its node when it is bound to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader
from k8snb.typing import Object

LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
_NONE: Mapping[str, Any] = {}


class PodTopologyLabels(Plugin):
    """Upstream: `plugin/pkg/admission/podtopologylabels` (on by default since 1.35)."""

    name = "PodTopologyLabels"
    resources = ("pods", "pods/binding")

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        """For a Binding the labels go into its metadata, from which binding copies them to the pod."""
        obj = attributes.object
        assert obj is not None
        node = reader.get("nodes", "", _node_name(obj, attributes.subresource))
        labels = (node["metadata"].get("labels") or _NONE) if node is not None else _NONE
        found = {key: labels[key] for key in LABELS if key in labels}
        if not found:
            return None
        meta = obj.get("metadata") or _NONE
        return {**obj, "metadata": {**meta, "labels": {**found, **(meta.get("labels") or _NONE)}}}


def _node_name(obj: Object, subresource: str) -> str:
    if subresource == "binding":
        target = obj.get("target") or _NONE
        return str(target.get("name", "")) if target.get("kind", "Node") == "Node" else ""
    return str((obj.get("spec") or _NONE).get("nodeName", ""))
