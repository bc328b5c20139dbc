"""What one member does, and what a small group does in the situations that Raft was made for."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.machinery.names import Lottery
from k8snb.raft.group import Group
from k8snb.raft.member import Member
from k8snb.raft.messages import (
    ADD,
    APPEND,
    APPENDED,
    HEARD,
    LEARN,
    REMOVE,
    SNAPSHOT,
    VOTE,
    VOTED,
    Change,
    Entry,
    Members,
    Message,
    Snapshot,
    Vote,
)
from k8snb.raft.roles import ELECTION_TICKS, LEADER

NAMES = ("a", "b", "c")
LONG = 4 * ELECTION_TICKS


class Book:
    """Whatever was applied, in order."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def apply(self, entry: Entry) -> None:
        self.lines.append(entry.data)

    def save(self) -> Any:
        return tuple(self.lines)

    def load(self, data: Any) -> None:
        self.lines = list(data)


def member(name: str = "a", vote: Vote | None = None, *entries: Entry, leases: bool = False) -> Member:
    first = Snapshot(0, 0, Members(frozenset(NAMES)))
    return Member(name, lambda below: 0, first, vote or Vote(), entries, leases=leases)


def said(member: Member) -> list[tuple[str, str, bool]]:
    return [(each.kind, each.to, each.reject) for each in member.ready().messages]


def leading(*entries: Entry, term: int = 1, leases: bool = False) -> Member:
    """The member `a`, leader of a term, with these entries before its own."""
    found = member("a", Vote(term - 1, "", 0), *entries, leases=leases)
    found.step(Message("timeout-now", "b", "a", term - 1))
    found.step(Message(VOTED, "b", "a", term))
    assert (found.role, found.term) == (LEADER, term)
    found.ready()
    return found


def agree(leader: Member, index: int, *names: str) -> None:
    for name in names:
        leader.step(Message(APPENDED, name, "a", leader.term, index))


def group(*names: str, leases: bool = False) -> Group:
    found = Group(names or NAMES, Book, Lottery(1), leases=leases)
    run(found)
    return found


def run(group: Group, ticks: int = LONG) -> None:
    for _ in range(ticks):
        group.tick()


def leader(group: Group) -> str:
    found = group.leader
    assert found is not None
    return found.name


def others(group: Group) -> list[str]:
    return [name for name in group.servers if name != leader(group)]


def lines(group: Group) -> dict[str, list[Any]]:
    return {server.name: server.machine.lines for server in group.running}  # type: ignore[attr-defined]


# -- elections -------------------------------------------------------------------------------------------------


def test_a_group_elects_one_leader_whom_all_know() -> None:
    found = group()
    assert {s.member.leader for s in found.running if s.member} == {leader(found)}


def test_a_member_votes_once_in_a_term() -> None:
    voter = member("c")
    for name in ("a", "b"):
        voter.step(Message(VOTE, name, "c", 1))
    assert said(voter) == [(VOTED, "a", False), (VOTED, "b", True)]


def test_a_member_that_comes_back_remembers_its_vote() -> None:
    voter = member("c", Vote(1, "a", 0))
    voter.step(Message(VOTE, "b", "c", 1))
    assert said(voter) == [(VOTED, "b", True)]


def test_nobody_votes_for_a_log_that_lacks_something() -> None:
    voter = member("c", Vote(1, "", 0), Entry(1, 1), Entry(1, 2))
    voter.step(Message(VOTE, "a", "c", 2, index=1, log_term=1))
    assert said(voter) == [(VOTED, "a", True)]


def test_a_member_that_was_cut_off_does_not_disturb_the_others_when_it_is_back() -> None:
    found = group()
    before, away = leader(found), others(found)[0]
    term = found.servers[before].member.term  # type: ignore[union-attr]
    found.sides = {away: 1}
    run(found)
    found.partition()
    run(found)
    assert (leader(found), found.servers[away].member.term) == (before, term)  # type: ignore[union-attr]


