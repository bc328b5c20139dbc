"""Time moves only when told to, and turns come in order."""

from __future__ import annotations

from k8snb.clock import Seconds, VirtualClock
from k8snb.loop import Loop, Task


class Noting(Task):
    """A task that notes its turns and asks for `left` more."""

    def __init__(self, loop: Loop, name: str, heard: list[str], left: int = 0) -> None:
        super().__init__(loop)
        self.name, self.heard, self.left = name, heard, left

    def run(self, quantum: int) -> None:
        self.heard.append(self.name)
        if self.left:
            self.left -= 1
            self.wake()


def run(loop: Loop) -> None:
    while loop.turn():
        pass


def test_virtual_time_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock()
    before = clock.timestamp()
    clock.advance_to(clock.now() + 90)
    assert (before, clock.timestamp()) == ("2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z")


def test_virtual_time_never_runs_backwards() -> None:
    clock = VirtualClock(100.0)
    clock.advance_to(50.0)
    assert clock.now() == 100.0


def test_timers_fire_in_order_of_time_then_of_setting() -> None:
    clock, heard = VirtualClock(0.0), list[str]()
    clock.call_later(2, lambda: heard.append("c"))
    clock.call_later(1, lambda: heard.append("a"))
    clock.call_later(1, lambda: heard.append("b"))
    clock.advance_to(2)
    while clock.fire_due():
        pass
    assert heard == ["a", "b", "c"]


def test_a_cancelled_timer_does_not_fire_and_is_not_due() -> None:
    clock = VirtualClock(0.0)
    clock.call_later(1, lambda: None).cancel()
    assert clock.next_due() is None


def test_background_timers_do_not_count_as_foreground_work() -> None:
    clock = VirtualClock(0.0)
    clock.call_later(1, lambda: None, background=True)
    clock.call_later(5, lambda: None)
    assert (clock.next_due(), clock.next_due(foreground=True)) == (1.0, 5.0)


def test_tasks_take_turns_in_the_order_in_which_they_woke() -> None:
    heard: list[str] = []
    loop = Loop(VirtualClock())
    a, b = Noting(loop, "a", heard, left=2), Noting(loop, "b", heard)
    a.wake()
    b.wake()
    run(loop)
    assert heard == ["a", "b", "a", "a"]


def test_a_task_that_wakes_twice_gets_one_turn() -> None:
    heard: list[str] = []
    loop = Loop(VirtualClock())
    task = Noting(loop, "a", heard)
    task.wake()
    task.wake()
    run(loop)
    assert heard == ["a"]


def test_how_long_something_took_says_in_a_notebook_what_it_is() -> None:
    assert [repr(Seconds(0.48)), str(Seconds(0.48)), f"{Seconds(2):.1f}"] == ["0.48 s passed", "0.48", "2.0"]
