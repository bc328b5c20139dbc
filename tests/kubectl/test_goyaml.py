"""YAML as kubectl prints it. `test_same_as_real` compares with the real one; these are the rules one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.machinery.schema.text import parse_yaml


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("yes", '"yes"'),
        ("n", '"n"'),
        ("null", '"null"'),
        ("1", '"1"'),
        ("010", '"010"'),
        ("1e3", '"1e3"'),
        ("1:20", '"1:20"'),
        ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"'),
        ("a: b", "'a: b'"),
        ("#x", "'#x'"),
        ("it's", "it's"),
        ("'it", "'''it'"),
        (" lead", "' lead'"),
        ("tab\there", '"tab\\there"'),
        ("=", "="),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_a_value_is_quoted_only_where_it_would_be_misread(value: Any, written: str) -> None:
    assert yaml_text({"a": value}) == f"a: {written}\n"


def test_a_list_stands_at_the_indentation_of_its_key() -> None:
    assert yaml_text({"a": [{"b": 1, "c": [2]}, "d"]}) == "a:\n- b: 1\n  c:\n  - 2\n- d\n"


def test_lists_within_lists_begin_on_one_line() -> None:
    assert yaml_text([["a", "b"], [{"c": 1}]]) == "- - a\n  - b\n- - c: 1\n"


def test_keys_are_sorted_as_people_count() -> None:
    assert list(parse_yaml(yaml_text({"v10": 1, "v9": 2, "a": 3, "B": 4, "_": 5}))[0]) == ["_", "B", "a", "v9", "v10"]


def test_text_with_line_breaks_is_literal() -> None:
    assert yaml_text({"a": "x\ny\n"}) == "a: |\n  x\n  y\n"
    assert yaml_text({"a": "x\ny"}) == "a: |-\n  x\n  y\n"
    assert yaml_text({"a": "x\n\n"}) == "a: |+\n  x\n\n"
    assert yaml_text({"a": " x\ny"}) == "a: |2-\n   x\n  y\n"


def test_long_lines_are_folded_behind_column_80() -> None:
    text = "word " * 20 + "end"
    first, second = yaml_text({"message": text}).splitlines()
    assert len(first) > 80
    assert second == "  word word word word word end"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(alphabet=st.characters(codec="ascii")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="abXY019-._/ ", max_size=8), inner),
        max_leaves=20,
    )
)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse_yaml(yaml_text(value))[0] == value
