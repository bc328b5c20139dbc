"""Routes that may not attach, and what listeners and routes refer to that is not there or not allowed."""

from __future__ import annotations

from collections import Counter

from tests.ingress.entry import SPACE
from tests.ingress.gateways import (
    ACCEPTED,
    KEY,
    Ways,
    certificate,
    conditions,
    listener,
    match,
    secure,
    to,
)


def test_HTTPRouteInvalidParentRefNotMatchingSectionName(ways: Ways) -> None:
    gateway = ways.gateway()
    route = ways.route({"name": gateway, "sectionName": "http-404"}, to("v1"))
    assert ways.parents(route) == [{**ACCEPTED, "Accepted": "False NoMatchingParent"}]
    assert ways.listeners(gateway)["http"]["attachedRoutes"] == 0


def test_HTTPRouteInvalidCrossNamespaceParentRef_and_HTTPRouteCrossNamespace(ways: Ways) -> None:
    ways.namespace("web", team="web")
    same = ways.gateway()
    labelled = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}}
    chosen = ways.gateway(listener(allowedRoutes=labelled))
    ways.app("far", namespace="web")
    refused = ways.route({"name": same, "namespace": "default"}, to("far"), namespace="web")
    taken = ways.route({"name": chosen, "namespace": "default"}, to("far"), namespace="web")
    assert ways.parents(refused, "web")[0]["Accepted"] == "False NotAllowedByListeners"
    assert (ways.parents(taken, "web"), ways.get(chosen)) == ([ACCEPTED], "200 far")
    ways.client.patch("namespaces", "web", {"metadata": {"labels": {"team": "other"}}})
    ways.cluster.settle()
    assert ways.parents(taken, "web")[0]["Accepted"] == "False NotAllowedByListeners"
    assert ways.get(chosen) == "404 default backend - 404"


