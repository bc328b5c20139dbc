"""What is there before anybody asks: namespaces, priority classes, and the API server as a Service.

Upstream: `pkg/controlplane/controller/systemnamespaces`, `kubernetesservice` and
`pkg/registry/scheduling/rest`. ServiceAccounts and the CA certificate's ConfigMap are made by controllers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from k8snb.apiserver.registry.scheduling import SYSTEM_CLASSES
from k8snb.apiserver.registry.service_plan import API_SERVER_IP
from k8snb.typing import Object

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
SERVER_ADDRESS = "192.168.49.2"
"""The address at which the API server itself listens, as pods see it."""

SERVER_PORT = 6443


class Initial(NamedTuple):
    """An object to create at the start, under the resource that the word names."""

    resource: str
    object: Object


def bootstrap_objects(address: str = SERVER_ADDRESS, port: int = SERVER_PORT) -> Iterator[Initial]:
    """Every object of a new cluster, in the order in which to create them."""
    for name in NAMESPACES:
        yield Initial("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for priority in SYSTEM_CLASSES:
        yield Initial("priorityclasses.scheduling.k8s.io", priority)
    yield Initial("services", _service(port))
    yield from server_endpoints([address], port)


def _named(labels: Mapping[str, str]) -> Object:
    return {"name": "kubernetes", "namespace": "default", "labels": labels}


def _service(port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _named({"component": "apiserver", "provider": "kubernetes"}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": API_SERVER_IP,
            "sessionAffinity": "None",
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port}],
        },
    }


def server_endpoints(addresses: Sequence[str], port: int = SERVER_PORT) -> Iterator[Initial]:
    """Where the API servers are, as the Service `kubernetes` has it."""
    yield Initial("endpoints", _endpoints(addresses, port))
    yield Initial("endpointslices.discovery.k8s.io", _slice(addresses, port))


def _endpoints(addresses: Sequence[str], port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _named({"endpointslice.kubernetes.io/skip-mirror": "true"}),
        "subsets": [
            {
                "addresses": [{"ip": each} for each in addresses],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
            },
        ],
    }


def _slice(addresses: Sequence[str], port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _named({"kubernetes.io/service-name": "kubernetes"}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [each], "conditions": {"ready": True}} for each in addresses],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
