"""The exercises of the chapter "Production ready": Ingress and Gateway API."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Protocol

from k8snb.i18n import _
from k8snb.ingress.ingresses import compiled
from k8snb.ingress.routing import decide
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, listed, says, slices
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import rsa, x509
from k8snb.machinery.objects import is_true
from k8snb.packet import HTTPRequest
from k8snb.typing import Object

HOST = "myapp.example.com"
CLASS = "k8snb"
ROUTES = "httproutes.gateway.networking.k8s.io"
GATEWAYS = "gateways.gateway.networking.k8s.io"
BLOG = "blog.example.com"
_LIFE = (1_767_225_600.0, 2_082_758_400.0)
"""2026 to 2036."""


class Outside(Reader, Protocol):
    """A cluster that can be asked from a machine outside of it."""

    def curl(self, words: str) -> str: ...


def tls_secret(name: str, *hosts: str) -> Object:
    """A Secret with a certificate for these hosts that nobody but itself vouches for, and its key."""
    key = rsa.known("example")
    certificate = x509.self_signed(key, x509.subject(hosts[0]), x509.Names(hosts), *_LIFE)
    data = {"tls.crt": certificate, "tls.key": key.pem}
    encoded = {field: base64.b64encode(value).decode() for field, value in data.items()}
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "data": encoded}


@exercise("production/ingress", "One more path", minutes=10)
def check_static(cluster: Outside) -> Claims:
    """One more path of the host, and a Service behind it."""
    service = find(cluster, "services", "static-service")
    yield exists(service, _("there is a Service static-service"))
    yield Claim(bool(listed(cluster, "static-service")), _("it has ready pods"), _("its slices list none"))
    yield from _leads(cluster, "/static/logo.svg", "static-service", 80)
    yield from _leads(cluster, "/statics", "frontend-service", 80)
    yield from _leads(cluster, "/api/users", "api-service", 8080)
    answer = _status(cluster, f"https://{HOST}/static/logo.svg")
    silent = _("the status is {status}: do its pods listen where the Service leads?").format(status=answer)
    yield Claim(answer[:1] in ("2", "4"), _("somebody answers there, if only that there is no such picture"), silent)


def _status(cluster: Outside, url: str) -> str:
    """The status that somebody outside gets by way of the Ingresses; `000` without an answer."""
    service = cluster.client.find("services", "ingress-controller", "ingress") or {"status": {}}
    address = str(((service["status"].get("loadBalancer") or {}).get("ingress") or [{}])[0].get("ip", ""))
    scheme, host = url.partition("://")[0], url.partition("://")[2].partition("/")[0]
    there = f"--resolve {host}:{443 if scheme == 'https' else 80}:{address}"
    return cluster.curl(f"-sk -m 5 {there} -o /dev/null -w '%{{http_code}}' {url}").strip()


def _leads(cluster: Reader, path: str, service: str, port: int) -> Iterator[Claim]:
    """Requests for a path of the host go to a port of a Service."""
    rules = [
        rule
        for each in cluster.client.list("ingresses.networking.k8s.io", NAMESPACE)
        if each["spec"].get("ingressClassName") == CLASS
        for rule in compiled(each).rules
    ]
    found = decide(rules, (), HTTPRequest("GET", HOST, 443, path, {"host": HOST}, "", "https")).rule
    where = [f"{each.service.name}:{each.port}" for each in found.backends] if found is not None else []
    claim = _("{path} leads to {service}:{port}").format(path=path, service=service, port=port)
    yield Claim(where == [f"{service}:{port}"], claim, says(_("where it leads"), where))


@exercise("production/ingress", "Nobody comes into the shop", minutes=10)
def check_shop(cluster: Outside) -> Claims:
    """An Ingress that nobody serves, and that would lead past the Service's port."""
    ingress = find(cluster, "ingresses.networking.k8s.io", "shop")
    yield exists(ingress, _("the Ingress shop is still there"))
    name = ingress["spec"].get("ingressClassName")
    yield Claim(name == CLASS, _("its class is one that somebody serves"), says("ingressClassName", name))
    backend = next((each for rule in compiled(ingress).rules for each in rule.backends), None)
    service = find(cluster, "services", "shop")
    yield exists(service, _("so is the Service shop"))
    ports = [str(word) for each in service["spec"]["ports"] for word in (each["port"], each.get("name")) if word]
    asked = backend.port if backend is not None else _("none")
    yield Claim(asked in ports, _("it leads to a port that the Service has"), says(_("the port"), asked))
    yield Claim(bool(listed(cluster, "shop")), _("the Service has ready pods"), _("its slices list none"))
    points = (ingress["status"].get("loadBalancer") or {}).get("ingress") or ()
    yield Claim(bool(points), _("it has an address"), _("its status names none"))
    answer = _status(cluster, "http://shop.example.com/")
    yield Claim(answer == "200", _("shop.example.com answers"), says(_("the status"), answer))


