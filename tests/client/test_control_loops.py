"""What every control loop is made of: caches that follow, queues that merge, events that do not flood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.client.events import EventRecorder
from k8snb.client.informer import Informer, Informers
from k8snb.client.queue import WorkQueue
from k8snb.clock import VirtualClock
from k8snb.errors import StatusError, bad_request
from k8snb.loop import Loop
from k8snb.machinery.names import Lottery
from k8snb.machinery.recorded import about_of
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object, ObjectKey
from k8snb.wire import User


class World:
    """An API server with nobody behind it, and a loop."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = Store(self.clock)
        self.trace = Trace(self.clock.now, lambda: self.store.revision)
        self.loop = Loop(self.clock)
        self.server = APIServer(self.store, self.clock, Lottery(1), self.trace)
        self.client = Client(self.server, self.server.scheme, User("tester"))
        self.client.create("namespaces", obj("Namespace", "default"))

    def run(self) -> None:
        while self.loop.turn():
            pass

    def pass_time(self, seconds: float) -> None:
        until = self.clock.now() + seconds
        while (due := self.clock.next_due()) is not None and due <= until:
            self.clock.advance_to(due)
            self.run()
        self.clock.advance_to(until)

    def informer(self, resource: str) -> Informer:
        return Informers(self.loop, self.client).of(resource)

    def queue(self, reconcile: Callable[[ObjectKey], float | None]) -> WorkQueue:
        return WorkQueue(self.loop, self.trace, "tester", reconcile)


def obj(kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}


def config(name: str, **data: str) -> Object:
    return obj("ConfigMap", name, data=data)


A, B = ObjectKey("default", "a"), ObjectKey("default", "b")


def test_an_informer_knows_what_was_there_before_it_began() -> None:
    world = World()
    world.client.create("configmaps", config("a"), "default")
    assert [each["metadata"]["name"] for each in world.informer("configmaps").list("default")] == ["a"]


def test_an_informer_follows_in_its_turns() -> None:
    world = World()
    informer = world.informer("configmaps")
    world.client.create("configmaps", config("a"), "default")
    before = informer.get("default", "a")
    world.run()
    assert (before, informer.get("default", "a") is not None) == (None, True)


def test_handlers_hear_of_old_and_new_in_order() -> None:
    world, heard = World(), list[tuple[Any, Any]]()
    informer = world.informer("configmaps")
    informer.on_change(lambda old, new: heard.append((old and old["data"], new and new["data"])))
    world.client.create("configmaps", config("a", k="1"), "default")
    world.client.patch("configmaps", "a", {"data": {"k": "2"}}, "default")
    world.client.delete("configmaps", "a", "default")
    world.run()
    assert heard == [(None, {"k": "1"}), ({"k": "1"}, {"k": "2"}), ({"k": "2"}, None)]


def test_an_index_files_objects_under_their_values() -> None:
    world = World()
    informer = world.informer("configmaps")
    informer.add_index("color", lambda each: [each["data"]["color"]] if "color" in each["data"] else [])
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red")):
        world.client.create("configmaps", config(name, color=color), "default")
    world.client.patch("configmaps", "c", {"data": {"color": "blue"}}, "default")
    world.run()
    assert [each["metadata"]["name"] for each in informer.by_index("color", "blue")] == ["b", "c"]


def test_a_key_queued_many_times_is_reconciled_once() -> None:
    world, done = World(), list[str]()
    queue = world.queue(lambda key: done.append(key.name))
    for key in (A, B, A, A):
        queue.add(key)
    world.run()
    assert done == ["a", "b"]


def test_a_reconcile_that_fails_is_tried_again_after_a_growing_delay() -> None:
    world, times = World(), list[float]()
    began = world.clock.now()

    def reconcile(key: ObjectKey) -> None:
        times.append(round(world.clock.now() - began, 3))
        raise bad_request("no")

    world.queue(reconcile).add(A)
    world.run()
    world.pass_time(0.04)
    assert times == [0.0, 0.005, 0.015, 0.035]


def test_a_reconcile_may_ask_to_be_called_again() -> None:
    world, times = World(), list[float]()

    def reconcile(key: ObjectKey) -> float | None:
        times.append(world.clock.now())
        return 30.0 if len(times) < 3 else None

    world.queue(reconcile).add(A)
    world.run()
    world.pass_time(300)
    assert [round(later - times[0]) for later in times] == [0, 30, 60]


def test_the_trace_keeps_what_a_reconcile_sent_and_why_it_ran() -> None:
    world = World()

    def reconcile(key: ObjectKey) -> None:
        world.client.create("configmaps", config("made"), "default")

    world.queue(reconcile).add(A, cause=42)
    world.run()
    span = world.trace.spans[-1]
    assert (span.key, span.cause, [str(sent.request.path) for sent in span.requests]) == (
        A,
        42,
        ["/api/v1/namespaces/default/configmaps"],
    )


def events(world: World) -> list[tuple[str, int]]:
    return [(each["message"], each["count"]) for each in world.client.list("events", "default")]


def recorder(world: World) -> tuple[EventRecorder, Object]:
    about = world.client.create("configmaps", config("a"), "default")
    return EventRecorder(world.client, world.clock, "tester"), about


def test_the_same_event_again_raises_its_count() -> None:
    world = World()
    record, about = recorder(world)
    for _ in range(3):
        record.normal(about, "Did", "it")
    assert events(world) == [("it", 3)]


def test_the_same_event_about_another_part_of_an_object_is_another_event() -> None:
    world = World()
    record, about = recorder(world)
    for part in ("a", "b", "a"):
        record.normal(about, "Did", "it", field=f"data{{{part}}}")
    assert sorted(events(world)) == [("it", 1), ("it", 2)]


def test_what_was_known_to_be_said_for_the_first_time_counts_when_it_is_said_again() -> None:
    world = World()
    record, about = recorder(world)
    record.first(record.shape(about, "Normal", "Did"), about_of(about["metadata"]), "it")
    assert events(world) == [("it", 1)]
    record.normal(about, "Did", "it")
    assert events(world) == [("it", 2)]


def test_many_similar_events_become_one() -> None:
    world = World()
    record, about = recorder(world)
    for number in range(12):
        record.normal(about, "Did", f"number {number}")
    told = [(f"number {number}", 1) for number in range(9)]
    assert events(world) == [*told, ("(combined from similar events): number 11", 3)]


def test_an_object_that_is_talked_about_too_much_falls_silent_for_a_while() -> None:
    world = World()
    record, about = recorder(world)
    for number in range(40):
        record.normal(about, f"Reason{number}", "x")
    burst = len(events(world))
    world.pass_time(300)
    record.normal(about, "Later", "x")
    assert (burst, len(events(world))) == (25, 26)


def test_a_refusal_carries_the_servers_status() -> None:
    world = World()
    with pytest.raises(StatusError) as refused:
        world.client.get("configmaps", "missing", "default")
    error = refused.value
    assert (error.code, error.reason, error.message) == (404, "NotFound", 'configmaps "missing" not found')
