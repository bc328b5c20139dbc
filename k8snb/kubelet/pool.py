"""What the simulated kubelets of one cluster share, so that thousands of them stay light.

One queue gives their units of work turns, one appointment book keeps their timers (pods that are due at the
same moment share a timer), and one set of plans, correlated events and image data serves them all. Nothing in
here knows about a node; to the API each kubelet is a client of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from k8snb.client.events import Correlator
from k8snb.client.informer import Informer
from k8snb.dra.driver import DeviceDriver
from k8snb.errors import StatusError
from k8snb.kubelet.disks import NodeDriver
from k8snb.kubelet.images.filesystem import Files, Volume
from k8snb.kubelet.plan import Plans
from k8snb.kubelet.runtime import CallLog
from k8snb.loop import Loop, Task
from k8snb.trace import Trace
from k8snb.typing import Object, ObjectKey

RETRY_SECONDS = 5.0
"""After how long work that the API refused is tried again."""


class Host(Protocol):
    """A kubelet, as the pool sees it."""

    component: str
    running: bool

    def park(self, item: Item) -> None:
        """Keep work for later: the kubelet does not run."""
        ...


class Unit(Protocol):
    """Something that happens to a pod, a container or a probe arrives here."""

    @property
    def host(self) -> Host: ...

    @property
    def key(self) -> ObjectKey: ...

    epoch: int
    """Counts up whenever what was announced before no longer matters."""

    def deliver(self, event: str) -> None: ...


class Probed(NamedTuple):
    """One answer of a probe."""

    time: float
    uid: str
    """The pod's."""
    container: str
    attempt: int
    """Which run of the container was asked."""
    kind: str
    """`startup`, `liveness` or `readiness`."""
    success: bool
    output: str
    period: float
    """How many seconds later it is asked again."""


PROBES_KEPT = 20_000

Item = tuple[Unit, str, int, int]
"""A unit, what happens to it, the epoch it was announced in, and the revision that caused it."""


class Pool(Task):
    """The turns and appointments of all kubelets."""

    def __init__(self, loop: Loop, trace: Trace, calls: CallLog | None = None) -> None:
        super().__init__(loop)
        self.clock = loop.clock
        self.plans = Plans()
        self.correlator = Correlator()
        self.calls = calls if calls is not None else CallLog(enabled=trace.enabled)
        self.tracing = trace.enabled
        self.probed: deque[Probed] = deque(maxlen=PROBES_KEPT)
        """The newest answers of probes, if there is a trace."""
        self.own: dict[int, Object] = {}
        """The versions of pods that kubelets have written and not heard of yet, by identity."""
        self.silent: set[str] = set()
        """The kubelets that have been stopped."""
        self._trace = trace
        self._queue: deque[Item] = deque()
        self._books: tuple[dict[float, list[Item]], dict[float, list[Item]]] = ({}, {})
        """What is due when: what others wait for, and what is background."""
        self.volumes: dict[str, Volume] = {}
        """What outlives the pods that mount it: by a disk's handle, or by machine and path (`node-1:/var/data`)."""
        self.told: Callable[[str, str], None] | None = None
        """Told of every path that is written on one of them, if somebody wants to know."""
        self.nodes: Informer | None = None
        """Where kubelets look what others have written about their nodes, without asking the API each for itself."""
        self.boots = 0
        """How often all machines have come up again."""
        self.drivers: dict[str, NodeDriver] = {}
        """The storage drivers that are on every node, by name."""
        self.device_drivers: dict[str, DeviceDriver] = {}
        """The drivers of devices that are on every node, by name."""
        self._addresses = 1

    def post(self, unit: Unit, event: str, cause: int = 0) -> None:
        """Let something happen in one of the next turns."""
        self._queue.append((unit, event, unit.epoch, cause))
        if not self._awake:
            self.wake()

    def later(self, seconds: float, unit: Unit, event: str, *, background: bool = False) -> None:
        """Let something happen `seconds` from now, unless the unit's epoch has changed by then."""
        due, book = self.clock.now() + seconds, self._books[background]
        page = book.get(due)
        if page is None:
            page = book[due] = []
            self.clock.call_at(due, lambda: self.resume(book.pop(due)), background=background)
        page.append((unit, event, unit.epoch, 0))

    def resume(self, items: list[Item]) -> None:
        """Work that is due, or was kept while a kubelet did not run."""
        self._queue.extend(items)
        self.wake()

    def run(self, quantum: int) -> None:
        """Let at most `quantum` things happen."""
        queue = self._queue
        while queue and quantum > 0:
            item = queue.popleft()
            unit, event, epoch, cause = item
            if unit.epoch != epoch:
                continue
            quantum -= 1
            if self.silent and not unit.host.running:
                unit.host.park(item)
            elif self.tracing:
                self._traced(unit, event, cause)
            else:
                try:
                    unit.deliver(event)
                except StatusError as error:
                    self._refused(unit, event, error)
        if queue:
            self.wake()

    def _traced(self, unit: Unit, event: str, cause: int) -> None:
        span = self._trace.begin(unit.host.component, unit.key, cause)
        span.observed["event"] = event
        self._trace.looked("Pod" if unit.key.namespace else "Node", unit.key.name)
        try:
            unit.deliver(event)
        except StatusError as error:
            span.error = error.message
            self._refused(unit, event, error)
        finally:
            self._trace.end(span)

    def _refused(self, unit: Unit, event: str, error: StatusError) -> None:
        if error.code != 404:
            self.later(RETRY_SECONDS, unit, event, background=True)

    def next_address(self) -> str:
        """An address for one more machine: `172.18.0.2` and on."""
        self._addresses += 1
        return f"172.18.{self._addresses // 256}.{self._addresses % 256}"

    def volume(self, name: str, source: Callable[[], Files] | None = None) -> Volume:
        """What a persistent volume holds; it outlives the pods that mount it. `source` is what a new one has below."""
        found = self.volumes.get(name)
        if found is None:
            found = self.volumes[name] = Volume(source=source)
            if self.told is not None:
                found.told = partial(self.told, name)
        return found

    def copy(self, source: str, target: str) -> None:
        """Put what is in one volume into another one."""
        of, made = self.volume(source), self.volume(target)
        for path in of.paths():
            made.write(path, of.read(path) or "")
        for path in of.directories:
            made.make_directory(path)

    def forget(self, name: str) -> None:
        """A volume is gone, with all that was in it."""
        gone = self.volumes.pop(name, None)
        if gone is not None and gone.told is not None:
            for path in (*gone.files, *gone.directories):
                gone.told(path)

    def used(self, name: str) -> int:
        """How many bytes are written in a volume."""
        volume = self.volume(name)
        return sum(len((volume.read(path) or "").encode()) for path in volume.paths())

    def compares(self, name: str, observed: str, desired: str) -> None:
        """Note in the trace what is and what should be."""
        if self._trace.current is not None:
            self._trace.current.compared[name] = (observed, desired)

    def wants(self, sentence: str) -> None:
        """Note in the trace what the unit is going to do, and why."""
        if self._trace.current is not None:
            self._trace.current.wanted = sentence
