"""A new cluster has upstream's roles and bindings."""

from __future__ import annotations

from collections import Counter

from k8snb.apiserver.access.policy import policy

from .world import World, names

NOW = "2026-01-01T00:00:00Z"


def test_every_kind_is_there_with_labels_and_annotations_of_the_bootstrap() -> None:
    counted = Counter(initial.object["kind"] for initial in policy(NOW))
    assert counted == {"ClusterRole": 68, "ClusterRoleBinding": 49, "Role": 7, "RoleBinding": 7}
    assert {initial.object["metadata"]["labels"]["kubernetes.io/bootstrapping"] for initial in policy(NOW)} == {
        "rbac-defaults"
    }


def test_admin_holds_what_edit_holds_and_edit_what_view_holds() -> None:
    roles = {each.object["metadata"]["name"]: each.object for each in policy(NOW) if "rules" in each.object}
    view, edit, admin = (roles[name]["rules"] for name in ("view", "edit", "admin"))
    assert [rule for rule in view if rule not in edit] == [] == [rule for rule in edit if rule not in admin]
    assert "secrets" not in {resource for rule in view for resource in rule["resources"]}


def test_clusters_that_begin_at_the_same_moment_share_them() -> None:
    assert policy(NOW) is policy(NOW)
    first, second = World(), World()
    assert first.admin.get("clusterroles", "edit") is second.admin.get("clusterroles", "edit")


def test_they_are_listed_in_order_of_their_names() -> None:
    found = names(World().admin.list("clusterroles"))
    assert (found[:3], found[-1], found == sorted(found)) == (["admin", "cluster-admin", "edit"], "view", True)
