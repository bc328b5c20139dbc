"""Reviews answer who may do what, and who one is."""

from __future__ import annotations

from typing import Any

from k8snb.wire import User

from .world import JANE, PODS, World, binding, role

AUTHORIZATION, AUTHENTICATION = "/apis/authorization.k8s.io/v1", "/apis/authentication.k8s.io/v1"
LIST_PODS = {"verb": "list", "resource": "pods", "namespace": "default"}


def world() -> World:
    return World(
        role("reader", PODS, namespace="default"), binding("read", "Role/reader", "User/jane", namespace="default")
    )


def status(answer: Any) -> Any:
    found = answer.object
    return found["message"] if found["kind"] == "Status" else found["status"]


def test_a_review_of_oneself_tells_whether_and_why() -> None:
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    allowed = world().send("POST", path, {"spec": {"resourceAttributes": LIST_PODS}}, JANE)
    refused = world().send("POST", path, {"spec": {"nonResourceAttributes": {"verb": "get", "path": "/x"}}}, JANE)
    reason = 'RBAC: allowed by RoleBinding "read/default" of Role "reader" to User "jane"'
    assert (allowed.code, status(allowed), status(refused)) == (
        201,
        {"allowed": True, "reason": reason},
        {"allowed": False},
    )


def test_a_review_of_another_is_for_those_who_may_ask() -> None:
    path, asked = f"{AUTHORIZATION}/subjectaccessreviews", {"spec": {"resourceAttributes": LIST_PODS, "user": "jane"}}
    answers = [world().send("POST", path, asked, user) for user in (JANE, User("a", ("system:masters",)))]
    assert [answer.code for answer in answers] == [403, 201]
    assert status(answers[1])["allowed"] is True


def test_reviews_that_ask_nothing_or_too_much_are_invalid() -> None:
    kind = "SubjectAccessReview"
    both = {"resourceAttributes": LIST_PODS, "nonResourceAttributes": {"path": "/"}}
    nobody, nothing, too_much = (
        status(world().send("POST", f"{AUTHORIZATION}/subjectaccessreviews", {"spec": spec}))
        for spec in ({"resourceAttributes": LIST_PODS}, {"user": "jane"}, {**both, "user": "jane"})
    )
    lead = f'{kind}.authorization.k8s.io "" is invalid: spec'
    assert nobody == f'{lead}.user: Invalid value: "": at least one of user or group must be specified'
    assert nothing == (
        f"{lead}.resourceAttributes: Invalid value: null: "
        "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    )
    assert too_much.endswith("cannot be specified in combination with resourceAttributes")


def test_a_local_review_stays_in_its_namespace() -> None:
    path = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
    good = world().send("POST", path, {"spec": {"resourceAttributes": LIST_PODS, "user": "jane"}})
    other = {**LIST_PODS, "namespace": "shop"}
    bad = world().send("POST", path, {"spec": {"resourceAttributes": other, "user": "jane"}})
    assert (status(good)["allowed"], good.object["metadata"]) == (True, {"namespace": "default"})
    assert status(bad).endswith(
        'spec.resourceAttributes.namespace: Invalid value: "shop": must match metadata.namespace'
    )


def test_a_review_of_rules_lists_them() -> None:
    answer = world().send("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}}, JANE)
    found = status(answer)
    assert (found["incomplete"], found["resourceRules"][-1]) == (False, PODS)
    assert {url for rule in found["nonResourceRules"] for url in rule["nonResourceURLs"]} >= {"/api", "/healthz"}


def test_everybody_learns_who_they_are() -> None:
    user = User("jane", ("dev",), "u1", {"scopes": ("a", "b")})
    answer = World(binding("self", "ClusterRole/system:basic-user", "User/jane")).send(
        "POST", f"{AUTHENTICATION}/selfsubjectreviews", {}, user
    )
    info = {"username": "jane", "uid": "u1", "groups": ["dev"], "extra": {"scopes": ["a", "b"]}}
    assert answer.object is not None
    assert answer.object["metadata"] == {"creationTimestamp": "2026-01-01T00:00:00Z"}
    assert status(answer) == {"userInfo": info}


def test_a_review_of_a_token_that_nobody_knows() -> None:
    path = f"{AUTHENTICATION}/tokenreviews"
    unknown, none = (World().send("POST", path, {"spec": spec}) for spec in ({"token": "x"}, {}))
    assert status(unknown) == {"user": {}, "error": "invalid bearer token"}
    assert (none.code, status(none)) == (400, "token is required for TokenReview in authentication")