def test_GatewayInvalidRouteKind(ways: Ways) -> None:
    only = ways.gateway(listener(allowedRoutes={"kinds": [{"kind": "InvalidRoute"}]}))
    also = ways.gateway(listener(allowedRoutes={"kinds": [{"kind": "InvalidRoute"}, {"kind": "HTTPRoute"}]}))
    found = [ways.listeners(each)["http"] for each in (only, also)]
    assert [each["supportedKinds"] for each in found] == [
        [],
        [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
    ]
    assert {conditions(each["conditions"])["ResolvedRefs"] for each in found} == {"False InvalidRouteKinds"}


def test_GatewayInvalidTLSConfiguration(ways: Ways) -> None:
    ways.secret("malformed", b"Hello world\n", KEY.pem)
    refs = [
        {"name": "nonexistent"},
        {"name": "x", "group": "wrong.group.company.io"},
        {"name": "x", "kind": "WrongKind"},
        {"name": "malformed"},
    ]
    for ref in refs:
        gateway = ways.gateway(secure("https", ref))
        found = conditions(ways.listeners(gateway)["https"]["conditions"])
        assert (found["ResolvedRefs"], found["Programmed"]) == ("False InvalidCertificateRef", "False Invalid")
        assert ways.state(gateway) == {"Accepted": "False ListenersNotValid", "Programmed": "False Invalid"}


def test_a_protocol_that_is_not_known_and_two_on_one_port_are_refused(ways: Ways) -> None:
    strange = ways.gateway(listener("tcp", 9000, protocol="TCP"), listener("http", 80))
    found = conditions(ways.listeners(strange)["tcp"]["conditions"])
    assert (found["Accepted"], ways.state(strange)["Accepted"]) == (
        "False UnsupportedProtocol",
        "True ListenersNotValid",
    )
    both = ways.gateway(listener("plain", 80), secure("tls", port=80))
    for each in ways.listeners(both).values():
        assert conditions(each["conditions"])["Conflicted"] == "True ProtocolConflict"


def test_GatewayModifyListeners_and_GatewayWithAttachedRoutes(ways: Ways) -> None:
    gateway = ways.gateway()
    for service in ("v1", "v2"):
        ways.route(gateway, to(service, matches=[match(f"/{service}")]))
    assert ways.listeners(gateway)["http"]["attachedRoutes"] == 2
    wanted = {"spec": {"listeners": [listener("http", 80), listener("more", 8080)]}}
    ways.client.patch("gateways.gateway.networking.k8s.io", gateway, wanted, "default")
    ways.cluster.settle()
    assert (list(ways.listeners(gateway)), ways.get(gateway, "/v1", at=8080)) == (["http", "more"], "200 v1")
    wanted = {"spec": {"listeners": [listener("more", 8080)]}}
    ways.client.patch("gateways.gateway.networking.k8s.io", gateway, wanted, "default")
    ways.cluster.settle()
    ports = ways.client.get("services", f"gateway-default-{gateway}", SPACE)["spec"]["ports"]
    assert (list(ways.listeners(gateway)), [each["port"] for each in ports]) == (["more"], [8080])


def test_a_port_that_the_Service_does_not_have_is_a_backend_that_is_not_there(ways: Ways) -> None:
    gateway = ways.gateway()
    rule = to("v1")
    rule["backendRefs"][0]["port"] = 8081
    route = ways.route(gateway, rule)
    seen = [(ways.parents(route)[0], ways.why(route), ways.get(gateway))]
    before = ways.client.get("services", "v1", "default")["spec"]["ports"]
    more = [{**before[0], "name": "a"}, {**before[0], "name": "b", "port": 8081}]
    ports = {"spec": {"ports": more}}
    ways.client.patch("services", "v1", ports, "default")
    ways.cluster.settle()
    seen.append((ways.parents(route)[0], ways.why(route), ways.get(gateway)))
    ways.client.patch("services", "v1", {"spec": {"ports": before}}, "default")
    missing = {**ACCEPTED, "ResolvedRefs": "False BackendNotFound"}
    assert seen == [
        (missing, "Service default/v1 has no port 8081", "500 Internal Server Error"),
        (ACCEPTED, "All references are resolved", "200 v1"),
    ]


def test_backends_that_are_not_to_be_had_are_answered_500_and_do_not_hold_up_the_rest(ways: Ways) -> None:
    """HTTPRouteInvalidNonExistentBackendRef, HTTPRouteInvalidBackendRefUnknownKind."""
    gateway = ways.gateway()
    missing = ways.route(gateway, to("missing", matches=[match("/missing")]), to("v1", matches=[match("/fine")]))
    odd = {"backendRefs": [{"group": "unknown.example.com", "kind": "Odd", "name": "x"}], "matches": [match("/odd")]}
    unknown = ways.route(gateway, odd)
    assert ways.parents(missing) == [{**ACCEPTED, "ResolvedRefs": "False BackendNotFound"}]
    assert ways.parents(unknown) == [{**ACCEPTED, "ResolvedRefs": "False InvalidKind"}]
    asked = [ways.get(gateway, path) for path in ("/missing", "/odd", "/fine")]
    assert asked == ["500 Internal Server Error", "500 Internal Server Error", "200 v1"]


def test_what_is_in_another_namespace_needs_a_grant_there(ways: Ways) -> None:
    """HTTPRouteInvalidCrossNamespaceBackendRef, HTTPRouteInvalidReferenceGrant, HTTPRouteReferenceGrant,
    HTTPRoutePartiallyInvalidViaInvalidReferenceGrant."""
    ways.namespace("store")
    ways.app("far", namespace="store")
    ways.app("other", namespace="store")
    gateway = ways.gateway()
    route = ways.route(gateway, to("store/far", matches=[match("/far")]), to("v1", matches=[match("/near")]))
    seen = [(ways.parents(route)[0]["ResolvedRefs"], ways.get(gateway, "/far"), ways.get(gateway, "/near"))]
    wrong = [
        ("Gateway", "default", "Service", ""),
        ("HTTPRoute", "web", "Service", ""),
        ("HTTPRoute", "default", "Secret", ""),
    ]
    for kind, origin, target, name in (*wrong, ("HTTPRoute", "default", "Service", "other")):
        ways.grant("store", kind, origin, target, name)
    seen.append((ways.parents(route)[0]["ResolvedRefs"], ways.get(gateway, "/far"), ways.get(gateway, "/near")))
    ways.grant("store", "HTTPRoute", "default", "Service", "far")
    seen.append((ways.parents(route)[0]["ResolvedRefs"], ways.get(gateway, "/far"), ways.get(gateway, "/near")))
    refused = ("False RefNotPermitted", "500 Internal Server Error", "200 v1")
    assert seen == [refused, refused, ("True ResolvedRefs", "200 far", "200 v1")]


def test_certificates_in_another_namespace_need_a_grant_there(ways: Ways) -> None:
    """GatewaySecret{Missing,Invalid}ReferenceGrant, GatewaySecretReferenceGrant{Specific,AllInNamespace}."""
    ways.namespace("certs")
    ways.secret("far", certificate("example.org"), KEY.pem, "certs")
    gateway = ways.gateway(secure("https", {"name": "far", "namespace": "certs"}))
    seen = [conditions(ways.listeners(gateway)["https"]["conditions"])["ResolvedRefs"]]
    ways.grant("certs", "HTTPRoute", "default", "Secret")
    seen.append(conditions(ways.listeners(gateway)["https"]["conditions"])["ResolvedRefs"])
    ways.grant("certs", "Gateway", "default", "Secret", "far")
    seen.append(conditions(ways.listeners(gateway)["https"]["conditions"])["ResolvedRefs"])
    assert seen == ["False RefNotPermitted", "False RefNotPermitted", "True ResolvedRefs"]


def test_HTTPRouteWeight(ways: Ways) -> None:
    gateway = ways.gateway()
    ways.route(gateway, to("v1:70", "v2:30", "v3:0"), to("missing:1", "v1:1", matches=[match("/half")]))
    count = Counter(ways.get(gateway) for _ in range(300))
    assert 180 <= count["200 v1"] <= 240
    assert count["200 v2"] == 300 - count["200 v1"]
    half = Counter(ways.get(gateway, "/half") for _ in range(100))
    assert 30 <= half["500 Internal Server Error"] <= 70
