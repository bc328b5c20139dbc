"""Discovery, version and health."""

from __future__ import annotations

import pytest

from k8snb.apiserver import discovery, status
from k8snb.machinery.scheme import ROWS, Scheme
from k8snb.typing import Object
from k8snb.wire import Request, Response

SCHEME = Scheme(ROWS)


def get(path: str, accept: str = "", **query: str) -> Response:
    request = Request("GET", path, query, {"accept": accept})
    answer = discovery.serve(request, SCHEME) or status.serve(request, SCHEME)
    assert answer is not None
    return answer


def fetch(path: str, accept: str = "") -> Object:
    answer = get(path, accept).object
    assert answer is not None
    return answer


def entry(api: str, name: str) -> Object:
    found: Object = next(e for e in fetch(api)["resources"] if e["name"] == name)
    return found


def test_the_core_api_has_one_version() -> None:
    assert fetch("/api")["versions"] == ["v1"]
    assert fetch("/api/")["kind"] == "APIVersions"


def test_groups_are_listed_with_their_preferred_version() -> None:
    apps = {"groupVersion": "apps/v1", "version": "v1"}
    expected = {"name": "apps", "versions": [apps], "preferredVersion": apps}
    assert expected in fetch("/apis")["groups"]
    assert fetch("/apis/apps") == {"kind": "APIGroup", "apiVersion": "v1", **expected}
    assert "" not in [group["name"] for group in fetch("/apis")["groups"]]


def test_a_resource_is_listed_as_upstream_lists_it() -> None:
    assert entry("/apis/apps/v1", "deployments") == {
        "name": "deployments",
        "singularName": "deployment",
        "namespaced": True,
        "kind": "Deployment",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["deploy"],
        "categories": ["all"],
        "storageVersionHash": "8aSe+NMegvE=",
    }
    assert entry("/api/v1", "events")["storageVersionHash"] == "r2yiGXH7wu8="
    assert entry("/apis/events.k8s.io/v1", "events")["storageVersionHash"] == "r2yiGXH7wu8="


@pytest.mark.parametrize(
    ("api", "name", "kind", "group", "verbs"),
    [
        ("/api/v1", "pods/eviction", "Eviction", "policy", ["create"]),
        ("/api/v1", "pods/log", "Pod", None, ["get"]),
        ("/api/v1", "pods/exec", "PodExecOptions", None, ["create", "get"]),
        ("/api/v1", "services/proxy", "ServiceProxyOptions", None, ["create", "delete", "get", "patch", "update"]),
        ("/api/v1", "serviceaccounts/token", "TokenRequest", "authentication.k8s.io", ["create"]),
        ("/api/v1", "namespaces/finalize", "Namespace", None, ["update"]),
        ("/apis/apps/v1", "deployments/scale", "Scale", "autoscaling", ["get", "patch", "update"]),
    ],
)
def test_a_subresource_may_have_a_kind_of_its_own(
    api: str, name: str, kind: str, group: str | None, verbs: list[str]
) -> None:
    found = entry(api, name)
    assert (found["kind"], found.get("group"), found["verbs"]) == (kind, group, verbs)


def test_resources_are_sorted_by_name() -> None:
    names = [e["name"] for e in fetch("/api/v1")["resources"]]
    assert names == sorted(names)


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_aggregated_discovery_says_everything_at_once(version: str) -> None:
    accept = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList,application/json"
    made = fetch("/apis", accept)
    assert made["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    apps = next(item for item in made["items"] if item["metadata"].get("name") == "apps")
    deployments = next(r for r in apps["versions"][0]["resources"] if r["resource"] == "deployments")
    assert deployments["scope"] == "Namespaced"
    assert deployments["subresources"][0] == {
        "subresource": "scale",
        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "verbs": ["get", "patch", "update"],
    }
    assert get("/apis", accept).content_type.endswith(f"v={version};as=APIGroupDiscoveryList")
    core = fetch("/api", accept)
    assert [item["metadata"] for item in core["items"]] == [{}]


@pytest.mark.parametrize("path", ["/apis/nowhere", "/apis/apps/v9", "/api/v9", "/api/v1/pods", "/other"])
def test_other_paths_are_not_discovery(path: str) -> None:
    assert discovery.serve(Request("GET", path), SCHEME) is None
    assert discovery.serve(Request("POST", "/apis"), SCHEME) is None


def test_the_version_is_that_of_the_behaviour() -> None:
    version = fetch("/version/")
    assert (version["major"], version["minor"], version["gitVersion"]) == ("1", "36", "v1.36.0")


@pytest.mark.parametrize("endpoint", ["healthz", "livez", "readyz"])
def test_a_healthy_server_says_ok(endpoint: str) -> None:
    assert get(f"/{endpoint}").body == b"ok"
    assert get(f"/{endpoint}/ping").body == b"ok"
    lines = get(f"/{endpoint}", verbose="").body.decode().splitlines()
    assert lines[0] == "[+]ping ok"
    assert lines[-1] == f"{endpoint} check passed"
    assert "[+]etcd excluded: ok" in get(f"/{endpoint}", verbose="", exclude="etcd").body.decode()


def test_a_failed_check_makes_the_server_unhealthy() -> None:
    answer = status.serve(Request("GET", "/readyz"), SCHEME, failed=["etcd"])
    assert answer is not None
    assert answer.code == 500
    assert "[-]etcd failed: reason withheld\n" in answer.body.decode()


def test_the_root_lists_every_path() -> None:
    paths = fetch("/")["paths"]
    assert paths == sorted(paths)
    assert {"/api/v1", "/apis/apps", "/apis/apps/v1", "/livez/ping", "/openapi/v3", "/version"} <= set(paths)
