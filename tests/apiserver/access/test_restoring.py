"""An API server puts the default policy right when it starts."""

from __future__ import annotations

import pytest

from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, binding

SCHEDULER = "system:kube-scheduler"
SPARED = {"metadata": {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}}


@pytest.fixture
def world() -> World:
    return World()


def restarted(world: World) -> int:
    """How many revisions a restart makes."""
    before = world.store.revision
    world.server.stop()
    world.server.start()
    return world.store.revision - before


def the(world: World, kind: str, name: str = SCHEDULER) -> Object:
    return world.admin.get(kind, name)


def test_where_nothing_is_missing_nothing_is_written(world: World) -> None:
    assert restarted(world) == 0


def test_roles_and_bindings_that_are_gone_come_back(world: World) -> None:
    whole = the(world, "clusterroles")["rules"], the(world, "clusterrolebindings")["subjects"]
    world.admin.delete("clusterroles", SCHEDULER)
    world.admin.delete("clusterrolebindings", SCHEDULER)
    assert restarted(world) == 2
    assert (the(world, "clusterroles")["rules"], the(world, "clusterrolebindings")["subjects"]) == whole


def test_what_they_lack_is_added_and_what_they_have_beyond_is_kept(world: World) -> None:
    more = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "another"}
    rules = the(world, "clusterroles")["rules"]
    wide = {"apiGroups": ["example.com"], "resources": ["sheep"], "verbs": ["get"]}
    [own] = the(world, "clusterrolebindings")["subjects"]
    world.admin.patch("clusterrolebindings", SCHEDULER, {"subjects": [more]})
    world.admin.patch("clusterroles", SCHEDULER, {"rules": [*rules[1:], wide]})
    assert restarted(world) == 2
    assert the(world, "clusterrolebindings")["subjects"] == [more, own]
    kept = the(world, "clusterroles")["rules"]
    assert kept[: len(rules)] == [*rules[1:], wide]
    assert {verb for rule in kept[len(rules) :] for verb in rule["verbs"]} == set(rules[0]["verbs"])


def test_a_binding_to_another_role_is_made_anew(world: World) -> None:
    world.admin.delete("clusterrolebindings", SCHEDULER)
    world.admin.create("clusterrolebindings", binding(SCHEDULER, "ClusterRole/cluster-admin"))
    assert restarted(world) == 2
    assert the(world, "clusterrolebindings")["roleRef"]["name"] == SCHEDULER


def test_who_says_so_is_left_alone(world: World) -> None:
    world.admin.patch("clusterrolebindings", SCHEDULER, {**SPARED, "subjects": None})
    assert restarted(world) == 0
    world.admin.delete("clusterrolebindings", SCHEDULER)
    with pytest.raises(StatusError):
        the(world, "clusterrolebindings")
