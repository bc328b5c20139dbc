"""LimitRanger fills in what is not said and refuses what is out of bounds, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.limit_ranger import LimitRanger
from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, named, request


def ranges(*limits: Object) -> World:
    return World(limitranges=[named("bounds", "default", spec={"limits": list(limits)})])


def container(name: str = "c", requests: Object | None = None, limits: Object | None = None) -> Object:
    given = {"requests": requests, "limits": limits}
    return {"name": name, "resources": {kind: amounts for kind, amounts in given.items() if amounts}}


def pod(*containers: Object, **spec: Any) -> Object:
    return named("web", "default", spec={"containers": list(containers), **spec})


def refusal(world: World, obj: Object, **how: Any) -> str:
    with pytest.raises(StatusError) as caught:
        world.chain(LimitRanger()).validate(request(obj, **how))
    return caught.value.message


def test_containers_get_the_defaults_that_they_do_not_override_and_the_pod_says_so() -> None:
    limit = {"type": "Container", "default": {"cpu": "2", "memory": "1Gi"}, "defaultRequest": {"cpu": "1"}}
    given = pod(container("a"), container("b", {"cpu": "3"}), initContainers=[container("i", limits={"cpu": "1"})])
    made = ranges(limit).chain(LimitRanger()).admit(request(given))
    assert made["spec"] == {
        "containers": [
            container("a", {"cpu": "1"}, {"cpu": "2", "memory": "1Gi"}),
            container("b", {"cpu": "3"}, {"cpu": "2", "memory": "1Gi"}),
        ],
        "initContainers": [container("i", {"cpu": "1"}, {"cpu": "1", "memory": "1Gi"})],
    }
    assert made["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu request for container a; "
        "cpu, memory limit for container a; cpu, memory limit for container b; "
        "cpu request for init container i; memory limit for init container i"
    }


def test_a_pod_that_says_everything_is_left_alone() -> None:
    full = pod(container("a", {"cpu": "1"}, {"cpu": "1"}))
    limit = {"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}}
    assert ranges(limit).chain(LimitRanger()).admit(request(full)) is full


@pytest.mark.parametrize(
    ("limit", "requests", "limits", "why"),
    [
        ({"min": {"cpu": "100m"}}, {"cpu": "50m"}, None, "minimum cpu usage per Container is 100m, but request is 50m"),
        ({"min": {"cpu": "1"}}, None, None, "minimum cpu usage per Container is 1.  No request is specified"),
        ({"max": {"memory": "1Gi"}}, None, None, "maximum memory usage per Container is 1Gi.  No limit is specified"),
        ({"max": {"cpu": "1"}}, None, {"cpu": "1500m"}, "maximum cpu usage per Container is 1, but limit is 1500m"),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"cpu": "1"},
            {"cpu": "3"},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"cpu": "1"},
            None,
            "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
        ),
        (
            {"min": {"cpu": "1"}, "max": {"cpu": "2"}},
            {"cpu": "500m"},
            {"cpu": "3"},
            "[minimum cpu usage per Container is 1, but request is 500m, "
            "maximum cpu usage per Container is 2, but limit is 3]",
        ),
    ],
)
def test_a_container_out_of_bounds_is_refused(limit: Object, requests: Object, limits: Object, why: str) -> None:
    world = ranges({"type": "Container", **limit})
    assert refusal(world, pod(container("c", requests, limits))) == f'pods "web" is forbidden: {why}'


def test_a_pod_is_measured_by_all_its_containers_or_by_what_it_says_itself() -> None:
    world = ranges({"type": "Pod", "max": {"cpu": "2"}})
    two = (container("a", limits={"cpu": "1500m"}), container("b", limits={"cpu": "1"}))
    why = "maximum cpu usage per Pod is 2, but limit is 2500m"
    assert refusal(world, pod(*two)) == f'pods "web" is forbidden: {why}'
    world.chain(LimitRanger()).validate(request(pod(*two, resources={"limits": {"cpu": "2"}})))


def test_a_claim_is_measured_when_it_is_made_and_when_it_grows() -> None:
    world = ranges({"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}})
    small, large = (
        named("data", "default", spec={"resources": {"requests": {"storage": size}}}) for size in ("500Mi", "3Gi")
    )
    why = "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"
    assert refusal(world, small, word="persistentvolumeclaims").endswith(f"is forbidden: {why}")
    why = "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
    grown = refusal(world, large, word="persistentvolumeclaims", operation="UPDATE", old=small)
    assert grown.endswith(f"is forbidden: {why}")


def test_an_update_of_a_pod_is_only_measured_when_it_is_resized() -> None:
    world, large = ranges({"type": "Container", "max": {"cpu": "1"}}), pod(container("c", limits={"cpu": "2"}))
    world.chain(LimitRanger()).validate(request(large, "UPDATE", old=large))
    why = "maximum cpu usage per Container is 1, but limit is 2"
    assert refusal(world, large, operation="UPDATE", old=large, sub="resize").endswith(why)
