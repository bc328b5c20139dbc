"""Who may do what follows from roles and bindings, and the reasons are upstream's."""

from __future__ import annotations

import pytest

from k8snb.apiserver.access.rules import Access
from k8snb.errors import StatusError
from k8snb.wire import User

from .world import ADMIN, JANE, PODS, World, binding, role

READER = role("reader", PODS, namespace="default")
BOUND = binding("read", "Role/reader", "User/jane", namespace="default")


def test_a_role_counts_in_its_namespace_only() -> None:
    world = World(READER, BOUND)
    assert [world.may(JANE, "list", "pods", namespace) for namespace in ("default", "shop", "")] == [True, False, False]
    assert not world.may(JANE, "delete", "pods", "default")


def test_the_reason_names_binding_role_and_subject() -> None:
    account = binding("bot", "ClusterRole/view", "ServiceAccount/shop/bot", namespace="shop")
    world = World(READER, BOUND, account, binding("devs", "ClusterRole/view", "Group/dev"))
    bot = User("system:serviceaccount:shop:bot")
    reasons = [
        world.authorizer.decide(JANE, Access("get", "", "services", namespace="shop")).reason,
        world.authorizer.decide(User("jane"), Access("get", "", "pods", namespace="default")).reason,
        world.authorizer.decide(bot, Access("get", "", "pods", namespace="shop")).reason,
    ]
    assert reasons == [
        'RBAC: allowed by ClusterRoleBinding "devs" of ClusterRole "view" to Group "dev"',
        'RBAC: allowed by RoleBinding "read/default" of Role "reader" to User "jane"',
        'RBAC: allowed by RoleBinding "bot/shop" of ClusterRole "view" to ServiceAccount "bot/shop"',
    ]


