"""Names, labels and metadata: what the API server says about bad ones."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.machinery import formats, validation

GOOD = {"name": "web", "namespace": "default"}


def found(meta: dict[str, Any], rule: str = "dns-subdomain", *, namespaced: bool = True) -> list[str]:
    return [str(e) for e in validation.validate_metadata(meta, name_rule=rule, namespaced=namespaced)]


def changed(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    return [str(e) for e in validation.validate_metadata_update({"resourceVersion": "1", **new}, old)]


SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def test_a_name_must_fit_the_rule_of_its_kind() -> None:
    assert found({**GOOD, "name": "Bad_Name"}) == [f'metadata.name: Invalid value: "Bad_Name": {SUBDOMAIN}']
    assert found({**GOOD, "name": "a.b"}, "dns-label") == ['metadata.name: Invalid value: "a.b": must not contain dots']
    assert found({**GOOD, "name": "a:b"}, "path-segment") == []
    assert found({**GOOD, "name": ".."}, "path-segment") == ["metadata.name: Invalid value: \"..\": may not be '..'"]
    assert found({**GOOD, "name": "a/b%"}, "path-segment") == [
        "metadata.name: Invalid value: \"a/b%\": may not contain '/'",
        "metadata.name: Invalid value: \"a/b%\": may not contain '%'",
    ]


def test_a_name_is_required_and_a_namespace_where_there_are_any() -> None:
    assert found({}) == [
        "metadata.name: Required value: name or generateName is required",
        "metadata.namespace: Required value",
    ]
    assert found(GOOD, namespaced=False) == ["metadata.namespace: Forbidden: not allowed on this type"]
    assert found({"name": "web"}, namespaced=False) == []


def test_a_generated_names_prefix_may_end_with_a_dash() -> None:
    assert found({**GOOD, "generateName": "web-"}) == []
    assert found({**GOOD, "generateName": "Web-"}) == [f'metadata.generateName: Invalid value: "Web-": {SUBDOMAIN}']


def test_labels_and_annotations_are_checked() -> None:
    assert found({**GOOD, "labels": {"bad key": "x", "ok": "v"}}) == [
        "metadata.labels: Invalid value: \"bad key\": name part must consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyName', or 'my.name', or '123-abc', regex "
        "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    ]
    assert found({**GOOD, "annotations": {"Example.COM/Key": "any text at all"}}) == []
    assert found({**GOOD, "annotations": {"a": "x" * 256 * 1024}}) == [
        "metadata.annotations: Too long: may not be more than 262144 bytes"
    ]


@pytest.mark.parametrize(
    ("key", "messages"),
    [
        ("a" * 64, ["name part must be no more than 63 bytes"]),
        ("/a", ["prefix part must be non-empty"]),
        ("example.com/name", []),
    ],
)
def test_a_label_key_has_a_prefix_and_a_name(key: str, messages: list[str]) -> None:
    assert list(formats.qualified_name(key)) == messages


def test_an_owner_is_complete_and_only_one_controls() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "1", "controller": True}
    assert found({**GOOD, "ownerReferences": [owner]}) == []
    both = found({**GOOD, "ownerReferences": [owner, {**owner, "name": "b"}]})
    assert [text.rpartition(": ")[2] for text in both] == [
        "Only one reference can have Controller set to true. "
        'Found "true" in references for ReplicaSet/a and ReplicaSet/b'
    ]
    assert found({**GOOD, "ownerReferences": [{"apiVersion": "", "kind": "A", "name": "", "uid": "1"}]}) == [
        'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": must not be empty',
    ]


def test_finalizers_are_names_and_do_not_contradict_each_other() -> None:
    assert found({**GOOD, "finalizers": ["example.com/a"]}) == []
    assert found({**GOOD, "finalizers": ["orphan", "foregroundDeletion"]}) == [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
        "finalizer orphan and foregroundDeletion cannot be both set"
    ]


def test_what_names_an_object_never_changes() -> None:
    assert changed({**GOOD, "uid": "1"}, {**GOOD, "uid": "1"}) == []
    assert changed({**GOOD, "uid": "2"}, {**GOOD, "uid": "1"}) == [
        'metadata.uid: Invalid value: "2": field is immutable'
    ]
    assert changed(GOOD, {**GOOD, "creationTimestamp": "2026-01-01T00:00:00Z"}) == [
        "metadata.creationTimestamp: Invalid value: null: field is immutable"
    ]
    assert changed({**GOOD, "resourceVersion": ""}, GOOD) == [
        'metadata.resourceVersion: Invalid value: "": must be specified for an update'
    ]


def test_a_dying_object_gets_no_new_finalizers() -> None:
    dying = {**GOOD, "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x.io/a"]}
    assert changed({**dying, "finalizers": []}, dying) == []
    assert changed({**dying, "finalizers": ["x.io/a", "x.io/b"]}, dying) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"x.io/b"}'
    ]


def test_a_label_selector_in_a_spec_is_checked() -> None:
    selector = {"matchExpressions": [{"key": "a", "operator": "In"}, {"key": "b", "operator": "Like"}]}
    assert [str(e) for e in validation.validate_label_selector(selector, "spec.selector")] == [
        "spec.selector.matchExpressions[0].values: Required value: "
        "must be specified when `operator` is 'In' or 'NotIn'",
        'spec.selector.matchExpressions[1].operator: Invalid value: "Like": not a valid selector operator',
    ]


def test_other_texts_have_rules_of_their_own() -> None:
    assert formats.config_map_key("a.b_c-D") == ()
    assert formats.config_map_key("..") == ("must not be '..'",)
    assert formats.port_name("http") == ()
    assert formats.port_name("-A--") == (
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        "must contain at least one letter (a-z)",
        "must not contain consecutive hyphens",
        "must not begin or end with a hyphen",
    )
    assert formats.env_name("a b") == ()
    assert formats.port_number(0) == ("must be between 1 and 65535, inclusive",)
