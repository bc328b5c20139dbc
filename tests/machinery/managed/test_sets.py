"""Sets of fields: the algebra, and how places are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery.managed.sets import (
    FieldSet,
    difference,
    has,
    intersection,
    path_set,
    places,
    readable,
    text,
    union,
    without,
)

SETS = st.recursive(
    st.just({}),
    lambda below: st.dictionaries(
        st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"', "."]), below, min_size=1
    ).map(lambda node: {step: {} if step == "." else inner for step, inner in node.items()}),
    max_leaves=8,
)
TOPS = SETS.map(lambda node: {step: below for step, below in node.items() if step != "."})


def members(fields: FieldSet) -> set[tuple[str, ...]]:
    return set(places(fields))


@given(TOPS, TOPS)
def test_the_algebra_is_that_of_the_members(one: FieldSet, other: FieldSet) -> None:
    assert members(union(one, other)) == members(one) | members(other)
    assert members(intersection(one, other)) == members(one) & members(other)
    assert members(difference(one, other)) == members(one) - members(other)
    below = {place for place in members(one) if any(place[: len(top)] == top for top in members(other))}
    assert members(without(one, other)) == members(one) - below


@given(TOPS)
def test_nothing_is_left_of_a_set_without_itself(fields: FieldSet) -> None:
    assert (difference(fields, fields), union(fields, fields)) == ({}, fields)


def test_who_loses_a_place_keeps_what_is_below() -> None:
    assert difference({"f:a": {".": {}, "f:b": {}}}, {"f:a": {}}) == {"f:a": {"f:b": {}}}


def test_places_are_named_as_in_messages() -> None:
    fields = {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:name": {}}}, "f:finalizers": {'v:"x"': {}}}
    assert [text(place) for place in places(fields)] == [
        '.finalizers[="x"]',
        '.ports[containerPort=80,protocol="TCP"].name',
    ]


def test_a_place_belongs_to_a_set_or_does_not() -> None:
    fields = path_set("spec", "replicas")
    assert (has(fields, "f:spec", "f:replicas"), has(fields, "f:spec"), has(fields, "f:x")) == (True, False, False)


@pytest.mark.parametrize("value", [[], {"x:a": {}}, {"k:[]": {}}, {"v:{": {}}, {"f:a": 1}])
def test_what_is_no_set_is_not_read(value: object) -> None:
    assert not readable(value)
