"""The store keeps every revision, tells watchers, forgets what is compacted and copies nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.clock import VirtualClock
from k8snb.store.bucket import Bucket
from k8snb.store.mvcc import Compacted, FutureRevision, Store
from k8snb.wire import WatchEvent


def obj(name: str, namespace: str = "default", **spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def store(**options: Any) -> tuple[Store, Bucket]:
    made = Store(VirtualClock(), **options)
    return made, made.bucket("pods")


def names(objects: list[Any]) -> list[str]:
    return [each["metadata"]["name"] for each in objects]


def test_every_write_has_the_next_global_revision() -> None:
    s, pods = store()
    first = s.create(pods, "default", "a", obj("a"))
    second = s.create(s.bucket("nodes"), "", "n", obj("n"))
    assert (second.revision - first.revision, second.object["metadata"]["resourceVersion"]) == (1, str(second.revision))


def test_an_object_can_be_read_at_every_revision_it_lived_through() -> None:
    s, pods = store()
    created = s.create(pods, "default", "a", obj("a", v=1)).revision
    updated = s.update(pods, "default", "a", obj("a", v=2)).revision
    deleted = s.delete(pods, "default", "a").revision
    seen = [s.get(pods, "default", "a", at) for at in (created - 1, created, updated, deleted)]
    assert [each and each["spec"]["v"] for each in seen] == [None, 1, 2, None]


def test_a_list_at_a_revision_shows_what_was_there_in_key_order() -> None:
    s, pods = store()
    for name in "cab":
        s.create(pods, "default", name, obj(name))
    before = s.revision
    s.delete(pods, "default", "b")
    s.create(pods, "default", "d", obj("d"))
    assert (names(s.scan(pods)), names(s.scan(pods, revision=before))) == (["a", "c", "d"], ["a", "b", "c"])


def test_an_object_that_comes_back_keeps_the_history_of_its_name() -> None:
    s, pods = store()
    s.create(pods, "default", "a", obj("a"))
    s.delete(pods, "default", "a")
    s.create(pods, "default", "a", obj("a"))
    assert [event.type for event in s.history(pods, "default", "a")] == ["ADDED", "DELETED", "ADDED"]


def test_reading_below_the_compacted_revision_is_refused() -> None:
    s, pods = store()
    for v in range(5):
        s.create(pods, "default", f"p{v}", obj(f"p{v}"))
    s.compact(4)
    with pytest.raises(Compacted):
        s.scan(pods, revision=3)


def test_reading_the_future_is_refused() -> None:
    s, pods = store()
    with pytest.raises(FutureRevision):
        s.get(pods, "default", "a", 99)


def test_compaction_keeps_what_reads_at_its_revision_need() -> None:
    s, pods = store()
    s.create(pods, "default", "a", obj("a", v=1))
    s.update(pods, "default", "a", obj("a", v=2))
    at = s.revision
    s.update(pods, "default", "a", obj("a", v=3))
    s.compact(at)
    found = s.get(pods, "default", "a", at)
    assert found is not None
    assert found["spec"]["v"] == 2


def test_history_is_compacted_by_itself_when_it_grows_too_long() -> None:
    s, pods = store(history=100)
    s.create(pods, "default", "a", obj("a"))
    for v in range(2000):
        s.update(pods, "default", "a", obj("a", v=v))
    assert len(pods.log) <= 100 + 256
    assert s.compacted > 1500


def test_watchers_hear_of_their_namespace_or_trigger_alone() -> None:
    s, pods = store()
    pods.trigger = ("spec", "node")
    heard: dict[str, list[str]] = {"all": [], "ns": [], "n1": []}

    def note(who: str) -> Any:
        return lambda event: heard[who].append(event.object["metadata"]["name"])

    s.watch(pods, note("all"))
    s.watch(pods, note("ns"), namespace="other")
    s.watch(pods, note("n1"), trigger="n1")
    s.create(pods, "default", "a", obj("a", node="n1"))
    s.create(pods, "other", "b", obj("b", "other", node="n2"))
    assert heard == {"all": ["a", "b"], "ns": ["b"], "n1": ["a"]}


def test_a_watcher_of_a_trigger_hears_when_an_object_leaves_it() -> None:
    s, pods = store()
    pods.trigger = ("spec", "node")
    heard: list[WatchEvent] = []
    s.watch(pods, heard.append, trigger="n1")
    s.create(pods, "default", "a", obj("a", node="n1"))
    s.update(pods, "default", "a", obj("a", node="n2"))
    assert [event.object["spec"]["node"] for event in heard] == ["n1", "n2"]


def test_a_watcher_of_a_trigger_hears_nothing_of_a_namesake_of_what_it_saw_deleted() -> None:
    s, pods = store()
    pods.trigger = ("spec", "node")
    heard: list[WatchEvent] = []
    s.watch(pods, heard.append, trigger="n1")
    s.create(pods, "default", "a", obj("a", node="n1"))
    s.delete(pods, "default", "a")
    s.create(pods, "default", "a", obj("a", node="n2"))
    assert [event.type for event in heard] == ["ADDED", "DELETED"]


def test_a_watcher_that_stopped_hears_nothing() -> None:
    s, pods = store()
    heard: list[WatchEvent] = []
    s.watch(pods, heard.append)()
    s.create(pods, "default", "a", obj("a"))
    assert heard == []


def test_events_after_a_revision_can_be_replayed() -> None:
    s, pods = store()
    s.create(pods, "default", "a", obj("a"))
    at = s.revision
    s.update(pods, "default", "a", obj("a", v=2))
    s.delete(pods, "default", "a")
    assert [event.type for event in s.since(pods, at)] == ["MODIFIED", "DELETED"]


def test_an_object_with_a_lease_vanishes_when_it_ends_unless_written_again() -> None:
    clock = VirtualClock()
    s = Store(clock)
    events = s.bucket("events")
    s.create(events, "default", "a", obj("a"), ttl=3600)
    s.create(events, "default", "b", obj("b"), ttl=3600)
    clock.advance_to(clock.now() + 1800)
    s.update(events, "default", "b", obj("b"), ttl=3600)
    clock.advance_to(clock.now() + 1900)
    while clock.fire_due():
        pass
    assert names(s.scan(events)) == ["b"]


def test_debug_mode_names_an_object_that_was_changed_in_place() -> None:
    s, pods = store(debug=True)
    event = s.create(pods, "default", "a", obj("a"))
    assert s.verify() == []
    event.object["spec"]["sneaky"] = True
    assert s.verify() == [repr(event)]


def test_a_packed_bucket_gives_back_what_was_put_in() -> None:
    s, pods = store()
    pods.keep_packed(lambda o: (o["metadata"]["name"], o["spec"]), lambda t, at: {**obj(t[0]), "spec": t[1], "at": at})
    created = s.create(pods, "default", "a", obj("a", v=1))
    assert s.get(pods, "default", "a") == {**obj("a", v=1), "at": created.revision}


writes = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40)


@given(writes)
def test_a_snapshot_equals_what_was_stored_at_its_revision(script: list[tuple[str, bool]]) -> None:
    s, pods = store()
    expected: dict[int, list[str]] = {s.revision: []}
    for name, keep in script:
        alive = pods.event("default", name) is not None
        if not alive:
            s.create(pods, "default", name, obj(name))
        elif keep:
            s.update(pods, "default", name, obj(name))
        else:
            s.delete(pods, "default", name)
        expected[s.revision] = names(s.scan(pods))
    assert {at: names(s.scan(pods, revision=at)) for at in expected} == expected
