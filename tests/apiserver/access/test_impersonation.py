"""Asking as somebody else is for those who may."""

from __future__ import annotations

from typing import Any

import pytest

from .world import JANE, World, binding, role

SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def who(world: World, **headers: str) -> Any:
    answer = world.send("POST", SELF, {}, **headers)
    assert answer.object is not None
    return answer.object["status"]["userInfo"]


@pytest.mark.parametrize(
    ("headers", "groups"),
    [
        ({"impersonate_user": "bob"}, ["system:authenticated"]),
        ({"impersonate_user": "bob", "impersonate_group": "dev\0ops"}, ["dev", "ops", "system:authenticated"]),
        (
            {"impersonate_user": "system:serviceaccount:shop:bot"},
            ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
        ),
        ({"impersonate_user": "bob", "impersonate_group": "system:authenticated"}, ["system:authenticated"]),
    ],
)
def test_groups_come_with_being_somebody(headers: dict[str, str], groups: list[str]) -> None:
    assert who(World(), **headers) == {"username": headers["impersonate_user"], "groups": groups}


def test_uid_and_extra_are_taken_over() -> None:
    found = who(World(), impersonate_user="bob", impersonate_uid="u7", **{"impersonate-extra-acme%2fscopes": "a\0b"})
    assert (found["uid"], found["extra"]) == ("u7", {"acme/scopes": ["a", "b"]})


IMPERSONATE = {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["amy"]}


@pytest.mark.parametrize(
    ("headers", "verb"),
    [
        ({"impersonate_user": "bob"}, "impersonate-on:user-info:create"),
        ({"impersonate_user": "amy", "impersonate_group": "ops"}, "impersonate-on:user-info:create"),
        ({"impersonate_user": "amy", "impersonate_uid": "u1"}, "impersonate-on:user-info:create"),
        ({"impersonate_user": "amy", "impersonate_extra_scopes": "a"}, "impersonate-on:user-info:create"),
        ({"impersonate_user": "system:serviceaccount:shop:bot"}, "impersonate-on:serviceaccount:create"),
        ({"impersonate_user": "system:node:node-1"}, "impersonate-on:arbitrary-node:create"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_first_way_that_was_tried(headers: dict[str, str], verb: str) -> None:
    world = World(role("imp", IMPERSONATE), binding("imp", "ClusterRole/imp", "User/jane"))
    told = f'User "jane" cannot {verb} resource "selfsubjectreviews" in API group "authentication.k8s.io"'
    answer = world.message("POST", SELF, {}, JANE, **headers)
    assert answer == f"selfsubjectreviews.authentication.k8s.io is forbidden: {told} at the cluster scope"


def test_the_way_that_worked_last_is_tried_first() -> None:
    world = World(role("imp", IMPERSONATE), binding("imp", "ClusterRole/imp", "User/jane"))
    assert world.send("POST", SELF, {}, JANE, impersonate_user="amy").code == 201
    told = [
        world.message("POST", SELF, {}, JANE, impersonate_user="bob"),
        world.message("POST", SELF, {}, JANE, impersonate_user="amy", impersonate_group="ops"),
        world.message("POST", SELF, {}, JANE, impersonate_user="amy", impersonate_uid="u1"),
        world.message("POST", SELF, {}, JANE, impersonate_user="amy", impersonate_extra_scopes="a"),
    ]
    parts = [message.partition(" is forbidden: ") for message in told]
    assert [part[0] for part in parts] == [
        'users "bob"',
        'groups "ops"',
        'uids.authentication.k8s.io "u1"',
        'userextras.authentication.k8s.io "a"',
    ]
    assert parts[3][2] == (
        'User "jane" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" '
        "at the cluster scope"
    )


def test_a_constrained_way_allows_some_actions_only() -> None:
    group = "authentication.k8s.io"
    who = {"verbs": ["impersonate:user-info"], "apiGroups": [group], "resources": ["users"], "resourceNames": ["amy"]}
    what = {"verbs": ["impersonate-on:user-info:list"], "apiGroups": [""], "resources": ["pods"]}
    world = World(
        role("imp", who, what),
        binding("imp", "ClusterRole/imp", "User/jane"),
        binding("amy", "ClusterRole/view", "User/amy"),
    )
    codes = [
        world.send("GET", f"/api/v1/namespaces/default/{word}", None, JANE, impersonate_user=name).code
        for word, name in (("pods", "amy"), ("services", "amy"), ("pods", "bob"))
    ]
    assert codes == [200, 403, 403]


def test_who_is_a_node_has_the_group_of_nodes() -> None:
    found = who(World(), impersonate_user="system:node:node-1")
    assert found["groups"] == ["system:nodes", "system:authenticated"]


def test_nobody_in_particular_has_no_groups() -> None:
    told = 'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"dev"}, Extra:map[string][]string(nil)}'
    answer = World().send("POST", SELF, {}, impersonate_group="dev")
    assert answer.object is not None
    assert (answer.code, answer.object["message"]) == (400, f"{told} without impersonating a user name")
