"""Dictionaries with the same fields."""

from __future__ import annotations

import sys

from k8snb.machinery.forms import form

FIELDS = {f"field{number}": number for number in range(12)}


def test_a_form_is_an_ordinary_dictionary() -> None:
    made = form(FIELDS)
    assert type(made) is dict
    assert list(made.items()) == list(FIELDS.items())


def test_a_copy_is_filled_in_without_changing_the_form() -> None:
    made = form(FIELDS)
    copy = made.copy()
    copy["field3"] = "other"
    copy["more"] = True
    assert made == FIELDS
    assert copy == {**FIELDS, "field3": "other", "more": True}


def test_forms_with_the_same_fields_keep_their_own_values() -> None:
    first, second = form({"a": 1, "b": 2}), form({"a": 3, "b": 4})
    assert (first, second) == ({"a": 1, "b": 2}, {"a": 3, "b": 4})


def test_forms_keep_the_order_of_their_fields() -> None:
    assert list(form({"a": 1, "b": 2})) == ["a", "b"]
    assert list(form({"b": 2, "a": 1})) == ["b", "a"]


def test_a_copy_takes_half_the_memory_of_a_literal() -> None:
    assert sys.getsizeof(form(FIELDS).copy()) < sys.getsizeof({**FIELDS}) / 2
