"""What apply would change, and changes by text."""

from __future__ import annotations

import pytest

from tests.kubectl.conftest import Typed

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {a: '1', b: '2'}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: one, b: two}\n"


def test_a_difference_is_shown_as_diff_shows_it_and_is_the_exit_status(kubectl: Typed) -> None:
    kubectl("apply -f -", CONFIG)
    assert (kubectl("diff -f -", CONFIG).text, kubectl("diff -f -", CONFIG).code) == ("", 0)
    changed = kubectl("diff -f -", CONFIG.replace("'2'", "'3'"))
    head, before, after, *lines = changed.stdout.splitlines()
    assert head.startswith("diff -u -N /tmp/LIVE-")
    assert (before[:4], after[:4], changed.code) == ("--- ", "+++ ", 1)
    assert lines == [
        "@@ -1,7 +1,7 @@",
        " apiVersion: v1",
        " data:",
        '   a: "1"',
        '-  b: "2"',
        '+  b: "3"',
        " kind: ConfigMap",
        " metadata:",
        "   annotations:",
    ]
    assert kubectl("get cm cfg -o jsonpath={.data.b}").stdout == "2"


def test_the_content_of_secrets_is_not_shown(kubectl: Typed) -> None:
    kubectl("apply -f -", SECRET)
    lines = kubectl("diff -f -", SECRET.replace("two", "zwei")).stdout.splitlines()
    assert [line for line in lines if "***" in line] == [
        "   a: '***'",
        "-  b: '*** (before)'",
        "+  b: '*** (after)'",
    ]


def test_a_diff_that_fails_is_not_taken_for_a_difference(kubectl: Typed) -> None:
    assert [kubectl("diff -f /nope").code, kubectl("diff").code, kubectl("diff -f - -n nowhere", CONFIG).code] == [
        2
    ] * 3


# -- edit ----------------------------------------------------------------------------------------------


def test_an_edit_is_a_list_of_substitutions(kubectl: Typed) -> None:
    kubectl("apply -f -", CONFIG)
    assert kubectl("edit cm cfg", 's/b: "2"/b: "3"/\ns|a: "1"|a: "0"|\n').text == "configmap/cfg edited\n"
    assert kubectl("get cm cfg -o jsonpath={.data}").stdout == '{"a":"0","b":"3"}'


def test_an_edit_is_the_whole_object(kubectl: Typed) -> None:
    kubectl("create cm cfg --from-literal=a=1")
    text = kubectl("get cm cfg -o yaml").stdout.replace('a: "1"', "c: new")
    output = kubectl("edit cm/cfg --output-patch", text)
    assert output.text == 'Patch: {"data":{"a":null,"c":"new"}}\nconfigmap/cfg edited\n'


def test_an_edit_that_says_nothing_shows_what_there_is_to_edit(kubectl: Typed) -> None:
    kubectl("create cm cfg --from-literal=a=1")
    output = kubectl("edit cm cfg")
    assert output.stdout.startswith("# Please edit the object below. Lines beginning with a '#' will be ignored,\n")
    assert output.stdout.endswith(kubectl("get cm cfg -o yaml").stdout)
    assert (output.stderr, output.code) == ("Edit cancelled, no changes made.\n", 0)


def test_what_the_server_refuses_stands_above_the_text(kubectl: Typed) -> None:
    kubectl("create deployment web --image=nginx:1.27")
    output = kubectl("edit deploy web", "s/replicas: 1/replicas: -1/")
    assert output.stderr == (
        'error: deployments.apps "web" is invalid\nerror: Edit cancelled, no valid changes were saved.\n'
    )
    lines = output.stdout.splitlines()
    assert lines[4:6] == [
        '# deployments.apps "web" was not valid:',
        "# * spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ]
    assert "  replicas: -1" in lines


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("s/nope/x/", "error: there is nothing to replace: nope\n"),
        ('s/a: "1"/a: "2"/\nreplace b', "error: this is no substitution of the form s/old/new/: replace b\n"),
        ("s/name: cfg/name: other/", "error: At least one of apiVersion, kind and name was changed\n"),
        ("# nothing\n", "Edit cancelled, saved file was empty.\n"),
    ],
)
def test_an_edit_that_cannot_be_is_said_so(kubectl: Typed, cell: str, complaint: str) -> None:
    kubectl("create cm cfg --from-literal=a=1")
    assert kubectl("edit cm cfg", cell).stderr == complaint
