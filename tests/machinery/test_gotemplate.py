"""Templates print what Go's print.

`gotemplates.json` holds templates with what Go's text/template made of DATA: the output, and the error if any.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8snb.machinery.gotemplate import ExecutionError, FunctionError, TemplateError, Templates, from_json, sprintf

GOLDEN = json.loads(Path(__file__).with_name("gotemplates.json").read_text())
SPEC = {
    "n": 3,
    "big": 1500000000000000000000000,
    "m": 2000000,
    "f": 1.5,
    "e": 1e-7,
    "neg": -4,
    "nil": None,
    "empty": "",
    "list": [],
    "t": True,
    "s": "hello <b>",
    "containers": [{"name": "a", "ports": [{"p": 1}, {"p": 2}]}, {"name": "b", "n": 3}],
}
META = {"name": "x", "labels": {"a.b/c": "d", "zz": "1"}}
DATA = from_json({"apiVersion": "v1", "kind": "Pod", "metadata": META, "spec": SPEC})


def _base64decode(text: str) -> str:
    if text == "1":
        raise FunctionError("base64 decode failed: illegal base64 data at input byte 0")
    return "hi"


@pytest.mark.parametrize(("template", "output", "error"), GOLDEN)
def test_a_template_prints_what_gos_prints(template: str, output: str, error: str) -> None:
    templates = Templates({"base64decode": _base64decode})
    try:
        templates.add("output", template)
        made = (templates.render("output", DATA), "")
    except TemplateError as failed:
        made = (getattr(failed, "written", ""), str(failed))
    assert made == (output, error)


def test_templates_of_a_set_call_each_other_and_its_functions() -> None:
    templates = Templates({"include": lambda name, data: templates.render(name, data).upper()})
    templates.add("helpers", '{{define "name"}}{{.first}}-{{.last}}{{end}}')
    templates.add("page", '{{include "name" . | printf "[%s]"}}{{template "name" .}}')
    assert templates.render("page", {"first": "a", "last": "b"}) == "[A-B]a-b"


def test_a_clone_grows_by_itself() -> None:
    templates = Templates()
    templates.add("a", "1")
    twin = templates.clone()
    twin.add("a", "2")
    twin.add("b", "3")
    assert (templates.render("a", None), twin.render("a", None), "b" in templates) == ("1", "2", False)


def test_a_missing_key_is_nothing_or_an_error_as_the_set_says() -> None:
    lenient, strict = Templates(), Templates(missing="error")
    for templates in (lenient, strict):
        templates.add("t", "{{.a}}")
    assert lenient.render("t", {}) == "<no value>"
    with pytest.raises(ExecutionError) as refused:
        strict.render("t", {})
    assert str(refused.value) == 'template: t:1:2: executing "t" at <.a>: map has no entry for key "a"'


def test_below_a_missing_key_that_is_nil_there_is_nothing_to_look_at() -> None:
    templates = Templates(missing="zero")
    templates.add("t", "a:\n  {{ .a.b }}")
    with pytest.raises(ExecutionError) as refused:
        templates.render("t", {})
    assert str(refused.value) == 'template: t:2:7: executing "t" at <.a.b>: nil pointer evaluating interface {}.b'


def test_endless_templates_are_stopped() -> None:
    templates = Templates()
    templates.add("t", '{{template "t" .}}')
    with pytest.raises(ExecutionError, match="exceeded maximum template depth"):
        templates.render("t", {})


@pytest.mark.parametrize(
    ("format", "values", "text"),
    [
        ("%v %v %v", [1e21, 123456789.0, 100000.0], "1e+21 1.23456789e+08 100000"),
        ("%6.2f|%-6d|%+d|%06d", [3.14159, 42, 42, -42], "  3.14|42    |+42|-00042"),
        ("%s %v", [["a", 1], None], "[a %!s(int=1)] <nil>"),
        ("%*d", [5, 42], "   42"),
    ],
)
def test_printf_formats_as_go_does(format: str, values: list[object], text: str) -> None:
    assert sprintf(format, values) == text
