"""Admission webhooks: whom they are asked about, what they may say, and what if they do not answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from k8snb.apiserver.admission.surroundings import CallError
from k8snb.typing import Object
from tests.apiserver.admission.test_policies import CONFIG_MAPS, GROUP, Court, config_map, message

Answer = Callable[[Object], Object]


def webhook(name: str = "a.example.com", **more: Any) -> Object:
    return {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"url": f"https://{name}/"},
        "rules": [CONFIG_MAPS],
        **more,
    }


class Post(Court):
    """The world with webhooks; `answers` says by URL what each responds, `asked` keeps the requests."""

    def __init__(self, kind: str, *webhooks: Object, **answers: Answer) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[Object] = []
        self.server.extensions.surroundings.call = self.call
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": "w"},
            "webhooks": list(webhooks),
        }
        response = self.send("POST", f"{GROUP}/{kind.lower()}webhookconfigurations", configuration)
        assert response.code == 201, response.object

    def call(self, client: Object, review: Object, seconds: float) -> Object:
        request = review["request"]
        self.asked.append(request)
        answer = self.answers.get(client["url"][8])
        if answer is None:
            raise CallError(f'failed to call webhook: Post "{client["url"]}": connection refused')
        return {**review, "response": {"uid": request["uid"], "allowed": True, **answer(request)}}


def no(request: Object) -> Object:
    return {"allowed": False, "status": {"message": "not today"}}


def add(path: str, value: str) -> Answer:
    patch = base64.b64encode(orjson.dumps([{"op": "add", "path": path, "value": value}])).decode()
    return lambda request: {"patchType": "JSONPatch", "patch": patch}


def test_a_webhook_may_say_no() -> None:
    post = Post("Validating", webhook(), a=no)
    refused = post.put(config_map())
    assert (refused.code, message(refused)) == (
        400,
        'admission webhook "a.example.com" denied the request: not today',
    )


def test_a_review_says_who_wants_what() -> None:
    post = Post("Validating", webhook(), a=lambda request: {"warnings": ["seen"]})
    answer = post.put(config_map(a="1"), dryRun="All")
    asked = post.asked[0]
    assert answer.warnings == ("seen",)
    assert {key: asked[key] for key in ("kind", "name", "namespace", "operation", "dryRun", "oldObject")} == {
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "name": "c",
        "namespace": "default",
        "operation": "CREATE",
        "dryRun": True,
        "oldObject": None,
    }
    assert asked["object"]["data"] == {"a": "1"}


def test_patches_add_up_and_a_webhook_may_look_again() -> None:
    first = webhook("a.example.com", reinvocationPolicy="IfNeeded")
    post = Post("Mutating", first, webhook("b.example.com"), a=add("/data/a", "1"), b=add("/data/b", "2"))
    made = post.put(config_map(x="0")).object
    assert made is not None
    assert made["data"] == {"x": "0", "a": "1", "b": "2"}
    assert len(post.asked) == 3


@pytest.mark.parametrize(("policy", "expected"), [("Fail", 500), ("Ignore", 201)])
def test_a_webhook_that_cannot_be_reached_refuses_or_is_passed_over(policy: str, expected: int) -> None:
    post = Post("Validating", webhook(failurePolicy=policy))
    answer = post.put(config_map())
    assert answer.code == expected
    if expected == 500:
        assert message(answer) == (
            'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: '
            'Post "https://a.example.com/": connection refused'
        )


@pytest.mark.parametrize(
    "more",
    [
        {"rules": [{**CONFIG_MAPS, "operations": ["DELETE"]}]},
        {"rules": [{**CONFIG_MAPS, "scope": "Cluster"}]},
        {"namespaceSelector": {"matchLabels": {"env": "prod"}}},
        {"objectSelector": {"matchLabels": {"env": "prod"}}},
        {"matchConditions": [{"name": "never", "expression": "request.name != 'c'"}]},
    ],
)
def test_a_webhook_is_only_asked_about_what_it_is_for(more: Any) -> None:
    post = Post("Validating", webhook(**more), a=no)
    assert (post.put(config_map()).code, post.asked) == (201, [])


def test_a_configuration_has_to_be_complete() -> None:
    court = Court()
    wrong = {"metadata": {"name": "w"}, "webhooks": [{"name": "short", "clientConfig": {}, "timeoutSeconds": 60}]}
    path = f"{GROUP}/validatingwebhookconfigurations"
    assert court.causes(court.send("POST", path, wrong)) == [
        'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
        "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
        "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
        "webhooks[0].timeoutSeconds: Invalid value: 60: the timeout value must be between 1 and 30 seconds",
        "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
    ]
