"""Components of which there are several: on each machine of the control plane one, and one of them leads.

An `Elected` process contends for the Lease of its component (`client/election.py`) and ends when it loses it, as
upstream's do; the kubelet of its machine starts it again, at once and then with a back-off. It reaches the API through
the server of its own machine alone, as kubeadm sets it up (stacked).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from k8snb.apiserver.replicas import Replica
from k8snb.client.controller import Context
from k8snb.client.election import Elector, LocalClock, Lock
from k8snb.client.events import EventRecorder
from k8snb.client.process import Process
from k8snb.clock import Clock
from k8snb.cluster.hosting import Component, Part, Served
from k8snb.i18n import _
from k8snb.kubelet.backoff import Backoff
from k8snb.machinery.names import Lottery

RESTART_SECONDS = 1.0
"""How long it takes a kubelet to start a process again that has ended for the first time."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A machine of the control plane. Its clock is `ahead` of others by seconds and runs at `rate` of their pace."""

    name: str
    ahead: float = 0.0
    rate: float = 1.0


class Seat(NamedTuple):
    """A machine of the control plane with what its processes get there."""

    machine: ControlPlane
    server: Replica
    clock: Clock
    lottery: Lottery


class Candidacy(NamedTuple):
    """What a component contends for: the name of its Lease, in whose name it tells of it, whether it gives it back."""

    lease: str
    source: str
    releases: bool = False


SCHEDULER = Candidacy("kube-scheduler", "default-scheduler", releases=True)
MANAGER = Candidacy("kube-controller-manager", "kube-controller-manager")
CLOUD_MANAGER = Candidacy("cloud-controller-manager", "cloud-controller-manager")
"""Of the three only the scheduler gives its Lease back when it is asked to end; for kube-controller-manager that is
alpha in 1.36 (`ControllerManagerReleaseLeaderElectionLockOnExit`)."""


class Elected(Component):
    """A process that acts while it leads. Until then it knows nothing: its parts are made when it begins to lead."""

    def __init__(
        self, candidacy: Candidacy, process: Process, make: Callable[[Context], Iterable[Part]], seat: Seat
    ) -> None:
        self.elector: Elector | None = None
        """Who contends for the Lease; None while the process is down."""
        self.restarts = 0
        """How often it has been started again because it had lost the Lease."""
        self._candidacy = candidacy
        self._seat = seat
        self._began = seat.clock.now()
        self._backoff = Backoff()
        super().__init__(process, make, seat.server)

    @property
    def leading(self) -> bool:
        return self.elector is not None and self.elector.leading

    @property
    def identity(self) -> str:
        return self.elector.lock.identity if self.elector is not None else ""

    @property
    def state(self) -> str:
        return (_("leads") if self.leading else _("waits")) if self.running else _("down")

    def make(self) -> None:
        self._context = context = self._process.start(self._seat.server)
        self._prepare()
        candidacy, machine, lottery = self._candidacy, self._seat.machine, self._seat.lottery
        lock = Lock(candidacy.lease, f"{machine.name}_{lottery.uid()}", candidacy.releases)
        events = EventRecorder(context.client, context.clock, candidacy.source)
        clock = LocalClock(context.clock, self._began, machine.ahead, machine.rate)
        self.elector = Elector(lock, context.client, clock, lottery, events, self._lead, self._lost)

    def begin(self) -> None:
        super().begin()
        if self.elector is not None:
            self.elector.start()

    def release(self) -> None:
        if self.elector is not None:
            self.elector.release()

    def end(self) -> None:
        super().end()
        self.elector = None

    def _prepare(self) -> None:
        """What is done before it leads."""

    def _lead(self) -> None:
        self.make_parts(self._context)
        self.attempt(super().begin)

    def refused(self) -> None:
        self._lost()

    def _lost(self) -> None:
        """End, and be started again by the kubelet of the machine."""
        self.end()
        now = self._seat.clock.now()
        delay = max(self._backoff.left(now, now), RESTART_SECONDS)
        self._backoff.next(now)
        self._seat.clock.call_later(delay, self._again, background=True)

    def _again(self) -> None:
        if not self.running:
            self.restarts += 1
            self.resume()


class Waits(Protocol):
    """A part that does nothing while it is `paused`."""

    paused: bool

    def start(self) -> None: ...


class WarmElected(Elected):
    """An elected process that keeps its caches up to date before it leads, and only then does something."""

    def __init__(
        self, candidacy: Candidacy, process: Process, make: Callable[[Context], Iterable[Waits]], seat: Seat
    ) -> None:
        self._waiting: Sequence[Waits] = ()

        def waiting(context: Context) -> Sequence[Waits]:
            self._waiting = list(make(context))
            for part in self._waiting:
                part.paused = True
            return self._waiting

        super().__init__(candidacy, process, waiting, seat)

    def _prepare(self) -> None:
        self.make_parts(self._context)

    def _lead(self) -> None:
        for part in self._waiting:
            part.paused = False


class ReplicaProcess:
    """One of several API servers as a process. What of its machine could not start without it comes back with it."""

    leading = False

    def __init__(self, replica: Replica, server: Served, own: Component, others: Callable[[], bool]) -> None:
        self.replica = replica
        self.dependants: list[Component] = []
        self._server = server
        self._own = own
        self._others = others
        """Whether another one runs."""

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.replica.running

    @property
    def identity(self) -> str:
        """What its Lease is called."""
        return self.replica.name

    @property
    def state(self) -> str:
        """How it is, in words."""
        if not self.running:
            return _("down")
        return _("{count} requests answered").format(count=self.replica.answered)

    def release(self) -> None:
        """It holds nothing that others wait for."""

    def start(self) -> None:
        """Start the process, and let the others of the machine come back."""
        self._server.start()
        self.replica.start()
        self._own.resume()
        for component in self.dependants:
            component.resume()

    def stop(self) -> None:
        """Kill the process. With the last one the controllers end that are part of the server."""
        self.replica.stop()
        if not self._others():
            self._own.end()
            self._server.stop()
