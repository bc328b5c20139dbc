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


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {"impersonate_user": "bob"},
            'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group "" '
            "at the cluster scope",
        ),
        (
            {"impersonate_user": "system:serviceaccount:shop:bot"},
            'serviceaccounts "bot" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" '
            'in API group "" in the namespace "shop"',
        ),
        (
            {"impersonate_user": "amy", "impersonate_group": "ops"},
            'groups "ops" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" '
            "at the cluster scope",
        ),
        (
            {"impersonate_user": "amy", "impersonate_extra_scopes": "a"},
            'userextras.authentication.k8s.io "a" is forbidden: User "jane" cannot impersonate resource '
            '"userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
        ),
        (
            {"impersonate_user": "amy", "impersonate_uid": "u1"},
            'uids.authentication.k8s.io "u1" is forbidden: User "jane" cannot impersonate resource "uids" '
            'in API group "authentication.k8s.io" at the cluster scope',
        ),
    ],
)
def test_each_part_of_the_other_identity_is_asked_for(headers: dict[str, str], told: str) -> None:
    rule = {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["amy"]}
    world = World(role("imp", rule), binding("imp", "ClusterRole/imp", "User/jane"))
    assert world.message("POST", SELF, {}, JANE, **headers) == told
