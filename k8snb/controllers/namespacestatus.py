"""What a namespace that is being deleted says of itself: five conditions, each of them False when all is well.

Pure functions. Upstream: `pkg/controller/namespace/deletion/status_condition_utils.go`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snb.typing import Object


class _Well(NamedTuple):
    reason: str
    message: str


CONDITIONS: Mapping[str, _Well] = {
    "NamespaceDeletionDiscoveryFailure": _Well("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": _Well(
        "ParsedGroupVersions", "All legacy kube types successfully parsed"
    ),
    "NamespaceDeletionContentFailure": _Well(
        "ContentDeleted", "All content successfully deleted, may be waiting on finalization"
    ),
    "NamespaceContentRemaining": _Well("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": _Well("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}
"""Every condition and what it says when there is no trouble."""


@dataclass(slots=True)
class Remains:
    """What a pass of deletions has left behind."""

    resources: Counter[str] = field(default_factory=Counter)
    """Objects left, by `plural.group` (with the dot even where the group is empty, as upstream prints it)."""

    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, resource: str, objects: Iterable[Object]) -> None:
        """Note objects that are still there, and the finalizers that hold them."""
        for obj in objects:
            self.resources[resource] += 1
            self.finalizers.update(obj["metadata"].get("finalizers") or ())

    def conditions(self, old: Sequence[Object], now: str) -> list[Object]:
        """The namespace's conditions, in upstream's order; transition times move only with the status."""
        trouble = self._trouble()
        result: list[Object] = []
        for type, well in CONDITIONS.items():
            status, (reason, message) = ("True", trouble[type]) if type in trouble else ("False", well)
            before = next((each for each in old if each["type"] == type), None)
            since = before["lastTransitionTime"] if before is not None and before["status"] == status else now
            parts = {"type": type, "status": status, "lastTransitionTime": since, "reason": reason, "message": message}
            result.append(parts)
        return [*result, *(each for each in old if each["type"] not in CONDITIONS)]

    def _trouble(self) -> dict[str, tuple[str, str]]:
        trouble: dict[str, tuple[str, str]] = {}
        if self.failures:
            text = ", ".join(sorted(self.failures))
            message = f"Failed to delete all resource types, {len(self.failures)} remaining: {text}"
            trouble["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", message)
        if self.resources:
            text = ", ".join(sorted(f"{name} has {count} resource instances" for name, count in self.resources.items()))
            message = f"Some resources are remaining: {text}"
            trouble["NamespaceContentRemaining"] = ("SomeResourcesRemain", message)
        if self.finalizers:
            text = ", ".join(sorted(f"{name} in {count} resource instances" for name, count in self.finalizers.items()))
            message = f"Some content in the namespace has finalizers remaining: {text}"
            trouble["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", message)
        return trouble
