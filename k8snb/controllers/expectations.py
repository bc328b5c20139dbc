"""What a controller has asked for and not seen yet.

An informer's cache lags behind the server. A controller that counted pods right after creating some would
not find them and create them again. So it notes how many creations and which deletions it expects to hear
of, and counts again only when it has heard of them all, or when five minutes have passed and an event must
have been lost. Upstream: `ControllerExpectations` and `UIDTrackingControllerExpectations`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from k8snb.clock import Clock
from k8snb.typing import ObjectKey

TIMEOUT_SECONDS = 300.0


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: dict[str, None] = field(default_factory=dict)


class Expectations:
    """Creations by count and deletions by uid, per key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: dict[ObjectKey, _Expected] = {}

    def expect_creations(self, key: ObjectKey, count: int) -> None:
        """So many new objects will be announced."""
        self._expected[key] = _Expected(self._clock.now(), creations=count)

    def expect_deletions(self, key: ObjectKey, uids: Iterable[str]) -> None:
        """These objects will be announced as deleted or on their way out."""
        self._expected[key] = _Expected(self._clock.now(), deletions=dict.fromkeys(uids))

    def created(self, key: ObjectKey, count: int = 1) -> None:
        """So many new objects were announced, or will never be."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.creations -= count

    def deleted(self, key: ObjectKey, uid: str) -> None:
        """The object was announced as deleted or on its way out, or never will be."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.deletions.pop(uid, None)

    def satisfied(self, key: ObjectKey) -> bool:
        """Whether everything has been heard of (or the wait has been too long)."""
        expected = self._expected.get(key)
        if expected is None or (expected.creations <= 0 and not expected.deletions):
            return True
        return self._clock.now() - expected.since > TIMEOUT_SECONDS

    def pending(self, key: ObjectKey) -> int:
        """How many announcements are still awaited."""
        expected = self._expected.get(key)
        return 0 if expected is None else max(expected.creations, 0) + len(expected.deletions)

    def forget(self, key: ObjectKey) -> None:
        """The key is gone."""
        self._expected.pop(key, None)
