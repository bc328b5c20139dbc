"""asyncio on the cluster's clock: time passes when somebody waits, and what is killed is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from k8snb.clock import VirtualClock
from k8snb.loop import Loop
from k8snb.operating.eventloop import EventLoop

START = 1000.0


def started(program: Coroutine[Any, Any, Any]) -> tuple[VirtualClock, Loop, EventLoop, asyncio.Task[Any]]:
    clock = VirtualClock(START)
    loop = Loop(clock)
    events = EventLoop(loop, clock)  # type: ignore[abstract]
    return clock, loop, events, events.create_task(program)


def advance(clock: VirtualClock, loop: Loop) -> None:
    """Give all turns, and move the time whenever there are none."""
    while True:
        if not loop.turn():
            due = clock.next_due()
            if due is None:
                return
            clock.advance_to(due)


def test_a_sleep_of_an_hour_is_an_hour_of_the_clock() -> None:
    async def program() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    clock, loop, _events, task = started(program())
    loop.turn()
    assert (task.done(), clock.next_due()) == (False, START + 3600)
    advance(clock, loop)
    assert task.result() == START + 3600


def test_tasks_locks_queues_and_time_limits_work_as_ever() -> None:
    async def program() -> list[str]:
        said: list[str] = []
        queue: asyncio.Queue[str] = asyncio.Queue()

        async def talk(word: str, after: float) -> None:
            await asyncio.sleep(after)
            await queue.put(word)

        async with asyncio.TaskGroup() as group:
            for word, after in (("late", 2), ("soon", 1)):
                group.create_task(talk(word, after))
        said += [await queue.get(), await queue.get()]
        try:
            await asyncio.wait_for(queue.get(), 5)
        except TimeoutError:
            said.append("nothing more")
        return said

    clock, loop, _events, task = started(program())
    advance(clock, loop)
    assert (task.result(), clock.now()) == (["soon", "late", "nothing more"], START + 7)


def test_what_would_be_done_in_a_thread_is_done_at_once() -> None:
    async def program() -> int:
        return await asyncio.to_thread(sum, (1, 2))

    _clock, loop, _events, task = started(program())
    loop.turn()
    assert task.result() == 3


def test_a_loop_that_is_killed_unwinds_its_tasks_and_takes_no_time_for_it() -> None:
    said = []

    async def program() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(60)
            said.append("gone")

    clock, loop, events, task = started(program())
    loop.turn()
    events.kill()
    assert (said, task.cancelled(), clock.now(), clock.next_due(), loop.turn()) == (["gone"], True, START, None, False)


def test_it_runs_inside_the_loop_of_a_notebook_kernel() -> None:
    async def program() -> str:
        task = asyncio.current_task()
        return task.get_name() if task is not None else ""

    async def kernel() -> tuple[str, bool]:
        here = asyncio.current_task()
        _clock, loop, _events, task = started(program())
        task.set_name("inner")
        loop.turn()
        return task.result(), asyncio.current_task() is here

    assert asyncio.run(kernel()) == ("inner", True)