def test_a_leader_that_hears_no_majority_steps_down() -> None:
    found = group()
    before = leader(found)
    found.sides = {before: 1}
    run(found)
    assert found.servers[before].member.role != LEADER  # type: ignore[union-attr]


# -- the log ---------------------------------------------------------------------------------------------------


def test_an_entry_is_committed_when_a_majority_has_it() -> None:
    one = leading()
    index = one.propose("x")
    assert index == 2
    before = one.commit
    agree(one, 2, "b")
    assert (before, one.commit) == (0, 2)


def test_an_entry_of_an_older_term_is_not_committed_by_counting() -> None:
    one = leading(Entry(1, 1, "old"), term=3)
    agree(one, 1, "b", "c")
    before = one.commit
    agree(one, 2, "b")
    assert (before, one.commit) == (0, 2)


def test_what_a_new_leader_does_not_have_is_replaced() -> None:
    follower = member("c", Vote(2, "", 0), Entry(1, 1, "kept"), Entry(1, 2, "lost"), Entry(1, 3, "lost"))
    follower.step(Message(APPEND, "a", "c", 2, 1, 1, 0, (Entry(2, 2, "new"),)))
    assert [entry.data for entry in follower.log.slice(1)] == ["kept", "new"]


def test_a_follower_says_where_the_logs_may_be_the_same() -> None:
    follower = member("c", Vote(3, "", 0), Entry(1, 1), Entry(3, 2), Entry(3, 3))
    follower.step(Message(APPEND, "a", "c", 3, 9, 2))
    answer = follower.ready().messages[0]
    assert (answer.reject, answer.hint, answer.log_term) == (True, 1, 1)


def test_everybody_applies_the_same_in_the_same_order() -> None:
    found = group()
    for number in range(5):
        found.propose(leader(found), number)
    run(found)
    assert lines(found) == {key: [0, 1, 2, 3, 4] for key in NAMES}


def test_a_minority_commits_nothing_and_takes_the_majoritys_log_afterwards() -> None:
    found = group()
    old = leader(found)
    found.sides = {old: 1}
    found.propose(old, "minority")
    run(found)
    found.propose(leader(found), "majority")
    run(found)
    found.partition()
    run(found)
    assert lines(found) == {key: ["majority"] for key in NAMES}


def test_a_member_that_is_too_far_behind_gets_a_snapshot() -> None:
    found = group()
    late = others(found)[0]
    found.crash(late)
    for number in range(5):
        found.propose(leader(found), number)
        run(found, 3)
    for server in found.running:
        server.compact()
    found.start(late)
    sent = []
    for _ in range(LONG):
        found.tick()
        sent += [message.kind for _when, _number, message in found.wires if message.to == late]
    assert (SNAPSHOT in sent, lines(found)[late]) == (True, [0, 1, 2, 3, 4])


def test_a_member_comes_back_from_its_disk_with_all_that_was_applied() -> None:
    found = group()
    for number in range(4):
        found.propose(leader(found), number)
        run(found, 3)
    name = others(found)[0]
    found.servers[name].compact()
    found.propose(leader(found), 4)
    run(found, 5)
    found.crash(name)
    found.start(name)
    assert lines(found)[name] == [0, 1, 2, 3, 4]


# -- reads -----------------------------------------------------------------------------------------------------


def committed() -> Member:
    """A leader that has committed its own first entry."""
    one = leading()
    agree(one, 1, "b")
    one.ready()
    return one


def test_a_read_waits_for_a_majority_to_confirm_the_leader() -> None:
    one = committed()
    one.read("r")
    round = next(each.context for each in one.ready().messages)
    one.step(Message(HEARD, "b", "a", 1, context=round))
    assert [read.request for read in one.ready().reads] == ["r"]


def test_an_answer_to_an_older_round_does_not_confirm_a_read() -> None:
    one = committed()
    one.tick()
    before = next(each.context for each in one.ready().messages)
    one.read("r")
    one.step(Message(HEARD, "b", "a", 1, context=before))
    assert one.ready().reads == ()


