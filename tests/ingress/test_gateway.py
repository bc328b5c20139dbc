"""Gateway API by the same router. `CASES` are the tests of its conformance suite that are repeated here.

The cases are those of `conformance/tests` in kubernetes-sigs/gateway-api, features Gateway, HTTPRoute and
ReferenceGrant, with hosts and Services of our own.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from k8snb.errors import StatusError
from k8snb.ingress.certificates import read
from k8snb.ingress.survey import service_name
from k8snb.machinery import rsa, x509
from k8snb.typing import Object, ObjectKey
from tests.ingress.entry import SPACE, WHOAMI, Entry

KEY = rsa.known("example")
OURS = "k8snb.dev/gateway"

CASES = (
    "GatewayClassObservedGenerationBump", "GatewayHTTPListenerIsolation", "GatewayInvalidRouteKind",
    "GatewayInvalidTLSConfiguration", "GatewayModifyListeners", "GatewayObservedGenerationBump",
    "GatewaySecretInvalidReferenceGrant", "GatewaySecretMissingReferenceGrant",
    "GatewaySecretReferenceGrantAllInNamespace", "GatewaySecretReferenceGrantSpecific", "GatewayWithAttachedRoutes",
    "GatewayWithAttachedRoutesWithPort8080", "HTTPRouteBackendRequestHeaderModifier", "HTTPRouteCrossNamespace",
    "HTTPRouteExactPathMatching", "HTTPRouteHTTPSListener", "HTTPRouteHeaderMatching",
    "HTTPRouteHostnameIntersection", "HTTPRouteInvalidBackendRefUnknownKind",
    "HTTPRouteInvalidCrossNamespaceBackendRef", "HTTPRouteInvalidCrossNamespaceParentRef",
    "HTTPRouteInvalidNonExistentBackendRef", "HTTPRouteInvalidParentRefNotMatchingSectionName",
    "HTTPRouteInvalidReferenceGrant", "HTTPRouteListenerHostnameMatching", "HTTPRouteMatching",
    "HTTPRouteMatchingAcrossRoutes", "HTTPRouteMethodMatching", "HTTPRouteObservedGenerationBump",
    "HTTPRouteParentRefPort", "HTTPRoutePartiallyInvalidViaInvalidReferenceGrant", "HTTPRoutePathMatchOrder",
    "HTTPRouteQueryParamMatching", "HTTPRouteRedirectHostAndStatus", "HTTPRouteRedirectPath", "HTTPRouteRedirectPort",
    "HTTPRouteRedirectPortAndScheme", "HTTPRouteRedirectScheme", "HTTPRouteReferenceGrant",
    "HTTPRouteRequestHeaderModifier", "HTTPRouteRequestMirror", "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteResponseHeaderModifier", "HTTPRouteRewriteHost", "HTTPRouteRewritePath", "HTTPRouteSimpleSameNamespace",
    "HTTPRouteWeight",
)  # fmt: skip


def certificate(*hosts: str) -> bytes:
    return x509.self_signed(KEY, x509.subject(hosts[0]), x509.Names(hosts), 1_767_225_600.0, 1_800_000_000.0)


def listener(name: str = "http", port: int = 80, host: str = "", **more: Any) -> Object:
    host_of = {"hostname": host} if host else {}
    return {"name": name, "port": port, "protocol": "HTTP", **host_of, **more}


def secure(name: str = "https", *secrets: Object, host: str = "", port: int = 443) -> Object:
    refs = list(secrets) or [{"name": "mine"}]
    return listener(name, port, host, protocol="HTTPS", tls={"certificateRefs": refs})


class Ways(Entry):
    """A cluster in a cloud with Gateway API; `v1` … `v3` say their names, `who` repeats the request."""

    def __init__(self) -> None:
        super().__init__("v1", "v2", "v3", gateways=True, cloud=True)
        self.app("who", image=WHOAMI)
        self.object("GatewayClass", "ours", {"controllerName": OURS})
        self._count = 0

    def gateway(self, *listeners: Object, name: str = "", namespace: str = "default", **spec: Any) -> str:
        """A Gateway; returns its name."""
        self._count += 1
        name = name or f"gw-{self._count}"
        wanted = {"gatewayClassName": "ours", "listeners": list(listeners) or [listener()], **spec}
        self.object("Gateway", name, wanted, namespace)
        return name

    def route(
        self, parent: str | Object, *rules: Object, hosts: tuple[str, ...] = (), namespace: str = "default"
    ) -> str:
        """An HTTPRoute; returns its name."""
        self._count += 1
        refs = [{"name": parent} if isinstance(parent, str) else parent]
        spec: Object = {"parentRefs": refs, **({"hostnames": list(hosts)} if hosts else {})}
        name = f"route-{self._count:03}"
        self.object("HTTPRoute", name, {**spec, **({"rules": list(rules)} if rules else {})}, namespace)
        return name

    def node_port(self, gateway: str, port: int = 80, namespace: str = "default") -> int:
        ports = self.client.get("services", f"gateway-{namespace}-{gateway}", SPACE)["spec"]["ports"]
        return next(int(each["nodePort"]) for each in ports if each["port"] == port)

    def get(self, gateway: str, path: str = "/", host: str = "example.org", *, at: int = 80, **how: Any) -> str:
        """What somebody outside is answered by a Gateway."""
        return self.ask(host, path, port=self.node_port(gateway, at), **how)

    def body(self, gateway: str, path: str = "/", host: str = "example.org", **how: Any) -> list[str]:
        return self.send(host, path, port=self.node_port(gateway), **how).body.splitlines()

    def state(self, gateway: str, namespace: str = "default") -> dict[str, str]:
        """Condition → its status and reason."""
        found = self.client.get("gateways.gateway.networking.k8s.io", gateway, namespace)
        return conditions(found["status"]["conditions"])

    def listeners(self, gateway: str, namespace: str = "default") -> dict[str, Any]:
        found = self.client.get("gateways.gateway.networking.k8s.io", gateway, namespace)
        return {each["name"]: each for each in found["status"]["listeners"]}

    def parents(self, route: str, namespace: str = "default") -> list[dict[str, str]]:
        found = self.client.get("httproutes.gateway.networking.k8s.io", route, namespace)
        return [conditions(each["conditions"]) for each in (found.get("status") or {}).get("parents") or ()]

    def namespace(self, name: str, **labels: str) -> None:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self.client.create("namespaces", made)
        self.cluster.settle()

    def grant(self, namespace: str, kind: str, origin: str, to: str, name: str = "") -> None:
        named = {"name": name} if name else {}
        spec = {
            "from": [{"group": "gateway.networking.k8s.io", "kind": kind, "namespace": origin}],
            "to": [{"group": "", "kind": to, **named}],
        }
        self._count += 1
        self.object("ReferenceGrant", f"grant-{self._count}", spec, namespace, "v1beta1")


def conditions(found: list[Object]) -> dict[str, str]:
    return {each["type"]: f"{each['status']} {each['reason']}" for each in found}


ACCEPTED = {"Accepted": "True Accepted", "ResolvedRefs": "True ResolvedRefs"}


def to(*names: str, **rule: Any) -> Object:
    """A rule that leads to Services; the name may have a weight: `v1:70`."""
    refs = []
    for each in names:
        name, _colon, weight = each.partition(":")
        namespace, _slash, bare = name.rpartition("/")
        where = {"namespace": namespace} if namespace else {}
        refs.append({"name": bare, "port": 80, **where, **({"weight": int(weight)} if weight else {})})
    return {"backendRefs": refs, **rule}


def match(path: str = "", kind: str = "PathPrefix", **more: Any) -> Object:
    return {**({"path": {"type": kind, "value": path}} if path else {}), **more}


def headers(**wanted: str) -> list[Object]:
    return [{"name": name, "value": value} for name, value in wanted.items()]


@pytest.fixture(scope="module")
def ways() -> Ways:
    return Ways()


# -- matching -----------------------------------------------------------------------------------------


def test_HTTPRouteSimpleSameNamespace(ways: Ways) -> None:
    gateway = ways.gateway()
    route = ways.route(gateway, to("v1"))
    assert ways.parents(route) == [ACCEPTED]
    assert ways.state(gateway) == {"Accepted": "True Accepted", "Programmed": "True Programmed"}
    assert ways.get(gateway) == "200 v1"


def test_HTTPRouteExactPathMatching(ways: Ways) -> None:
    gateway = ways.gateway()
    ways.route(gateway, to("v1", matches=[match("/one", "Exact")]), to("v2", matches=[match("/two", "Exact")]))
    asked = [ways.get(gateway, path) for path in ("/one", "/two", "/", "/one/example", "/two/")]
    assert asked == ["200 v1", "200 v2", *["404 default backend - 404"] * 3]


def test_HTTPRouteMatching_and_HTTPRouteHeaderMatching(ways: Ways) -> None:
    gateway = ways.gateway()
    ways.route(
        gateway,
        to("v1", matches=[match("/"), match(headers=headers(version="one"))]),
        to("v2", matches=[match("/v2"), match(headers=headers(version="two"))]),
        to("v3", matches=[match(headers=headers(version="two", color="orange"))]),
    )
    asked = [
        ways.get(gateway, "/"),
        ways.get(gateway, "/example", headers={"Version": "one"}),
        ways.get(gateway, "/v2/example"),
        ways.get(gateway, "/v2example"),
        ways.get(gateway, "/", headers={"Version": "two"}),
        ways.get(gateway, "/", headers={"Version": "two", "Color": "orange"}),
        ways.get(gateway, "/v2/", headers={"Version": "one"}),
    ]
    assert asked == ["200 v1", "200 v1", "200 v2", "200 v1", "200 v2", "200 v3", "200 v2"]


def test_HTTPRouteMatchingAcrossRoutes(ways: Ways) -> None:
    gateway = ways.gateway()
    first = to("v1", matches=[match("/"), match(headers=headers(version="one"))])
    second = to("v2", matches=[match("/v2"), match(headers=headers(version="two"))])
    ways.route(gateway, first, hosts=("example.com", "example.net"))
    ways.route(gateway, second, hosts=("example.com",))
    asked = [
        ways.get(gateway, "/", "example.com"),
        ways.get(gateway, "/v2", "example.com"),
        ways.get(gateway, "/v2", "example.net"),
        ways.get(gateway, "/", "example.com", headers={"Version": "two"}),
    ]
    assert asked == ["200 v1", "200 v2", "200 v1", "200 v2"]


def test_HTTPRoutePathMatchOrder(ways: Ways) -> None:
    gateway = ways.gateway()
    ways.route(
        gateway,
        to("v3", matches=[match("/match/exact/one", "Exact")]),
        to("v2", matches=[match("/match/exact", "Exact")]),
        to("v1", matches=[match("/match", "Exact")]),
        to("v2", matches=[match("/match/prefix/one/")]),
        to("v1", matches=[match("/match/prefix/")]),
        to("v3", matches=[match("/match/")]),
    )
    paths = ("exact/one", "exact", "", "prefix/one/any", "prefix/any", "any")
    asked = [ways.get(gateway, f"/match/{path}".rstrip("/")) for path in paths]
    assert asked == ["200 v3", "200 v2", "200 v1", "200 v2", "200 v1", "200 v3"]


def test_HTTPRouteMethodMatching_and_HTTPRouteQueryParamMatching(ways: Ways) -> None:
    gateway = ways.gateway()
    ways.route(
        gateway,
        to("v1", matches=[match(method="POST"), match("/path1", method="GET")]),
        to("v2", matches=[match(queryParams=headers(animal="whale")), match("/path1")]),
        to("v3", matches=[match("/path1", queryParams=headers(animal="whale"), method="GET")]),
    )
    asked = [
        ways.get(gateway, "/", method="POST"),
        ways.get(gateway, "/path1"),
        ways.get(gateway, "/path1", method="HEAD"),
        ways.get(gateway, "/?animal=whale&x=1"),
        ways.get(gateway, "/?animal=whal"),
        ways.get(gateway, "/path1?animal=whale"),
    ]
    assert asked == ["200 v1", "200 v1", "200 v2", "200 v2", "404 default backend - 404", "200 v3"]


def test_of_two_equal_routes_the_older_wins_and_in_a_route_the_first_rule(ways: Ways) -> None:
    gateway = ways.gateway()
    older = ways.route(gateway, to("v1"), to("v3"))
    ways.cluster.advance(1)
    ways.route(gateway, to("v2"))
    before = ways.get(gateway)
    ways.client.delete("httproutes.gateway.networking.k8s.io", older, "default")
    ways.cluster.settle()
    assert (before, ways.get(gateway)) == ("200 v1", "200 v2")


# -- listeners and hosts ------------------------------------------------------------------------------


def test_HTTPRouteHostnameIntersection(ways: Ways) -> None:
    hosts = ("very.specific.com", "*.wildcard.io", "*.anotherwildcard.io")
    gateway = ways.gateway(*(listener(f"listener-{number}", 80, host) for number, host in enumerate(hosts, 1)))
    strangers = ("non.matching.com", "*.nonmatchingwildcard.io")
    ways.route(gateway, to("v1", matches=[match("/s1")]), hosts=(*strangers, "very.specific.com"))
    some = ("wildcard.io", "foo.wildcard.io", "foo.bar.wildcard.io")
    ways.route(gateway, to("v2", matches=[match("/s2")]), hosts=some)
    ways.route(gateway, to("v3", matches=[match("/s3")]), hosts=("non.matching.com", "*.specific.com"))
    ways.route(gateway, to("v1", matches=[match("/s4")]), hosts=("*.anotherwildcard.io",))
    none = ways.route(gateway, to("v2", matches=[match("/s5")]), hosts=("specific.but.wrong.com", "wildcard.io"))
    nobody = "404 default backend - 404"
    wanted = {
        ("very.specific.com", "/s1"): "200 v1",
        ("very.specific.com:1234", "/s1"): "200 v1",
        ("non.matching.com", "/s1"): nobody,
        ("foo.nonmatchingwildcard.io", "/s1"): nobody,
        ("foo.wildcard.io", "/s1"): nobody,
        ("foo.wildcard.io", "/s2"): "200 v2",
        ("foo.bar.wildcard.io", "/s2"): "200 v2",
        ("bar.wildcard.io", "/s2"): nobody,
        ("wildcard.io", "/s2"): nobody,
        ("very.specific.com", "/s3"): "200 v3",
        ("foo.specific.com", "/s3"): nobody,
        ("foo.bar.anotherwildcard.io", "/s4"): "200 v1",
        ("anotherwildcard.io", "/s4"): nobody,
        ("specific.but.wrong.com", "/s5"): nobody,
    }
    assert {(host, path): ways.get(gateway, path, host) for host, path in wanted} == wanted
    assert ways.parents(none)[0]["Accepted"] == "False NoMatchingListenerHostname"
    counts = {name: each["attachedRoutes"] for name, each in ways.listeners(gateway).items()}
    assert counts == {"listener-1": 2, "listener-2": 1, "listener-3": 1}


def test_HTTPRouteListenerHostnameMatching(ways: Ways) -> None:
    gateway = ways.gateway(
        listener("one", 80, "bar.com"), listener("two", 80, "foo.bar.com"), listener("three", 80, "*.bar.com")
    )
    for section, service in (("one", "v1"), ("two", "v2"), ("three", "v3")):
        ways.route({"name": gateway, "sectionName": section}, to(service))
    hosts = ("bar.com", "foo.bar.com", "baz.bar.com", "boo.bar.com", "multiple.prefixes.bar.com", "no.matching.host")
    asked = [ways.get(gateway, "/", host) for host in hosts]
    assert asked == ["200 v1", "200 v2", "200 v3", "200 v3", "200 v3", "404 default backend - 404"]


def test_GatewayHTTPListenerIsolation(ways: Ways) -> None:
    hosts = {"empty": "", "wild": "*.example.com", "deep": "*.foo.example.com", "exact": "abc.foo.example.com"}
    gateway = ways.gateway(*(listener(name, 80, host) for name, host in hosts.items()))
    for name in hosts:
        ways.route({"name": gateway, "sectionName": name}, to("v1", matches=[match(f"/{name}")]))
    asked = {
        host: [name for name in hosts if ways.get(gateway, f"/{name}", host) == "200 v1"]
        for host in ("bar.com", "bar.example.com", "bar.foo.example.com", "abc.foo.example.com")
    }
    assert list(asked.values()) == [["empty"], ["wild"], ["deep"], ["exact"]]


def test_HTTPRouteParentRefPort_and_GatewayWithAttachedRoutesWithPort8080(ways: Ways) -> None:
    gateway = ways.gateway(listener("http", 80), listener("other", 8080))
    ways.route({"name": gateway, "port": 8080}, to("v1"))
    assert (ways.get(gateway, at=8080), ways.get(gateway)) == ("200 v1", "404 default backend - 404")
    assert [each["attachedRoutes"] for each in ways.listeners(gateway).values()] == [0, 1]


def test_HTTPRouteHTTPSListener(ways: Ways) -> None:
    ways.secret("mine", certificate("example.org", "*.wild.org"), KEY.pem)
    gateway = ways.gateway(secure(), secure("second", host="second-example.org", port=443))
    ways.route({"name": gateway, "sectionName": "https"}, to("v1"), hosts=("example.org",))
    ways.route({"name": gateway, "sectionName": "second"}, to("v2"))
    port = ways.node_port(gateway, 443)
    shown = ways.send("example.org", port=port, tls=True)
    assert (shown.body, read(shown.certificate).common_name) == ("v1\n", "example.org")
    assert ways.ask("second-example.org", port=port, tls=True) == "200 v2"
    assert ways.ask("unknown.org", port=port, tls=True) == "404 default backend - 404"
    ways.client.delete("secrets", "mine", "default")
    ways.cluster.settle()
    assert conditions(ways.listeners(gateway)["https"]["conditions"])["ResolvedRefs"] == "False InvalidCertificateRef"


# -- attaching ----------------------------------------------------------------------------------------


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


# -- references ---------------------------------------------------------------------------------------


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


# -- filters ------------------------------------------------------------------------------------------


def redirect(**how: Any) -> list[Object]:
    return [{"type": "RequestRedirect", "requestRedirect": how}]


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


def rewrite(**how: Any) -> list[Object]:
    return [{"type": "URLRewrite", "urlRewrite": how}]


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


def test_a_filter_that_is_an_extension_is_not_supported(ways: Ways) -> None:
    gateway = ways.gateway()
    extension = {"type": "ExtensionRef", "extensionRef": {"group": "example.com", "kind": "Auth", "name": "x"}}
    route = ways.route(gateway, to("v1", filters=[extension]))
    assert ways.parents(route)[0]["Accepted"] == "False UnsupportedValue"


# -- statuses and Services ----------------------------------------------------------------------------


def test_generations_that_were_looked_at_are_said(ways: Ways) -> None:
    """GatewayClass, Gateway and HTTPRoute …ObservedGenerationBump."""
    gateway = ways.gateway()
    route = ways.route(gateway, to("v1"))
    changes = {
        "gatewayclasses": ("ours", "", {"spec": {"description": "new"}}),
        "gateways": (gateway, "default", {"spec": {"listeners": [listener("http", 80), listener("x", 8080)]}}),
        "httproutes": (route, "default", {"spec": {"hostnames": ["a.example.org"]}}),
    }
    for plural, (name, namespace, change) in changes.items():
        ways.client.patch(f"{plural}.gateway.networking.k8s.io", name, change, namespace)
        ways.cluster.settle()
        found = ways.client.get(f"{plural}.gateway.networking.k8s.io", name, namespace)
        status = found["status"]["parents"][0] if plural == "httproutes" else found["status"]
        assert {each["observedGeneration"] for each in status["conditions"]} == {2}


def test_a_gateway_has_a_service_of_its_own_that_goes_with_it(ways: Ways) -> None:
    gateway = ways.gateway()
    found = ways.client.get("gateways.gateway.networking.k8s.io", gateway, "default")
    service = ways.client.get("services", f"gateway-default-{gateway}", SPACE)
    given = service["status"]["loadBalancer"]["ingress"][0]["ip"]
    assert found["status"]["addresses"] == [{"type": "IPAddress", "value": given}]
    ways.client.delete("gateways.gateway.networking.k8s.io", gateway, "default")
    ways.cluster.settle()
    assert ways.client.find("services", f"gateway-default-{gateway}", SPACE) is None


def test_gateways_of_two_namespaces_never_share_a_service() -> None:
    keys = [ObjectKey("a", "b-c"), ObjectKey("a-b", "c"), ObjectKey("a", "b.c"), ObjectKey("a", "x" * 63)]
    names = [service_name(key) for key in keys]
    assert names[0] == "gateway-a-b-c"
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 and "." not in name for name in names)


def test_without_a_cloud_a_gateway_waits_for_its_address_and_routes_at_node_ports() -> None:
    entry = Entry("v1", gateways=True)
    entry.object("GatewayClass", "ours", {"controllerName": OURS})
    entry.object("Gateway", "web", {"gatewayClassName": "ours", "listeners": [listener()]})
    entry.object("HTTPRoute", "way", {"parentRefs": [{"name": "web"}], "rules": [to("v1")]})
    found = entry.client.get("gateways.gateway.networking.k8s.io", "web", "default")
    assert conditions(found["status"]["conditions"])["Programmed"] == "False AddressNotAssigned"
    assert entry.ask("x", port=entry.port("port-80", "gateway-default-web")) == "200 v1"


def test_gateway_api_that_is_installed_later_is_served_then() -> None:
    from k8snb.ingress import GATEWAY_API

    entry = Entry("v1", cloud=True)
    entry.apply(GATEWAY_API)
    entry.object("GatewayClass", "ours", {"controllerName": OURS})
    found = entry.client.get("gatewayclasses.gateway.networking.k8s.io", "ours")
    assert conditions(found["status"]["conditions"]) == {"Accepted": "True Accepted"}


def test_a_class_of_somebody_else_is_left_alone(ways: Ways) -> None:
    other = ways.object("GatewayClass", "other", {"controllerName": "example.com/other"})
    assert conditions(other["status"]["conditions"]) == {"Accepted": "Unknown Pending"}
    ways.gateway(gatewayClassName="other", name="others")
    assert ways.state("others") == {"Accepted": "Unknown Pending", "Programmed": "Unknown Pending"}


# -- the definitions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listeners", "message"),
    [
        ([listener("a"), listener("b")], "Combination of port, protocol and hostname must be unique for each listener"),
        ([listener(tls={"certificateRefs": [{"name": "x"}]})], "tls must not be specified for protocols"),
        (
            [listener(protocol="HTTPS", port=443, tls={"certificateRefs": []})],
            "certificateRefs or options must be specified when mode is Terminate",
        ),
    ],
)
def test_a_gateway_that_makes_no_sense_is_refused(ways: Ways, listeners: list[Object], message: str) -> None:
    with pytest.raises(StatusError, match=message):
        ways.gateway(*listeners)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            to("v1", filters=redirect(scheme="https")),
            "RequestRedirect filter must not be used together with backendRefs",
        ),
        (to("v1", matches=[match("no-slash")]), "value must be an absolute path and start with '/'"),
        ({"backendRefs": [{"name": "v1"}]}, "Must have port for Service reference"),
        ({"filters": [{"type": "URLRewrite"}]}, "filter.urlRewrite must be specified for URLRewrite filter.type"),
        (
            to(
                "v1",
                filters=rewrite(path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}),
                matches=[match("/x", "Exact")],
            ),
            "When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified",
        ),
    ],
)
def test_a_route_that_makes_no_sense_is_refused(ways: Ways, rule: Object, message: str) -> None:
    with pytest.raises(StatusError, match=message):
        ways.route("gw", rule)
