"""Who can: everybody whom a binding names, and what the API server says they may do."""

from __future__ import annotations

from k8snb.cluster.cluster import Cluster
from k8snb.typing import Object
from k8snb.view.whocan import Right
from tests.apiserver.access.world import binding, role

READER = role("reader", {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}, namespace="default")
ONE = {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["web"]}
KINDS = {"Role": "roles", "ClusterRole": "clusterroles", "RoleBinding": "rolebindings"}


def cluster(*objects: Object) -> Cluster:
    made = Cluster(nodes=0)
    for obj in objects:
        word = KINDS.get(obj["kind"], "clusterrolebindings")
        made.client.create(f"{word}.rbac.authorization.k8s.io", obj, obj["metadata"].get("namespace", ""))
    return made


def test_a_row_is_somebody_whom_a_binding_names_and_a_column_a_verb() -> None:
    here = cluster(
        READER,
        binding("read", "Role/reader", "User/jane", "ServiceAccount/shop/bot", namespace="default"),
        binding("ops", "ClusterRole/edit", "Group/ops"),
    )
    told = [" ".join(line.split()) for line in str(here.who_can("pods", "get delete")).splitlines()]
    assert told == [
        "Who can, with pods in default",
        "Who get delete",
        "Group ops (ClusterRole edit by ClusterRoleBinding ops) ✓ ✓",
        "User jane (Role reader by RoleBinding read/default) ✓ ·",
        "ServiceAccount shop/bot (Role reader by RoleBinding read/default) ✓ ·",
        "… and 20 of the cluster itself, such as Group system:masters",
    ]


def test_a_right_for_some_names_says_for_which() -> None:
    here = cluster(role("one", ONE, namespace="default"), binding("one", "Role/one", "User/jane", namespace="default"))
    found = here.who_can("configmaps", "get list")
    reason = 'RBAC: allowed by RoleBinding "one/default" of Role "one" to User "jane"'
    assert (found["jane", "get"], found["jane", "list"]) == (Right(False, ("web",), reason), Right(False))
    assert found.who("get") == ["User jane"]
    assert here.who_can("configmaps", "get", name="web")["jane", "get"].allowed


def test_who_may_nothing_and_who_is_named_elsewhere_is_left_out() -> None:
    here = cluster(READER, binding("read", "Role/reader", "User/jane", namespace="default"))
    assert here.who_can("secrets").rows == {}
    assert here.who_can("pods", namespace="kube-system").rows == {}
    assert "Group system:masters" in here.who_can("nodes", "delete", system=True).who("delete")
