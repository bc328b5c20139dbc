"""Pools hand out every number once, the same ones for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8snb.apiserver.registry.ipalloc import Draft, Pool
from k8snb.machinery.names import Lottery


def pool(seed: int = 1) -> Pool:
    return Pool(10, 15, 29, Lottery(seed))


def take(numbers: Pool) -> int:
    number = Draft(numbers).next()
    assert number is not None
    numbers.claim(number)
    return number


def test_the_upper_band_is_used_first_and_then_the_lower() -> None:
    numbers = pool()
    drawn = [take(numbers) for _ in range(20)]
    assert (sorted(drawn[:15]), sorted(drawn[15:])) == (list(range(15, 30)), list(range(10, 15)))
    assert Draft(numbers).next() is None


def test_a_draft_takes_nothing() -> None:
    numbers = pool()
    draft = Draft(numbers)
    drawn = [draft.next() for _ in range(3)]
    assert len(set(drawn)) == 3
    assert take(numbers) == drawn[0]


def test_a_released_number_can_be_asked_for_again() -> None:
    numbers = pool()
    numbers.claim(12)
    assert not Draft(numbers).reserve(12)
    assert Draft(numbers, frozenset({12})).reserve(12)
    numbers.release(12)
    draft = Draft(numbers)
    assert (draft.reserve(12), draft.reserve(12)) == (True, False)


def test_a_number_outside_the_range_is_not_claimed() -> None:
    numbers = pool()
    numbers.claim(99)
    assert (99 in numbers, numbers.is_taken(99)) == (False, False)


@given(st.lists(st.tuples(st.booleans(), st.integers(10, 29)), max_size=60), st.integers(0, 9))
def test_no_number_is_ever_handed_out_twice(steps: list[tuple[bool, int]], seed: int) -> None:
    numbers, held = pool(seed), set[int]()
    for draws, number in steps:
        if draws and len(held) < 20:
            drawn = take(numbers)
            assert drawn not in held
            held.add(drawn)
        else:
            numbers.release(number)
            held.discard(number)
