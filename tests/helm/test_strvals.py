"""What `--set` and its like make of a text: facts out of helm's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.helm.errors import HelmError
from k8snb.helm.values.strvals import parse_into, parse_json_into, parse_literal_into

FACTS: dict[str, Any] = {
    "name1=null,f=false,t=true": {"name1": None, "f": False, "t": True},
    "name1=value1,name2=value2,": {"name1": "value1", "name2": "value2"},
    "name1=,name2=value2": {"name1": "", "name2": "value2"},
    "leading_zeros=00009,zero_int=0,long_int=1234567890": {
        "leading_zeros": "00009", "zero_int": 0, "long_int": 1234567890,
    },
    "float=1.5,minus=-3": {"float": "1.5", "minus": -3},
    r"name1=one\,two,name2=three\=four": {"name1": "one,two", "name2": "three=four"},
    "name1=one two three": {"name1": "one two three"},
    "outer.inner1=value,outer.middle.inner=value": {"outer": {"inner1": "value", "middle": {"inner": "value"}}},
    "name1.name2=": {"name1": {"name2": ""}},
    "name1={value1,value2},name2={1021,902}": {"name1": ["value1", "value2"], "name2": [1021, 902]},
    "name1.name2={a,b}": {"name1": {"name2": ["a", "b"]}},
    "list[0].foo=bar,list[0].hello=world": {"list": [{"foo": "bar", "hello": "world"}]},
    "list[0]=foo,list[3]=bar": {"list": ["foo", None, None, "bar"]},
    "noval[0]": {"noval": []},
    "noval[0]=": {"noval": [""]},
    "nested[1][1]=1": {"nested": [None, [None, 1]]},
    "name1.name2[1].foo=bar,name1.name2[0].foo=bar": {"name1": {"name2": [{"foo": "bar"}, {"foo": "bar"}]}},
    r"nodeSelector.kubernetes\.io/role=master": {"nodeSelector": {"kubernetes.io/role": "master"}},
}  # fmt: skip


@pytest.mark.parametrize("text", FACTS)
def test_set_makes_the_values_that_helm_makes(text: str) -> None:
    values: dict[str, Any] = {}
    parse_into(text, values)
    assert values == FACTS[text]


WRONG = {
    "name1=value1,,,,name2=value2,": 'key "" has no value (cannot end with ,)',
    "name1,name2=": 'key "name1" has no value (cannot end with ,)',
    "name1.name2": 'key "name2" has no value',
    "name1.=name2": 'key map "name1" has no value',
    "name1={1021,902": "list must terminate with '}'",
    "list[0].foo=bar,list[-30].hello=world": "negative -30 index not allowed",
    "illegal[0]name.foo=bar": 'unexpected data at end of array index: "name"',
    "list[70000]=x": "index of 70000 is greater than maximum supported index of 65536",
    "list[x]=1": 'error parsing index: strconv.Atoi: parsing "x": invalid syntax',
    ".".join("a" * 40) + "=1": "value name nested level is greater than maximum supported nested level of 30",
    "a=1,a.b=2": "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
}


@pytest.mark.parametrize("text", WRONG)
def test_set_refuses_what_helm_refuses(text: str) -> None:
    with pytest.raises(HelmError) as error:
        parse_into(text, {})
    assert str(error.value) == WRONG[text]


def test_set_changes_what_is_there_and_keeps_the_rest() -> None:
    values: dict[str, Any] = {"outer": {"inner1": "overwrite", "inner2": "value2"}, "l": [[[{"exited": "old"}]]]}
    parse_into("outer.inner1=value1,outer.inner3=3", values)
    parse_into("l[0][1][0].type=x", values)
    parse_into("l[0][0][1].status=alive", values)
    assert values == {
        "outer": {"inner1": "value1", "inner2": "value2", "inner3": 3},
        "l": [[[{"exited": "old"}, {"status": "alive"}], [{"type": "x"}]]],
    }


def test_set_string_leaves_every_value_a_text() -> None:
    values: dict[str, Any] = {}
    parse_into("int=1234567890,yes=true,nothing=null,list={1,2}", values, str)
    assert values == {"int": "1234567890", "yes": "true", "nothing": "null", "list": ["1", "2"]}


def test_set_json_takes_any_json_and_nothing_as_null() -> None:
    values: dict[str, Any] = {"outer": {"inner1": {"x": 1}}}
    parse_json_into('outer.inner1=,outer.inner3={"aa":"1","cc":[1,2,3]},outer.inner3.cc[1]=null', values)
    assert values == {"outer": {"inner1": None, "inner3": {"aa": "1", "cc": [1.0, None, 3.0]}}}


def test_set_literal_takes_everything_behind_the_first_equals_sign() -> None:
    values: dict[str, Any] = {}
    parse_literal_into(r"a.b[0]=x,y={1}=\z", values)
    assert values == {"a": {"b": [r"x,y={1}=\z"]}}
