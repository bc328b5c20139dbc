"""A group version of the API that a pod serves: whether it is available, and who answers."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
import pytest

from k8snb import Cluster
from k8snb.kubelet.images import table
from k8snb.kubelet.images.program import Image, Program
from k8snb.machinery.objects import condition
from k8snb.packet import EventStream, HTTPRequest, HTTPResponse
from k8snb.typing import Object
from k8snb.wire import Response

ROOT = "/apis/a.example.com/v1"


class Things(Program):
    """An API server of one kind; it tells what it was asked and by whom."""

    def start(self) -> None:
        self.process.listen(8443)

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        if not request.path.startswith(ROOT):
            return HTTPResponse(404)
        told = {"method": request.method, "path": request.path, "headers": request.headers, "body": request.body}
        return HTTPResponse(200, orjson.dumps(told).decode(), {"Content-Type": "application/json"})


@pytest.fixture(autouse=True)
def image() -> None:
    table.add(Image("example.com/things", 1_000_000, {"things": Things}, entrypoint=("things",)))


def named(name: str) -> Object:
    return {"name": name, "namespace": "default"}


def service(port: int = 443, target: int = 8443, **spec: object) -> Object:
    ports = [{"name": "api", "port": port, "targetPort": target}]
    return {"metadata": named("things"), "spec": {"selector": {"app": "things"}, "ports": ports, **spec}}


def pod(image: str = "example.com/things") -> Object:
    meta = {**named("things"), "labels": {"app": "things"}}
    return {"metadata": meta, "spec": {"containers": [{"name": "c", "image": image}]}}


def register(cluster: Cluster, group: str = "a.example.com") -> None:
    spec = {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    reference = {"namespace": "default", "name": "things"}
    cluster.client.create("apiservices", {"metadata": {"name": f"v1.{group}"}, "spec": {**spec, "service": reference}})


def available(cluster: Cluster, group: str = "a.example.com") -> tuple[str, str, str]:
    cluster.settle()
    found = condition(cluster.client.get("apiservices", f"v1.{group}"), "Available")
    assert found is not None
    return found["status"], found["reason"], found["message"]


def ask(cluster: Cluster, method: str, path: str, body: bytes = b"") -> Response:
    claimed = {"x-remote-user": "somebody", "x-remote-extra-a": "b", "authorization": "Bearer t", "x-more": "kept"}
    return cluster.client.request(method, path, {"limit": "5"}, claimed, body)


def test_each_step_towards_an_answer_is_told_as_soon_as_it_is_taken() -> None:
    cluster = Cluster(nodes=1)
    register(cluster)
    told = [available(cluster)]
    made = cluster.client.create("services", {**service(80), "spec": {**service(80)["spec"], "selector": {}}})
    told.append(available(cluster))
    made = cluster.client.update("services", {**made, "spec": {**made["spec"], "ports": service()["spec"]["ports"]}})
    told.append(available(cluster))
    cluster.client.update("services", {**made, "spec": {**made["spec"], "selector": {"app": "things"}}})
    told.append(available(cluster))
    cluster.client.create("pods", pod())
    told.append(available(cluster))
    cluster.client.delete("pods", "things", "default")
    told.append(available(cluster))
    where = 'service/things in "default"'
    missing = f'endpointslices for {where} have no addresses with port name "api"'
    assert told == [
        ("False", "ServiceNotFound", f"{where} is not present"),
        ("False", "ServicePortError", f"{where} is not listening on port 443"),
        ("False", "EndpointsNotFound", f"cannot find endpointslices for {where}"),
        ("False", "MissingEndpoints", missing),
        ("True", "Passed", "all checks passed"),
        ("False", "MissingEndpoints", missing),
    ]


def test_a_server_that_does_not_know_the_group_or_does_not_listen_fails_the_check() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create("services", service())
    cluster.client.create("pods", pod())
    register(cluster, "b.example.com")
    told = [available(cluster, "b.example.com")]
    found = cluster.client.get("services", "things", "default")
    ports = service(target=9)["spec"]["ports"]
    cluster.client.update("services", {**found, "spec": {**found["spec"], "ports": ports}})
    told.append(available(cluster, "b.example.com"))
    ip = cluster.client.get("pods", "things", "default")["status"]["podIP"]
    url, closed = f"https://{ip}:8443/apis/b.example.com/v1", f"https://{ip}:9/apis/b.example.com/v1"
    lead = "failing or missing response from"
    refused = f'{lead} {closed}: Get "{closed}": dial tcp {ip}:9: connect: connection refused'
    assert told == [
        ("False", "FailedDiscoveryCheck", f"{lead} {url}: bad status from {url}: 404"),
        ("False", "FailedDiscoveryCheck", refused),
    ]


def test_requests_go_to_the_pod_with_their_user_and_are_answered_503_where_it_is_not_available() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create("services", service())
    register(cluster)
    cluster.settle()
    without = ask(cluster, "GET", f"{ROOT}/things")
    cluster.client.create("pods", pod())
    cluster.settle()
    answer = ask(cluster, "POST", f"{ROOT}/things", b"{}")
    assert (without.code, without.body) == (503, b"service unavailable\n")
    assert (answer.code, answer.content_type) == (200, "application/json")
    told = orjson.loads(answer.body)
    groups = told["headers"].pop("x-remote-group").split(",")
    assert "system:authenticated" in groups
    assert told == {
        "method": "POST",
        "path": f"{ROOT}/things?limit=5",
        "headers": {"x-remote-user": "kubernetes-admin", "x-more": "kept"},
        "body": "{}",
    }


VERBS = ["get", "list", "watch"]
THINGS = {"name": "things", "singularName": "thing", "namespaced": True, "kind": "Thing", "verbs": VERBS}
STATUS = {"name": "things/status", "singularName": "", "namespaced": True, "kind": "Thing", "verbs": ["get"]}
RESOURCES = {
    "kind": "APIResourceList",
    "groupVersion": "a.example.com/v1",
    "resources": [{**THINGS, "shortNames": ["th"]}, STATUS],
}
THING = {"apiVersion": "a.example.com/v1", "kind": "Thing", "metadata": {"name": "one", "namespace": "default"}}
LISTED = {"apiVersion": "a.example.com/v1", "kind": "ThingList", "metadata": {}, "items": [THING]}
DOCUMENT = {"openapi": "3.0.0", "paths": {f"{ROOT}/namespaces/{{namespace}}/things": {}}}
INDEX = {"paths": {ROOT[1:]: {"serverRelativeURL": f"/openapi/v3{ROOT}?hash=A1"}, "apis/b/v1": {}}}
WHOLE = {"paths": {f"{ROOT}/things": {"get": {}}, "/version": {}}, "definitions": {"Thing": {"type": "object"}}}
ANSWERS = {
    ROOT: RESOURCES,
    f"{ROOT}/namespaces/default/things": LISTED,
    "/openapi/v3": INDEX,
    f"/openapi/v3{ROOT}": DOCUMENT,
    "/openapi/v2": WHOLE,
}


class Described(Program):
    """An API server that tells what it serves, and what changes."""

    watches: ClassVar[list[EventStream]] = []

    def start(self) -> None:
        self.process.listen(8443)

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        path, _, query = request.path.partition("?")
        kind = {"Content-Type": "application/json"}
        if "watch=" in query:
            self.watches.append(EventStream())
            return HTTPResponse(200, headers=kind, stream=self.watches[-1])
        return HTTPResponse(200, orjson.dumps(ANSWERS[path]).decode(), kind) if path in ANSWERS else HTTPResponse(404)


@pytest.fixture
def described() -> Cluster:
    """A cluster in which a pod serves things, and says so."""
    table.add(Image("example.com/described", 1_000_000, {"things": Described}, entrypoint=("things",)))
    Described.watches.clear()
    cluster = Cluster(nodes=1)
    cluster.client.create("services", service())
    register(cluster)
    cluster.client.create("pods", pod("example.com/described"))
    cluster.settle()
    return cluster


def document(cluster: Cluster, path: str, accept: str = "application/json") -> Any:
    answer = cluster.client.request("GET", path, {}, {"accept": accept})
    return answer.object if answer.object is not None else orjson.loads(answer.body)


def test_what_a_pod_serves_is_listed_among_the_groups_by_its_priority(described: Cluster) -> None:
    names = [each["name"] for each in document(described, "/apis")["groups"]]
    assert names[-1] == "a.example.com"
    found = described.client.get("apiservices", "v1.a.example.com")
    described.client.update("apiservices", {**found, "spec": {**found["spec"], "groupPriorityMinimum": 17750}})
    names = [each["name"] for each in document(described, "/apis")["groups"]]
    assert names[:3] == ["apps", "a.example.com", "events.k8s.io"]
    version = {"groupVersion": "a.example.com/v1", "version": "v1"}
    assert document(described, "/apis/a.example.com") == {
        "kind": "APIGroup", "apiVersion": "v1", "name": "a.example.com", "versions": [version],
        "preferredVersion": version,
    }  # fmt: skip
    assert document(described, ROOT) == RESOURCES


def test_aggregated_discovery_says_what_a_pod_serves_and_whether_that_is_current(described: Cluster) -> None:
    def told() -> Any:
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return document(described, "/apis", accept)["items"][-1]["versions"]

    kind = {"group": "", "version": "", "kind": "Thing"}
    below = {"subresource": "status", "responseKind": kind, "verbs": ["get"]}
    resource = {
        "resource": "things", "responseKind": kind, "scope": "Namespaced", "singularResource": "thing", "verbs": VERBS,
        "shortNames": ["th"], "subresources": [below],
    }  # fmt: skip
    assert told() == [{"version": "v1", "resources": [resource], "freshness": "Current"}]
    described.client.delete("pods", "things", "default")
    described.settle()
    assert told() == [{"version": "v1", "resources": [resource], "freshness": "Stale"}]


def test_openapi_documents_hold_what_a_pod_serves(described: Cluster) -> None:
    paths = document(described, "/openapi/v3")["paths"]
    assert paths[ROOT[1:]] == {"serverRelativeURL": f"/openapi/v3{ROOT}?hash=A1"}
    assert "apis/b/v1" not in paths
    assert document(described, f"/openapi/v3{ROOT}") == DOCUMENT
    whole = document(described, "/openapi/v2")
    assert (whole["paths"][f"{ROOT}/things"], whole["definitions"]["Thing"]) == ({"get": {}}, {"type": "object"})
    assert "/version" not in whole["paths"]
    assert "/api/v1/pods" in whole["paths"]


def test_a_watch_goes_through_to_the_pod(described: Cluster) -> None:
    answer = described.client.request("GET", f"{ROOT}/namespaces/default/things", {"watch": "true"})
    event = {"type": "ADDED", "object": THING}
    Described.watches[0].put(event)
    assert (answer.code, answer.content_type, answer.stream.next()) == (200, "application/json", event)
    answer.stream.close()
    assert Described.watches[0].closed


def test_requests_for_what_a_pod_serves_are_authorized_by_resource(described: Cluster) -> None:
    user = {"impersonate-user": "jane"}
    refused = described.client.request("GET", f"{ROOT}/namespaces/default/things/one", {}, user)
    assert (refused.code, refused.object["message"]) == (  # type: ignore[index]
        403,
        'things.a.example.com "one" is forbidden: User "jane" cannot get resource "things" in API group '
        '"a.example.com" in the namespace "default"',
    )
