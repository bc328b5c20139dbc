"""A group under attack, with clients, and the promises of Raft checked at every tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from k8snb.machinery.names import Lottery
from k8snb.raft.group import Group, Server, Weather
from k8snb.raft.log import Log
from k8snb.raft.messages import ADD, LEARN, REMOVE, TIMEOUT_NOW, Change, Entry, Message
from k8snb.raft.roles import LEADER
from tests.raft.linear import NEVER, Operation

PATIENCE = 60


class Register:
    """One value, and the requests that have written it; applying tells the world."""

    def __init__(self, agreed: Callable[[Entry], None]) -> None:
        self.value: Any = None
        self._agreed = agreed

    def apply(self, entry: Entry) -> None:
        self._agreed(entry)
        self.value = entry.data

    def save(self) -> Any:
        return (self.value,)

    def load(self, data: Any) -> None:
        (self.value,) = data


@dataclass
class Asked:
    """An operation that waits for its answer."""

    operation: Operation
    server: str
    term: int
    index: int = 0


class World:
    """One run: everything in it follows from the seed."""

    def __init__(self, seed: int, size: int = 3, *, leases: bool = False) -> None:
        self.lottery = Lottery(seed)
        self.hasty = not leases and seed % 2 == 0
        """Whether members may be made to campaign out of turn, which a lease does not survive."""
        self.names = [f"m{number}" for number in range(size)]
        self.agreed: dict[int, Entry] = {}
        self.entries: dict[tuple[int, int], tuple[Any, int | None]] = {}
        self.leaders: dict[int, str] = {}
        self.history: list[Operation] = []
        self.asked: list[Asked] = []
        self.lost: list[str] = []
        self.count = size
        batch = 1 if self.hasty else 64
        self.group = Group(self.names, lambda: Register(self.agree), self.lottery, leases=leases, batch=batch)

    # -- promises ----------------------------------------------------------------------------------------------

    def agree(self, entry: Entry) -> None:
        """State machine safety: whoever applies an index applies the same entry."""
        known = self.agreed.setdefault(entry.index, entry)
        assert known == entry, f"index {entry.index} was applied as {known} and as {entry}"

    def check(self) -> None:
        """Election safety, leader completeness and log matching."""
        for server in self.group.running:
            member = server.member
            assert member is not None
            if member.role == LEADER and self.leaders.get(member.term) != server.name:
                assert member.term not in self.leaders, f"two leaders in term {member.term}"
                self.leaders[member.term] = server.name
                missing = [e for i, e in self.agreed.items() if self._lacks(member.log, i, e, member.term)]
                assert not missing, f"the leader of term {member.term} lacks {missing}"
            self._match(server)

    @staticmethod
    def _lacks(log: Log, index: int, entry: Entry, term: int) -> bool:
        """Whether a leader's log lacks what was agreed in a term before its own."""
        return entry.term < term and index >= log.first and log.term(index) != entry.term

    def _match(self, server: Server) -> None:
        """The same index and term are the same entry, with the same one before: by induction the same log."""
        assert server.member is not None
        log = server.member.log
        for entry in log.slice(max(log.first, log.last - 8)):
            before = log.term(entry.index - 1)
            known = self.entries.setdefault((entry.index, entry.term), ((entry.data, entry.change), before))
            assert known == ((entry.data, entry.change), before), f"logs differ before {entry}"

    # -- clients -----------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """A client asks somebody who believes to lead, perhaps wrongly."""
        leading = [s for s in self.group.running if s.member is not None and s.member.role == LEADER]
        if not leading:
            return
        server = leading[self.lottery.below(len(leading))]
        assert server.member is not None
        number = len(self.history)
        kind = "write" if self.lottery.below(2) else "read"
        operation = Operation(kind, number if kind == "write" else None, self.group.ticks)
        self.history.append(operation)
        asked = Asked(operation, server.name, server.member.term)
        self.asked.append(asked)
        if kind == "write":
            asked.index = self.group.propose(server.name, number) or 0
        else:
            self.group.read(server.name, asked)
        self.listen()

    def listen(self) -> None:
        """Whoever has got an answer notes it; whoever waits too long gives up and never knows."""
        now = self.group.ticks
        for server in self.group.running:
            for read in server.answerable():
                if read.request in self.asked:
                    assert isinstance(server.machine, Register)
                    read.request.operation.value = server.machine.value
                    self._answer(read.request)
        for asked in list(self.asked):
            there = self.group.servers.get(asked.server)
            entry = self.agreed.get(asked.index)
            here = there is not None and there.member is not None and there.applied >= asked.index
            if asked.operation.kind == "write" and asked.index and entry is not None and here:
                if entry.data == asked.operation.value:
                    self._answer(asked)
                else:
                    self.asked.remove(asked)
            elif now - asked.operation.asked > PATIENCE:
                self.asked.remove(asked)

    def _answer(self, asked: Asked) -> None:
        self.asked.remove(asked)
        asked.operation.answered = self.group.ticks + 0.5

    # -- what goes wrong ---------------------------------------------------------------------------------------

    def disturb(self) -> None:
        """One thing that goes wrong, or is set right, or is asked for."""
        acts = (
            self.crash, self.crash, self.restart, self.restart, self.restart, self.cut, self.cut, self.heal, self.storm,
            self.calm, self.transfer, self.compact, self.compact, self.reshape, self.burn, self.bounce, self.bounce,
        )  # fmt: skip
        if self.hasty:
            acts = (self.hurry, self.hurry, self.hurry, self.hurry, self.bounce, self.bounce, *acts)
        acts[self.lottery.below(len(acts))]()

    def _one(self, servers: list[Server]) -> Server | None:
        return servers[self.lottery.below(len(servers))] if servers else None

    def crash(self) -> None:
        server = self._one(self.group.running)
        if server is not None:
            self.group.crash(server.name)

    def restart(self) -> None:
        server = self._one([s for s in self.group.servers.values() if s.member is None])
        if server is not None:
            self.group.start(server.name)

    def bounce(self) -> None:
        """Somebody crashes and is back before anything reaches it; some messages to it are lost."""
        server = self._one(self.group.running)
        if server is not None:
            self.group.crash(server.name)
            self.group.start(server.name)

    def hurry(self) -> None:
        """One or two members campaign, although they have a leader."""
        for _ in range(1 + self.lottery.below(2)):
            server = self._one(self.group.running)
            if server is not None and server.member is not None:
                server.member.step(Message(TIMEOUT_NOW, server.name, server.name, server.member.term))
                self.group.settle(server.name)

    def cut(self) -> None:
        names = list(self.group.servers)
        away = [name for name in names if self.lottery.below(2)]
        self.group.partition([name for name in names if name not in away], away)

    def heal(self) -> None:
        self.group.partition()

    def storm(self) -> None:
        shares = (0.0, 0.05, 0.3)
        lose, duplicate = shares[self.lottery.below(3)], shares[self.lottery.below(3)]
        self.group.weather = Weather(lose, duplicate, 1 + self.lottery.below(12))

    def calm(self) -> None:
        self.group.weather = Weather()

    def transfer(self) -> None:
        leader, to = self.group.leader, self._one(list(self.group.servers.values()))
        if leader is not None and to is not None:
            self.group.transfer(leader.name, to.name)

    def compact(self) -> None:
        server = self._one(self.group.running)
        if server is not None:
            server.compact()

    def reshape(self) -> None:
        """Ask the leader for another member, or for one less."""
        leader = self.group.leader
        if leader is None or leader.member is None:
            return
        members = leader.member.members
        if members.learners:
            self.group.change(leader.name, Change(ADD, min(members.learners)))
        elif len(members.voters) > 3 and self.lottery.below(2):
            gone = sorted(members.voters)[self.lottery.below(len(members.voters))]
            self.group.change(leader.name, Change(REMOVE, gone))
        elif len(members.voters) < 6:
            name = f"m{self.count}"
            if self.group.change(leader.name, Change(LEARN, name)) is not None:
                self.count += 1
                self.group.join(name)

    def burn(self) -> None:
        """A disk is lost, once until the one whose it was has been replaced."""
        leader = self.group.leader
        if leader is None or leader.member is None:
            return
        voters = leader.member.members.voters
        gone = [name for name in voters if name not in self.group.servers]
        if gone:
            self.group.change(leader.name, Change(REMOVE, gone[0]))
        elif (
            len(voters) >= 3 and all(s.member is not None for s in self.group.servers.values()) and self.settled(voters)
        ):
            server = self._one([s for s in self.group.running if s.name in voters])
            if server is not None:
                self.group.crash(server.name)
                self.group.lose_disk(server.name)

    def settled(self, voters: frozenset[str]) -> bool:
        """Whether everybody is of the same opinion about who belongs to the group."""
        return all(s.member is not None and s.member.members.voters == voters for s in self.group.running)

    # -- a run -------------------------------------------------------------------------------------------------

    def run(self, ticks: int) -> None:
        """Attack it for so many ticks."""
        for _ in range(ticks):
            if not self.lottery.below(3 if self.hasty else 7):
                self.disturb()
            if not self.lottery.below(4):
                self.ask()
            self.tick()

    def tick(self) -> None:
        self.group.tick()
        self.listen()
        self.check()

    def recover(self, ticks: int = 400) -> bool:
        """Set everything right; whether a write goes through then, and everybody hears of it."""
        self.heal()
        self.calm()
        for name in list(self.group.servers):
            self.group.start(name)
        for _ in range(ticks):
            self.tick()
            leader = self.group.leader
            if leader is None or leader.member is None:
                continue
            gone = [name for name in leader.member.members.all if name not in self.group.servers]
            if gone:
                self.group.change(leader.name, Change(REMOVE, gone[0]))
            elif self._agrees(leader):
                return True
        return False

    def _agrees(self, leader: Server) -> bool:
        last = self.history[-1] if self.history else None
        if last is None or last.kind != "write" or last.answered == NEVER:
            if not self.asked:
                self.ask()
            return False
        members = leader.member.members.all if leader.member is not None else []
        return all(self.group.servers[name].applied == leader.applied for name in members)
