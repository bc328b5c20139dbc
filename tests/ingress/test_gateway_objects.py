"""Gateways as objects: their statuses, their Services, and what their definitions refuse."""

from __future__ import annotations

import pytest

from k8snb.errors import StatusError
from k8snb.ingress.survey import service_name
from k8snb.typing import Object, ObjectKey
from tests.ingress.entry import SPACE, Entry
from tests.ingress.gateways import (
    OURS,
    Ways,
    conditions,
    listener,
    match,
    redirect,
    rewrite,
    to,
)


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
