"""Who gets the next turn.

The moving parts (controllers, scheduler, kubelets) are tasks that take turns in one thread. A task
that has something to do wakes itself, waits in one first-in-first-out queue, and is given a turn: one
unit of work (one event, one key). Because a free run is nothing but turn after turn, pausing and
stepping change when things happen, never what happens.

`quantum` is the number of units a turn may hold. It is 1 where people watch; a benchmark raises it,
which saves switching between parts but changes nothing else.
"""

from __future__ import annotations

from collections import deque

from k8snb.clock import Clock


class Task:
    """Something that takes turns. Subclasses implement `run` and wake themselves when there is more to do."""

    __slots__ = ("_awake", "_loop")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._awake = False

    def wake(self) -> None:
        """Ask for a turn; asking again before it comes changes nothing."""
        if not self._awake:
            self._awake = True
            self._loop.ready.append(self)

    def run(self, quantum: int) -> None:
        """Do at most `quantum` units of work; call `wake` again if some are left."""
        raise NotImplementedError


class Loop:
    """The queue of tasks that are awake, and the clock whose timers wake them."""

    def __init__(self, clock: Clock, quantum: int = 1) -> None:
        self.clock = clock
        self.quantum = quantum
        self.ready: deque[Task] = deque()
        self.patient: deque[Task] = deque()
        """Tasks that are awake and let all others go first."""

    def part(self, clock: Clock) -> Loop:
        """The same queue under another name: what is made with it can be dismissed together."""
        part = Loop(clock, self.quantum)
        part.ready, part.patient = self.ready, self.patient
        return part

    def dismiss(self, part: Loop) -> None:
        """Give no more turns to what was made with a part."""
        for waiting in (self.ready, self.patient):
            left = [task for task in waiting if task._loop is not part]
            waiting.clear()
            waiting.extend(left)
        part.ready, part.patient = deque(), deque()

    def turn(self) -> bool:
        """Give one turn: to a timer that is due, else to the task that waits longest. False if all is quiet."""
        if self.clock.fire_due():
            return True
        waiting = self.ready or self.patient
        if not waiting:
            return False
        task = waiting.popleft()
        task._awake = False
        task.run(self.quantum)
        return True
