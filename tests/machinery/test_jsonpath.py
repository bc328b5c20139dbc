"""JSONPath templates."""

from __future__ import annotations

import pytest

from k8snb.machinery.jsonpath import JSONPath, JSONPathError, relaxed

POD = {
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "shop"}, "note": None},
    "spec": {"containers": [{"name": "a", "ports": [{"n": 1}, {"n": 2}]}, {"name": "b", "cpu": 3, "on": True}]},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{.kind} {.metadata.name}", "Pod web"),
        ("{.metadata.labels.app\\.kubernetes\\.io/name}", "shop"),
        ("{.metadata.labels}", '{"app.kubernetes.io/name":"shop"}'),
        ("{.metadata.note}", "null"),
        ("{.nope.x}", ""),
        ("{.spec.containers[*].name}", "a b"),
        ("{.spec.containers[0].ports[1].n}", "2"),
        ("{.spec.containers[-1:].name}", "b"),
        ("{.spec.containers[1,0].name}", "b a"),
        ("{.spec.containers[::2].name}", "a"),
        ('{.spec.containers[?(@.name=="b")].cpu}', "3"),
        ("{.spec.containers[?(@.cpu>=3)].name}", "b"),
        ("{.spec.containers[?(@.ports)].name}", "a"),
        ("{..n}", "1 2"),
        ('{range .spec.containers[*]}{.name}{"\\n"}{end}!', "a\nb\n!"),
        ("{range .spec.containers[*]}{.name}[{range .ports[*]}{.n}{end}]{end}", "a[12]b[]"),
        ("{range .nope[*]}x{end}y", "y"),
        ("{.spec.containers[1].on}", "true"),
        ("{$.kind}{@.kind}{'!'}", "PodPod!"),
    ],
)
def test_a_template_becomes_text(template: str, text: str) -> None:
    assert JSONPath(template).render(POD) == text


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{.x", "unclosed action"),
        ("{.spec.containers[", "unterminated array"),
        ("{.spec.containers[x]}", "invalid array index x"),
        ("{.spec.containers[5]}", "array index out of bounds: index 5, length 2"),
        ("{.kind[0]}", "string is not array or slice"),
        ("{end}", "not in range, nothing to end"),
        ("{nope}", "unrecognized identifier nope"),
    ],
)
def test_what_cannot_be_is_said(template: str, complaint: str) -> None:
    with pytest.raises(JSONPathError, match="^" + complaint.replace("[", "\\[")):
        JSONPath(template).render(POD)


def test_missing_fields_can_be_forbidden() -> None:
    with pytest.raises(JSONPathError, match="nope is not found"):
        JSONPath("{.nope}", missing_allowed=False).render(POD)


@pytest.mark.parametrize("path", ["metadata.name", ".metadata.name", "{.metadata.name}", "{metadata.name}"])
def test_a_path_may_be_written_in_four_ways(path: str) -> None:
    assert relaxed(path) == "{.metadata.name}"
