"""An asyncio event loop that lives in the cluster's loop: its callbacks are turns, its time is the cluster's clock.

Programs written with `async def` (operators with kopf, clients with aiohttp) run in it as they are. `loop.time()` is
virtual time, so a sleep of an hour is over as soon as somebody waits for the cluster that long, and every run is the
same run. Nothing here waits for the machine: there is no selector, no socket and no thread. What a program would do
in a thread (`run_in_executor`) is done at once.

One turn goes on until nothing is ready any more or a request has been sent (`yield_turn`), so others see the world
between any two requests, as they would between any two of another process.
"""

from __future__ import annotations

import asyncio
import atexit
from bisect import insort
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVarTuple

from k8snb.clock import Clock, Timer
from k8snb.loop import Loop, Task

Ts = TypeVarTuple("Ts")

MOST_ROUNDS = 200
"""How many rounds a turn has at most: a program that is always ready lets others go on, too."""

_ALIVE: dict[EventLoop, None] = {}
"""Loops that have not been killed; they are in the end, because tasks that are just forgotten complain."""


class _Turns(Task):
    """The turns of one event loop."""

    __slots__ = ("_events",)

    def __init__(self, loop: Loop, events: EventLoop) -> None:
        super().__init__(loop)
        self._events = events

    def run(self, quantum: int) -> None:
        self._events.take_turn(quantum)


class EventLoop(asyncio.AbstractEventLoop):
    """Runs coroutines in the turns of a cluster.

    `lasting` says of a callback that is set for later whether it belongs to what never ends (`Clock`, background).
    """

    def __init__(
        self,
        loop: Loop,
        clock: Clock,
        lasting: Callable[[Callable[..., object]], bool] = lambda _callback: False,
    ) -> None:
        self.failures: list[dict[str, Any]] = []
        """What no task took care of: contexts as `call_exception_handler` gets them."""
        self.signals: dict[int, Callable[[], object]] = {}
        """What is to be called when the process would get a signal."""
        self.when_idle: Callable[[], None] = lambda: None
        """Called when nothing is left to do for now."""
        self._clock = clock
        self._lasting = lasting
        self._turns = _Turns(loop, self)
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: dict[int, tuple[Timer, asyncio.TimerHandle]] = {}
        self._left: list[asyncio.TimerHandle] = []
        """What is still waited for when the loop is killed."""
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._closed = False
        self._yields = False
        _ALIVE[self] = None

    # -- turns -------------------------------------------------------------------------------------

    def take_turn(self, quantum: int = 1) -> None:
        """Go on until nothing is ready or so many requests have been sent; more is done in another turn."""
        with _running(self):
            for _number in range(MOST_ROUNDS):
                self._round()
                if self._yields:
                    self._yields, quantum = False, quantum - 1
                if not self._ready or not quantum:
                    break
        if self._ready:
            self._turns.wake()
        else:
            self.when_idle()

    def _round(self) -> None:
        for _each in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()

    def yield_turn(self) -> None:
        """Let others have their turns before this one goes on."""
        self._yields = True

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        return self._closed

    def kill(self, zealous: Collection[str] = ()) -> None:
        """End everything where it is, as SIGKILL does.

        The tasks have to be unwound all the same, or Python would complain when it finds them. They are cancelled, and
        what they still wait for is over at once; the cluster sees nothing of it. The first task goes first, since it
        may know how to end the others. `zealous` tasks, by name, are cancelled again and again: they would do more.
        """
        if self._closed:
            return
        self._closed = True
        _ALIVE.pop(self, None)
        for timer, handle in self._timers.values():
            timer.cancel()
            insort(self._left, handle)
        self._timers.clear()
        with _running(self):
            for count in (1, None):
                for task in [*self._tasks][:count]:
                    task.cancel()
                self._unwind(zealous)
        for task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]

    def _unwind(self, zealous: Collection[str]) -> None:
        """Go on without time until nothing is left to do."""
        for _number in range(MOST_ROUNDS):
            for task in [each for each in self._tasks if each.get_name() in zealous]:
                task.cancel()
            if not self._ready and self._left:
                self._ready.append(self._left.pop(0))
            if not self._ready:
                break
            self._round()

    def close(self) -> None:
        """The same: there is nothing to wait for."""
        self.kill()

    # -- callbacks ---------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds since the Unix epoch, by the cluster's clock."""
        return self._clock.now()

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        if not self._closed:
            self._turns.wake()
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if self._closed:
            insort(self._left, handle)
            return handle
        background = self._lasting(callback)
        timer = self._clock.call_at(when, lambda: self._due(handle), background=background)
        self._timers[id(handle)] = timer, handle
        return handle

    def _due(self, handle: asyncio.TimerHandle) -> None:
        del self._timers[id(handle)]
        self._ready.append(handle)
        self._turns.wake()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by the handle itself."""
        found = self._timers.pop(id(handle), None)
        if found is not None:
            found[0].cancel()

    # -- tasks -------------------------------------------------------------------------------------

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context, **options)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    def get_task_factory(self) -> None:
        """There is none."""

    def run_in_executor(self, executor: object, func: Callable[[*Ts], Any], *args: *Ts) -> asyncio.Future[Any]:
        """Call it at once: there are no threads."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_asyncgens(self) -> None:
        """None outlives its task."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none."""

    # -- signals and errors ------------------------------------------------------------------------

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        self.signals[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.signals.pop(sig, None) is not None

    def get_debug(self) -> bool:
        return False

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)


def kill_all() -> None:
    """End what has not been ended."""
    for loop in [*_ALIVE]:
        loop.kill()


atexit.register(kill_all)


@contextmanager
def _running(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Make it the running loop; a kernel's own, in which a cell may be running, waits so long."""
    former = asyncio._get_running_loop()
    swap: Any = getattr(asyncio.tasks, "_swap_current_task", None)  # since Python 3.12
    task = swap(former, None) if swap is not None and former is not None else None
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(former)
        if task is not None:
            swap(former, task)
