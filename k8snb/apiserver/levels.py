"""A priority level: its seats, its queues, and who gets the next seat.

A request takes seats while it is served. Where there are none left it waits in one of the level's queues, or is refused
if the level has no queues or the queue is full. Each flow is dealt a hand of queues and its requests go to the shortest
of them, so that one that floods fills its own hand and hardly anybody else's whole one. The next seat goes to the queue
that is furthest behind: each queue is charged the work that it got, on a meter that runs as fast as a queue would be
served if all had the same share. Upstream: `apiserver/pkg/util/flowcontrol/fairqueuing/queueset`, `shufflesharding`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from k8snb.apiserver.lending import Demand
from k8snb.clock import Clock, Timer

PATIENCE = 15.0
"""How long a request waits in its queue: a quarter of the time that a request may take."""
_SERVICE = 0.003
"""What a request is taken to cost, in seconds, until it is known."""
MOST_SEATS = 10
_LONGEST_RETRY = 32

FULL, NO_SEAT, LATE = "queue-full", "concurrency-limit", "time-out"
"""Why a request is refused, in the words of the metrics."""


class Plan(NamedTuple):
    """What a PriorityLevelConfiguration comes to. Without queues a request is refused at once where it has no seat."""

    seats: float
    """How many requests of one seat are served at once; infinity for the exempt level."""
    nominal: int = 0
    """Its share of the server's seats."""
    queues: int = 0
    hand: int = 0
    length: int = 0

    @property
    def holds(self) -> bool:
        """Whether requests come in and are not served: there are queues, and no seats."""
        return self.queues > 0 and not self.seats

    @property
    def widest(self) -> int:
        """How many seats one request may take."""
        if not self.queues:
            return MOST_SEATS
        return min(MOST_SEATS, max(1, min(math.ceil(self.nominal * 0.15), self.nominal // self.hand)))


class Waits:
    """How long requests waited, as a histogram."""

    BOUNDS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)

    def __init__(self) -> None:
        self.counts = [0] * (len(self.BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """One more request has waited."""
        self.counts[bisect_left(self.BOUNDS, seconds)] += 1
        self.total += seconds


class Tally:
    """What has become of the requests of one schema at one level."""

    __slots__ = ("dispatched", "executing", "left", "refused", "seats", "served", "waiting")

    def __init__(self) -> None:
        self.dispatched = self.executing = self.seats = self.waiting = 0
        self.refused: dict[str, int] = {}
        self.served, self.left = Waits(), Waits()
        """How long those waited in their queue that were served in the end, and those that were not."""

    def refuse(self, reason: str) -> None:
        """Count a refusal."""
        self.refused[reason] = self.refused.get(reason, 0) + 1


class Ticket:
    """A request at its level: `go` is called when it has its seats, `refuse` with the reason if it gets none."""

    __slots__ = ("arrived", "began", "flow", "go", "meter", "queue", "refuse", "seats", "tally", "timer")

    def __init__(
        self, tally: Tally, flow: str, seats: int, go: Callable[[], None], refuse: Callable[[str], None]
    ) -> None:
        self.tally = tally
        self.flow = flow
        self.seats = seats
        self.go = go
        self.refuse = refuse
        self.arrived = self.began = self.meter = 0.0
        self.queue: Queue | None = None
        self.timer: Timer | None = None

    @property
    def work(self) -> float:
        """What it is taken to cost, in seat-seconds."""
        return self.seats * _SERVICE


class Queue:
    """One of a level's queues: who waits in it, and what is being served from it."""

    __slots__ = ("executing", "index", "next", "seats", "waiting")

    def __init__(self, index: int, meter: float) -> None:
        self.index = index
        self.waiting: deque[Ticket] = deque()
        self.executing = self.seats = 0
        self.next = meter
        """Where the meter stood, or will stand, when the oldest of those that wait has its turn."""


class Level:
    """The seats and queues of one priority level."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.plan = Plan(math.inf)
        self._room = math.inf
        """Up to how many seats in use one more request is let in that cannot wait."""
        self.in_use = 0
        """Seats that are taken."""
        self._clock = clock
        self.executing = 0
        """How many requests are being served."""
        self.queues: dict[int, Queue] = {}
        """Those queues in which there is anybody, or from which somebody is being served."""
        self._meter = 0.0
        self._read = 0.0
        self._last = self._dealt = 0
        self.retry = _Retry()
        self.demand = Demand(clock)
        self.current = 0
        """How many seats it has just now, with those that it has borrowed or lent."""
        self.wake: Callable[[], None] = lambda: None
        """Told when somebody comes who may have to wait."""

    def follow(self, plan: Plan) -> None:
        """Go by a plan from now on."""
        self.plan = plan
        self._room = -1 if plan.holds else plan.seats + plan.queues * plan.length

    def give(self, seats: int) -> None:
        """Have so many seats from now on."""
        self.current = seats
        if self.plan.seats != math.inf:
            self.follow(self.plan._replace(seats=seats))

    def dispatch(self) -> None:
        """Serve those who wait, as far as there are seats now."""
        if self.queues:
            self._run_meter()
            self._dispatch()

    # -- for those who cannot wait -----------------------------------------------------------------

    def enter(self) -> bool:
        """Take a seat at once, for a request that cannot wait: it is let in where it would have a place in a queue."""
        if self.in_use >= self._room and (self.executing or self._room < 0):
            return False
        self.in_use += 1
        self.executing += 1
        return True

    def leave(self) -> None:
        """Give the seat back."""
        self.in_use -= 1
        self.executing -= 1
        if self.queues:
            self._dispatch()

    # -- for those who can -------------------------------------------------------------------------

    def admit(self, ticket: Ticket) -> None:
        """Give a request its seats, a place in a queue, or a refusal."""
        if not self.plan.queues:
            if self._fits(ticket.seats):
                self._ask(ticket.seats)
                self._seat(ticket)
            else:
                self._refuse(ticket, NO_SEAT)
            return
        self._run_meter()
        queue = self._shortest(ticket.flow)
        if self.in_use >= self.plan.seats and len(queue.waiting) >= self.plan.length:
            self._drop_if_idle(queue)
            self._refuse(ticket, FULL)
            return
        self._ask(ticket.seats)
        ticket.queue, ticket.arrived, ticket.meter = queue, self._clock.now(), self._meter
        ticket.tally.waiting += 1
        queue.waiting.append(ticket)
        self._bound(queue)
        self._dispatch()
        if ticket.began == 0.0:
            ticket.timer = self._clock.call_later(PATIENCE * self._clock.speed, lambda: self._give_up(ticket))

    def release(self, ticket: Ticket) -> None:
        """A request has been served: its seats go to those who wait."""
        self._run_meter()
        self.executing -= 1
        self.in_use -= ticket.seats
        self.demand.add(-ticket.seats)
        ticket.tally.executing -= 1
        ticket.tally.seats -= ticket.seats
        queue = ticket.queue
        if queue is not None:
            queue.executing -= 1
            queue.seats -= ticket.seats
            queue.next -= ticket.seats * (_SERVICE - (self._clock.now() - ticket.began))
            self._bound(queue)
            self._drop_if_idle(queue)
        self._dispatch()

    def _ask(self, seats: int) -> None:
        self.demand.add(seats)
        self.wake()

    def waiting(self) -> int:
        """How many requests wait."""
        return sum(len(queue.waiting) for queue in self.queues.values())

    # -- seats -------------------------------------------------------------------------------------

    def _fits(self, seats: int) -> bool:
        if seats > self.plan.seats:
            return not self.executing
        return self.in_use + seats <= self.plan.seats

    def _seat(self, ticket: Ticket) -> None:
        now = self._clock.now()
        ticket.began = now
        self.executing += 1
        self.in_use += ticket.seats
        tally, queue = ticket.tally, ticket.queue
        tally.dispatched += 1
        tally.executing += 1
        tally.seats += ticket.seats
        if queue is not None:
            tally.waiting -= 1
            tally.served.add(now - ticket.arrived)
            queue.executing += 1
            queue.seats += ticket.seats
            queue.next += ticket.work
            self._bound(queue)
        if ticket.timer is not None:
            ticket.timer.cancel()
        ticket.go()

    def _refuse(self, ticket: Ticket, reason: str) -> None:
        tally = ticket.tally
        tally.refuse(reason)
        if ticket.queue is not None:
            tally.left.add(self._clock.now() - ticket.arrived)
        self.retry.dropped(int(self._clock.now()))
        ticket.refuse(reason)

    # -- queues ------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self.in_use < self.plan.seats and (queue := self._behind()) is not None:
            ticket = queue.waiting[0]
            if not self._fits(ticket.seats):
                return
            queue.waiting.popleft()
            self._last = queue.index
            self._seat(ticket)

    def _behind(self) -> Queue | None:
        """The queue whose oldest request would be done first; of equals, the next one around the table."""
        waiting = [queue for queue in self.queues.values() if queue.waiting]
        return min(waiting, key=self._turn) if waiting else None

    def _turn(self, queue: Queue) -> tuple[float, int]:
        return queue.next + queue.waiting[0].work, (queue.index - self._last - 1) % max(self.plan.queues, 1)

    def _shortest(self, flow: str) -> Queue:
        """The queue of a flow's hand in which the least work waits."""
        hand = deal(flow, self.plan.queues, self.plan.hand)
        first = self._dealt % len(hand)
        self._dealt += 1
        index = min((*hand[first:], *hand[:first]), key=self._work_waiting)
        return self.queues.setdefault(index, Queue(index, self._meter))

    def _work_waiting(self, index: int) -> int:
        queue = self.queues.get(index)
        return sum(each.seats for each in queue.waiting) if queue is not None else 0

    def _give_up(self, ticket: Ticket) -> None:
        queue = ticket.queue
        if queue is not None and ticket in queue.waiting:
            queue.waiting.remove(ticket)
            ticket.tally.waiting -= 1
            self.demand.add(-ticket.seats)
            self._bound(queue)
            self._drop_if_idle(queue)
            self._refuse(ticket, LATE)

    def _drop_if_idle(self, queue: Queue) -> None:
        if not queue.waiting and not queue.executing:
            self.queues.pop(queue.index, None)

    def _bound(self, queue: Queue) -> None:
        """Nobody has had a turn before coming: what a queue did not use it does not save up."""
        if queue.waiting:
            queue.next = max(queue.next, queue.waiting[0].meter)

    def _run_meter(self) -> None:
        now = self._clock.now()
        passed, self._read = now - self._read, now
        if self.queues:
            asked = sum(queue.seats + self._work_waiting(queue.index) for queue in self.queues.values())
            self._meter += passed * min(asked, self.plan.seats) / len(self.queues)


class _Retry:
    """After how many seconds to come again: twice as many while many are refused, one less when few are."""

    def __init__(self) -> None:
        self.after = 1
        self._changed = 0
        self._counts: dict[int, int] = {}

    def dropped(self, second: int) -> None:
        """A request was refused in this second."""
        if second not in self._counts:
            self._counts = {at: many for at, many in self._counts.items() if second - at <= _LONGEST_RETRY}
            self._adjust(second)
        self._counts[second] = self._counts.get(second, 0) + 1

    def _adjust(self, second: int) -> None:
        lately = sum(many for at, many in self._counts.items() if second - at <= self.after)
        if second - self._changed >= self.after and lately >= 3 * self.after:
            self.after, self._changed = min(2 * self.after, _LONGEST_RETRY), second
        elif lately < self.after and self.after > 1:
            self.after -= 1


def deal(flow: str, deck: int, size: int) -> list[int]:
    """The hand of a flow: `size` different queues of a deck, the same ones each time."""
    rest = int.from_bytes(sha256(flow.encode()).digest()[:8], "little")
    hand: list[int] = []
    for dealt in range(size):
        rest, card = divmod(rest, deck - dealt)
        for other in sorted(hand):
            card += other <= card
        hand.append(card)
    return hand
