"""Paths where nothing is, or where something cannot be done."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from tests.edge.asking import CONFIG_MAPS, DEPLOYMENTS, NAMESPACE, PODS, ask
from tests.edge.bad_input.refusing import NO_PAGE, NO_RESOURCE, NOT_ALLOWED, refused


@pytest.mark.parametrize(
    "path",
    ["/nope", "/api/v2", "/api/v2/pods", "/apis/nope", "/apis/apps/v2", "/apis/apps/v2/deployments", "/openapi/v3/nope",
     "/healthz/nope", "/../etc/passwd", "/%2e%2e/%2e%2e", "/" + "a/" * 3000],
)  # fmt: skip
def test_what_is_nowhere_has_no_page(cluster: Cluster, path: str) -> None:
    refused(ask(cluster, "GET", path), 404, "", NO_PAGE)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nope", "/apis/apps/v1/nope", f"{NAMESPACE}/nope", f"{NAMESPACE}/nodes", "/api/v1/pods/one",
     f"{PODS}/one/nope", f"{CONFIG_MAPS}/present/scale", f"{PODS}/one/scale", f"{CONFIG_MAPS}/present/status",
     "/api/v1/watch/nope", "/api/v1/nodes/node-1/pods"],
)  # fmt: skip
def test_what_is_not_served_is_not_found(cluster: Cluster, path: str) -> None:
    refused(ask(cluster, "GET", path), 404, "NotFound", NO_RESOURCE)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("x", "x"), ("..%2f..%2fsecrets", "../../secrets"), ("%00", "\0"), ("%ff", "\ufffd"), ("x" * 5000, "x" * 5000)],
)
def test_a_hostile_name_names_nothing(cluster: Cluster, name: str, shown: str) -> None:
    refused(ask(cluster, "GET", f"{PODS}/{name}"), 404, "NotFound", f'pods "{shown}" not found')


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", PODS), ("PATCH", PODS), ("TRACE", PODS), ("OPTIONS", PODS), ("CONNECT", PODS), ("BREW", PODS),
     ("POST", f"{PODS}/one"), ("POST", "/api/v1/nodes/node-1"), ("POST", "/api/v1/pods"), ("DELETE", "/api/v1/pods"),
     ("DELETE", "/api/v1/namespaces"), ("PUT", "/api"), ("DELETE", "/apis"), ("POST", "/version"),
     ("POST", f"{PODS}/one/log"), ("DELETE", f"{DEPLOYMENTS}/web/scale"), ("POST", "/api/v1/componentstatuses"),
     ("GET", f"{NAMESPACE}/bindings"), ("GET", f"{NAMESPACE}/finalize")],
)  # fmt: skip
def test_what_cannot_be_done_at_a_path_is_not_allowed(cluster: Cluster, method: str, path: str) -> None:
    body = {"metadata": {"name": "x"}}
    refused(ask(cluster, method, path, body), 405, "MethodNotAllowed", NOT_ALLOWED)


@pytest.mark.parametrize(
    ("path", "kind", "spec"),
    [
        ("/api/v1/nodes", "Node", {}),
        (f"{NAMESPACE}/limitranges", "LimitRange", {"limits": None}),
        (f"{NAMESPACE}/resourcequotas", "ResourceQuota", {}),
    ],
)
def test_an_object_without_a_spec_has_an_empty_one_and_harms_nobody(path: str, kind: str, spec: object) -> None:
    cluster = Cluster(nodes=1, seed=1)
    body = {"kind": kind, "apiVersion": "v1", "metadata": {"name": "bare"}}
    codes = [ask(cluster, "POST", path, body).code, ask(cluster, "PUT", f"{path}/bare", body).code]
    assert codes == [201, 200]
    namespace = "default" if path.startswith(NAMESPACE) else ""
    assert cluster.client.get(path.rpartition("/")[2], "bare", namespace)["spec"] == spec
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}
    assert ask(cluster, "POST", PODS, pod).code == 201
    cluster.settle()
    assert cluster.server.panics == []
