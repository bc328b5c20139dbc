"""Objects as an informer lists them, and the newer versions that the scheduler has just written itself.

Until the informer has it too, the newer version counts, so that the next pod does not plan with what is taken.
Upstream: `pkg/scheduler/util/assumecache`.
"""

from __future__ import annotations

from typing import Protocol

from k8snb.machinery.objects import revision_of
from k8snb.typing import Object


class Listing(Protocol):
    """What is asked of an informer."""

    def get(self, namespace: str, name: str) -> Object | None: ...

    def list(self, namespace: str = "") -> list[Object]: ...


class Nothing:
    """A resource that is not served."""

    def get(self, namespace: str, name: str) -> Object | None:
        return None

    def list(self, namespace: str = "") -> list[Object]:
        return []


class Assumed:
    """The versions that the scheduler wrote and the informer may not have yet."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], Object] = {}

    def put(self, obj: Object) -> None:
        """This is the newest version of an object."""
        self._objects[_key(obj)] = obj

    def newest(self, known: Object | None, namespace: str, name: str) -> Object | None:
        """The newest version of an object, of which the informer knows this one."""
        assumed = self._objects.get((namespace, name))
        if assumed is None:
            return known
        if known is None or revision_of(known) >= revision_of(assumed):
            del self._objects[namespace, name]
            return known
        return assumed


def _key(obj: Object) -> tuple[str, str]:
    meta = obj["metadata"]
    return meta.get("namespace") or "", meta["name"]
