"""Webhooks behind a Service: a pod is asked over the cluster's network, for admission and for conversion."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from k8snb import Cluster
from k8snb.errors import StatusError
from k8snb.kubelet.images import table
from k8snb.kubelet.images.program import Image, Program
from k8snb.packet import HTTPRequest, HTTPResponse
from k8snb.typing import Object

AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"


def named(name: str) -> Object:
    return {"name": name, "namespace": "default"}


def config_map(name: str = "c", **data: str) -> Object:
    return {"metadata": named(name), "data": data}


def town(*arguments: str, image: str = AGNHOST) -> Cluster:
    """A cluster in which a pod behind the Service `hook` answers."""
    cluster = Cluster(nodes=1)
    container = {"name": "hook", "image": image, **({"args": list(arguments)} if arguments else {})}
    pod = {"metadata": {**named("hook"), "labels": {"app": "hook"}}, "spec": {"containers": [container]}}
    ports = [{"port": 443, "targetPort": 8443}]
    cluster.client.create(
        "services", {"metadata": named("hook"), "spec": {"selector": {"app": "hook"}, "ports": ports}}
    )
    cluster.client.create("pods", pod)
    cluster.settle()
    return cluster


def configure(cluster: Cluster, path: str, kind: str = "Validating", **more: Any) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    webhook = {
        "name": "a.example.com",
        "clientConfig": {"service": {**named("hook"), "path": path}},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **more,
    }
    name = f"{kind.lower()}webhookconfigurations"
    cluster.client.create(name, {"metadata": {"name": "w"}, "webhooks": [webhook]})


def refusal(cluster: Cluster, obj: Object) -> str:
    with pytest.raises(StatusError) as refused:
        cluster.client.create("configmaps", obj)
    return refused.value.message


WEBHOOK = ("webhook", "--port=8443")


def test_a_pod_refuses_and_changes_what_is_written() -> None:
    cluster = town(*WEBHOOK)
    configure(cluster, "/configmaps")
    configure(cluster, "/mutating-configmaps", "Mutating")
    assert refusal(cluster, config_map(**{"webhook-e2e-test": "webhook-disallow"})) == (
        'admission webhook "a.example.com" denied the request: the configmap contains unwanted key and value'
    )
    made = cluster.client.create("configmaps", config_map(**{"mutation-start": "yes"}))
    assert made["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes"}


def test_what_cannot_be_reached_is_told_in_the_words_of_the_api_server() -> None:
    cluster = town(*WEBHOOK)
    configure(cluster, "/always-allow-delay-5s", timeoutSeconds=3)
    lead = 'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: '
    post = 'Post "https://hook.default.svc:443/always-allow-delay-5s?timeout=3s": '
    told = [refusal(cluster, config_map())]
    cluster.client.delete("pods", "hook", "default")
    cluster.settle()
    told.append(refusal(cluster, config_map()))
    cluster.client.delete("services", "hook", "default")
    told.append(refusal(cluster, config_map()))
    assert told == [
        f"{lead}{post}context deadline exceeded",
        f'{lead}{post}no endpoints available for service "hook"',
        f'{lead}{post}service "hook" not found',
    ]


class Strict(Program):
    """A program of one's own that likes no config map."""

    def start(self) -> None:
        self.process.listen(8443)

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        review = orjson.loads(request.body)
        response = {"uid": review["request"]["uid"], "allowed": False, "status": {"code": 403, "message": "never"}}
        return HTTPResponse(200, orjson.dumps({**review, "response": response}).decode())


def test_an_image_of_ones_own_answers_reviews() -> None:
    table.add(Image("example.com/strict", 1_000_000, {"strict": Strict}, entrypoint=("strict",)))
    cluster = town(image="example.com/strict:1.0")
    configure(cluster, "/")
    assert refusal(cluster, config_map()) == 'admission webhook "a.example.com" denied the request: never'


def test_a_pod_converts_custom_resources() -> None:
    cluster = town("crd-conversion-webhook", "--port=8443")
    text = {"type": "string"}
    versions = [("v1", {"hostPort": text}), ("v2", {"host": text, "port": text})]
    names = {"plural": "e2e-tests", "singular": "e2e-test", "kind": "E2eTest", "listKind": "E2eTestList"}
    client = {"service": {**named("hook"), "path": "/crdconvert"}}
    spec = {
        "group": "stable.example.com",
        "scope": "Namespaced",
        "names": names,
        "conversion": {
            "strategy": "Webhook",
            "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]},
        },
        "versions": [
            {
                "name": name,
                "served": True,
                "storage": name == "v1",
                "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
            }
            for name, properties in versions
        ],
    }
    definition = {"metadata": {"name": "e2e-tests.stable.example.com"}, "spec": spec}
    cluster.client.create("customresourcedefinitions", definition)
    cluster.settle()
    path = "/apis/stable.example.com/{}/namespaces/default/e2e-tests"
    obj = {"apiVersion": "stable.example.com/v1", "kind": "E2eTest", "metadata": named("a"), "hostPort": "localhost:80"}
    headers = {"content-type": "application/json"}
    cluster.client.request("POST", path.format("v1"), {}, headers, orjson.dumps(obj))
    seen = cluster.client.request("GET", f"{path.format('v2')}/a", {}, {}, b"").object
    assert seen is not None
    assert (seen["host"], seen["port"], "hostPort" in seen) == ("localhost", "80", False)
    cluster.client.delete("pods", "hook", "default")
    cluster.settle()
    failed = cluster.client.request("GET", f"{path.format('v2')}/a", {}, {}, b"")
    assert failed.object is not None
    assert (failed.code, failed.object["message"]) == (
        500,
        "Internal error occurred: conversion webhook for stable.example.com/v1, Kind=E2eTest failed: Post "
        '"https://hook.default.svc:443/crdconvert?timeout=30s": no endpoints available for service "hook"',
    )
    cluster.client.delete("customresourcedefinitions", "e2e-tests.stable.example.com")
    cluster.settle()
    assert cluster.client.find("customresourcedefinitions", "e2e-tests.stable.example.com") is None
