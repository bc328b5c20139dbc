"""What a controller has written to objects that it owns and its cache does not show yet.

An informer hears of a write a little later than the writer. A controller that went on from the cache before that would
do the same thing twice: create what exists, delete what is going. So it notes what it wrote under the key that it
reconciled, and looks at that key again only when the cache has caught up (or when five minutes have passed, and an
event must have been lost). Upstream: `pkg/controller/util/consistency` (`StaleControllerConsistency…`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from k8snb.client.informer import Informer
from k8snb.clock import Clock
from k8snb.machinery.objects import is_deleting, key_of, revision_of
from k8snb.typing import Object, ObjectKey

TIMEOUT_SECONDS = 300.0
AGAIN_SECONDS = 0.001
"""After how many seconds a controller looks again at a key whose writes it does not see yet."""


@dataclass(slots=True)
class _Writes:
    since: float
    revision: int = 0
    awaited: dict[str, tuple[ObjectKey, Callable[[Object], bool]]] = field(default_factory=dict)
    """Objects by uid: where they are, and how to tell that the cache shows what was done to them."""


class Unseen:
    """The writes to one resource, by the key for whose sake they were made."""

    def __init__(self, informer: Informer, clock: Clock) -> None:
        self._informer = informer
        self._clock = clock
        self._writes: dict[ObjectKey, _Writes] = {}

    def wrote(self, key: ObjectKey, obj: Object) -> Object:
        """Note what the server answered to a write; returns it."""
        writes = self._of(key)
        writes.revision = max(writes.revision, revision_of(obj))
        return obj

    def removed(self, key: ObjectKey, answer: Object) -> None:
        """Note what the server answered to a deletion: the object on its way out, or as it was at the end."""
        self.wrote(key, answer)
        if not is_deleting(answer):
            self.changed(key, answer, lambda obj: False)

    def changed(self, key: ObjectKey, obj: Object, shows: Callable[[Object], bool]) -> None:
        """Note a write after which an object is either gone or one of which `shows` is true."""
        self._of(key).awaited[obj["metadata"]["uid"]] = (key_of(obj), shows)

    def _of(self, key: ObjectKey) -> _Writes:
        found = self._writes.get(key)
        if found is None:
            found = self._writes[key] = _Writes(self._clock.now())
        return found

    def behind(self, key: ObjectKey) -> bool:
        """Whether the cache has yet to show something that was written under the key."""
        writes = self._writes.get(key)
        if writes is None:
            return False
        if self._is_behind(writes) and self._clock.now() - writes.since <= TIMEOUT_SECONDS:
            return True
        del self._writes[key]
        return False

    def _is_behind(self, writes: _Writes) -> bool:
        return self._informer.revision < writes.revision or any(
            (found := self._informer.get(*key)) is not None and found["metadata"]["uid"] == uid and not shows(found)
            for uid, (key, shows) in writes.awaited.items()
        )

    def forget(self, key: ObjectKey) -> None:
        """The key is gone."""
        self._writes.pop(key, None)
