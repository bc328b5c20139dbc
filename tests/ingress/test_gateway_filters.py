"""What filters of HTTPRoutes make of requests and answers."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.ingress.gateways import (
    ACCEPTED,
    Ways,
    listener,
    match,
    redirect,
    rewrite,
    to,
)


def test_HTTPRouteRedirect_HostAndStatus_Path_Port_Scheme_PortAndScheme(ways: Ways) -> None:
    gateway = ways.gateway(listener("http", 80), listener("other", 8080))
    full = {"type": "ReplaceFullPath", "replaceFullPath": "/full"}
    prefix = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/replaced"}
    rules = {
        "/host": redirect(hostname="example.com"),
        "/status": redirect(hostname="example.com", statusCode=301),
        "/full": redirect(hostname="example.com", path=full),
        "/original": redirect(path=prefix),
        "/port": redirect(port=8083),
        "/scheme": redirect(scheme="https"),
        "/both": redirect(scheme="https", port=8443),
        "/usual": redirect(scheme="https", port=443),
        "/plain": redirect(port=80),
    }
    ways.route(gateway, *({"matches": [match(path)], "filters": filters} for path, filters in rules.items()))
    wanted = {
        "/host": "302 http://example.com/host",
        "/status": "301 http://example.com/status",
        "/full/x": "302 http://example.com/full",
        "/original/x?a=b": "302 http://example.org/replaced/x?a=b",
        "/port": "302 http://example.org:8083/port",
        "/scheme": "302 https://example.org/scheme",
        "/both": "302 https://example.org:8443/both",
        "/usual": "302 https://example.org/usual",
        "/plain": "302 http://example.org/plain",
    }
    assert {path: ways.get(gateway, path) for path in wanted} == wanted
    assert ways.get(gateway, "/host", at=8080) == "302 http://example.com:8080/host"
    assert ways.get(gateway, "/plain", at=8080) == "302 http://example.org/plain"


@pytest.mark.parametrize(
    ("prefix", "replacement", "asked", "sent"),
    [
        ("/foo", "/xyz", "/foo/bar", "/xyz/bar"),
        ("/foo", "/xyz/", "/foo/bar", "/xyz/bar"),
        ("/foo/", "/xyz", "/foo/bar", "/xyz/bar"),
        ("/foo/", "/xyz/", "/foo/bar", "/xyz/bar"),
        ("/foo", "/xyz", "/foo", "/xyz"),
        ("/foo", "/xyz", "/foo/", "/xyz/"),
        ("/foo", "/", "/foo/bar", "/bar"),
        ("/foo", "", "/foo/", "/"),
        ("/foo", "", "/foo", "/"),
        ("/foo/", "", "/foo/", "/"),
        ("/foo", "/", "/foo", "/"),
    ],
)
def test_HTTPRouteRewritePath_as_the_specifications_table_has_it(
    ways: Ways, prefix: str, replacement: str, asked: str, sent: str
) -> None:
    gateway = ways.gateway()
    how = {"type": "ReplacePrefixMatch", "replacePrefixMatch": replacement}
    ways.route(gateway, to("who", matches=[match(prefix)], filters=rewrite(path=how)))
    assert f"GET {sent} HTTP/1.1" in ways.body(gateway, asked)
    ways.client.delete("gateways.gateway.networking.k8s.io", gateway, "default")


def test_HTTPRouteRewriteHost_and_a_full_path(ways: Ways) -> None:
    gateway = ways.gateway()
    how = {"type": "ReplaceFullPath", "replaceFullPath": "/one"}
    ways.route(gateway, to("who", filters=rewrite(hostname="one.example.org", path=how)))
    assert {"GET /one?x=1 HTTP/1.1", "Host: one.example.org"} <= set(ways.body(gateway, "/full/one/two?x=1"))


def modify(kind: str, **how: Any) -> Object:
    return {"type": f"{kind}HeaderModifier", f"{kind[0].lower()}{kind[1:]}HeaderModifier": how}


def test_HTTPRoute_Request_Response_and_BackendRequestHeaderModifier(ways: Ways) -> None:
    gateway = ways.gateway()
    pairs = {
        "set": [{"name": "X-Header-Set", "value": "new"}],
        "add": [{"name": "X-Header-Add", "value": "more"}],
        "remove": ["X-Header-Remove"],
    }
    answers = modify("Response", set=[{"name": "X-Answer", "value": "yes"}], remove=["Content-Type"])
    rule = to("who", filters=[modify("Request", **pairs), answers])
    rule["backendRefs"][0]["filters"] = [modify("Request", set=[{"name": "X-Backend", "value": "who"}])]
    ways.route(gateway, rule)
    sent = {"x-header-set": "old", "x-header-add": "first", "x-header-remove": "gone"}
    response = ways.send("example.org", port=ways.node_port(gateway), headers=sent)
    said = response.body.lower()
    assert "x-header-set: new\n" in said
    assert "x-header-add: first,more\n" in said
    assert "x-backend: who\n" in said
    assert "x-header-remove" not in said
    assert (response.headers["x-answer"], "content-type" in response.headers) == ("yes", False)


def test_HTTPRouteRequestMirror_and_HTTPRouteRequestMultipleMirrors(ways: Ways) -> None:
    gateway = ways.gateway()
    mirrors = [
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": n, "port": 80}}} for n in ("v2", "v3")
    ]
    ways.route(gateway, to("v1", matches=[match("/mirror")], filters=mirrors))
    answer = ways.get(gateway, "/mirror")
    seen = ["GET /mirror" in ways.cluster.kubectl(f"logs {name}") for name in ("v1", "v2", "v3")]
    assert (answer, seen) == ("200 v1", [True, True, True])


def test_a_filter_of_a_kind_that_is_not_known_lets_nothing_pass(ways: Ways) -> None:
    gateway = ways.gateway()
    extension = {"type": "ExtensionRef", "extensionRef": {"group": "example.com", "kind": "Auth", "name": "x"}}
    own = {"backendRefs": [{"name": "v1", "port": 80, "filters": [extension]}], "matches": [match("/own")]}
    route = ways.route(gateway, to("v1", filters=[extension]), own, to("v1", matches=[match("/fine")]))
    assert ways.parents(route) == [{**ACCEPTED, "ResolvedRefs": "False InvalidKind"}]
    assert ways.why(route) == "no filter is of kind Auth of group example.com"
    asked = [ways.get(gateway, path) for path in ("/", "/own", "/fine")]
    assert asked == ["500 Internal Server Error", "500 Internal Server Error", "200 v1"]
