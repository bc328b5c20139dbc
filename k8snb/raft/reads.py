"""Linearizable reads: a leader may answer only when it knows that it still was the leader after the question came.

It notes how far it has committed, asks everybody with a numbered round of heartbeats, and lets the read go when a
majority has answered that round or a later one. The same rounds give it a *lease*: whoever has answered a heartbeat
votes for nobody else for an election timeout, so for that long after it was *sent* no other leader can be made, and
reads need no round of their own. That holds if clocks go at the same speed, which is why it has to be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from k8snb.raft.messages import Read


@dataclass(slots=True)
class _Round:
    number: int
    sent: int
    """The leader's tick when it was sent."""
    reads: list[Read]
    answers: set[str] = field(default_factory=set)


class Reads:
    """The rounds of one leader in one term."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        """Requests that came before the leader had committed anything in its term."""
        self._lease_until = 0
        self._may_lease = True
        self._rounds: list[_Round] = []
        self._number = 0

    def holds_lease(self, tick: int) -> bool:
        """Whether no other leader can have been made by now."""
        return self._may_lease and tick < self._lease_until

    def give_up_lease(self) -> None:
        """Somebody was asked to become leader, and may do so whenever that arrives: no lease in this term any more."""
        self._may_lease = False

    def begin(self, tick: int, requests: list[Any], commit: int) -> int:
        """Begin a round for these requests; returns its number."""
        self._number += 1
        self._rounds.append(_Round(self._number, tick, [Read(request, commit) for request in requests]))
        return self._number

    def answered(self, number: int, member: str, voters: frozenset[str], quorum: int, timeout: int) -> list[Read]:
        """A member has answered a round; returns the reads that may be answered now."""
        for each in self._rounds:
            if each.number <= number:
                each.answers.add(member)
        done = [each for each in self._rounds if len(each.answers & voters) >= quorum]
        if not done:
            return []
        newest = done[-1]
        self._lease_until = max(self._lease_until, newest.sent + timeout)
        ready = [read for each in self._rounds if each.number <= newest.number for read in each.reads]
        self._rounds = [each for each in self._rounds if each.number > newest.number]
        return ready
