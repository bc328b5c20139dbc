"""DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or cannot be reached."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader
from k8snb.typing import Object

SECONDS = 300
_TOLERATIONS: tuple[Object, ...] = tuple(
    {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
)


class DefaultTolerationSeconds(Plugin):
    """Upstream: `plugin/pkg/admission/defaulttolerationseconds`."""

    name = "DefaultTolerationSeconds"
    resources = ("pods",)
    operations = ("CREATE", "UPDATE")

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        pod = attributes.object
        assert pod is not None
        spec = pod.get("spec") or {}
        present: Sequence[Object] = spec.get("tolerations") or []
        missing = [each for each in _TOLERATIONS if not _tolerates(present, each["key"])]
        return {**pod, "spec": {**spec, "tolerations": [*present, *missing]}} if missing else None


def _tolerates(tolerations: Sequence[Object], key: str) -> bool:
    """Whether the pod itself says how long it stays."""
    return any(each.get("key", "") in ("", key) and each.get("effect", "") in ("", "NoExecute") for each in tolerations)
