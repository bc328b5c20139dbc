"""Seats and queues of a priority level: who is let in, who waits, who is next."""

from __future__ import annotations

import pytest

from k8snb.apiserver.flow import Flow
from k8snb.apiserver.levels import Level, Plan, Tally, Ticket, deal
from k8snb.apiserver.reception import Line, Visit
from k8snb.clock import VirtualClock
from k8snb.wire import Request


class Desk:
    """A level whose requests take a second each, and the order in which they are served."""

    def __init__(self, plan: Plan, seconds: float = 1.0) -> None:
        self.clock = VirtualClock(0.0)
        self.level = Level("level", self.clock)
        self.level.follow(plan)
        self.served: list[tuple[str, float]] = []
        self.refused: list[tuple[str, str]] = []
        self._seconds = seconds

    def ask(self, flow: str, seats: int = 1) -> None:
        """One request of a flow."""
        ticket = Ticket(Tally(), flow, seats, lambda: self._go(ticket), lambda why: self.refused.append((flow, why)))
        self.level.admit(ticket)

    def _go(self, ticket: Ticket) -> None:
        self.served.append((ticket.flow, self.clock.now()))
        self.clock.call_later(self._seconds, lambda: self.level.release(ticket))

    def run(self) -> list[str]:
        """Let time pass until nothing is left to do; the flows in the order in which they were served."""
        while (due := self.clock.next_due()) is not None:
            self.clock.advance_to(due)
            self.clock.fire_due()
        return [flow for flow, _ in self.served]


def test_the_hand_of_a_flow_is_always_the_same_and_has_no_queue_twice() -> None:
    hands = [deal(f"flow {number}", 16, 4) for number in range(200)]
    assert hands == [deal(f"flow {number}", 16, 4) for number in range(200)]
    assert all(len(set(hand)) == 4 and min(hand) >= 0 and max(hand) < 16 for hand in hands)
    assert {queue for hand in hands for queue in hand} == set(range(16))
    assert sorted(deal("flow", 5, 5)) == [0, 1, 2, 3, 4]


def test_a_quiet_flow_is_served_before_the_rest_of_a_flood() -> None:
    desk = Desk(Plan(2, 2, 64, 1, 50))
    for _ in range(20):
        desk.ask("flood")
    desk.ask("quiet")
    assert desk.run().index("quiet") == 2


def test_two_floods_have_the_same_share() -> None:
    desk = Desk(Plan(2, 2, 64, 1, 50))
    for flow in ("one", "other"):
        for _ in range(20):
            desk.ask(flow)
    assert desk.run()[2:12].count("one") in (4, 5, 6)


def test_a_wide_request_waits_for_all_its_seats() -> None:
    desk = Desk(Plan(4, 4, 1, 1, 50))
    for flow, seats in (("a", 1), ("b", 4), ("c", 1)):
        desk.ask(flow, seats)
    assert desk.served == [("a", 0.0)]
    desk.run()
    assert desk.served == [("a", 0.0), ("b", 1.0), ("c", 2.0)]


@pytest.mark.parametrize(
    ("plan", "served", "why"),
    [
        (Plan(2, 2), 2, "concurrency-limit"),
        (Plan(2, 2, 1, 1, 3), 5, "queue-full"),
        (Plan(0, 0, 1, 1, 3), 0, "queue-full"),
    ],
)
def test_who_finds_neither_a_seat_nor_a_place_is_refused(plan: Plan, served: int, why: str) -> None:
    desk = Desk(plan)
    for _ in range(7):
        desk.ask("flow")
    desk.run()
    assert (len(desk.served), desk.refused[0]) == (served, ("flow", why))


def test_who_has_waited_too_long_is_refused_and_leaves_the_queue() -> None:
    desk = Desk(Plan(1, 1, 1, 1, 5), seconds=20.0)
    for _ in range(3):
        desk.ask("flow")
    desk.run()
    assert (desk.served, desk.refused) == ([("flow", 0.0)], [("flow", "time-out")] * 2)
    assert (desk.level.in_use, desk.level.waiting()) == (0, 0)


def test_the_more_are_refused_the_later_they_are_to_come_again() -> None:
    desk = Desk(Plan(1, 1), seconds=100.0)
    desk.ask("flow")
    after = []
    for second in (0, 1, 2, 3, 4, 10, 50, 51):
        desk.clock.advance_to(float(second))
        for _ in range(10 if second < 10 else 1):
            desk.ask("flow")
        after.append(desk.level.retry.after)
    assert after == [1, 2, 2, 4, 4, 3, 2, 1]


def test_one_thread_is_shared_by_seats_and_the_exempt_go_first() -> None:
    clock, line = VirtualClock(0.0), Line()
    levels = {"wide": Plan(30), "narrow": Plan(10), "exempt": Plan(float("inf"))}
    for name, plan in levels.items():
        level = Level(name, clock)
        level.follow(plan)
        for _ in range(2 if name == "exempt" else 40):
            line.add(Visit(Request(), Flow(name, level, Tally(), {}), lambda _: None))
    order = []
    while (visit := line.next()) is not None:
        line.charge(visit, 0.001)
        order.append(visit.flow.schema)
    assert order[:2] == ["exempt", "exempt"]
    assert order[2:42].count("wide") == 30
