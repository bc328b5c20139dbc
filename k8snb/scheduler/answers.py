"""What extenders answered, kept for whoever asks why afterwards.

A plugin can be asked again, an extender is somebody else's program: what it said then nobody can work out. So its
answers are kept when it gives them, of each pod those of its last attempt, and of all pods the newest. Without
extenders, and of pods that none is asked about, nothing is kept. Who lives through the past again asks again, and hears
what is said then; a file of a cluster does not have them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

MOST = 100_000
"""So many nodes are spoken of in all answers that are kept."""


class Filtering(NamedTuple):
    """What an extender made of nodes; with an `error` it made nothing of them."""

    extender: str
    asked: Sequence[str]
    out: Mapping[str, str]
    """The nodes that it left out → why, as far as it said."""
    unresolvable: Collection[str]
    """Those of them for which it makes no difference who leaves."""
    error: str

    @property
    def left(self) -> list[str]:
        """The nodes that it left."""
        return [name for name in self.asked if name not in self.out]


class Scoring(NamedTuple):
    """What an extender gave nodes, from 0 to 10."""

    extender: str
    asked: Sequence[str]
    given: Mapping[str, int]
    error: str


Victims: TypeAlias = Mapping[str, tuple[Sequence[str], int]]
"""Node → the UIDs of those who would leave it, and how many budgets would be overdrawn."""


class Sparing(NamedTuple):
    """What an extender made of who would leave for a pod."""

    extender: str
    asked: Victims
    answered: Victims
    error: str


class Binding(NamedTuple):
    """What came of it when an extender was to bind a pod."""

    extender: str
    node: str
    error: str


Answer: TypeAlias = Filtering | Scoring | Sparing | Binding


@dataclass(slots=True)
class Attempt:
    """All that extenders said in one attempt to find a node for a pod. Where nothing is there, nobody was asked."""

    at: float
    filters: list[Filtering] = field(default_factory=list)
    scores: list[Scoring] = field(default_factory=list)
    victims: list[Sparing] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """One more answer."""
        match answer:
            case Filtering():
                self.filters.append(answer)
            case Scoring():
                self.scores.append(answer)
            case Sparing():
                self.victims.append(answer)
            case Binding():
                self.bindings.append(answer)

    @property
    def answers(self) -> list[Answer]:
        """All of them, in the order in which the scheduler asks."""
        return [*self.filters, *self.scores, *self.victims, *self.bindings]

    @property
    def size(self) -> int:
        """How many nodes are spoken of, and a little for the attempt itself."""
        return 1 + sum(map(_spoken_of, self.answers))


def _spoken_of(answer: Answer) -> int:
    match answer:
        case Filtering() | Scoring():
            return len(answer.asked)
        case Sparing():
            return sum(len(uids) for uids, _overdrawn in answer.asked.values())
        case Binding():
            return 1


class Answers:
    """The last attempts of pods, by their UIDs."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: dict[str, Attempt] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def begin(self, uid: str, now: float) -> None:
        """A pod is tried: what was said before counts no longer."""
        before = self._kept.pop(uid, None)
        self._size -= before.size if before is not None else 0
        self._kept[uid] = Attempt(now)
        self._grow(1)

    def add(self, uid: str, answer: Answer) -> None:
        """An extender said something about a pod."""
        attempt = self._kept.get(uid)
        if attempt is not None:
            attempt.add(answer)
            self._grow(_spoken_of(answer))

    def filter_anew(self, uid: str) -> None:
        """Nodes are filtered once more in the same attempt."""
        attempt = self._kept.get(uid)
        if attempt is not None:
            self._size -= sum(map(_spoken_of, attempt.filters))
            attempt.filters.clear()

    def _grow(self, much: int) -> None:
        self._size += much
        while self._size > self._most and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            self._size -= self._kept.pop(oldest).size

    def of(self, uid: str) -> Attempt | None:
        """What was said of a pod in its last attempt; None if that is not known (any more)."""
        return self._kept.get(uid)
