from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.slicepacking import Packing, pack, pod_name
from k8snb.typing import Object

LIMIT = 5


def endpoint(pod: str, ready: bool = True) -> Object:
    return {"targetRef": {"name": pod}, "conditions": {"ready": ready}}


def slices_of(**contents: str) -> tuple[dict[str, list[Object]], dict[str, str]]:
    """Slices whose endpoints are named by single letters, and where each is."""
    slices = {name: [endpoint(pod) for pod in pods] for name, pods in contents.items()}
    return slices, {pod: name for name, pods in contents.items() for pod in pods}


def letters(endpoints: list[Object]) -> str:
    return "".join(map(pod_name, endpoints))


def test_a_changed_endpoint_is_replaced_where_it_is() -> None:
    slices, where = slices_of(one="abc", two="de")
    packing = pack(slices, where, {"b": endpoint("b", ready=False)}, LIMIT)
    assert packing.update == {"one": [endpoint("a"), endpoint("b", ready=False), endpoint("c")]}
    assert (packing.create, packing.delete) == ([], [])


def test_what_is_as_it_should_be_is_not_written() -> None:
    slices, where = slices_of(one="abc")
    assert pack(slices, where, {"b": endpoint("b"), "z": None}, LIMIT) == Packing()


def test_a_slice_that_is_written_anyway_takes_new_endpoints_before_others_do() -> None:
    slices, where = slices_of(one="abcd", two="ef")
    packing = pack(slices, where, {"e": None, "x": endpoint("x"), "y": endpoint("y")}, LIMIT)
    assert {name: letters(held) for name, held in packing.update.items()} == {"two": "fxy"}


def test_the_fullest_slice_that_can_take_all_that_is_left_takes_it() -> None:
    slices, where = slices_of(one="a", two="bcd", three="efgh")
    packing = pack(slices, where, {"x": endpoint("x"), "y": endpoint("y")}, LIMIT)
    assert {name: letters(held) for name, held in packing.update.items()} == {"two": "bcdxy"}


def test_what_fits_nowhere_gets_new_slices() -> None:
    slices, where = slices_of(one="abcd")
    new = {pod: endpoint(pod) for pod in "mnopqrs"}
    packing = pack(slices, where, new, LIMIT)
    assert [letters(held) for held in packing.create] == ["mnopq", "rs"]
    assert packing.update == {}


def test_an_emptied_slice_is_deleted() -> None:
    slices, where = slices_of(one="ab", two="c")
    assert pack(slices, where, {"c": None}, LIMIT).delete == ["two"]


def applied(slices: dict[str, list[Object]], packing: Packing, round: int) -> dict[str, list[Object]]:
    after = {name: held for name, held in slices.items() if name not in packing.delete}
    after.update(packing.update)
    after.update((f"new-{round}-{number}", held) for number, held in enumerate(packing.create))
    return after


changes = st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.none() | st.booleans(), max_size=16)


@given(st.lists(changes, max_size=6))
def test_after_any_changes_every_pod_has_its_endpoint_once_and_no_slice_is_too_full(rounds: list[Any]) -> None:
    slices: dict[str, list[Object]] = {}
    wanted: dict[str, Object] = {}
    for round, drawn in enumerate(rounds):
        change = {pod: None if ready is None else endpoint(pod, ready) for pod, ready in drawn.items()}
        where = {pod_name(each): name for name, held in slices.items() for each in held}
        packing = pack(slices, where, change, LIMIT)
        assert not set(packing.update) & set(packing.delete)
        slices = applied(slices, packing, round)
        wanted.update((pod, each) for pod, each in change.items() if each is not None)
        wanted = {pod: each for pod, each in wanted.items() if change.get(pod, each) is not None}
        held = [each for endpoints in slices.values() for each in endpoints]
        assert len(held) == len(wanted)
        assert {pod_name(each): each for each in held} == wanted
        assert all(0 < len(endpoints) <= LIMIT for endpoints in slices.values())
