"""A bad connection to the API server, made on purpose: what a controller has to live with, and sooner than it happens.

`Unreliable` stands between one process and its transport. It loses, repeats and delays watch events as its `Faults`
say, and it can take the whole process down after a number of writes. It breaks no promise that a real connection keeps:
versions of one object stay in order, and whoever has lost an event is told so in the end, by an `ERROR` event as of an
expired watch (410 Gone), upon which an informer lists again. Which events it hits is drawn by lot, so a run repeats.

Upstream has no such part; what it imitates is in `client-go/tools/cache/reflector.go`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from k8snb.client.client import Transport
from k8snb.client.process import Dead
from k8snb.clock import Timer
from k8snb.loop import Loop
from k8snb.machinery.names import Lottery
from k8snb.wire import Request, Response, WatchEvent, expired_watch

Deliver = Callable[[WatchEvent], None]

LATENCY = 0.01
"""After how many seconds an event arrives with which nothing went wrong. Without it two controllers that undo each
other's work would do so for ever at one moment of virtual time."""

_WRITES = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong between a process and the API server. By default nothing does.

    `drop` and `duplicate` are shares of the watch events, from 0 to 1. With an event that is dropped the watch is
    broken, and all that would have followed is lost too, for `outage` seconds. `delay` is how many seconds an event may
    be late at most; it may then be overtaken by events of other objects. `crash_after` is the number of writes after
    which the process dies, once; `restart` is how many seconds later it is back.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    outage: float = 5.0
    crash_after: int = 0
    restart: float = 10.0

    def __post_init__(self) -> None:
        for name in ("drop", "duplicate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not a share between 0 and 1")
        for name in ("delay", "outage", "crash_after", "restart"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)!r} is less than 0")


class _Stream:
    """One watch: what of it is on its way, and until when the line is down."""

    def __init__(self, wire: Unreliable, deliver: Deliver) -> None:
        self._wire = wire
        self._deliver = deliver
        self._waiting: dict[Timer, None] = {}
        self._due: dict[tuple[str, str], float] = {}
        """When the last event of an object arrives that is on its way: the next one must not be earlier."""
        self._down = False

    def carry(self, event: WatchEvent) -> None:
        """Let an event come to harm, or arrive."""
        wire, faults = self._wire, self._wire.faults
        if self._down or (faults.drop and wire.draw() < faults.drop):
            wire.tally["lost"] += 1
            if not self._down:
                self._break()
            return
        twice = bool(faults.duplicate) and wire.draw() < faults.duplicate
        wire.tally["twice"] += twice
        for _ in range(1 + twice):
            self._send(event)

    def _send(self, event: WatchEvent) -> None:
        wire = self._wire
        now = wire.loop.clock.now()
        meta = event.object["metadata"]
        name = meta.get("namespace", ""), meta["name"]
        late = wire.draw() * wire.faults.delay if wire.faults.delay else 0.0
        when = self._due[name] = max(now + LATENCY + late, self._due.get(name, 0.0))
        wire.tally["late"] += late > 0
        wire.tally["arrived"] += 1
        self._later(when, lambda: self._deliver(event))

    def _later(self, when: float, call: Callable[[], None]) -> None:
        def due() -> None:
            del self._waiting[timer]
            call()

        timer = self._wire.loop.clock.call_at(when, due)
        self._waiting[timer] = None

    def _break(self) -> None:
        """Lose what is on its way and all that comes, until the watch is found to have expired."""
        self.end()
        self._down = True
        self._later(self._wire.loop.clock.now() + self._wire.faults.outage, self._expire)

    def _expire(self) -> None:
        self._down = False
        self._deliver(expired_watch())

    def end(self) -> None:
        """Forget what is on its way."""
        self._wire.tally["lost"] += sum(1 for _ in self._waiting)
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()
        self._due.clear()


class Unreliable:
    """A transport of one process, with faults. `crash` is called when the process dies of them."""

    def __init__(self, transport: Transport, loop: Loop, lottery: Lottery, faults: Faults) -> None:
        self.faults = faults
        self.loop = loop
        self.tally: Counter[str] = Counter()
        """Events that `arrived`, and of all events those `lost`, sent `twice`, and `late`; and requests: `writes`."""
        self.alive = True
        self.crash: Callable[[], None] = lambda: None
        self.draw = lottery.random.random
        self._transport = transport
        self._streams: dict[_Stream, None] = {}
        self._doomed = faults.crash_after

    def suffer(self, faults: Faults) -> None:
        """Let other things go wrong from now on."""
        self.faults = faults
        self._doomed = faults.crash_after

    def handle(self, request: Request) -> Response:
        """Send a request. Raises `Dead` if the process dies of it, or is dead."""
        if not self.alive:
            raise Dead
        response = self._transport.handle(request)
        if request.info is not None and request.info.verb in _WRITES:
            self.tally["writes"] += 1
            self._doomed -= 1
            if self._doomed == 0:
                self.die()
                self.crash()
                raise Dead
        return response

    def subscribe(self, request: Request, deliver: Deliver) -> Callable[[], None]:
        """Watch, over the bad line."""
        stream = _Stream(self, deliver)
        self._streams[stream] = None
        stop = self._transport.subscribe(request, stream.carry)

        def end() -> None:
            stop()
            stream.end()
            self._streams.pop(stream, None)

        return end

    def die(self) -> None:
        """Nothing is sent any more, and what was on its way is lost."""
        self.alive = False
        for stream in self._streams:
            stream.end()
