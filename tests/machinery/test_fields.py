"""Field selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery import fields
from k8snb.machinery.fields import Term
from k8snb.machinery.selectors import SelectorError


def test_terms_are_conditions_that_must_all_hold() -> None:
    selector = fields.parse("spec.nodeName=node-1,status.phase!=Running")
    pod = {"spec.nodeName": "node-1", "status.phase": "Pending"}
    assert selector.matches(pod.__getitem__)
    assert not selector.matches({**pod, "status.phase": "Running"}.__getitem__)
    assert selector.exact("spec.nodeName") == "node-1"
    assert selector.exact("status.phase") is None


def test_an_empty_text_selects_everything() -> None:
    assert fields.parse("").empty
    assert fields.parse(",,").empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("a=\\b", "invalid field selector: invalid escape sequence: \\b"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_a_bad_field_selector_is_refused_in_the_servers_words(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        fields.parse(text)
    assert str(caught.value) == message


@given(st.lists(st.builds(Term, st.sampled_from(["a", "b.c"]), st.text(max_size=6), st.booleans()), max_size=3))
def test_what_a_field_selector_prints_is_the_same_selector(terms: list[Term]) -> None:
    assert sorted(fields.parse(",".join(map(str, terms))).terms) == sorted(terms)
