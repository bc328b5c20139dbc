"""NodeDeclaredFeatureValidator: a pod on a node is not changed in a way that its kubelet does not know.

Kubelets say in `status.declaredFeatures` of their node which of the new features they know. What a change needs follows
from the pod before and after it. Upstream: `plugin/pkg/admission/nodedeclaredfeatures` and the features below
`component-helpers/nodedeclaredfeatures/features/inplacepodresize`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, denied
from k8snb.machinery.quantity import compare
from k8snb.typing import Object

GUARANTEED_CPU = "GuaranteedQoSPodCPUResize"
POD_LEVEL = "InPlacePodLevelResourcesVerticalScaling"
_NONE: Mapping[str, Any] = {}


class NodeDeclaredFeatureValidator(Plugin):
    """Upstream: `Plugin.validatePod`."""

    name = "NodeDeclaredFeatureValidator"
    resources = ("pods", "pods/resize")
    operations = ("UPDATE",)

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        pod, old = attributes.object, attributes.old
        assert pod is not None
        assert old is not None
        name = pod["spec"].get("nodeName")
        if not name or pod["spec"] is old["spec"]:
            return
        needed = sorted(_needed(pod, old))
        if not needed:
            return
        node = reader.get("nodes", "", name)
        if node is None:
            raise denied(attributes, f'node "{name}" not found')
        known = (node.get("status") or _NONE).get("declaredFeatures") or ()
        missing = ", ".join(each for each in needed if each not in known)
        if missing:
            raise denied(attributes, f'pod update requires features {missing} which are not available on node "{name}"')


def _needed(pod: Object, old: Object) -> Iterator[str]:
    """The features without which a pod cannot change like that."""
    new, before = pod["spec"], old["spec"]
    if (old.get("status") or _NONE).get("qosClass") == "Guaranteed":
        pairs = zip(before["containers"], new["containers"], strict=False)
        if any(compare(_cpu(a), _cpu(b)) for a, b in pairs):
            yield GUARANTEED_CPU
    if (before.get("resources") or _NONE) != (new.get("resources") or _NONE):
        yield POD_LEVEL


def _cpu(container: Object) -> str:
    return str(((container.get("resources") or _NONE).get("requests") or _NONE).get("cpu") or "0")
