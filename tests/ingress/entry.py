"""A cluster with a way in: the controller is installed, Services have pods that say their name, and people ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb import Cluster
from k8snb.ingress import CONTROLLER, GATEWAY_API
from k8snb.packet import HTTPRequest, HTTPResponse
from k8snb.typing import Object

OUTSIDE = "203.0.113.10"
SPACE = "ingress"
ECHO = "docker.io/hashicorp/http-echo:1.0"
WHOAMI = "docker.io/traefik/whoami:v1.11"


class Entry:
    """One node, the controller, and the apps that a test names."""

    def __init__(self, *apps: str, gateways: bool = False, **making: Any) -> None:
        self.cluster = Cluster(nodes=1, seed=1, **making)
        self.client = self.cluster.client
        if gateways:
            self.apply(GATEWAY_API)
        self.apply(CONTROLLER)
        for app in apps:
            self.app(app)
        self.cluster.settle()

    # -- making ------------------------------------------------------------------------------------

    def apply(self, file: str) -> str:
        said = self.cluster.kubectl(f"apply -f {file}")
        self.cluster.settle()
        return said

    def app(self, name: str, *, port: int = 80, image: str = ECHO, namespace: str = "default") -> None:
        """A pod that says its name, and a Service."""
        echo = {"args": [f"-text={name}", "-listen=:80"]} if image == ECHO else {}
        meta = {"name": name, "namespace": namespace, "labels": {"app": name}}
        spec = {"containers": [{"name": "c", "image": image, **echo}]}
        self.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        ports = [{"name": "web", "port": port, "targetPort": 80}]
        service = {"selector": {"app": name}, "ports": ports}
        self.client.create("services", {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service})

    def ingress(self, name: str = "way", *rules: tuple[Any, ...], **spec: Any) -> Object:
        """An Ingress; a rule is (host, path, type, Service[, port])."""
        annotations = spec.pop("annotations", {})
        found = [_rule(*rule) for rule in rules]
        wanted = {"ingressClassName": "k8snb", **({"rules": found} if found else {}), **spec}
        meta = {"name": name, "namespace": "default", "annotations": annotations}
        made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta}
        self.client.create("ingresses", {**made, "spec": {k: v for k, v in wanted.items() if v is not None}})
        self.cluster.settle()
        return self.client.get("ingresses", name, "default")

    def secret(self, name: str, crt: bytes, key: bytes, namespace: str = "default") -> None:
        """A Secret with a certificate."""
        import base64

        data = {"tls.crt": base64.b64encode(crt).decode(), "tls.key": base64.b64encode(key).decode()}
        made = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data}
        self.client.create("secrets", {**made, "metadata": {"name": name, "namespace": namespace}})
        self.cluster.settle()

    def object(self, kind: str, name: str, spec: Any, namespace: str = "default", version: str = "v1") -> Object:
        """An object of Gateway API."""
        made = {"apiVersion": f"gateway.networking.k8s.io/{version}", "kind": kind, "spec": spec}
        plural = {"GatewayClass": "gatewayclasses"}.get(kind, f"{kind.lower()}s")
        word = f"{plural}.gateway.networking.k8s.io"
        meta = {"name": name} if kind == "GatewayClass" else {"name": name, "namespace": namespace}
        self.client.create(word, {**made, "metadata": meta})
        self.cluster.settle()
        return self.client.get(word, name, meta.get("namespace", ""))

    # -- asking ------------------------------------------------------------------------------------

    def port(self, name: str = "http", service: str = "ingress-controller") -> int:
        ports = self.client.get("services", service, SPACE)["spec"]["ports"]
        return next(int(each["nodePort"]) for each in ports if each["name"] == name)

    def send(
        self,
        host: str,
        path: str = "/",
        *,
        tls: bool = False,
        name: str | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        port: int = 0,
        source: str = OUTSIDE,
    ) -> HTTPResponse:
        """What somebody outside is answered at a node's port."""
        at = port or self.port("https" if tls else "http")
        sent = {"host": host, **(headers or {})} if host else dict(headers or {})
        scheme, asked = ("https", host if name is None else name) if tls else ("http", "")
        request = HTTPRequest(method, "172.18.0.2", at, path, sent, "", scheme, source, asked)
        return self.cluster.network.request(request)

    def ask(self, host: str, path: str = "/", **how: Any) -> str:
        """The status and the first line of what somebody outside is answered."""
        response = self.send(host, path, **how)
        said = response.headers.get("location") or response.body.strip().partition("\n")[0]
        return said if said.startswith(str(response.status)) else f"{response.status} {said}".strip()

    def log(self) -> str:
        return self.cluster.kubectl("logs -n ingress deploy/ingress-controller")

    def events(self, about: str) -> Sequence[str]:
        found = self.client.list("events", "default")
        return [f"{e['reason']}: {e['message']}" for e in found if e["involvedObject"]["name"] == about]


def _rule(host: str, path: str, kind: str, service: str, port: int | str = 80) -> Object:
    named = {"name": port} if isinstance(port, str) else {"number": port}
    backend = {"service": {"name": service, "port": named}}
    rule = {"http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}
    return {"host": host, **rule} if host else rule
