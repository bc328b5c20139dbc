"""A cluster with few words: pods that say their name, Services in front of them, and callers that ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb import Cluster, NodeSpec
from k8snb.network.path import Connection
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object

AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"
PORT = 9376
"""Where `serve-hostname` listens."""

OUTSIDE = "203.0.113.10"
"""Somebody who is in no cluster."""

ZONES = {"node-1": "east", "node-2": "west", "node-3": "west"}


class Town:
    """Three nodes, the first in zone `east` and the others in `west`; whatever is made here has settled."""

    def __init__(self) -> None:
        zone = "topology.kubernetes.io/zone"
        nodes = [NodeSpec(name, labels={zone: where}) for name, where in ZONES.items()]
        self.cluster = Cluster(nodes=nodes, seed=1)
        self.client = self.cluster.client

    # -- making ------------------------------------------------------------------------------------

    def pod(self, name: str, on: str = "", *, namespace: str = "default", app: str = "", **spec: Any) -> str:
        """Run a pod that answers with its name; returns its address."""
        container = {"name": "c", "image": AGNHOST, "args": ["serve-hostname"], **spec.pop("container", {})}
        meta = {"name": name, "namespace": namespace, **({"labels": {"app": app}} if app else {})}
        place = {"nodeName": on} if on else {}
        wanted = {"containers": [container], **place, **spec}
        self.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": wanted})
        self.cluster.settle()
        return self.address(name, namespace)

    def pods(self, app: str, *nodes: str, **spec: Any) -> list[str]:
        """Run a pod of an app on each node, `web-1` and so on; returns their names."""
        names = [f"{app}-{number}" for number in range(1, len(nodes) + 1)]
        for name, node in zip(names, nodes, strict=True):
            self.pod(name, node, app=app, **spec)
        return names

    def address(self, pod: str, namespace: str = "default") -> str:
        """The address of a pod."""
        return str(self.client.get("pods", pod, namespace)["status"].get("podIP", ""))

    def service(self, name: str = "web", *, namespace: str = "default", **spec: Any) -> Object:
        """Put a Service in front of the app of the same name, port 80 to the one where its pods listen."""
        ports = [{"port": 80, "targetPort": PORT}]
        wanted: dict[str, Any] = {"selector": {"app": name}, "ports": ports, **spec}
        wanted = {field: value for field, value in wanted.items() if value is not None}
        meta = {"name": name, "namespace": namespace}
        made = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": wanted}
        self.client.create("services", made)
        self.cluster.settle()
        return self.client.get("services", name, namespace)

    def namespace(self, name: str) -> None:
        self.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.cluster.settle()

    def slice(self, service: str, *addresses: str, port: int = PORT, **more: Any) -> None:
        """Write a slice by hand, as for a Service without a selector."""
        made = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"{service}-hand", "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [each], **more} for each in addresses],
        }
        self.client.create("endpointslices", made, "default")
        self.cluster.settle()

    def change(self, resource: str, name: str, change: Object | Sequence[Object], **how: Any) -> None:
        self.client.patch(resource, name, change, "default", **{"kind": "merge", **how})
        self.cluster.settle()

    def grant(self, name: str, ip: str) -> None:
        """Play the cloud: give a LoadBalancer Service an address."""
        status = {"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}}
        self.change("services", name, status, subresource="status")

    # -- asking ------------------------------------------------------------------------------------

    def connect(self, source: str, host: str, port: int = 80) -> Connection:
        return self.cluster.network.connect(source, host, port)

    def ask(self, source: str, host: str, port: int = 80, path: str = "/") -> str:
        """What is answered; or how the connection failed, in a word or two."""
        request = HTTPRequest("GET", host, port, path, source=source)
        try:
            return self.send(request).body
        except NetworkError as error:
            return error.kind

    def send(self, request: HTTPRequest) -> HTTPResponse:
        return self.cluster.network.request(request)

    def count(self, source: str, host: str, port: int = 80, times: int = 60) -> Mapping[str, int]:
        """Who answers how often."""
        return Counter(self.ask(source, host, port) for _ in range(times))

    def who(self, source: str, host: str, port: int = 80) -> set[str]:
        """Everybody who answers."""
        return set(self.count(source, host, port))

    def node(self, name: str) -> str:
        """The address of a node."""
        return self.cluster.network.addresses.address_of(name)

    def port_of(self, service: str) -> int:
        """The node port of a Service."""
        return int(self.client.get("services", service, "default")["spec"]["ports"][0]["nodePort"])