@exercise("production/ingress", "One request in ten", minutes=10)
def check_split(cluster: Reader) -> Claims:
    """A new version of the API that gets one request of ten."""
    service = find(cluster, "services", "api-v2")
    yield exists(service, _("there is a Service api-v2"))
    yield Claim(bool(listed(cluster, "api-v2")), _("it has ready pods"), _("its slices list none"))
    route = cluster.client.find(ROUTES, "my-app-route", NAMESPACE) or {"spec": {}, "status": {}}
    shares = list(_shares(route))
    weights = {ref["name"]: ref.get("weight", 1) for ref in shares}
    new, old = weights.get("api-v2", 0), weights.get("api-service", 0)
    found = says(_("the weights"), [f"{name} {weight}" for name, weight in weights.items()])
    yield Claim(new > 0 and old == 9 * new, _("of ten requests for /api one goes to api-v2, the rest as before"), found)
    ports = [each["port"] for each in service["spec"]["ports"]]
    asked = next(ref.get("port") for ref in shares if ref["name"] == "api-v2")
    yield Claim(asked in ports, _("it names a port that api-v2 has"), says(_("the port"), asked))
    numbers = sorted({each["port"] for found in slices(cluster, "api-v2") for each in found.get("ports") or ()})
    listens = _("behind it is port 80, where whoami listens")
    yield Claim(numbers == [80], listens, says(_("the port of its slices"), numbers))
    resolved = _any_is([route], "ResolvedRefs")
    yield Claim(resolved, _("the Gateway finds all that the route refers to"), _("ResolvedRefs is not True"))


def _shares(route: Object) -> Iterator[Object]:
    """What the requests for /api are shared among."""
    for rule in route["spec"].get("rules") or ():
        if any((each.get("path") or {}).get("value") == "/api" for each in rule.get("matches") or ()):
            yield from rule.get("backendRefs") or ()


@exercise("production/ingress", "A route that is refused", minutes=15)
def check_blog(cluster: Outside) -> Claims:
    """A route for a host that the Gateway does not listen for, to a Service in a namespace that allows nobody."""
    service = find(cluster, "services", "blog", "press")
    yield exists(service, _("the Service blog is still in the namespace press"), "press")
    routes = [each for each in cluster.client.list(ROUTES) if BLOG in (each["spec"].get("hostnames") or ())]
    yield Claim(bool(routes), _("a route asks for {host}").format(host=BLOG), _("no HTTPRoute names it"))
    accepted = _("the Gateway accepts it")
    yield Claim(_any_is(routes, "Accepted"), accepted, says(_("the reason"), _reasons(routes, "Accepted")))
    resolved = _("it may refer to the Service")
    yield Claim(_any_is(routes, "ResolvedRefs"), resolved, says(_("the reason"), _reasons(routes, "ResolvedRefs")))
    answers = [_asked(cluster, scheme, BLOG) for scheme in ("http", "https")]
    yield Claim("blog" in answers, _("whoever asks for it gets the blog"), says(_("what comes back"), answers))
    app = _asked(cluster, "https", HOST)
    yield Claim(app == "frontend", _("{host} is answered as before").format(host=HOST), says(_("what comes back"), app))


def _asked(cluster: Outside, scheme: str, host: str) -> str:
    """The first line that somebody outside gets from the Gateway."""
    status = (cluster.client.find(GATEWAYS, "my-app-gateway", NAMESPACE) or {}).get("status") or {}
    address = next((each["value"] for each in status.get("addresses") or ()), "")
    port = {"http": 80, "https": 443}[scheme]
    said = cluster.curl(f"-sSk -m 5 --resolve {host}:{port}:{address} {scheme}://{host}/") if address else ""
    return said.partition("\n")[0]


def _any_is(routes: list[Object], condition: str) -> bool:
    return any(is_true({"status": each}, condition) for each in _parents(routes))


def _reasons(routes: list[Object], condition: str) -> list[str]:
    """Why a condition is as it is, for each Gateway that a route refers to."""
    told = [each for parent in _parents(routes) for each in parent.get("conditions") or ()]
    return [each["reason"] for each in told if each["type"] == condition]


def _parents(routes: list[Object]) -> list[Object]:
    return [parent for each in routes for parent in (each.get("status") or {}).get("parents") or ()]
