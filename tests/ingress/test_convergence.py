"""Whatever is edited, in whatever order: a controller that starts afresh finds nothing left to write."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from k8snb.errors import StatusError
from k8snb.ingress.grants import GROUP
from k8snb.packet import NetworkError
from k8snb.typing import Object
from tests.ingress.entry import SPACE, Entry
from tests.ingress.gateways import KEY, certificate

HOSTS = ("a.example.com", "b.example.com", "*.example.com")
PATHS = ("/", "/x", "/x/y")
SERVICES = ("one", "two", "gone")
ACTIONS = ("ingress", "class", "secret", "service", "gateway", "route", "grant", "delete", "turn", "restart")
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 8), st.integers(0, 2)), min_size=1, max_size=12)
KINDS = ("ingresses", f"gateways.{GROUP}", f"httproutes.{GROUP}", f"gatewayclasses.{GROUP}")


LAGGING = [
    *(("secret", 0, 2), ("ingress", 0, 0), ("ingress", 0, 0), ("route", 7, 2), ("route", 0, 0), ("route", 0, 2)),
    *(("route", 4, 0), ("ingress", 0, 0), ("ingress", 0, 0), ("gateway", 0, 0), ("turn", 0, 1), ("route", 8, 1)),
]
"""Edits after which a Gateway's status is written while the cache does not have the one before yet."""


class Story:
    """A cluster with both ways in, edited by people who do not wait for each other."""

    def __init__(self) -> None:
        self.entry = Entry("one", "two", gateways=True, cloud=True)
        self.entry.object("GatewayClass", "ours", {"controllerName": "k8snb.dev/gateway"})
        self.client = self.entry.client

    def put(self, resource: str, obj: Object) -> None:
        """Create an object, or replace its spec."""
        meta = obj["metadata"]
        found = self.client.find(resource, meta["name"], meta.get("namespace", ""))
        try:
            self.client.create(resource, obj) if found is None else self.client.update(
                resource, {**found, **_content(obj)}
            )
        except StatusError as refusal:
            if refusal.code not in (409, 422):
                raise

    def act(self, action: str, number: int, other: int) -> None:
        host, path, service = HOSTS[number % 3], PATHS[other], SERVICES[(number + other) % 3]
        meta = {"name": f"{action}-{other}", "namespace": "default"}
        if action == "ingress":
            backend = {"service": {"name": service, "port": {"number": 80}}}
            paths = [{"path": path, "pathType": "Prefix", "backend": backend}]
            tls = [{"hosts": [host], "secretName": f"secret-{other}"}] if number % 2 else []
            spec = {
                "ingressClassName": ("k8snb", "other")[number > 6],
                "rules": [{"host": host, "http": {"paths": paths}}],
            }
            made = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta}
            self.put("ingresses", {**made, "spec": {**spec, **({"tls": tls} if tls else {})}})
        elif action == "class":
            spec = {"controller": ("k8snb.dev/ingress", "example.com/other")[number % 2]}
            name = ("k8snb", "other", "third")[other]
            self.client.delete("ingressclasses", name) if self.client.find("ingressclasses", name) else None
            made = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name}}
            self.put("ingressclasses", {**made, "spec": spec})
        elif action == "secret" and self.client.find("secrets", meta["name"], "default") is None:
            self.entry.secret(meta["name"], certificate(HOSTS[number % 2]), KEY.pem)
        elif action == "service":
            self.put("services", _service(service, 80 + number % 2))
        else:
            self.act_on_gateways(action, number, other, meta)

    def act_on_gateways(self, action: str, number: int, other: int, meta: Object) -> None:
        made = {"apiVersion": f"{GROUP}/v1", "metadata": meta}
        if action == "gateway":
            plain = {"name": "http", "port": 80 + number, "protocol": "HTTP", "hostname": HOSTS[number % 3]}
            refs = [{"name": f"secret-{number % 3}"}]
            tls = {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": refs}}
            spec = {"gatewayClassName": "ours", "listeners": [plain, tls][: 1 + number % 2]}
            self.put(f"gateways.{GROUP}", {**made, "kind": "Gateway", "spec": spec})
        elif action == "route":
            rules = [
                {
                    "backendRefs": [
                        {"name": SERVICES[number % 3], "port": 80, "namespace": ("default", SPACE)[number > 6]}
                    ]
                }
            ]
            spec = {"parentRefs": [{"name": f"gateway-{number % 3}"}], "hostnames": [HOSTS[other]], "rules": rules}
            self.put(f"httproutes.{GROUP}", {**made, "kind": "HTTPRoute", "spec": spec})
        elif action == "delete":
            resource = ("ingresses", f"gateways.{GROUP}", f"httproutes.{GROUP}", "secrets", "services")[number % 5]
            for obj in self.client.list(resource, "default")[other : other + 1]:
                if obj["metadata"]["name"] != "kubernetes":
                    self.client.delete(resource, obj["metadata"]["name"], "default")
        elif action == "turn":
            for _ in range(number):
                self.entry.cluster.loop.turn()
        elif action == "restart":
            self.restart()

    def restart(self) -> None:
        for pod in self.client.list("pods", SPACE):
            self.client.delete("pods", pod["metadata"]["name"], SPACE, grace=0)

    # -- looking -----------------------------------------------------------------------------------

    def statuses(self) -> dict[str, Any]:
        found = (obj for kind in KINDS for obj in self.client.list(kind))
        return {f"{obj['kind']}/{obj['metadata']['name']}": obj.get("status") for obj in found}

    def answers(self) -> dict[str, str]:
        """What everybody is told who asks at any port of the controller's Services."""
        told = {}
        for service in self.client.list("services", SPACE):
            for port in service["spec"]["ports"]:
                secure = port["port"] == 443
                for host in HOSTS[:2]:
                    key = f"{service['metadata']['name']}:{port['port']} {host}"
                    try:
                        told[key] = self.entry.ask(host, "/x", port=port["nodePort"], tls=secure)
                    except NetworkError as error:
                        told[key] = error.kind
        return told


def _service(name: str, port: int) -> Object:
    spec = {"selector": {"app": name}, "ports": [{"name": "web", "port": port, "targetPort": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def _content(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key == "spec"}


@settings(max_examples=settings().max_examples // 4)
@given(steps)
@example(LAGGING)
def test_a_controller_that_starts_afresh_finds_nothing_left_to_do(edits: list[Any]) -> None:
    story = Story()
    for action, number, other in edits:
        story.act(action, number, other)
    story.entry.cluster.settle()
    before = (story.statuses(), story.answers())
    story.restart()
    story.entry.cluster.settle()
    assert (story.statuses(), story.answers()) == before
