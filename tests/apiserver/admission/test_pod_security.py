"""PodSecurity refuses, warns and looks back, as the labels of the namespace say."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.pod_security import PodSecurity
from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, named, pod, request

WHY = 'privileged (container "c" must not set securityContext.privileged=true)'


def namespace(**modes: str) -> Object:
    labels = {f"pod-security.kubernetes.io/{mode.replace('_', '-')}": level for mode, level in modes.items()}
    return named("team", labels=labels) | {"metadata": {"name": "team", "labels": labels}}


def bad(name: str = "web", **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "nginx", "securityContext": {"privileged": True}}
    return named(name, "team", spec={"containers": [container], **spec})


def warnings(world: World, obj: Object, **how: Any) -> tuple[str, ...]:
    chain = world.chain(PodSecurity())
    chain.validate(request(obj, **how))
    return chain.warnings()


def refusal(world: World, obj: Object, **how: Any) -> Object:
    with pytest.raises(StatusError) as caught:
        world.chain(PodSecurity()).validate(request(obj, **how))
    return caught.value.status


def test_a_pod_that_breaks_the_standard_is_refused_and_not_warned_of_as_well() -> None:
    world = World(namespaces=[namespace(enforce="baseline", warn="restricted")])
    status = refusal(world, bad())
    told = f'pods "web" is forbidden: violates PodSecurity "baseline:latest": {WHY}'
    assert (status["code"], status["reason"], status["message"]) == (403, "Forbidden", told)


def test_a_pod_may_pass_with_a_warning_and_a_template_never_more_than_that() -> None:
    world = World(namespaces=[namespace(enforce="privileged", warn="baseline", warn_version="v1.30")])
    told = (f'would violate PodSecurity "baseline:v1.30": {WHY}',)
    assert warnings(world, bad()) == told
    strict = World(namespaces=[namespace(enforce="baseline", warn="baseline")])
    deployment = named("web", "team", spec={"template": {"metadata": {}, "spec": bad()["spec"]}})
    told = (f'would violate PodSecurity "baseline:latest": {WHY}',)
    assert warnings(strict, deployment, word="deployments.apps") == told


def test_a_namespace_without_labels_lets_everything_pass() -> None:
    assert warnings(World(namespaces=[named("team")]), bad()) == ()


def test_updates_count_when_they_change_an_image_or_add_a_debug_container() -> None:
    world = World(namespaces=[namespace(enforce="baseline")])
    old = bad()
    assert (
        warnings(world, {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}}, operation="UPDATE", old=old)
        == ()
    )
    newer = bad(containers=[{**old["spec"]["containers"][0], "image": "nginx:2"}])
    assert refusal(world, newer, operation="UPDATE", old=old)["code"] == 403
    debugged = bad(ephemeralContainers=[{"name": "d", "image": "busybox"}])
    assert refusal(world, debugged, operation="UPDATE", old=old, sub="ephemeralcontainers")["code"] == 403


def test_labels_that_say_nonsense_are_refused_where_they_are_new() -> None:
    nonsense = namespace(enforce="strict")
    status = refusal(World(), nonsense, word="namespaces")
    told = 'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": '
    assert status["message"] == f'Namespace "team" is invalid: {told}must be one of privileged, baseline, restricted'
    assert warnings(World(), nonsense, word="namespaces", operation="UPDATE", old=nonsense) == ()


def test_who_makes_a_namespace_stricter_is_told_which_pods_break_the_standard() -> None:
    owner = {"metadata": {"ownerReferences": [{"uid": "rs", "controller": True}]}}
    made = [bad(name) for name in ("b", "a", "d")]
    made[2]["metadata"] |= owner["metadata"]
    world = World(
        pods=[*made, bad("e", hostNetwork=True), {**pod("fine"), "metadata": {"name": "f", "namespace": "team"}}]
    )
    assert warnings(world, namespace(enforce="baseline"), word="namespaces", operation="UPDATE", old=namespace()) == (
        'existing pods in namespace "team" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 2 other pods): privileged",
        "e: host namespaces, privileged",
    )
    relaxed = warnings(
        world, namespace(enforce="baseline"), word="namespaces", operation="UPDATE", old=namespace(enforce="restricted")
    )
    assert relaxed == ()
