"""Quantities: what upstream's parser and printer do, and that both agree with each other."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery import quantity
from k8snb.machinery.quantity import QuantityError

BAD_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

CANONICAL = {
    "0": "0",
    "0Ki": "0",
    "-0": "0",
    "1000m": "1",
    "100m": "100m",
    "0.5": "500m",
    "1.5": "1500m",
    "1500m": "1500m",
    "100000": "100k",
    "1k": "1k",
    "1000k": "1M",
    "1024Mi": "1Gi",
    "1023Mi": "1023Mi",
    "1.5Gi": "1536Mi",
    "100.5Ki": "102912",
    ".001Ki": "1024m",
    ".000001Ki": "1024u",
    ".000000000001Ki": "2n",
    "0.0000000001": "1n",
    "-0.0000000001": "-1n",
    "1e3": "1e3",
    "1000e0": "1e3",
    "1e1": "10",
    "12E": "12E",
    "9Ei": str(2**63 - 1),
    " 1 ": "1",
}


@pytest.mark.parametrize(("text", "stored"), CANONICAL.items())
def test_a_quantity_is_stored_in_its_canonical_form(text: str, stored: str) -> None:
    assert quantity.canonical(text) == stored


@pytest.mark.parametrize(("number", "stored"), [(1, "1"), (0.5, "500m"), (1000, "1k"), (2.0, "2")])
def test_a_json_number_is_a_quantity(number: float, stored: str) -> None:
    assert quantity.canonical(number) == stored


@pytest.mark.parametrize("text", ["", "lots", "1.2.3", "1 Gi", "1G1i", True, None, {}, []])
def test_what_is_no_quantity_is_refused_in_the_servers_words(text: object) -> None:
    with pytest.raises(QuantityError) as caught:
        quantity.canonical(text)
    assert str(caught.value) == BAD_FORMAT


@pytest.mark.parametrize("text", ["1mm", "1ki", "1K", "1e", "1-2", "--1", "1e99999999999999999999"])
def test_an_unknown_suffix_has_words_of_its_own(text: str) -> None:
    with pytest.raises(QuantityError, match=r"^unable to parse quantity's suffix$"):
        quantity.canonical(text)


def test_amounts_are_rounded_away_from_zero() -> None:
    assert quantity.milli("0.1m") == 1
    assert quantity.milli("-0.1m") == -1
    assert quantity.value("1500m") == 2
    assert quantity.value("1Gi") == 2**30


def test_a_sum_keeps_the_notation_of_the_first_term_that_is_not_zero() -> None:
    assert quantity.add("1Gi", "1024") == "1048577Ki"
    assert quantity.add("0", "64Mi") == "64Mi"
    assert quantity.sub("1", "250m") == "750m"
    assert quantity.total(["128Mi", "128Mi"]) == "256Mi"
    assert quantity.total([]) == "0"


def test_quantities_compare_by_amount() -> None:
    assert [quantity.compare(a, b) for a, b in (("1", "1000m"), ("1Gi", "1G"), ("1m", "2m"))] == [0, 1, -1]


AMOUNTS = st.builds(
    lambda sign, whole, fraction, suffix: f"{sign}{whole}{fraction}{suffix}",
    st.sampled_from(["", "-"]),
    st.integers(0, 10**20),
    st.one_of(st.just(""), st.integers(0, 10**12).map(lambda n: f".{n}")),
    st.sampled_from([*"numkMGTP", "", "Ki", "Mi", "Gi", "Ti", "Pi", "e3", "E-2", "e1"]),
)


@given(AMOUNTS)
def test_the_canonical_form_means_the_same_and_is_stable(text: str) -> None:
    stored = quantity.canonical(text)
    if quantity.parse(text).nano < 10**31:
        assert quantity.parse(stored).nano == quantity.parse(text).nano
        assert quantity.canonical(stored) == stored


@given(st.text())
def test_any_text_is_a_quantity_or_a_quantity_error(text: str) -> None:
    with contextlib.suppress(QuantityError):
        quantity.canonical(text)
