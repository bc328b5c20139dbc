"""Gateways and routes in few words: a cluster with Gateway API, and those who ask from outside.

`CASES` are the tests of its conformance suite that `test_gateway_*.py` repeat: `conformance/tests` in
kubernetes-sigs/gateway-api, features Gateway, HTTPRoute and ReferenceGrant, with hosts and Services of our own.
"""

from __future__ import annotations

from typing import Any

from k8snb.machinery import rsa, x509
from k8snb.typing import Object
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

    def why(self, route: str, namespace: str = "default") -> str:
        """What the first parent of a route says about its references."""
        found = self.client.get("httproutes.gateway.networking.k8s.io", route, namespace)
        conditions = found["status"]["parents"][0]["conditions"]
        return next(str(each["message"]) for each in conditions if each["type"] == "ResolvedRefs")

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


def redirect(**how: Any) -> list[Object]:
    return [{"type": "RequestRedirect", "requestRedirect": how}]


def rewrite(**how: Any) -> list[Object]:
    return [{"type": "URLRewrite", "urlRewrite": how}]
