"""The patches: what they do to a document, and that nothing they are given changes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.errors import StatusError
from k8snb.machinery import schema
from k8snb.machinery.patch import (
    json_patch,
    merge_diff,
    merge_patch,
    strategic_merge_patch,
    three_way_json_merge_patch,
    three_way_merge_patch,
    two_way_merge_patch,
)

Document = dict[str, Any]


def op(name: str, path: str, **more: Any) -> Document:
    return {"op": name, "path": path, **more}


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        (op("add", "/b", value=1), {"a": [1, 2], "b": 1}),
        (op("add", "/a/0", value=0), {"a": [0, 1, 2]}),
        (op("add", "/a/-", value=3), {"a": [1, 2, 3]}),
        (op("add", "/a/2", value=3), {"a": [1, 2, 3]}),
        (op("remove", "/a/-1"), {"a": [1]}),
        (op("replace", "/a", value={"x/y": {"~": 1}}), {"a": {"x/y": {"~": 1}}}),
        (op("move", "/b", **{"from": "/a"}), {"b": [1, 2]}),
        (op("copy", "/a/0", **{"from": "/a/1"}), {"a": [2, 1, 2]}),
        (op("test", "/a/0", value=1), {"a": [1, 2]}),
        (op("test", "/none", value=None), {"a": [1, 2]}),
    ],
)
def test_a_json_patch_operation(operation: Document, result: Document) -> None:
    document: Document = {"a": [1, 2]}
    assert json_patch(document, [operation]) == result
    assert document == {"a": [1, 2]}


def test_pointers_escape_slash_and_tilde() -> None:
    assert json_patch({"x/y": {"~": 1}}, [op("remove", "/x~1y/~0")]) == {"x/y": {}}


@pytest.mark.parametrize(
    "operation",
    [
        op("test", "/a/0", value=True),
        op("remove", "/none"),
        op("replace", "/none", value=1),
        op("add", "/a/9", value=1),
        op("add", "/none/b", value=1),
        op("add", "", value={}),
        op("remove", "/a/x"),
        op("leap", "/a"),
        {"op": "remove"},
        {"op": "move", "path": "/b", "from": "/none"},
    ],
)
def test_an_operation_that_fails_is_refused_without_a_reason(operation: Document) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch({"a": [1]}, [op("add", "/a/0", value=0), operation])
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert caught.value.message == "the server rejected our request due to an error in our request"


def test_what_is_no_list_of_operations_is_a_bad_request() -> None:
    for patch in ({}, "x", 5, [1]):
        with pytest.raises(StatusError, match=r"^json: cannot unmarshal ") as caught:
            json_patch({}, patch)
        assert caught.value.code == 400


def test_a_merge_patch_merges_maps_replaces_the_rest_and_removes_with_null() -> None:
    old = {"keep": {"deep": [1]}, "gone": 1, "list": [1, 2]}
    new = merge_patch(old, {"gone": None, "list": [3], "new": {"a": None, "b": 1}})
    assert new == {"keep": {"deep": [1]}, "list": [3], "new": {"b": 1}}
    assert new["keep"] is old["keep"]
    assert merge_patch(old, {"keep": {}}) is old


def deployment(*containers: Document, **spec: Any) -> Document:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers)}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template, **spec}}


def in_pod(**spec: Any) -> Document:
    return {"spec": {"template": {"spec": spec}}}


def patched(old: Document, patch: Document) -> Document:
    before = copy.deepcopy((old, patch))
    result = strategic_merge_patch(old, patch, "apps/v1", "Deployment")
    assert (old, patch) == before
    return result


def pod_spec(document: Document) -> Document:
    spec: Document = document["spec"]["template"]["spec"]
    return spec


def names(document: Document) -> list[str]:
    return [container["name"] for container in pod_spec(document)["containers"]]


WEB, SIDE = {"name": "web", "image": "nginx"}, {"name": "side", "image": "busybox"}


def test_a_strategic_patch_merges_containers_by_name() -> None:
    result = patched(deployment(WEB, SIDE), in_pod(containers=[{"name": "side", "image": "other"}]))
    assert pod_spec(result)["containers"] == [WEB, {"name": "side", "image": "other"}]


def test_new_containers_come_before_those_that_only_the_server_has() -> None:
    assert names(patched(deployment(WEB), in_pod(containers=[SIDE]))) == ["side", "web"]


def test_the_order_of_elements_can_be_set() -> None:
    order = [{"name": "web"}, {"name": "side"}]
    assert names(patched(deployment(WEB), in_pod(containers=[SIDE], **{"$setElementOrder/containers": order}))) == [
        "web",
        "side",
    ]
    assert names(patched(deployment(SIDE, WEB), in_pod(**{"$setElementOrder/containers": order}))) == ["web", "side"]


def test_an_item_can_be_deleted_and_a_list_replaced() -> None:
    assert names(patched(deployment(WEB, SIDE), in_pod(containers=[{"name": "web", "$patch": "delete"}]))) == ["side"]
    assert pod_spec(patched(deployment(WEB), in_pod(containers=[SIDE, {"$patch": "replace"}])))["containers"] == [SIDE]


def test_a_map_can_be_replaced_or_emptied() -> None:
    labels = {"metadata": {"labels": {"b": "2", "$patch": "replace"}}}
    assert patched(deployment(WEB), {"spec": {"template": labels}})["spec"]["template"]["metadata"] == {
        "labels": {"b": "2"}
    }
    assert pod_spec(patched(deployment(WEB), in_pod(**{"$patch": "delete"}))) == {}


def test_retain_keys_clears_what_is_not_named() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    strategy = {"$retainKeys": ["type"], "type": "Recreate"}
    result = patched(deployment(WEB, strategy=rolling), {"spec": {"strategy": strategy}})
    assert result["spec"]["strategy"] == {"type": "Recreate"}


def test_scalars_are_added_to_and_deleted_from_merged_lists() -> None:
    old = {**deployment(WEB), "metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert sorted(patched(old, patch)["metadata"]["finalizers"]) == ["b", "c"]


def test_lists_without_merge_strategy_are_replaced() -> None:
    result = patched(deployment({**WEB, "args": ["a", "b"]}), in_pod(containers=[{"name": "web", "args": ["c"]}]))
    assert pod_spec(result)["containers"] == [{**WEB, "args": ["c"]}]


def test_what_a_patch_does_not_change_is_shared() -> None:
    old = deployment(WEB, SIDE)
    result = patched(old, {"metadata": {"labels": {"a": None, "b": "1"}}})
    assert result["spec"] is old["spec"]
    assert result["metadata"] == {"labels": {"b": "1"}}


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        (in_pod(containers=[{"image": "x"}]), 500, "map: map[image:x] does not contain declared merge key: name"),
        (in_pod(**{"$patch": "leap"}), 500, "unknown patch type: leap in map: map[$patch:leap]"),
        ({"$retainKeys": "x"}, 400, "invalid patch format of retainKeys"),
        ({"$setElementOrder": []}, 400, "invalid patch format of setElementOrder list"),
        ({"$deleteFromPrimitiveList": []}, 400, "invalid patch format of primitive list"),
    ],
)
def test_a_bad_strategic_patch_is_refused_in_the_servers_words(patch: Document, code: int, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        patched(deployment(WEB), patch)
    assert (caught.value.code, caught.value.message) == (code, message)


def three_way(original: Document, modified: Document, current: Document) -> Document:
    kind = schema.type_of("apps/v1", "Deployment")
    assert kind is not None
    before = copy.deepcopy((original, modified, current))
    patch = three_way_merge_patch(original, modified, current, kind)
    assert (original, modified, current) == before
    return patch


def test_apply_sends_what_changed_with_the_order_of_the_list() -> None:
    new = {**WEB, "image": "nginx:2"}
    live = deployment({**WEB, "imagePullPolicy": "Always"}, replicas=3)
    assert three_way(deployment(WEB), deployment(new), live) == in_pod(
        containers=[{"name": "web", "image": "nginx:2"}], **{"$setElementOrder/containers": [{"name": "web"}]}
    )


def test_apply_deletes_what_is_no_longer_said_and_keeps_what_others_added() -> None:
    live = deployment(WEB, SIDE, {"name": "injected", "image": "proxy"}, replicas=3, paused=True)
    patch = three_way(deployment(WEB, SIDE, paused=True), deployment(WEB), live)
    deleted = [{"name": "side", "$patch": "delete"}]
    order = {"$setElementOrder/containers": [{"name": "web"}]}
    assert patch == {"spec": {"paused": None, "template": {"spec": {"containers": deleted, **order}}}}
    assert names(patched(live, patch)) == ["web", "injected"]


def test_apply_sends_nothing_when_nothing_is_different() -> None:
    live = deployment({**WEB, "imagePullPolicy": "Always"}, replicas=3)
    assert three_way(deployment(WEB), deployment(WEB), live) == {}


def test_apply_names_the_keys_to_retain_of_a_changed_strategy() -> None:
    live = deployment(WEB, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})
    patch = three_way(deployment(WEB), deployment(WEB, strategy={"type": "Recreate"}), live)
    assert patch == {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert patched(live, patch)["spec"]["strategy"] == {"type": "Recreate"}


def test_apply_without_a_schema_is_a_merge_patch() -> None:
    original, modified = {"spec": {"a": 1, "b": [1]}}, {"spec": {"b": [2]}}
    current = {"spec": {"a": 1, "b": [1], "c": 3}, "status": {}}
    assert three_way_json_merge_patch(original, modified, current) == {"spec": {"a": None, "b": [2]}}


SCALARS = st.one_of(st.booleans(), st.integers(-3, 3), st.text("ab", max_size=2))
JSON = st.recursive(
    st.one_of(st.none(), SCALARS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=3,
)


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_is_applied_once(document: Any, patch: Any) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@given(OBJECTS, OBJECTS)
def test_the_merge_difference_leads_from_one_document_to_the_other(old: Document, new: Document) -> None:
    assert merge_patch(old, merge_diff(old, new)) == new


@given(OBJECTS, OBJECTS)
def test_a_json_patch_that_fails_and_one_that_works_leave_the_document_alone(old: Document, new: Document) -> None:
    before = copy.deepcopy(old)
    assert json_patch(old, [op("add", f"/{key}", value=value) for key, value in new.items()]) == {**old, **new}
    assert old == before


TEXT = st.sampled_from(["x", "y", "z"])


def distinct(items: st.SearchStrategy[Any], key: str = "") -> st.SearchStrategy[list[Any]]:
    """One to three items that differ in a field, or altogether."""
    listed = st.lists(items, min_size=1, max_size=3)
    return listed.map(lambda found: list({item[key] if key else item: item for item in found}.values()))


CONTAINER = st.fixed_dictionaries(
    {"name": TEXT},
    optional={
        "image": TEXT,
        "args": st.lists(TEXT, min_size=1, max_size=2),
        "env": distinct(st.fixed_dictionaries({"name": TEXT, "value": TEXT}), "name"),
        "ports": distinct(st.fixed_dictionaries({"containerPort": st.integers(1, 3)}), "containerPort"),
    },
)
CONTAINERS = distinct(CONTAINER, "name")
DEPLOYMENTS = st.fixed_dictionaries(
    {
        "spec": st.fixed_dictionaries(
            {"template": st.fixed_dictionaries({"spec": st.fixed_dictionaries({"containers": CONTAINERS})})},
            optional={
                "replicas": st.integers(0, 3),
                "strategy": st.sampled_from(
                    [{"type": "Recreate"}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}]
                ),
            },
        )
    },
    optional={
        "metadata": st.fixed_dictionaries(
            {"finalizers": distinct(TEXT)},
            optional={"labels": st.fixed_dictionaries({"x": TEXT}, optional={"y": TEXT})},
        )
    },
)


@given(DEPLOYMENTS, DEPLOYMENTS)
def test_apply_leads_from_what_was_applied_to_what_is_applied(old: Document, new: Document) -> None:
    assert patched(old, three_way(old, new, old)) == new


@given(DEPLOYMENTS, DEPLOYMENTS)
def test_the_strategic_difference_leads_from_one_document_to_the_other(old: Document, new: Document) -> None:
    kind = schema.type_of("apps/v1", "Deployment")
    assert kind is not None
    assert patched(old, two_way_merge_patch(old, new, kind)) == new


@given(DEPLOYMENTS, DEPLOYMENTS, DEPLOYMENTS)
def test_apply_is_done_after_once(original: Document, modified: Document, current: Document) -> None:
    live = patched(current, three_way(original, modified, current))
    assert patched(live, three_way(modified, modified, live)) == live


SENT = (Path(__file__).parent / "data" / "kubectl-apply.jsonl").read_text("utf-8").splitlines()
"""What kubectl 1.33 sent for Deployments at random, without the annotation of what was applied last."""


@pytest.mark.parametrize("line", SENT)
def test_apply_sends_what_kubectl_sends(line: str) -> None:
    case = json.loads(line)
    assert three_way(case["original"], case["modified"], case["current"]) == case["patch"]
