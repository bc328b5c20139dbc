"""Tokens say whose they are, end with what they are bound to, and are checked by what the API publishes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from k8snb.apiserver.audit.log import AuditLog, auditor
from k8snb.cluster.cluster import Cluster
from k8snb.machinery import rsa
from k8snb.machinery.names import Lottery
from k8snb.machinery.rsa import from_url_safe
from k8snb.typing import Object
from k8snb.wire import User

from .world import World

ISSUER = "https://kubernetes.default.svc.cluster.local"
BOT = "/api/v1/namespaces/default/serviceaccounts/bot/token"
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"serviceAccountName": "bot", "nodeName": "node-1", "containers": [{"name": "c", "image": "nginx"}]},
}
TO_POD = {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web"}}


def world() -> World:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bot", "namespace": "default"}}
    return World(account, NODE, POD)


def ask(world: World, user: User | None = None, **spec: Any) -> Any:
    answer = world.send("POST", BOT, {"spec": spec}, *([user] if user else []))
    assert answer.object is not None
    return answer.object


def token(world: World, **spec: Any) -> str:
    return str(ask(world, **spec)["status"]["token"])


def claims(token: str) -> Any:
    return json.loads(from_url_safe(token.split(".")[1]))


def who(world: World, token: str) -> tuple[int, Any]:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = world.send("POST", path, {}, None, authorization=f"Bearer {token}")
    assert answer.object is not None
    return answer.code, (answer.object.get("status") or {}).get("userInfo") if answer.code == 201 else answer.object


def test_a_token_says_who_for_whom_and_until_when() -> None:
    here = world()
    asked = ask(here)
    uid = here.admin.get("serviceaccounts", "bot", "default")["metadata"]["uid"]
    found = claims(asked["status"]["token"])
    assert (found.pop("jti"), found) == (
        claims(asked["status"]["token"])["jti"],
        {
            "aud": [ISSUER],
            "exp": 1767229200,
            "iat": 1767225600,
            "iss": ISSUER,
            "kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "bot", "uid": uid}},
            "nbf": 1767225600,
            "sub": "system:serviceaccount:default:bot",
        },
    )
    assert asked["spec"] == {"audiences": [ISSUER], "boundObjectRef": None, "expirationSeconds": 3600}
    assert asked["status"]["expirationTimestamp"] == "2026-01-01T01:00:00Z"
    assert asked["metadata"] == {"name": "bot", "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z"}


def test_its_bearer_is_the_account_with_pod_and_node_as_extra() -> None:
    here = world()
    code, info = who(here, token(here, **TO_POD))
    pod = here.admin.get("pods", "web", "default")["metadata"]["uid"]
    node = here.admin.get("nodes", "node-1")["metadata"]["uid"]
    assert (code, info["username"], info["groups"]) == (
        201,
        "system:serviceaccount:default:bot",
        ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    )
    extra = {key.partition("/")[2]: value for key, value in info["extra"].items()}
    assert extra.pop("credential-id")[0].startswith("JTI=")
    assert extra == {"node-name": ["node-1"], "node-uid": [node], "pod-name": ["web"], "pod-uid": [pod]}


def test_tokens_of_pods_go_on_for_a_year_and_say_when_to_warn() -> None:
    found = claims(token(world(), expirationSeconds=3607, **TO_POD))
    assert (found["exp"] - found["iat"], found["kubernetes.io"]["warnafter"] - found["iat"]) == (31536000, 3607)


@pytest.mark.parametrize(
    ("spec", "code", "told"),
    [
        (
            {"expirationSeconds": 599},
            422,
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: '
            "may not specify a duration less than 10 minutes",
        ),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "no"}}, 404, 'pods "no" not found'),
        (
            {"boundObjectRef": {"kind": "Deployment", "apiVersion": "apps/v1", "name": "no"}},
            400,
            "cannot bind token to object of type apps/v1, Kind=Deployment",
        ),
        (
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "other"}},
            409,
            'Operation cannot be fulfilled on Pod "web": the UID in the bound object reference (other) does not match '
            "the UID in record. The object might have been deleted and then recreated",
        ),
    ],
)
def test_what_cannot_be_asked_for(spec: Any, code: int, told: str) -> None:
    answer = ask(world(), **spec)
    assert (answer["code"], answer["message"]) == (code, told)


def review(world: World, token: str, *audiences: str) -> Any:
    spec = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
    answer = world.send("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})
    assert answer.object is not None
    return answer.object["status"]


def test_a_token_is_for_its_audiences_only() -> None:
    here = world()
    vault = token(here, audiences=["vault", "other"])
    assert who(here, vault)[0] == 401
    good, bad = review(here, vault, "vault", "more"), review(here, vault)
    assert (good["authenticated"], good["audiences"]) == (True, ["vault"])
    assert bad == {
        "user": {},
        "error": f'[invalid bearer token, token audiences ["vault" "other"] is invalid for the target audiences '
        f'["{ISSUER}"]]',
    }


def gone(here: World, word: str, name: str, namespace: str = "default") -> None:
    here.admin.delete(word, name, namespace, grace=0)


@pytest.mark.parametrize(
    ("spec", "end", "why"),
    [
        ({}, lambda here: here.clock.advance_to(here.clock.now() + 3661), "service account token has expired"),
        ({}, lambda here: gone(here, "serviceaccounts", "bot"), 'serviceaccounts "bot" not found'),
        (TO_POD, lambda here: gone(here, "pods", "web"), "service account token has been invalidated"),
        (
            {"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "node-1"}},
            lambda here: gone(here, "nodes", "node-1", ""),
            "service account token has been invalidated",
        ),
    ],
)
def test_a_token_ends_with_its_time_and_with_what_it_is_bound_to(spec: Any, end: Any, why: str) -> None:
    here = world()
    issued = token(here, **spec)
    assert review(here, issued)["authenticated"]
    end(here)
    assert review(here, issued) == {"user": {}, "error": f"[invalid bearer token, {why}]"}
    assert who(here, issued) == (
        401,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "Unauthorized",
            "reason": "Unauthorized",
            "code": 401,
        },
    )


def test_a_forged_token_is_refused() -> None:
    here = world()
    head, _, signature = token(here).split(".")
    forged = rsa.url_safe(json.dumps({**claims(token(here)), "sub": "system:serviceaccount:default:root"}).encode())
    told = "[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]"
    assert review(here, f"{head}.{forged}.{signature}")["error"] == told


def test_the_published_key_checks_tokens() -> None:
    here = world()
    configuration = here.send("GET", "/.well-known/openid-configuration").object
    key_set = here.send("GET", "/openid/v1/jwks")
    assert configuration is not None
    assert key_set.object is not None
    assert (configuration["issuer"], configuration["id_token_signing_alg_values_supported"]) == (ISSUER, ["RS256"])
    (key,) = key_set.object["keys"]
    message, _, signature = token(here).rpartition(".")
    published = rsa.PublicKey(int.from_bytes(from_url_safe(key["n"])), int.from_bytes(from_url_safe(key["e"])))
    assert published.verifies(message.encode(), from_url_safe(signature))
    assert (key["kid"], key_set.content_type) == (published.id, "application/jwk-set+json")


def node_user(name: str) -> User:
    return User(f"system:node:{name}", ("system:nodes", "system:authenticated"))


def test_a_node_gets_tokens_for_its_own_pods_alone() -> None:
    here = world()
    uid = here.admin.get("pods", "web", "default")["metadata"]["uid"]
    bound: Object = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": uid}
    own = ask(here, node_user("node-1"), boundObjectRef=bound)
    other = ask(here, node_user("node-2"), boundObjectRef=bound)
    unbound = ask(here, node_user("node-1"))
    assert "token" in own["status"]
    assert "no relationship found between node 'node-2' and this object" in other["message"]
    assert unbound["message"] == 'serviceaccounts "bot" is forbidden: node requested token not bound to a pod'


def test_a_webhook_sees_the_request_for_a_token_and_may_refuse_it() -> None:
    cluster, url, seen = Cluster(nodes=0), "https://hook.example.com/", []

    def refuse(review: Any) -> Any:
        seen.append(review["request"])
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": "not today"}}
        return {**review, "response": answer}

    cluster.webhooks[url] = refuse
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["serviceaccounts/token"]}
    hook = {"name": "a.example.com", "clientConfig": {"url": url}, "rules": [rule], "sideEffects": "None"}
    configuration = {"metadata": {"name": "w"}, "webhooks": [{**hook, "admissionReviewVersions": ["v1"]}]}
    cluster.client.create("validatingwebhookconfigurations", configuration)
    body = json.dumps({"spec": {"audiences": ["a"], "expirationSeconds": 600}}).encode()
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    refused = cluster.client.request("POST", path, {}, {"content-type": "application/json"}, body)
    assert refused.object is not None
    why = 'admission webhook "a.example.com" denied the request: not today'
    assert (refused.code, refused.object["message"]) == (400, why)
    asked = {name: seen[0][name] for name in ("operation", "kind", "subResource", "name", "namespace")}
    kind = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
    assert asked == {
        "operation": "CREATE",
        "kind": kind,
        "subResource": "token",
        "name": "default",
        "namespace": "default",
    }
    assert seen[0]["object"]["spec"] == {"audiences": ["a"], "expirationSeconds": 600, "boundObjectRef": None}


SECRET: Any = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "kept",
        "namespace": "default",
        "annotations": {"kubernetes.io/service-account.name": "bot"},
    },
    "type": "kubernetes.io/service-account-token",
}


def kept(here: World) -> str:
    """A token that is kept in a Secret, as the token controller would make it."""
    here.add(SECRET)
    account = here.admin.get("serviceaccounts", "bot", "default")
    made = here.gate.tokens.issue_legacy(account, SECRET)
    here.admin.patch("secrets", "kept", {"data": {"token": base64.b64encode(made.encode()).decode()}}, "default")
    return made


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (lambda here: gone(here, "secrets", "kept"), "Token has been invalidated"),
        (
            lambda here: here.admin.patch("secrets", "kept", {"data": {"token": "eA=="}}, "default"),
            "Token does not match server's copy",
        ),
        (lambda here: gone(here, "serviceaccounts", "bot"), 'serviceaccounts "bot" not found'),
        (
            lambda here: here.admin.patch("secrets", "kept", invalid_since("2026-01-01"), "default"),
            "the token in secret default/kept for service account default/bot has been marked invalid. Use tokens from "
            "the TokenRequest API or manually created secret-based tokens, or remove the "
            "'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token",
        ),
    ],
)
def test_a_token_in_a_secret_holds_as_long_as_the_secret_has_it(end: Any, why: str) -> None:
    here = world()
    issued = kept(here)
    assert review(here, issued)["user"]["username"] == "system:serviceaccount:default:bot"
    end(here)
    assert review(here, issued) == {"user": {}, "error": f"[invalid bearer token, {why}]"}


def invalid_since(day: str) -> Object:
    return {"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": day}}}


def test_the_audit_log_says_of_tokens_that_they_are_kept_in_a_secret_or_late() -> None:
    here = world()
    legacy, late = kept(here), token(here, expirationSeconds=3607, **TO_POD)
    log, rules = AuditLog(), [{"level": "Metadata", "omitStages": ["RequestReceived"]}]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
    here.server.audit(auditor(here.server, policy, log, Lottery(1)))
    here.clock.advance_to(here.clock.now() + 3700)
    told = []
    for each in (legacy, late):
        who(here, each)
        told.append({key: value for key, value in log[-1]["annotations"].items() if "authentication" in key})
    subject = "subject: system:serviceaccount:default:bot, seconds after warning threshold: 93"
    assert told == [
        {"authentication.k8s.io/legacy-token-manual-secret": "kept"},
        {"authentication.k8s.io/stale-token": subject},
    ]


def test_a_token_is_looked_at_check_by_check_and_no_further_than_the_first_that_fails() -> None:
    here = world()
    issued = token(here, **TO_POD)
    seen = list(here.gate.tokens.examine(issued).checks())
    assert [check.name for check in seen] == [
        "issuer", "signature", "audience", "expiry", "not before", "service account", "pod",
    ]  # fmt: skip
    assert not any(check.refused for check in seen)
    gone(here, "serviceaccounts", "bot")
    names = [(check.name, check.refused) for check in here.gate.tokens.examine(issued).checks()]
    assert names[-1] == ("service account", 'serviceaccounts "bot" not found')