def test_a_read_waits_until_the_leader_has_committed_something_itself() -> None:
    one = leading(Entry(1, 1, "old"), term=3)
    one.read("r")
    early = one.ready().messages
    agree(one, 2, "b")
    round = next(each.context for each in one.ready().messages if each.context)
    one.step(Message(HEARD, "b", "a", 3, context=round))
    assert (early, [read.index for read in one.ready().reads]) == ((), [2])


def leased() -> Member:
    """A leader that holds a lease."""
    one = leading(leases=True)
    agree(one, 1, "b")
    one.tick()
    round = next(each.context for each in one.ready().messages if each.context)
    one.step(Message(HEARD, "b", "a", 1, context=round))
    one.ready()
    return one


def test_a_leader_with_a_lease_answers_at_once() -> None:
    one = leased()
    one.read("r")
    assert [read.request for read in one.ready().reads] == ["r"]


def test_a_lease_ends_an_election_timeout_after_the_heartbeat_was_sent() -> None:
    one = leased()
    for _ in range(ELECTION_TICKS):
        one.tick()
    one.ready()
    one.read("r")
    assert one.ready().reads == ()


def test_who_has_asked_another_to_lead_has_no_lease_any_more() -> None:
    one = leased()
    one.transfer("b")
    for _ in range(ELECTION_TICKS):
        one.tick()
        one.step(Message(HEARD, "b", "a", 1, context=next(each.context for each in one.ready().messages)))
    one.ready()
    one.read("r")
    assert (one.role, one.ready().reads) == (LEADER, ())


def test_who_comes_back_votes_for_nobody_while_a_lease_may_last() -> None:
    voter = member("c", Vote(1, "a", 0), leases=True)
    voter.step(Message(VOTE, "b", "c", 2))
    early = said(voter)
    for _ in range(ELECTION_TICKS - 1):
        voter.tick()
    voter.tick()
    voter.ready()
    voter.step(Message(VOTE, "b", "c", 2))
    assert (early, said(voter)) == ([], [(VOTED, "b", False)])


# -- the group -------------------------------------------------------------------------------------------------


def test_leadership_is_handed_over_at_once_to_who_has_the_whole_log() -> None:
    found = group()
    to = others(found)[0]
    assert found.transfer(leader(found), to)
    run(found, 5)
    assert leader(found) == to


def test_nothing_is_proposed_while_leadership_is_handed_over() -> None:
    one = leading()
    one.transfer("b")
    assert one.propose("x") is None


def test_there_is_one_change_of_the_group_at_a_time() -> None:
    one = committed()
    assert [one.change(Change(ADD, name)) for name in ("d", "e")] == [2, None]


def test_a_learner_hears_everything_and_counts_for_nothing() -> None:
    found = group()
    found.change(leader(found), Change(LEARN, "d"))
    found.join("d")
    run(found)
    for name in others(found):
        if name != "d":
            found.crash(name)
    found.propose(leader(found), "x")
    run(found, 5)
    assert (found.servers["d"].applied > 0, lines(found)["d"]) == (True, [])


def test_a_new_voter_counts_from_when_the_change_is_applied() -> None:
    found = group("a")
    found.change("a", Change(ADD, "b"))
    found.join("b")
    run(found)
    found.crash("b")
    found.propose("a", "x")
    run(found, 5)
    alone = list(lines(found)["a"])
    found.start("b")
    run(found)
    assert (alone, lines(found)) == ([], {"a": ["x"], "b": ["x"]})


def test_a_leader_that_is_removed_steps_down_and_another_is_elected() -> None:
    found = group()
    old = leader(found)
    found.change(old, Change(REMOVE, old))
    run(found)
    assert leader(found) != old


@pytest.mark.parametrize(("size", "losses", "works"), [(3, 1, True), (3, 2, False), (5, 2, True), (5, 3, False)])
def test_a_group_works_as_long_as_a_majority_is_there(size: int, losses: int, works: bool) -> None:
    found = group(*"abcde"[:size])
    for name in list(found.servers)[:losses]:
        found.crash(name)
    run(found)
    if works:
        found.propose(leader(found), "x")
        run(found)
    assert all(line == (["x"] if works else []) for line in lines(found).values())
