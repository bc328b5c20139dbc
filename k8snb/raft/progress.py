"""What a leader knows of another member's log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k8snb.raft.messages import Members

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

    def awaits_more_than(self, index: int) -> bool:
        """Whether a snapshot is on its way that goes further than that."""
        return self.mode == SNAPSHOT and index < self.next - 1

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


def held_by_majority(others: Mapping[str, Progress], members: Members, leader: str, last: int) -> int:
    """The newest index that a majority has for sure; `last` is the leader's own."""
    matches = sorted(last if name == leader else others[name].match for name in members.voters)
    return matches[len(matches) - members.quorum]


def heard_by_majority(others: Mapping[str, Progress], members: Members, leader: str) -> bool:
    """Whether a majority was heard of since this was asked last."""
    heard = [name for name in members.voters if name == leader or others[name].active]
    for progress in others.values():
        progress.active = False
    return len(heard) >= members.quorum
