"""The log of one member: entries by index, without those that a snapshot stands for."""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.raft.messages import Entry, Snapshot


class Log:
    """Entries from `snapshot.index + 1` on. Indexes begin at 1; index 0 is the empty log, of term 0."""

    __slots__ = ("_entries", "snapshot", "stable")

    def __init__(self, snapshot: Snapshot, entries: Iterable[Entry] = ()) -> None:
        self.snapshot = snapshot
        self._entries = list(entries)
        self.stable = self.last
        """Up to which index the log is on the disk."""

    @property
    def last(self) -> int:
        """The newest index."""
        return self.snapshot.index + len(self._entries)

    @property
    def first(self) -> int:
        """The oldest index that is still there as an entry."""
        return self.snapshot.index + 1

    @property
    def last_term(self) -> int:
        """The term of the newest entry."""
        return self._entries[-1].term if self._entries else self.snapshot.term

    def term(self, index: int) -> int | None:
        """The term of an entry; None if it is not known: not there yet, or forgotten."""
        at = index - self.snapshot.index
        if at == 0:
            return self.snapshot.term
        return self._entries[at - 1].term if 0 < at <= len(self._entries) else None

    def matches(self, index: int, term: int) -> bool:
        """Whether the entry at the index is of that term, so that the logs are the same up to there."""
        return self.term(index) == term

    def newer_than(self, index: int, term: int) -> bool:
        """Whether this log knows more than one that ends like that."""
        return (self.last_term, self.last) > (term, index)

    def slice(self, start: int, end: int | None = None) -> tuple[Entry, ...]:
        """The entries from `start` up to and including `end`."""
        offset = self.snapshot.index + 1
        return tuple(self._entries[start - offset : None if end is None else end - offset + 1])

    def append(self, entries: Iterable[Entry]) -> None:
        """Append entries, in the place of any that are there with the same index and another term."""
        for entry in entries:
            known = self.term(entry.index)
            if known == entry.term:
                continue
            if known is not None:
                del self._entries[entry.index - self.snapshot.index - 1 :]
                self.stable = min(self.stable, entry.index - 1)
            self._entries.append(entry)

    def guess(self, index: int, term: int) -> int:
        """The newest index up to `index` that is not of a later term than `term`: where two logs may be the same."""
        index = min(index, self.last)
        while index > self.snapshot.index and (self.term(index) or 0) > term:
            index -= 1
        return index

    def compact(self, snapshot: Snapshot) -> None:
        """Forget the entries that a snapshot of the own state stands for."""
        if snapshot.index <= self.snapshot.index:
            return
        del self._entries[: snapshot.index - self.snapshot.index]
        self.snapshot = snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Begin anew from somebody else's snapshot."""
        self._entries.clear()
        self.snapshot = snapshot
        self.stable = snapshot.index
