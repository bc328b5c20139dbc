"""What a leader knows of another member's log."""

from __future__ import annotations

from dataclasses import dataclass

PROBE, REPLICATE, SNAPSHOT = "probe", "replicate", "snapshot"


@dataclass(slots=True)
class Progress:
    """`match` is the newest index that is surely the same there; `next` is the one to send next.

    A member whose log is not known is *probed*, one message at a time; once it has agreed it is sent everything at once
    (*replicate*); one that is too far behind gets a *snapshot* and nothing else until it has answered.
    """

    match: int = 0
    next: int = 1
    mode: str = PROBE
    paused: bool = False
    active: bool = True
    """Whether it has been heard of since the leader last counted."""

    def agreed(self, index: int) -> bool:
        """It has everything up to `index`; whether that is news."""
        news = index > self.match
        self.match = max(self.match, index)
        self.next = max(self.next, index + 1)
        self.paused = False
        if self.mode != REPLICATE and (news or self.mode == PROBE):
            self.mode, self.next = REPLICATE, self.match + 1
        return news

    def refused(self, index: int, guess: int) -> bool:
        """It does not have the entry at `index`, and perhaps the one at `guess`; whether that is news."""
        if self.mode == REPLICATE:
            if index <= self.match:
                return False
            self.mode, self.next = PROBE, self.match + 1
            return True
        if self.next - 1 != index:
            return False
        self.next = max(min(index, guess + 1), self.match + 1)
        self.paused = False
        return True

    def sent(self, count: int) -> None:
        """So many entries are on their way."""
        if self.mode == REPLICATE:
            self.next += count
        else:
            self.paused = True

    def gets_snapshot(self, index: int) -> None:
        """A snapshot up to `index` is on its way."""
        self.mode, self.paused, self.next = SNAPSHOT, True, index + 1

    def again(self) -> None:
        """It is there: whatever was held back may be tried again."""
        self.paused = False
        if self.mode == SNAPSHOT:
            self.mode, self.next = PROBE, self.match + 1
