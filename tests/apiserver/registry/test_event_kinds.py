"""Events are one stored object under two APIs, cheap to check and to keep."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apiserver.registry.conversion import from_version, to_version
from k8snb.apiserver.registry.event_packing import pack, unpack
from k8snb.errors import StatusError
from k8snb.machinery.objects import revision_of
from k8snb.machinery.scheme import Scheme

from .writing import create, made, refusals, strategy, update, update_refusals

EVENTS = strategy("events")
SCHEME = Scheme()
CORE, NEW = SCHEME.find("events"), SCHEME.find("events.events.k8s.io")
NOW = "2026-01-01T00:00:00Z"
MICRO = "2026-01-01T00:00:00.000000Z"
POD = {"kind": "Pod", "namespace": "default", "name": "web-1", "uid": "u", "apiVersion": "v1", "resourceVersion": "7"}


def event(name: str = "web-1.18a", namespace: str = "default", **fields: Any) -> dict[str, Any]:
    return {
        **made("Event", name, namespace),
        "involvedObject": POD,
        "reason": "Scheduled",
        "message": "Successfully assigned default/web-1 to node-1",
        "source": {"component": "default-scheduler"},
        "firstTimestamp": NOW,
        "lastTimestamp": NOW,
        "count": 1,
        "type": "Normal",
        "eventTime": None,
        "reportingComponent": "default-scheduler",
        "reportingInstance": "",
        **fields,
    }


def stored(**fields: Any) -> dict[str, Any]:
    found = event(**fields)
    identity = {"uid": "cd613e30-d8f1-4adf-91b7-584a2265b1f5", "creationTimestamp": NOW, "resourceVersion": "345"}
    return {**found, "metadata": {**found["metadata"], **identity}}


def new_event(**fields: Any) -> dict[str, Any]:
    return {
        **made("Event", "web-1.18b"),
        "apiVersion": "events.k8s.io/v1",
        "eventTime": MICRO,
        "reportingController": "example.com/mine",
        "reportingInstance": "mine-0",
        "action": "Binding",
        "reason": "Scheduled",
        "regarding": POD,
        "note": "hello",
        "type": "Normal",
        **fields,
    }


# -- rules -------------------------------------------------------------------------------------------------


def test_an_event_has_its_empty_fields() -> None:
    bare = made("Event", involvedObject={"namespace": "default"}, reason="r")
    assert create(EVENTS, bare) == {
        **bare,
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    }


@pytest.mark.parametrize(
    ("namespace", "about", "told"),
    [
        ("default", "default", []),
        ("default", "", []),
        ("other", "", ['involvedObject.namespace: Invalid value: "": does not match event.namespace']),
        ("default", "other", ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']),
    ],
)
def test_an_event_lives_where_its_object_lives(namespace: str, about: str, told: list[str]) -> None:
    given_event = event(namespace=namespace, involvedObject={**POD, "namespace": about})
    assert refusals(EVENTS, given_event) == told


def test_an_event_is_updated_by_count() -> None:
    assert update(EVENTS, stored(), count=2)["count"] == 2


def test_events_are_selected_by_what_they_are_about() -> None:
    fields = {path: value(stored()) for path, value in EVENTS.fields.items()}
    assert fields["involvedObject.name"] == fields["regarding.name"] == "web-1"
    assert (fields["source"], fields["reason"], fields["type"]) == ("default-scheduler", "Scheduled", "Normal")
    assert EVENTS.fields["source"](stored(source={}, reportingComponent="c")) == "c"


# -- two versions ------------------------------------------------------------------------------------------


def test_an_event_of_the_new_api_is_stored_like_any_other() -> None:
    kept = create(EVENTS, from_version(new_event()))
    assert kept["apiVersion"] == "v1"
    assert (kept["involvedObject"], kept["message"], kept["reportingComponent"]) == (POD, "hello", "example.com/mine")


def test_an_event_of_the_old_api_is_served_by_the_new_one() -> None:
    assert CORE is not None
    assert NEW is not None
    shown = to_version(stored(), NEW)
    assert shown["apiVersion"] == "events.k8s.io/v1"
    assert (shown["regarding"], shown["note"]) == (POD, "Successfully assigned default/web-1 to node-1")
    assert (shown["deprecatedCount"], shown["deprecatedSource"]) == (1, {"component": "default-scheduler"})
    assert from_version(shown) == {**stored(), "apiVersion": "events.k8s.io/v1"}
    assert to_version(stored(), CORE) == stored()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reportingController": ""}, ["reportingController: Required value", "reportingController: Invalid value"]),
        ({"action": ""}, ["action: Required value"]),
        ({"type": "Odd"}, ["type: Invalid value"]),
        ({"eventTime": None}, ["eventTime: Required value"]),
        ({"deprecatedCount": 3}, ["count: Invalid value"]),
        ({"series": {"count": 1}}, ["series.count: Invalid value", "series.lastObservedTime: Required value"]),
        ({"note": "x" * 1025}, ["message: Invalid value"]),
    ],
)
def test_the_new_api_asks_for_more(fields: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(StatusError) as refused:
        create(EVENTS, from_version(new_event(**fields)))
    causes = refused.value.status["details"]["causes"]
    found = list(dict.fromkeys(f"{cause['field']}: {cause['message'].split(':')[0]}" for cause in causes))
    assert found == told


def test_through_the_new_api_only_the_series_changes() -> None:
    kept = create(EVENTS, from_version(new_event()))
    as_new = {**kept, "apiVersion": "events.k8s.io/v1"}
    series = {"count": 2, "lastObservedTime": MICRO}
    assert update_refusals(EVENTS, as_new, series=series) == []
    told = ['message: Invalid value: "bye": field is immutable']
    assert [str(e) for e in EVENTS.validate_update({**as_new, "message": "bye"}, as_new)] == told


# -- packing -----------------------------------------------------------------------------------------------

UNUSUAL = [
    stored(series={"count": 2}),
    {**stored(), "metadata": {**stored()["metadata"], "labels": {"a": "b"}}},
    {**stored(), "more": 1},
    stored(involvedObject={**POD, "more": 1}),
]
USUAL = [
    stored(),
    stored(name="custom-name"),
    stored(involvedObject={}),
    stored(count=7, lastTimestamp="2026-01-01T00:05:00Z"),
    stored(involvedObject={**POD, "fieldPath": "spec.containers{a}"}),
    stored(involvedObject={k: v for k, v in POD.items() if k not in ("uid", "resourceVersion")}),
    stored(source={"component": "kubelet", "host": "node-1"}, reportingInstance="node-1"),
    stored(action="Binding", eventTime=MICRO, firstTimestamp=None, lastTimestamp=None),
]


@pytest.mark.parametrize("given_event", UNUSUAL + USUAL)
def test_what_was_packed_comes_back_the_same(given_event: dict[str, Any]) -> None:
    assert unpack(pack(given_event), revision_of(given_event)) == given_event


def test_an_unusual_event_is_kept_as_it_is() -> None:
    assert all(pack(each) is each for each in UNUSUAL)
    assert isinstance(pack(stored()), tuple)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "message": st.text(max_size=20),
            "reason": st.text(max_size=5),
            "count": st.integers(0, 5),
            "reportingInstance": st.text(max_size=3),
            "firstTimestamp": st.sampled_from([NOW, None]),
            "involvedObject": st.dictionaries(st.sampled_from([*POD, "extra"]), st.text(max_size=4)),
        },
    )
)
def test_any_event_comes_back_the_same(fields: dict[str, Any]) -> None:
    given_event = stored(**fields)
    assert unpack(pack(given_event), revision_of(given_event)) == given_event


def test_a_packed_event_is_small() -> None:
    packed = pack(stored())
    assert isinstance(packed, tuple)
    own = (packed, stored()["metadata"]["name"], stored()["metadata"]["uid"], 345)
    assert sum(map(sys.getsizeof, own)) < 400
