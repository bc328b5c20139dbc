"""A ruling tells a decision as it was made: whom it passed over, what each rule lacked, what was missing."""

from __future__ import annotations

from tests.apiserver.access.world import binding, role
from tests.view.test_whocan import cluster

PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
BOUND = (role("reader", PODS, namespace="default"), binding("read", "Role/reader", "User/jane", namespace="default"))


def test_a_refusal_names_the_rule_that_nearly_fits_and_what_it_lacks() -> None:
    ruling = cluster(*BOUND).ruling("jane", "delete", "pods")
    assert str(ruling).splitlines()[-4:] == [
        "  RBAC authorizer: RoleBinding read, Role reader to User jane",
        "    ✗ get, list: pods (its verbs do not fit)",
        'pods is forbidden: User "jane" cannot delete resource "pods" in API group "" in the namespace "default"',
        "Role reader: a rule fits but for its verbs, which are get, list, without delete",
    ]
    assert (ruling.allowed, len(ruling.missing)) == (False, 1)


def test_the_first_rule_that_allows_ends_it() -> None:
    here = cluster(*BOUND, binding("zz", "ClusterRole/view", "User/jane", namespace="default"))
    ruling = here.ruling("jane", "list", "pods")
    assert str(ruling).splitlines()[-2:] == [
        "    ✓ get, list: pods",
        'allowed: RBAC: allowed by RoleBinding "read/default" of Role "reader" to User "jane"',
    ]
    actors = [frame.actor for frame in ruling.stepper().frames]
    assert (actors[0], {*actors[1:-1]}, actors[-1]) == ("authorization", {"RBAC authorizer"}, "authorization")
    held = [frame.compared for frame in ruling.stepper().frames if frame.compared]
    assert held[0] == [("verbs", "create", "list")]
    assert held[-1] == [("verbs", "list", "list"), ("apiGroups", '""', '""'), ("resources", "pods", "pods")]


def test_a_kubelet_is_for_the_node_authorizer_first_and_a_master_for_nobody() -> None:
    here = cluster()
    node = here.ruling("system:node:node-1", "get", "secrets", name="x")
    first = "  node authorizer: no opinion (no relationship found between node 'node-1' and this object)"
    assert str(node).splitlines()[1] == first
    master = here.ruling("kubernetes-admin", "delete", "nodes")
    assert str(master).splitlines()[1:] == [
        "  privileged groups: allowed (system:masters may do everything)",
        "allowed: system:masters may do everything",
    ]
    assert here.ruling("jane", "get", "/healthz").allowed


def test_a_binding_whose_role_is_missing_is_told_with_the_others() -> None:
    here = cluster(binding("lost", "Role/gone", "User/jane", namespace="default"))
    told = str(here.ruling("jane", "list", "pods")).splitlines()
    assert told[-3:-1] == [
        "  RBAC authorizer: RoleBinding lost, Role gone to User jane",
        '    ✗ role.rbac.authorization.k8s.io "gone" not found',
    ]


def test_a_story_about_roles_is_told_without_a_topology() -> None:
    here = cluster()
    before = here.revision
    here.kubectl("create clusterrole sees --verb=get --resource=leases")
    here.kubectl("label clusterrole sees rbac.authorization.k8s.io/aggregate-to-view=true")
    here.settle()
    story = here.stepper("Gathered", since=before, about=["clusterrole/view", "clusterrole/edit"])
    assert [(frame.actor, [act.object for act in frame.acts]) for frame in story.frames] == [
        ("clusterrole-aggregation-controller", ["ClusterRole view"]),
        ("clusterrole-aggregation-controller", ["ClusterRole edit"]),
    ]
    assert story.views == ("sequence", "diff", "timeline")
