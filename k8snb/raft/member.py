"""One member: follower, candidate or leader."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from k8snb.raft.log import Log
from k8snb.raft.messages import (
    APPEND,
    APPENDED,
    HEARD,
    HEARTBEAT,
    NO_VOTE,
    OF_A_LEADER,
    PRE_VOTE,
    PRE_VOTED,
    SNAPSHOT,
    TIMEOUT_NOW,
    VOTE,
    VOTED,
    Change,
    Entry,
    Message,
    Read,
    Ready,
    Snapshot,
    Vote,
)
from k8snb.raft.progress import Progress, heard_by_majority, held_by_majority
from k8snb.raft.reads import Reads
from k8snb.raft.roles import (
    CANDIDATE,
    ELECTION_TICKS,
    FOLLOWER,
    HEARTBEAT_TICKS,
    LEADER,
    MOST_ENTRIES,
    PRE_CANDIDATE,
)


class Member:
    """The state machine. Call `tick`, `step`, `propose` …, and after each of them do what `ready` says, whole."""

    def __init__(
        self,
        name: str,
        draw: Callable[[int], int],
        snapshot: Snapshot,
        vote: Vote = NO_VOTE,
        entries: Iterable[Entry] = (),
        *,
        leases: bool = False,
        batch: int = MOST_ENTRIES,
    ) -> None:
        """A member as its disk has it: a snapshot (a new group's has its first members), a vote, and the log since.

        `draw(n)` is a random number below n. With `leases` a leader answers reads by its lease. At most `batch` entries
        go in one message.
        """
        self.name = name
        self.log = Log(snapshot, entries)
        self.members = snapshot.members
        self.term, self.voted_for = vote.term, vote.voted_for
        self.commit = max(vote.commit, snapshot.index)
        self.applied = snapshot.index
        self.role = FOLLOWER
        self.leader = ""
        self.progress: dict[str, Progress] = {}
        self.transferring = ""
        """To whom the leader is handing over."""
        self.ticks = 0
        self._elapsed, self._patience = 0, 0
        self._draw = draw
        self._leases = leases
        self._batch = batch
        self._silent_until = ELECTION_TICKS if leases and vote.term else 0
        """Whoever comes back may have promised before it went not to vote for another."""
        self._kept = vote
        self._restored: Snapshot | None = None
        self._outbox: list[Message] = []
        self._answers: list[Read] = []
        self._pending_change = 0
        self._rest()

    # -- what the driver calls ---------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let a tick pass."""
        self.ticks += 1
        self._elapsed += 1
        if self.role != LEADER:
            if self._elapsed >= self._patience and self.name in self.members.voters:
                self._elapsed = 0
                self._campaign(PRE_CANDIDATE)
            return
        if self._elapsed >= ELECTION_TICKS:
            self._elapsed = 0
            self.transferring = ""
            if not heard_by_majority(self.progress, self.members, self.name):
                self._follow(self.term, "")
                return
        if self.ticks % HEARTBEAT_TICKS == 0:
            self._beat([])

    def propose(self, data: Any) -> int | None:
        """Ask for something to be agreed on. Its index; None if this is not the leader, or it is handing over."""
        return self._add(data, None)

    def change(self, change: Change) -> int | None:
        """Ask for a change of the group. None also while the one before is not applied: there is one at a time."""
        if self._pending_change > self.applied:
            return None
        index = self._add(None, change)
        if index is not None:
            self._pending_change = index
        return index

    def read(self, request: Any) -> bool:
        """Ask when `request` may be answered from what was applied; a `Ready` will tell. False if not leading."""
        if self.role != LEADER:
            return False
        if self.log.term(self.commit) != self.term:
            self._reads.waiting.append(request)
        elif self._leases and self._reads.holds_lease(self.ticks):
            self._answers.append(Read(request, self.commit))
        else:
            self._beat([request])
        return True

    def transfer(self, to: str) -> bool:
        """Hand the leadership over, as soon as `to` has the whole log. False if it cannot be."""
        if self.role != LEADER or to == self.name or to not in self.members.voters:
            return False
        self.transferring, self._elapsed = to, 0
        self._reads.give_up_lease()
        self._hand_over()
        return True

    def compact(self, snapshot: Snapshot) -> None:
        """Forget the log up to what has been applied and is in this snapshot now."""
        self.log.compact(snapshot)

    def apply_change(self, change: Change) -> None:
        """A change of the group has been committed: it holds from now on."""
        self.members = self.members.after(change)
        if self.role != LEADER:
            return
        known = self.members.all
        self.progress = {name: self.progress.get(name) or Progress(next=self.log.last + 1) for name in known}
        if self.name not in self.members.voters:
            self._follow(self.term, "")
        elif self._advance_commit():
            self._replicate()

    def ready(self) -> Ready:
        """What is to be done now: keep, send, apply. Whoever asks has to do all of it before calling anything else."""
        log, vote = self.log, Vote(self.term, self.voted_for, self.commit)
        done = Ready(
            vote=vote if vote != self._kept else None,
            snapshot=self._restored,
            entries=log.slice(log.stable + 1),
            messages=tuple(self._outbox),
            committed=log.slice(self.applied + 1, self.commit),
            reads=tuple(self._answers),
        )
        self._kept, self._restored = vote, None
        self._outbox, self._answers = [], []
        log.stable, self.applied = log.last, self.commit
        return done

    # -- messages ----------------------------------------------------------------------------------------------

    def step(self, m: Message) -> None:
        """Take a message in."""
        if m.term > self.term:
            if m.kind in (VOTE, PRE_VOTE) and not m.forced and self._is_led():
                return
            if m.kind != PRE_VOTE and not (m.kind == PRE_VOTED and not m.reject):
                self._follow(m.term, m.sender if m.kind in OF_A_LEADER else "")
        elif m.term < self.term:
            self._correct(m)
            return
        if m.kind in (VOTE, PRE_VOTE):
            self._asked_to_vote(m)
        elif m.kind in OF_A_LEADER:
            self._led(m)
        elif m.kind in (VOTED, PRE_VOTED):
            self._counted(m)
        elif m.kind == TIMEOUT_NOW:
            if self.name in self.members.voters and self.role != LEADER:
                self._campaign(CANDIDATE, forced=True)
        elif self.role == LEADER and m.sender in self.progress:
            self._answered(m, self.progress[m.sender])

    def _is_led(self) -> bool:
        """Whether it heard of a leader so short a time ago that it does not help to make another."""
        return self.ticks < self._silent_until or (bool(self.leader) and self._elapsed < ELECTION_TICKS)

    def _correct(self, m: Message) -> None:
        """Let a sender from an old term know which one it is now."""
        if m.kind in OF_A_LEADER:
            self._send(Message(APPENDED, self.name, m.sender, self.term, reject=True))
        elif m.kind == PRE_VOTE:
            self._send(Message(PRE_VOTED, self.name, m.sender, self.term, reject=True))

    def _send(self, message: Message) -> None:
        self._outbox.append(message)

    # -- elections ---------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        self._elapsed = 0
        self._patience = ELECTION_TICKS + self._draw(ELECTION_TICKS)
        self._votes: dict[str, bool] = {}
        self._reads = Reads()
        self.transferring = ""

    def _follow(self, term: int, leader: str) -> None:
        if term != self.term:
            self.term, self.voted_for = term, ""
        self.role, self.leader = FOLLOWER, leader
        self._rest()

    def _campaign(self, role: str, *, forced: bool = False) -> None:
        """Ask for votes: first whether there would be any, without disturbing anybody, and then in earnest."""
        if any(entry.change for entry in self.log.slice(self.applied + 1, self.commit)):
            return
        self._rest()
        self.role, self.leader = role, ""
        kind, term = (PRE_VOTE, self.term + 1) if role == PRE_CANDIDATE else (VOTE, self.term + 1)
        if role == CANDIDATE:
            self.term, self.voted_for = term, self.name
        last, last_term = self.log.last, self.log.last_term
        for name in sorted(self.members.voters - {self.name}):
            self._send(Message(kind, self.name, name, term, last, last_term, forced=forced))
        self._count(self.name, granted=True)

    def _asked_to_vote(self, m: Message) -> None:
        free = self.voted_for == m.sender or (not self.voted_for and not self.leader)
        may = free or (m.kind == PRE_VOTE and m.term > self.term)
        grants = may and not self.log.newer_than(m.index, m.log_term) and self.ticks >= self._silent_until
        answer = VOTED if m.kind == VOTE else PRE_VOTED
        self._send(Message(answer, self.name, m.sender, m.term if grants else self.term, reject=not grants))
        if grants and m.kind == VOTE:
            self._elapsed, self.voted_for = 0, m.sender

    def _counted(self, m: Message) -> None:
        wanted = {PRE_CANDIDATE: PRE_VOTED, CANDIDATE: VOTED}.get(self.role)
        if m.kind == wanted and not (m.kind == PRE_VOTED and not m.reject and m.term != self.term + 1):
            self._count(m.sender, granted=not m.reject)

    def _count(self, voter: str, *, granted: bool) -> None:
        self._votes.setdefault(voter, granted)
        votes = [self._votes[name] for name in self.members.voters if name in self._votes]
        if sum(votes) >= self.members.quorum:
            if self.role == PRE_CANDIDATE:
                self._campaign(CANDIDATE)
            else:
                self._lead()
        elif len(votes) - sum(votes) >= self.members.quorum:
            self._follow(self.term, "")

    # -- following ---------------------------------------------------------------------------------------------

    def _led(self, m: Message) -> None:
        if self.role != FOLLOWER:
            self._follow(self.term, m.sender)
        self._elapsed, self.leader = 0, m.sender
        if m.kind == HEARTBEAT:
            self.commit = max(self.commit, min(m.commit, self.log.last))
            self._send(Message(HEARD, self.name, m.sender, self.term, context=m.context))
        elif m.kind == APPEND:
            self._take(m)
        else:
            self._restore(m)

    def _take(self, m: Message) -> None:
        """Append what the leader sends, if the log is the same up to there."""
        if m.index < self.commit:
            self._send(Message(APPENDED, self.name, m.sender, self.term, self.commit))
        elif self.log.matches(m.index, m.log_term):
            self.log.append(m.entries)
            newest = m.index + len(m.entries)
            self.commit = max(self.commit, min(m.commit, newest))
            self._send(Message(APPENDED, self.name, m.sender, self.term, newest))
        else:
            hint = self.log.guess(m.index, m.log_term)
            term = self.log.term(hint) or 0
            self._send(Message(APPENDED, self.name, m.sender, self.term, m.index, term, reject=True, hint=hint))

    def _restore(self, m: Message) -> None:
        """Take the leader's snapshot, unless the log has all that already."""
        snapshot = m.snapshot
        assert snapshot is not None
        if snapshot.index > self.commit:
            if self.log.matches(snapshot.index, snapshot.term):
                self.commit = snapshot.index
            else:
                self.log.restore(snapshot)
                self.members, self._restored = snapshot.members, snapshot
                self.commit = self.applied = snapshot.index
        self._send(Message(APPENDED, self.name, m.sender, self.term, index=self.commit))

    # -- leading -----------------------------------------------------------------------------------------------

    def _lead(self) -> None:
        self._rest()
        self.role, self.leader = LEADER, self.name
        self.progress = {name: Progress(next=self.log.last + 1) for name in self.members.all}
        self._pending_change = self.log.last
        self._add(None, None)

    def _add(self, data: Any, change: Change | None) -> int | None:
        if self.role != LEADER or self.transferring:
            return None
        index = self.log.last + 1
        self.log.append([Entry(self.term, index, data, change)])
        self._advance_commit()
        self._replicate()
        return index

    def _others(self) -> list[str]:
        return [name for name in self.progress if name != self.name]

    def _replicate(self) -> None:
        for name in self._others():
            self._send_entries(name)

    def _send_entries(self, to: str) -> None:
        """Send a member what comes next, or the snapshot if that is forgotten."""
        progress = self.progress[to]
        if progress.paused:
            return
        before = progress.next - 1
        term = self.log.term(before)
        if term is None:
            snapshot = self.log.snapshot
            self._send(Message(SNAPSHOT, self.name, to, self.term, snapshot=snapshot))
            progress.gets_snapshot(snapshot.index)
            return
        entries = self.log.slice(progress.next, min(self.log.last, before + self._batch))
        self._send(Message(APPEND, self.name, to, self.term, before, term, self.commit, entries))
        progress.sent(len(entries))

    def _beat(self, requests: list[Any]) -> None:
        """Tell everybody that the leader is there, and ask whether it still is; `requests` wait for the answer."""
        number = self._reads.begin(self.ticks, requests, self.commit)
        for name in self._others():
            commit = min(self.commit, self.progress[name].match)
            self._send(Message(HEARTBEAT, self.name, name, self.term, commit=commit, context=number))
        self._heard(number, self.name)

    def _heard(self, number: int, member: str) -> None:
        group = self.members
        self._answers += self._reads.answered(number, member, group.voters, group.quorum, ELECTION_TICKS)

    def _answered(self, m: Message, progress: Progress) -> None:
        progress.active = True
        if m.kind == HEARD:
            progress.again()
            if progress.match < self.log.last:
                self._send_entries(m.sender)
            self._heard(m.context, m.sender)
        elif m.reject:
            if progress.refused(m.index, self.log.guess(m.hint, m.log_term)):
                self._send_entries(m.sender)
        else:
            self._agreed(m, progress)

    def _agreed(self, m: Message, progress: Progress) -> None:
        held = progress.paused
        if progress.awaits_more_than(m.index):
            return
        news = progress.agreed(m.index)
        if news and self._advance_commit():
            self._replicate()
        elif held or progress.next <= self.log.last:
            self._send_entries(m.sender)
        if m.sender == self.transferring:
            self._hand_over()

    def _hand_over(self) -> None:
        if self.progress[self.transferring].match == self.log.last:
            self._send(Message(TIMEOUT_NOW, self.name, self.transferring, self.term))
        else:
            self._send_entries(self.transferring)

    def _advance_commit(self) -> bool:
        """Commit what a majority has, if it is of this term (an older entry is committed by a newer one)."""
        newest = held_by_majority(self.progress, self.members, self.name, self.log.last)
        if newest <= self.commit or self.log.term(newest) != self.term:
            return False
        self.commit = newest
        if self._reads.waiting:
            waiting, self._reads.waiting = self._reads.waiting, []
            self._beat(waiting)
        return True
