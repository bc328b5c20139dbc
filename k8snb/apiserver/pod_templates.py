"""Pods that come in numbers: what the server makes of a pod template, worked out once.

A ReplicaSet's pods arrive with the same `spec`, `labels` and owner by identity. What defaulting, admission and
validation made of the first one holds for the others, for as long as nothing that admission looked at has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8snb.store.mvcc import Store
from k8snb.typing import Object

TEMPLATES = 4096
"""How many templates are remembered."""
_LOOKED_AT = (
    "serviceaccounts",
    "namespaces",
    "priorityclasses.scheduling.k8s.io",
    "limitranges",
    "runtimeclasses.node.k8s.io",
)
"""What admission looks at when a pod is made, but for quotas, which are counted pod by pod."""
_OWN = ("name", "uid", "creationTimestamp", "resourceVersion")


class PodTemplate(NamedTuple):
    """What pods have in common: as they are sent (`spec` to `owners`), as asked before admission, and as stored."""

    spec: Any
    labels: Any
    annotations: Any
    owners: Any
    stamp: tuple[int, ...]
    asked: Object
    meta: Mapping[str, Any]
    rest: Mapping[str, Any]


class PodTemplates:
    """The templates of pods that were made lately."""

    def __init__(self, store: Store) -> None:
        self._known: dict[tuple[int, str, str], PodTemplate] = {}
        self._watched = tuple(store.bucket(name) for name in _LOOKED_AT)

    def find(self, namespace: str, given: Object) -> PodTemplate | None:
        """What the server makes of a pod, if it has made the same of another one."""
        meta = given["metadata"]
        found = self._known.get((id(given["spec"]), namespace, meta.get("generateName", "")))
        if (
            found is None
            or found.spec is not given["spec"]
            or found.labels is not meta.get("labels")
            or found.annotations is not meta.get("annotations")
            or found.owners is not meta.get("ownerReferences")
            or found.stamp != self._stamp()
            or "name" in meta
        ):
            return None
        return found

    def forget(self) -> None:
        """What was made of pods counts no more."""
        self._known.clear()

    def _stamp(self) -> tuple[int, ...]:
        return tuple([bucket.changed for bucket in self._watched])

    def remember(self, namespace: str, given: Object, asked: Object, stored: Object) -> None:
        """Note what was made of a pod."""
        meta = given["metadata"]
        if "generateName" not in meta or "name" in meta:
            return
        if len(self._known) >= TEMPLATES:
            del self._known[next(iter(self._known))]
        self._known[id(given["spec"]), namespace, meta["generateName"]] = PodTemplate(
            given["spec"],
            meta.get("labels"),
            meta.get("annotations"),
            meta.get("ownerReferences"),
            self._stamp(),
            asked,
            {k: v for k, v in stored["metadata"].items() if k not in _OWN},
            {k: v for k, v in stored.items() if k != "metadata"},
        )
