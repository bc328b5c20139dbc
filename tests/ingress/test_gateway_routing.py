"""Which rule of which route answers: paths, headers, methods, hosts and listeners."""

from __future__ import annotations

from k8snb.ingress.certificates import read
from tests.ingress.gateways import (
    ACCEPTED,
    KEY,
    Ways,
    certificate,
    conditions,
    headers,
    listener,
    match,
    secure,
    to,
)


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