def test_what_one_server_changes_of_the_policy_changes_nothing_in_another_of_the_same_moment() -> None:
    world, other = World(), World()
    drain, scheduler = Access("create", "", "pods", "eviction", "default"), User("system:kube-scheduler")
    bind = Access("create", "", "pods", "binding", "default")
    before = [each.authorizer.decide(scheduler, access) for each in (world, other) for access in (bind, drain)]
    world.admin.delete("clusterroles", "system:kube-scheduler")
    other.add(role("drainer", {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/eviction"]}))
    other.add(binding("drain", "ClusterRole/drainer", "User/system:kube-scheduler"))
    after = [each.authorizer.decide(scheduler, access) for each in (world, other) for access in (bind, drain)]
    assert [each.allowed for each in (*before, *after)] == [True, False, True, False, False, False, True, True]
    assert World().authorizer.decide(scheduler, bind) == before[0]


def test_a_binding_to_a_role_that_is_missing_says_so_in_the_refusal() -> None:
    world = World(binding("lost", "Role/gone", "User/jane", namespace="default"))
    told = (
        'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default": '
        'RBAC: role.rbac.authorization.k8s.io "gone" not found'
    )
    assert world.message("GET", "/api/v1/namespaces/default/pods", None, JANE) == told


@pytest.mark.parametrize(
    ("rule", "resource", "name", "allowed"),
    [
        ({"resources": ["pods"]}, "pods/log", "a", False),
        ({"resources": ["pods/log"]}, "pods/log", "a", True),
        ({"resources": ["*/log"]}, "pods/log", "a", True),
        ({"resources": ["*/log"]}, "pods", "a", False),
        ({"resources": ["*"]}, "pods/log", "a", True),
        ({"resources": ["pods"], "resourceNames": ["a"]}, "pods", "a", True),
        ({"resources": ["pods"], "resourceNames": ["a"]}, "pods", "b", False),
        ({"resources": ["pods"], "resourceNames": ["a"]}, "pods", "", False),
        ({"resources": ["pods"], "apiGroups": ["*"], "verbs": ["*"]}, "pods", "b", True),
        ({"resources": ["pods"], "apiGroups": ["apps"]}, "pods", "b", False),
    ],
)
def test_rules_match_resources_subresources_and_names(
    rule: dict[str, list[str]], resource: str, name: str, allowed: bool
) -> None:
    full = {"verbs": ["get"], "apiGroups": [""], **rule}
    world = World(role("some", full), binding("some", "ClusterRole/some", "User/jane"))
    assert world.may(JANE, "get", resource, "default", name) is allowed


@pytest.mark.parametrize(
    ("path", "code"), [("/healthz", 200), ("/version", 200), ("/api", 403), ("/apis/apps/v1", 403), ("/metrics", 403)]
)
def test_nobody_in_particular_may_ask_for_health_and_version_alone(path: str, code: int) -> None:
    assert World().send("GET", path, None, None).code == code


def test_the_words_of_a_refusal() -> None:
    world = World()
    told = [
        world.message("GET", "/metrics", None, None),
        world.message("GET", "/api/v1/nodes", None, JANE),
        world.message("DELETE", "/api/v1/namespaces/default/pods/x", None, JANE),
        world.message("GET", "/api/v1/namespaces/default/pods/x/log", None, JANE),
        world.message("POST", "/apis/apps/v1/namespaces/default/deployments", {"metadata": {"name": "d"}}, JANE),
        world.message("GET", "/apis/example.com/v1/namespaces/default/things?watch=true", None, JANE),
        world.message("GET", "/api/v1/things", None, JANE),
    ]
    lead = 'User "jane" cannot'
    assert told == [
        'forbidden: User "system:anonymous" cannot get path "/metrics"',
        f'nodes is forbidden: {lead} list resource "nodes" in API group "" at the cluster scope',
        f'pods "x" is forbidden: {lead} delete resource "pods" in API group "" in the namespace "default"',
        f'pods "x" is forbidden: {lead} get resource "pods/log" in API group "" in the namespace "default"',
        f'deployments.apps is forbidden: {lead} create resource "deployments" in API group "apps" '
        'in the namespace "default"',
        f'things.example.com is forbidden: {lead} watch resource "things" in API group "example.com" '
        'in the namespace "default"',
        f'things is forbidden: {lead} list resource "things" in API group "" at the cluster scope',
    ]
    assert world.send("GET", "/api/v1/things").code == 404


def test_a_session_in_a_pod_is_created_even_if_it_is_asked_for_with_get() -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/exec"]}
    world = World(role("looks", rule), binding("looks", "ClusterRole/looks", "User/jane"))
    path = "/api/v1/namespaces/default/pods/x/exec?command=sh"
    upgrade = {"connection": "Upgrade", "upgrade": "websocket"}
    told = world.message("GET", path, None, JANE, **upgrade)
    lead = 'pods "x" is forbidden: User "jane" cannot create resource "pods/exec" in API group ""'
    assert told == f'{lead} in the namespace "default"'
    assert world.send("GET", path, None, JANE).code == 404


def test_a_permission_that_is_taken_back_ends_at_once() -> None:
    world = World(READER, BOUND, role("all-pods", PODS), binding("all", "ClusterRole/all-pods", "User/jane"))
    jane = world.client(JANE)
    assert jane.list("pods", "shop") == []
    world.admin.delete("clusterrolebindings", "all")
    with pytest.raises(StatusError) as refused:
        jane.list("pods", "shop")
    assert (refused.value.code, jane.list("pods", "default")) == (403, [])


def test_an_explanation_lists_every_rule_looked_at_up_to_the_one_that_allows() -> None:
    services = {"verbs": ["get"], "apiGroups": [""], "resources": ["services"]}
    world = World(role("reader", services, PODS, namespace="default"), BOUND)
    looks = world.authorizer.explain(User("jane"), Access("get", "", "pods", namespace="default"))
    others = [look.binding["metadata"]["name"] for look in looks if not look.counts]
    told = [
        (look.authorizer, look.binding["metadata"]["name"], look.lacks, look.allowed) for look in looks[len(others) :]
    ]
    assert told == [("rbac", "read", "resources", False), ("rbac", "read", "", True)]
    assert others == sorted(others)
    assert "cluster-admin" in others
    assert [look.authorizer for look in world.authorizer.explain(ADMIN, Access("get", "", "pods"))] == ["masters"]
