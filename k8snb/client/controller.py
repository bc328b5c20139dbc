"""What every control loop is made of: a client, informers, a queue of keys and one method, `reconcile`.

A controller reconciles a key, not an event: it reads what is, compares it with what should be, and sends
the requests that bring the two together. Doing so twice does no harm; missing an event does no harm once
another one comes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from k8snb.client.client import Client, Transport
from k8snb.client.ear import Ear, Heard
from k8snb.client.events import EventRecorder
from k8snb.client.informer import Informers
from k8snb.client.queue import WorkQueue
from k8snb.clock import Clock
from k8snb.loop import Loop
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import controller_of, key_of, revision_of
from k8snb.machinery.scheme import Scheme
from k8snb.trace import Trace
from k8snb.typing import Object, ObjectKey
from k8snb.wire import User


@dataclass(frozen=True, slots=True)
class Context:
    """What the composition root hands to a part: the loop, the time, the lots, and a door to the API."""

    loop: Loop
    clock: Clock
    trace: Trace
    lottery: Lottery
    transport: Transport
    scheme: Scheme
    client: Client
    informers: Informers

    def act_as(self, name: str, *groups: str) -> Context:
        """The same context with a client of its own user; the informers stay shared."""
        user = User(name, (*groups, "system:authenticated"))
        return replace(self, client=Client(self.transport, self.scheme, user, self.client.outbox, self.client.express))

    def separate(self, name: str, *groups: str, patient: Collection[str] = ()) -> Context:
        """A context for another process: its own user and its own informers, `patient` with news of some resources."""
        context = self.act_as(name, *groups)
        return replace(context, informers=Informers(self.loop, context.client, self.trace, patient))


class Controller:
    """One control loop. Subclasses set `name`, subscribe in `start` and implement `reconcile`."""

    name = ""

    def __init__(self, context: Context) -> None:
        self.client = context.client
        self.informers = context.informers
        self.clock = context.clock
        self.lottery = context.lottery
        self.trace = context.trace
        self.events = EventRecorder(context.client, context.clock, self.name)
        self.queue = WorkQueue(context.loop, context.trace, self.name, self.reconcile)
        self.ears: list[Ear] = []
        self._loop = context.loop

    def start(self) -> None:
        """Subscribe to informers."""
        raise NotImplementedError

    def reconcile(self, key: ObjectKey) -> float | None:
        """Bring the object `key` names to its desired state; returns after how many seconds to look again."""
        raise NotImplementedError

    # -- subscribing -------------------------------------------------------------------------------

    def follow(self, resource: str) -> None:
        """Queue every object of the resource that changes."""
        self.informers.of(resource).on_change(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        assert obj is not None
        self.queue.add(key_of(obj), revision_of(obj))

    def follow_owned(self, resource: str, kind: str) -> None:
        """Queue the controller (of that kind) of every object of the resource that changes."""

        def changed(old: Object | None, new: Object | None) -> None:
            obj = new if new is not None else old
            assert obj is not None
            owners = [controller_of(each) for each in (old, new) if each is not None]
            for owner in owners:
                if owner is not None and owner["kind"] == kind:
                    self.queue.add(ObjectKey(obj["metadata"].get("namespace", ""), owner["name"]), revision_of(obj))

        self.informers.of(resource).on_change(changed)

    def hear(self, resource: str, heard: Heard) -> None:
        """Call `heard(type, object)` for every watch event itself, without queue or cache (edge-triggered)."""
        self.ears.append(Ear(self._loop, self.client, self.trace, self.name, resource, heard))

    # -- telling -----------------------------------------------------------------------------------

    def saw(self, **observed: Any) -> None:
        """Note in the trace what this reconcile observed."""
        if self.trace.current is not None and self.trace.enabled:
            self.trace.current.observed.update(observed)

    def compares(self, name: str, observed: Any, desired: Any) -> None:
        """Note in the trace what this reconcile held against each other: what is, and what should be."""
        if self.trace.current is not None and self.trace.enabled:
            self.trace.current.compared[name] = (observed, desired)

    def wants(self, sentence: str, **values: Any) -> None:
        """Note in the trace what this reconcile is going to do, and why; a second sentence joins the first.

        `values` fill the sentence's placeholders, if there is a trace to write it to.
        """
        span = self.trace.current
        if span is not None and self.trace.enabled:
            text = sentence.format(**values) if values else sentence
            span.wanted = f"{span.wanted}; {text}" if span.wanted else text
