"""Leader election: of several replicas the one acts that holds a Lease, and the others wait for it to stop renewing.

The API server decides by nothing but optimistic concurrency: whoever replaces the version of the Lease that it has read
holds it. Nobody compares the times that are written there with a clock of its own. A candidate notes *when it saw* the
Lease change, by its own clock, and takes it once it has seen no change for `duration` seconds; the holder stops acting
when it could not renew for `deadline` seconds. So clocks may differ by any amount, but must not run at rates that
differ by more than `duration / deadline`. A holder that stands still in between is fenced off by nothing: it may send
one more request before it looks at the Lease again.

Upstream: `client-go/tools/leaderelection/leaderelection.go` and `resourcelock/leaselock.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.clock import Clock, Timer, rfc3339_micro
from k8snb.errors import StatusError
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

LEASES = "leases.coordination.k8s.io"
NAMESPACE = "kube-system"
JITTER = 1.2
"""Candidates wait up to so many retry periods longer than one, so that they do not all ask at the same time."""


@dataclass(frozen=True, slots=True)
class Times:
    """The flags `--leader-elect-lease-duration`, `-renew-deadline` and `-retry-period`, in seconds."""

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0


class LocalClock:
    """What the clock of one machine shows: `ahead` of the others by seconds, running at `rate` of their pace."""

    def __init__(self, clock: Clock, began: float, ahead: float = 0.0, rate: float = 1.0) -> None:
        self._clock = clock
        self._began = began
        self._ahead = ahead
        self._rate = rate

    def now(self) -> float:
        """Seconds since the Unix epoch, as this machine counts them."""
        return self._began + (self._clock.now() - self._began) * self._rate + self._ahead

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Make a call after so many seconds of this clock; nobody waits for it to settle."""
        return self._clock.call_later(delay / self._rate, call, background=True)


class Lock(NamedTuple):
    """The Lease that is contended for, by whom, and whether a holder that ends gives it back (`ReleaseOnCancel`)."""

    name: str
    identity: str
    releases: bool = False


class Elector:
    """One candidate. `lead` is called when it has become the leader, `lost` when it has ceased to be."""

    def __init__(
        self,
        lock: Lock,
        client: Client,
        clock: LocalClock,
        lottery: Lottery,
        events: EventRecorder,
        lead: Callable[[], None],
        lost: Callable[[], None],
        times: Times | None = None,
    ) -> None:
        self.lock = lock
        self.leading = False
        self._client = client
        self._clock = clock
        self._lottery = lottery
        self._events = events
        self._lead = lead
        self._lost = lost
        self._times = times or Times()
        self._lease: Object = {}
        """The Lease as it was last read or written."""
        self._spec: Object = {}
        """What was seen of it when it last changed …"""
        self._seen = 0.0
        """… and when that was, by this machine's clock."""
        self._since = 0.0
        """When the renewal began that is under way."""

    def start(self) -> None:
        """Try now, and again and again."""
        if not self._try():
            longer = self._lottery.random.random() * JITTER
            self._clock.call_later(self._times.retry * (1 + longer), self.start)
            return
        self.leading = True
        self._tell("became leader")
        self._next()
        self._lead()

    def release(self) -> None:
        """Give the Lease back, so that nobody has to wait until it expires. Does nothing where that is not the way."""
        if not (self.leading and self.lock.releases and self._holds()):
            return
        self.leading = False
        now = rfc3339_micro(self._clock.now())
        transitions = self._spec["leaseTransitions"]
        spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": now, "renewTime": now}
        try:
            self._put({**spec, "leaseTransitions": transitions})
        except StatusError:
            return

    # -- leading -----------------------------------------------------------------------------------

    def _next(self) -> None:
        self._since = self._clock.now() + self._times.retry
        self._clock.call_later(self._times.retry, self._renew)

    def _renew(self) -> None:
        if self._try():
            self._next()
        elif (left := self._since + self._times.deadline - self._clock.now()) > 0:
            self._clock.call_later(min(self._times.retry, left), self._renew)
        else:
            self._tell("stopped leading")
            self.release()
            self.leading = False
            self._lost()

    # -- the Lease ---------------------------------------------------------------------------------

    def _try(self) -> bool:
        """Acquire the Lease or renew it; whether that worked. Upstream: `tryAcquireOrRenew`."""
        try:
            return (self._holds() and self._valid() and self._renewed()) or self._acquired()
        except StatusError:
            return False

    def _renewed(self) -> bool:
        """Write another time over what was written last, without reading it first."""
        now = rfc3339_micro(self._clock.now())
        try:
            self._put({**self._spec, "renewTime": now})
        except StatusError:
            return False
        return True

    def _acquired(self) -> bool:
        found = self._client.find(LEASES, self.lock.name, NAMESPACE)
        now = rfc3339_micro(self._clock.now())
        mine: Object = {
            "holderIdentity": self.lock.identity,
            "leaseDurationSeconds": int(self._times.duration),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": 0,
        }
        if found is None:
            meta = {"name": self.lock.name, "namespace": NAMESPACE}
            lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": mine}
            self._saw(self._client.create(LEASES, lease))
            return True
        self._lease, spec = found, found.get("spec") or {}
        if spec != self._spec:
            self._spec, self._seen = spec, self._clock.now()
        transitions = spec.get("leaseTransitions", 0)
        if self._holds():
            self._put({**mine, "acquireTime": spec["acquireTime"], "leaseTransitions": transitions})
        elif spec.get("holderIdentity") and self._valid():
            return False
        else:
            self._put({**mine, "leaseTransitions": transitions + 1})
        return True

    def _holds(self) -> bool:
        return bool(self._spec.get("holderIdentity") == self.lock.identity)

    def _valid(self) -> bool:
        """Whether the Lease was seen to change within the time for which it is held."""
        return bool(self._seen + self._spec.get("leaseDurationSeconds", 0) > self._clock.now())

    def _put(self, spec: Object) -> None:
        self._saw(self._client.update(LEASES, {**self._lease, "spec": spec}))

    def _saw(self, lease: Object) -> None:
        self._lease, self._spec, self._seen = lease, lease["spec"], self._clock.now()

    def _tell(self, what: str) -> None:
        about = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": self._lease["metadata"]}
        self._events.normal(about, "LeaderElection", f"{self.lock.identity} {what}")
