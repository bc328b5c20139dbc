"""Nobody grants what they do not hold."""

from __future__ import annotations

import pytest

from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import JANE, PODS, RBAC, World, binding, role

MANAGER = role("manager", {"verbs": ["*"], "apiGroups": [RBAC], "resources": ["*"]})
MANAGES = binding("manager", "ClusterRole/manager", "User/jane")
SECRETS = {"verbs": ["get", "delete"], "apiGroups": ["", "apps"], "resources": ["secrets"]}


def managing(*rules: Object) -> World:
    """A world in which Jane may write roles and bindings, and holds these rules."""
    plain = ["get", "list", "create", "update", "patch", "delete"]
    manager = role("manager", {"verbs": plain, "apiGroups": [RBAC], "resources": ["*"]}, *rules)
    return World(manager, MANAGES)


def test_a_role_with_more_than_its_author_holds_is_refused_with_what_is_missing() -> None:
    world = managing(PODS)
    urls = {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}
    with pytest.raises(StatusError) as refused:
        world.client(JANE).create("clusterroles", role("esc", SECRETS, PODS, urls))
    assert refused.value.message == (
        'clusterroles.rbac.authorization.k8s.io "esc" is forbidden: '
        'user "jane" (groups=["dev" "system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}\n'
        '{APIGroups:["apps"], Resources:["secrets"], Verbs:["get" "delete"]}\n'
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}'
    )


def test_what_the_author_holds_may_be_granted() -> None:
    jane = managing(PODS).client(JANE)
    jane.create("roles", role("mine", PODS, namespace="shop"))
    jane.create("rolebindings", binding("mine", "Role/mine", "User/bob", namespace="shop"))
    assert jane.get("rolebindings", "mine", "shop")["roleRef"]["name"] == "mine"


def test_a_binding_to_a_role_with_more_is_refused_and_one_to_a_missing_role_not_found() -> None:
    jane = managing(PODS).client(JANE)
    told = []
    for name in ("edit", "missing"):
        with pytest.raises(StatusError) as refused:
            jane.create("rolebindings", binding("some", f"ClusterRole/{name}", "User/jane", namespace="shop"))
        told.append((refused.value.code, refused.value.message.partition(":")[0]))
    assert told == [
        (403, 'rolebindings.rbac.authorization.k8s.io "some" is forbidden'),
        (404, 'clusterroles.rbac.authorization.k8s.io "missing" not found'),
    ]


@pytest.mark.parametrize(("verb", "resource"), [("escalate", "clusterroles"), ("bind", "clusterroles")])
def test_the_verbs_escalate_and_bind_let_one_grant_more(verb: str, resource: str) -> None:
    jane = managing({"verbs": [verb], "apiGroups": [RBAC], "resources": [resource]}).client(JANE)
    if verb == "escalate":
        jane.create("clusterroles", role("esc", SECRETS))
    else:
        jane.create("clusterrolebindings", binding("root", "ClusterRole/cluster-admin", "User/jane"))


def test_gathering_other_roles_takes_all_rights() -> None:
    gathers = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    with pytest.raises(StatusError) as refused:
        managing().client(JANE).create("clusterroles", role("agg", aggregationRule=gathers))
    assert refused.value.message.endswith(
        '"agg" is forbidden: must have cluster-admin privileges to use the aggregationRule'
    )
