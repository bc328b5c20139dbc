"""Changes are told field by field, as a reader of the manifest would."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.view.changes import LONGEST, changes, show

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "type", "x.y", "z"]), inner),
    max_leaves=12,
)


def told(before: Any, after: Any) -> list[str]:
    return [str(change) for change in changes(before, after)]


def test_a_new_image_is_one_change_named_by_its_container() -> None:
    old = {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.14.2"}, {"name": "log", "image": "busybox"}]}}
    new = {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.16.1"}, {"name": "log", "image": "busybox"}]}}
    assert told(old, new) == ["spec.containers[nginx].image: nginx:1.14.2 → nginx:1.16.1"]


def test_a_new_condition_shifts_nothing() -> None:
    ready = {"type": "Ready", "status": "True"}
    placed = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    assert told({"status": {"conditions": [ready]}}, {"status": {"conditions": [placed, ready]}}) == [
        "status.conditions[PodScheduled]: ∅ → False (Unschedulable)"
    ]


def test_a_containers_state_is_told_by_its_reason() -> None:
    waiting = {"name": "nginx", "state": {"waiting": {"reason": "ContainerCreating"}}}
    assert told({"status": {}}, {"status": {"containerStatuses": [waiting]}}) == [
        "status.containerStatuses[nginx]: ∅ → waiting (ContainerCreating)"
    ]


def test_a_condition_is_told_as_one_field() -> None:
    before = {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with …"}
    after = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:02Z"}
    assert told({"status": {"conditions": [before]}}, {"status": {"conditions": [after]}}) == [
        "status.conditions[Ready]: False (ContainersNotReady) → True"
    ]


def endpoint(address: str, **more: Any) -> dict[str, Any]:
    conditions = {name: more.pop(name, name != "terminating") for name in ("ready", "serving", "terminating")}
    return {"addresses": [address], "conditions": conditions, **more}


def test_an_endpoint_is_told_by_its_address_and_as_one_field() -> None:
    stays, gets_ill = endpoint("10.244.0.2"), endpoint("10.244.0.3")
    ill, new = endpoint("10.244.0.3", ready=False, serving=False), endpoint("10.244.0.4")
    assert told({"endpoints": [stays, gets_ill]}, {"endpoints": [stays, ill, new]}) == [
        "endpoints[10.244.0.3]: ready → not ready",
        "endpoints[10.244.0.4]: ∅ → ready",
    ]
    leaves = endpoint("10.244.0.2", ready=False, terminating=True)
    assert told({"endpoints": [stays]}, {"endpoints": [leaves]}) == [
        "endpoints[10.244.0.2]: ready → serving, terminating"
    ]
    assert told({"endpoints": [stays]}, {"endpoints": None}) == ["endpoints[10.244.0.2]: ready → ∅"]


def test_a_hint_is_told_with_its_endpoint() -> None:
    hinted = endpoint("10.244.0.2", hints={"forNodes": [{"name": "node-1"}]})
    assert told({"endpoints": [endpoint("10.244.0.2")]}, {"endpoints": [hinted]}) == [
        "endpoints[10.244.0.2]: ready → ready (for node-1)"
    ]


def test_a_port_with_an_empty_name_is_told_by_its_number_and_in_full() -> None:
    port = {"name": "", "port": 80, "protocol": "TCP"}
    assert told({"ports": None}, {"ports": [port]}) == ['ports[80]: ∅ → name: ""; port: 80; protocol: TCP']
    assert told({"ports": [port]}, {"ports": [{**port, "protocol": "UDP"}]}) == ["ports[80].protocol: TCP → UDP"]


def test_of_a_list_without_names_what_went_and_what_came_is_told_at_its_place() -> None:
    assert told({"finalizers": ["a", "b"]}, {"finalizers": ["b", "c"]}) == ["finalizers[1]: a → c"]
    reads = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
    writes = {"verbs": ["create", "delete"], "apiGroups": [""], "resources": ["pods", "pods/log"]}
    assert told({"rules": [reads]}, {"rules": [reads, writes]}) == ["rules[1]: ∅ → create, delete on pods, pods/log"]
    assert told({"args": ["a", "b"]}, {"args": ["b", "a"]}) == ["args: a, b → b, a"]


def test_values_are_told_in_words_instead_of_brackets() -> None:
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    assert told({"spec": {}}, {"spec": {"taints": [taint]}}) == [
        "spec.taints: ∅ → node.kubernetes.io/not-ready:NoSchedule"
    ]
    assert (show([]), show({"pods.": 2, "secrets": [1, 2]})) == ("∅", "pods: 2; secrets: 1, 2")


def test_bookkeeping_is_left_out() -> None:
    old = {"metadata": {"resourceVersion": "1", "generation": 1}, "status": {"observedGeneration": 1}}
    new = {"metadata": {"resourceVersion": "2", "generation": 2}, "status": {"observedGeneration": 2}}
    assert told(old, new) == []
    trigger = "endpoints.kubernetes.io/last-change-trigger-time"
    assert told(*({"metadata": {"annotations": {trigger: time}}} for time in "12")) == []
    stamped = [{"status": {"conditions": [{"type": "A", "lastTransitionTime": time}]}} for time in "12"]
    assert told(*stamped) == []


def test_a_name_with_dots_is_quoted() -> None:
    assert told({"metadata": {}}, {"metadata": {"annotations": {"a.io/b": "1"}}}) == [
        'metadata.annotations["a.io/b"]: ∅ → 1'
    ]


def secret(**values: str) -> dict[str, Any]:
    return {"kind": "Secret", "data": {name: b64encode(value.encode()).decode() for name, value in values.items()}}


def test_what_a_secret_holds_is_told_by_its_size() -> None:
    before, after = secret(token="abcdef", user="ann", old="x"), secret(token="ghijklmn", user="bob", new="yz")
    assert told(before, after) == [
        "data.token: 6 bytes → 8 bytes",
        "data.user: 3 bytes → 3 other bytes",
        "data.old: 1 bytes → ∅",
        "data.new: ∅ → 2 bytes",
    ]


def test_what_a_patch_of_a_secret_carries_and_what_was_applied_is_told_by_its_size() -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"stringData": {"word": "open sesame"}}'}
    patch = {"metadata": {"annotations": applied}, "stringData": {"word": "open sesame"}, "data": {"odd": "abc"}}
    assert [str(change) for change in changes({}, patch, "Secret")] == [
        'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]: ∅ → 39 bytes',
        "stringData.word: ∅ → 11 bytes",
        "data.odd: ∅ → 3 bytes",
    ]


def test_what_is_new_or_gone_as_a_whole_has_no_fields_to_tell() -> None:
    assert changes(None, {"spec": {}}) == changes({"spec": {}}, None) == []


@pytest.mark.parametrize(("value", "shown"), [(None, ""), (True, "true"), (3, "3"), ("x", "x"), ([1, 2], "1, 2")])
def test_values_are_shown_in_one_short_line(value: Any, shown: str) -> None:
    assert show(value) == shown
    assert len(show("x" * 1000)) == LONGEST


@given(VALUES, VALUES)
def test_only_what_differs_is_told_and_any_shape_is_understood(before: Any, after: Any) -> None:
    assert changes({"spec": before}, {"spec": before}) == []
    for change in changes({"spec": before}, {"spec": after}):
        assert change.path.startswith("spec")
