"""Label selectors: what they select, how they print, what is said about bad ones."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery import selectors
from k8snb.machinery.selectors import LabelSelector, Requirement, SelectorError

PROD = {"env": "prod", "tier": "db"}
DEV = {"env": "dev"}
NONE: dict[str, str] = {}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", [True, True, True]),
        ("env=prod", [True, False, False]),
        ("env==prod,tier=db", [True, False, False]),
        ("env!=prod", [False, True, True]),
        ("env in (prod,dev),tier", [True, False, False]),
        ("env in (prod , dev)", [True, True, False]),
        ("env notin (prod)", [False, True, True]),
        ("!env", [False, False, True]),
        ("env", [True, True, False]),
        ("env=", [False, False, False]),
        ("env in (,dev)", [False, True, False]),
        ("env=prod,env=dev", [False, False, False]),
    ],
)
def test_a_selector_selects(text: str, selected: list[bool]) -> None:
    matches = selectors.parse(text).matches
    assert [matches(labels) for labels in (PROD, DEV, NONE)] == selected


def test_greater_and_less_compare_integers_and_nothing_else() -> None:
    selector = selectors.parse("size>5,size<10")
    values = ["4", "5", "6", "9", "10", "x", ""]
    assert [value for value in values if selector.matches({"size": value})] == ["6", "9"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("env in (prod", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("env=a=b", "found '=', expected: ',' or 'end of string'"),
        ("env in prod", "unable to parse requirement: found 'prod' expected: '('"),
        ("env ~ prod", "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt"),
        ("env,", "found '', expected: identifier after ','"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a in (b,,)", "unable to parse requirement: found ')', expected: ',', or identifier"),
        (
            "a>b",
            'unable to parse requirement: values[0]: Invalid value: "b": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        (
            "-a=b",
            'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName', or "
            "'my.name', or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
        (
            "a=b:c",
            'unable to parse requirement: values[0][a]: Invalid value: "b:c": a valid label must be an empty string '
            "or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyValue', or 'my_value', or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
    ],
)
def test_a_bad_selector_is_refused_in_the_servers_words(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        selectors.parse(text)
    assert str(caught.value) == message


def test_requirements_print_in_the_order_of_their_keys() -> None:
    assert str(selectors.parse("z,b in (y,x),!a,c==d,e!=f,g>1")) == "!a,b in (x,y),c==d,e!=f,g>1,z"


def test_an_object_becomes_a_selector_and_a_text() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["db", "cache"]},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"env": "prod"}, "matchExpressions": expressions}
    assert selectors.text_of(selector) == "env=prod,!old,tier in (cache,db)"
    assert selectors.of_object(selector).matches(PROD)
    assert selectors.of_object(selector) is selectors.of_object(selector)


def test_no_object_selects_nothing_and_an_empty_one_everything() -> None:
    assert not selectors.of_object(None).matches(NONE)
    assert selectors.of_object({}).matches(NONE)
    assert selectors.text_of({}) == "<none>"
    assert selectors.text_of({"matchExpressions": [{"key": "a", "operator": "Like"}]}) == "<error>"


def test_a_set_selects_what_has_all_of_it() -> None:
    assert selectors.of_set(PROD).matches({**PROD, "more": "x"})
    assert not selectors.of_set(PROD).matches(DEV)
    assert str(selectors.of_set({"b": "1", "a": "2"})) == "a=2,b=1"


def test_a_selector_tells_the_one_value_it_demands() -> None:
    selector = selectors.parse("a=1,b in (2),c in (3,4)")
    assert [selector.exact(key) for key in "abcd"] == ["1", "2", None, None]


NAMES = st.from_regex("[A-Za-z0-9]([-A-Za-z0-9_.]{0,8}[A-Za-z0-9])?", fullmatch=True)
VALUES = st.one_of(st.just(""), NAMES)
KEYS = st.one_of(NAMES, st.tuples(st.just("example.com/"), NAMES).map("".join))


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    key, operator = draw(KEYS), draw(st.sampled_from(["=", "==", "!=", "in", "notin", "exists", "!", "gt", "lt"]))
    if operator in ("gt", "lt"):
        return Requirement(key, operator, (str(draw(st.integers(0, 99))),))
    if operator in ("in", "notin"):
        return Requirement(key, operator, tuple(sorted(draw(st.sets(VALUES, min_size=1, max_size=3)))))
    return Requirement(key, operator, () if operator in ("exists", "!") else (draw(VALUES),))


@given(st.lists(requirements(), max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_a_selector_prints_is_the_same_selector(wanted: list[Requirement], labels: dict[str, str]) -> None:
    selector = LabelSelector(wanted)
    again = selectors.parse(str(selector))
    assert again.requirements == selector.requirements
    assert again.matches(labels) == all(LabelSelector([one]).matches(labels) for one in wanted)


@given(st.text(alphabet="ab=!<>(), in\0\té", max_size=12))
def test_any_text_is_a_selector_or_a_selector_error(text: str) -> None:
    with contextlib.suppress(SelectorError):
        selectors.parse(text)
