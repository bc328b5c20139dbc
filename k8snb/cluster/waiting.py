"""How time passes in a cluster: only while somebody waits, turn by turn.

Whoever waits gives the parts their turns, and moves the clock when all of them are idle. What was given is written to
the journal as a number of turns and a time, so that a replay gives exactly as many.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from k8snb.clock import Clock, Seconds, VirtualClock
from k8snb.collector import collecting_seldom
from k8snb.loop import Loop
from k8snb.trace import Span, Trace

SETTLE_SECONDS = 60.0
FOREVER = float("inf")


class Waiting(ABC):
    """The ways to wait for a cluster."""

    clock: Clock
    loop: Loop
    trace: Trace
    paused: bool

    @abstractmethod
    def _note(self, name: str, *arguments: Any) -> None:
        """Write down a call that is to be repeated when the past is replayed."""

    @abstractmethod
    def _reached(self) -> bool:
        """Whether a replay has come to where it was to go."""

    def settle(self, timeout: float = SETTLE_SECONDS) -> Seconds:
        """Wait until nothing but housekeeping is left to happen, at most `timeout` seconds of virtual time.

        Returns how many seconds passed. Heartbeats, expiries and steady probes go on for ever and are not
        waited for; what backs off (a crash loop) is waited for until the time is up.
        """
        began = self.clock.now()
        self._run(lambda: False, began + timeout, foreground=True)
        return Seconds(round(self.clock.now() - began, 6))

    def advance(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass, with everything that happens in them."""
        self._run(lambda: False, self.clock.now() + seconds)

    def wait(self, condition: Callable[[], bool], timeout: float = SETTLE_SECONDS) -> bool:
        """Wait until `condition()` holds; False if it does not within `timeout` seconds of virtual time.

        Once it has held it is not asked again, so a condition may take out what it finds.
        """
        held = False

        def holds() -> bool:
            nonlocal held
            held = held or condition()
            return held

        self._run(holds, self.clock.now() + timeout)
        return holds()

    def _run(self, until: Callable[[], bool], deadline: float, *, foreground: bool = False) -> None:
        turns = self._pass_time(until, deadline, foreground=foreground)
        self._note("_run_again", turns, self.clock.now())

    @collecting_seldom()
    def _pass_time(self, until: Callable[[], bool], deadline: float, *, foreground: bool = False) -> int:
        """Give turns and move time; returns how many turns were given."""
        turns = 0
        while not self.paused and not until():
            if self.loop.turn():
                turns += 1
                continue
            if not isinstance(self.clock, VirtualClock):
                break
            due = self.clock.next_due()
            wanted = self.clock.next_due(foreground=True) if foreground else due
            if due is None or wanted is None or wanted > deadline:
                if not foreground and deadline < FOREVER:
                    self._move(deadline)
                break
            self._move(due)
        return turns

    def _move(self, when: float) -> None:
        if isinstance(self.clock, VirtualClock):
            self.clock.advance_to(when)

    def _run_again(self, turns: int, now: float) -> tuple[int, float]:
        done = 0
        while done < turns and not self._reached():
            if self.loop.turn():
                done += 1
            elif (due := self.clock.next_due()) is not None:
                self._move(due)
        if done == turns:
            self._move(now)
        return done, self.clock.now()

    # -- stepping ----------------------------------------------------------------------------------

    def pause(self) -> None:
        """Hold every part where it is: waiting no longer moves anything, `step()` does."""
        self.paused = True

    def resume(self) -> None:
        """Let the parts go on whenever a client waits."""
        self.paused = False

    def step(self) -> Span | None:
        """Give turns until one reconcile is done and return its span; None if nothing is left to do.

        If all is quiet, time moves to the next thing that is not housekeeping.
        """
        count = len(self.trace.spans)
        last = self.trace.spans[-1] if self.trace.spans else None
        turns = 0
        while (self.trace.spans[-1] if self.trace.spans else None) is last and len(self.trace.spans) == count:
            if self.loop.turn():
                turns += 1
                continue
            due = self.clock.next_due()
            if due is None or self.clock.next_due(foreground=True) is None:
                break
            self._move(due)
        self._note("_run_again", turns, self.clock.now())
        newest = self.trace.spans[-1] if self.trace.spans else None
        return None if newest is last else newest
