"""Fields in the order in which Go writes them."""

from __future__ import annotations

from typing import Any

from k8snb.machinery.fieldorder import in_order


def keys(value: Any) -> list[str]:
    return list(value)


def test_structs_have_their_fields_as_declared_and_maps_by_name() -> None:
    container = {"env": [{"value": "1", "name": "A"}], "image": "i", "envFrom": [], "ports": [], "name": "c"}
    spec = {"containers": [container], "nodeSelector": {"z": "1", "a": "2"}, "initContainers": [], "volumes": []}
    meta = {
        "labels": {"b": "1", "a": "2"},
        "uid": "u",
        "name": "p",
        "ownerReferences": [{"kind": "K", "apiVersion": "v"}],
    }
    pod = in_order(
        {
            "status": {"podIPs": [], "podIP": "", "phase": ""},
            "spec": spec,
            "metadata": meta,
            "apiVersion": "v1",
            "kind": "Pod",
        }
    )
    assert keys(pod) == ["kind", "apiVersion", "metadata", "spec", "status"]
    assert keys(pod["metadata"]) == ["name", "uid", "labels", "ownerReferences"]
    assert (keys(pod["metadata"]["labels"]), keys(pod["metadata"]["ownerReferences"][0])) == (
        ["a", "b"],
        ["apiVersion", "kind"],
    )
    assert keys(pod["spec"]) == ["volumes", "initContainers", "containers", "nodeSelector"]
    assert keys(pod["spec"]["nodeSelector"]) == ["a", "z"]
    assert keys(pod["spec"]["containers"][0]) == ["name", "image", "ports", "envFrom", "env"]
    assert keys(pod["spec"]["containers"][0]["env"][0]) == ["name", "value"]
    assert keys(pod["status"]) == ["phase", "podIP", "podIPs"]


def test_what_is_in_a_list_does_not_say_its_kind_unless_it_is_a_map() -> None:
    map = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"uid": "u", "name": "c"}, "data": {"b": "1", "a": "2"}}
    listed = in_order({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {}, "items": [map]})
    assert (keys(listed["items"][0]), keys(listed["items"][0]["data"])) == (["metadata", "data"], ["a", "b"])
    custom = {
        "spec": {"b": {"d": 1, "c": 2}, "a": 1},
        "kind": "Own",
        "apiVersion": "e.com/v1",
        "metadata": {"uid": "u", "name": "o"},
    }
    item = in_order({"kind": "OwnList", "apiVersion": "e.com/v1", "metadata": {}, "items": [custom]})["items"][0]
    assert keys(item) == ["apiVersion", "kind", "metadata", "spec"]
    assert (keys(item["metadata"]), keys(item["spec"]), keys(item["spec"]["b"])) == (
        ["name", "uid"],
        ["a", "b"],
        ["c", "d"],
    )


def test_what_is_no_object_stays_as_it_is() -> None:
    version = {"minor": "36", "major": "1"}
    assert keys(in_order(version)) == ["minor", "major"]
