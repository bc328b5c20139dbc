"""Devices that pods ask for as extended resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from k8snb.machinery.devices.extended import ANNOTATION, class_of, demand, new_claim
from k8snb.machinery.objects import with_meta
from k8snb.scheduler.framework import SUCCESS, Code, CycleState
from k8snb.scheduler.podinfo import PodInfo
from k8snb.typing import Object
from tests.scheduler.devices import claim, device_class, slices
from tests.scheduler.test_dynamic_resources import using, why
from tests.scheduler.world import World, node, pod

GPU = "example.com/gpu"
IMPLICIT = "deviceclass.resource.kubernetes.io/a"
CLASS = device_class("a", extendedResourceName=GPU)


def container(name: str, count: int, **more: Any) -> Object:
    requests = {"cpu": "1", **({GPU: str(count)} if count else {})}
    return {"name": name, "image": "x", "resources": {"requests": requests}, **more}


def asking(count: int = 1, name: str = "p", **spec: Any) -> Object:
    return pod(name, containers=[container("main", count)], **spec)


def world(*objects: Object, **more: Mapping[str, str]) -> World:
    nodes = [node("n1", more=more.get("n1")), node("n2", more=more.get("n2"))]
    return World(nodes, storage=[CLASS, *objects])


def placed(where: World, what: Object) -> list[tuple[str, ...]]:
    info = PodInfo(what)
    assert where.cycle.place(info, where.cycle.choose(info)) is SUCCESS
    return where.api.said


def test_a_claim_is_made_for_a_pod_where_a_node_has_the_resource_as_devices() -> None:
    assert placed(world(*slices("a/p@n2 d1 d2")), asking(2)) == [
        ("nominate", "p", "n2"),
        ("make", "p-extended-resources-"),
        ("reserve", "made", "p"),
        ("devices", "p", "made", "main=container-0-request-1"),
        ("bind", "p", "n2"),
    ]


def test_a_node_that_has_the_resource_itself_needs_no_claim() -> None:
    assert placed(world(n1={GPU: "1"}), asking()) == [("nominate", "p", "n1"), ("bind", "p", "n1")]


def test_every_class_is_a_resource_of_its_own_name() -> None:
    wanted = pod(containers=[{"name": "main", "image": "x", "resources": {"requests": {IMPLICIT: "1"}}}])
    assert ("devices", "p", "made", "main=container-0-request-0") in placed(world(*slices("a/p@n2 d1")), wanted)


def test_what_neither_nodes_nor_classes_have_is_insufficient_as_ever() -> None:
    other = pod(containers=[{"name": "m", "image": "x", "resources": {"requests": {"example.com/other": "1"}}}])
    assert why(world(), other).startswith("0/2 nodes are available: 2 Insufficient example.com/other.")
    assert why(world(*slices("a/p@n1 d1")), asking(2)).startswith("0/2 nodes are available: 2 cannot allocate all cl")


def test_devices_that_were_just_given_in_this_way_are_not_given_again() -> None:
    where = world(*slices("a/p@n1 d1"), claim("r:a"))
    placed(where, asking())
    assert why(where, asking(name="q")).startswith("0/2 nodes are available: 2 cannot allocate all claims.")
    assert why(where, using("c", name="r")).startswith("0/2 nodes are available: 2 cannot allocate all claims.")


def test_what_was_made_for_a_pod_that_is_refused_is_removed() -> None:
    where = world(*slices("a/p@n1 d1"))
    info = PodInfo(asking())
    choice = where.cycle.choose(info)
    assert choice.state is not None
    plugin = where.framework.plugins["DynamicResources"]
    plugin.reserve(choice.state, info.pod, "n1")
    assert plugin.pre_bind(choice.state, info.pod, "n1").code is Code.SUCCESS
    plugin.unreserve(choice.state, info.pod, "n1")
    assert where.api.said[-1] == ("remove", "made")
    assert where.choose(asking(name="q")) == "n1"


def test_a_claim_of_an_earlier_attempt_is_removed_and_the_pod_tried_again() -> None:
    old = with_meta({**new_claim(asking()), "spec": claim("r:a")["spec"]}, name="old", uid="uid-old")
    where = world(*slices("a/p@n1 d1"), old)
    told = why(where, asking())
    assert told.startswith("0/2 nodes are available: 2 cannot schedule extended resource claim.")
    state = CycleState(where.cache.nodes())
    plugin = where.framework.plugins["DynamicResources"]
    assert plugin.pre_filter(state, asking()) is SUCCESS
    assert plugin.post_filter(state, asking(), None)[1].message == "deletion of ResourceClaim completed"
    assert where.api.said == [("remove", "old")]


@pytest.mark.parametrize(
    ("inits", "mains", "counts", "mapped"),
    [
        ([], [("one", 1), ("two", 2)], {"container-0-request-1": 1, "container-1-request-1": 2},
         ["one=container-0-request-1", "two=container-1-request-1"]),
        ([("init", 1)], [("one", 2)], {"container-1-request-1": 2},
         ["one=container-1-request-1", "init=container-1-request-1"]),
        ([("init", 3)], [("one", 1)], {"container-0-request-1": 2, "container-1-request-1": 1},
         ["one=container-1-request-1", "init=container-1-request-1", "init=container-0-request-1"]),
        ([("small", 1), ("large", 2)], [("one", 0)], {"container-1-request-1": 2},
         ["small=container-1-request-1", "large=container-1-request-1"]),
        ([], [("one", 0)], {}, []),
    ],
)  # fmt: skip
def test_containers_that_end_share_with_those_that_come(
    inits: list[tuple[str, int]], mains: list[tuple[str, int]], counts: dict[str, int], mapped: list[str]
) -> None:
    first, then = ([container(*each) for each in part] for part in (inits, mains))
    found = demand(pod(initContainers=first, containers=then), [GPU], lambda name: CLASS)
    assert {each["name"]: each["exactly"]["count"] for each in found.requests} == counts
    assert [f"{each['containerName']}={each['requestName']}" for each in found.mappings] == mapped


def test_of_several_classes_the_newest_is_meant() -> None:
    def made(name: str, at: str) -> Object:
        return with_meta(device_class(name, extendedResourceName=GPU), creationTimestamp=at)

    first, second = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    classes = [made("old", first), made("b", second), made("a", second)]
    found = class_of(GPU, classes)
    assert found is not None
    assert found["metadata"]["name"] == "a"
    assert class_of("example.com/none", classes) is None


def test_the_claim_says_what_it_is() -> None:
    meta = new_claim(asking())["metadata"]
    assert meta["annotations"] == {ANNOTATION: "true"}
    assert meta["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "uid-default-p", "controller": True}
    ]
