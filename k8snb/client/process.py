"""A process: parts of the cluster that live and die together.

A process has turns, appointments and watches of its own. When it ends, nothing of it runs any more: its tasks get no
turns, its timers are cancelled, its watches are closed, and a request that it would still send is refused. What it
knew is gone with it; when it starts again, it begins by reading. So the parts themselves know nothing of being stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from k8snb.client.client import Client, Transport
from k8snb.client.controller import Context
from k8snb.client.informer import Informers
from k8snb.clock import Clock, Timer
from k8snb.errors import StatusError
from k8snb.wire import Request, Response, User, WatchEvent


class Dead(StatusError):
    """What a process that has ended gets instead of an answer."""

    def __init__(self) -> None:
        super().__init__(503, "Crashed", "the process has died")


class Appointments(Clock):
    """A clock that knows which timers were set by it, and cancels them in the end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: list[Timer] = []
        self._many = 64
        self.over = False
        self.speed = clock.speed
        for name in ("now", "outside", "timestamp", "micro_timestamp", "nanoseconds", "moment", "next_due", "fire_due"):
            setattr(self, name, getattr(clock, name))  # looked up once: the time is asked for all the time

    def call_at(self, when: float, call: Callable[[], None], *, background: bool = False) -> Timer:
        if self.over:
            timer = Timer(when, call, background)
            timer.cancel()
            return timer
        timer = self._clock.call_at(when, call, background=background)
        self._made.append(timer)
        if len(self._made) > self._many:
            self._made = [each for each in self._made if each.call is not None]
            self._many = 2 * len(self._made) + 64
        return timer

    def end(self) -> None:
        """Cancel what was set and take no more."""
        self.over = True
        for timer in self._made:
            timer.cancel()


class Line:
    """The connection of one process to the API server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._open: dict[int, Callable[[], None]] = {}
        self._number = 0
        self.cut = False

    def handle(self, request: Request) -> Response:
        """Send a request. Raises `Dead` once the process has ended."""
        if self.cut:
            raise Dead
        return self._transport.handle(request)

    def subscribe(self, request: Request, deliver: Callable[[WatchEvent], None]) -> Callable[[], None]:
        """Watch, at most until the process ends."""
        if self.cut:
            raise Dead
        self._number = number = self._number + 1
        stop = self._transport.subscribe(request, deliver)
        self._open[number] = stop

        def end() -> None:
            if self._open.pop(number, None) is not None:
                stop()

        return end

    def end(self) -> None:
        """Close every watch and send nothing more."""
        self.cut = True
        for stop in [*self._open.values()]:
            stop()
        self._open.clear()


class Process:
    """A process of a user. `start` gives its parts what they need, `stop` takes everything away from them."""

    def __init__(self, context: Context, name: str, *groups: str, patient: Collection[str] = ()) -> None:
        self._outer = context
        self.user = User(name, (*groups, "system:authenticated"))
        """Who its requests are from."""
        self.began = 0.0
        """When it was started last."""
        self._patient = patient
        self._own: Context | None = None

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._own is not None

    def start(self, transport: Transport | None = None) -> Context:
        """Begin anew, with an empty memory; another transport takes the place of the usual one."""
        outer, self._clock = self._outer, Appointments(self._outer.clock)
        self.began = outer.clock.now()
        self._loop = outer.loop.part(self._clock)
        self._line = line = Line(outer.transport if transport is None else transport)
        express, outbox = (outer.client.express, outer.client.outbox) if transport is None else (None, None)
        client = Client(line, outer.scheme, self.user, outbox, express)
        informers = Informers(self._loop, client, outer.trace, self._patient)
        self._own = replace(
            outer, loop=self._loop, clock=self._clock, transport=line, client=client, informers=informers
        )
        return self._own

    def ask(self, request: Request) -> Response:
        """Send a request that none of its parts sends. Raises `Dead` once it has ended."""
        request.user = self.user
        return self._line.handle(request)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call after so many seconds, whether it is there then or not."""
        self._outer.clock.call_later(seconds, call, background=True)

    def stop(self) -> None:
        """End, wherever it is."""
        if self._own is None:
            return
        self._own.client.express = None
        self._own = None
        self._line.end()
        self._clock.end()
        self._outer.loop.dismiss(self._loop)
