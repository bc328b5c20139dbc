"""ReferenceGrants: who may refer to what is in another namespace. The owner of what is referred to says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from k8snb.typing import Object

GROUP = "gateway.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """Something in one namespace that names something in another."""

    kind: str
    """What refers: `HTTPRoute`, `Gateway`."""
    namespace: str
    to_kind: str
    to_namespace: str
    to_name: str
    """What is referred to: a Service or a Secret, which are in the core group."""

    def is_permitted(self, grants: Iterable[Object]) -> bool:
        """Whether it stays in its namespace, or a grant where it leads allows it."""
        here = self.namespace == self.to_namespace
        return here or any(self._granted(each) for each in grants if each["metadata"]["namespace"] == self.to_namespace)

    def _granted(self, grant: Object) -> bool:
        spec = grant["spec"]
        comes = any(
            each["group"] == GROUP and each["kind"] == self.kind and each["namespace"] == self.namespace
            for each in spec.get("from") or ()
        )
        return comes and any(
            each["group"] == "" and each["kind"] == self.to_kind and each.get("name") in (None, "", self.to_name)
            for each in spec.get("to") or ()
        )
