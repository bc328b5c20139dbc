"""What is there before anybody asks: namespaces, priority classes, and the API server as a Service.

Upstream: `pkg/controlplane/controller/systemnamespaces`, `kubernetesservice` and
`pkg/registry/scheduling/rest`. ServiceAccounts and the CA certificate's ConfigMap are made by controllers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    yield Initial("endpoints", _endpoints(address, port))
    yield Initial("endpointslices.discovery.k8s.io", _slice(address, port))


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


def _endpoints(address: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _named({"endpointslice.kubernetes.io/skip-mirror": "true"}),
        "subsets": [
            {"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]},
        ],
    }


def _slice(address: str, port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _named({"kubernetes.io/service-name": "kubernetes"}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
