"""Which endpoint the API server itself talks to when it is told of a Service: for proxies, webhooks, aggregated APIs.

Upstream: `apiserver/pkg/util/proxy/proxy.go` (`ResolveEndpoint`) and `pkg/registry/core/service/storage`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8snb.errors import unavailable
from k8snb.typing import Object

SLICES = "endpointslices.discovery.k8s.io"


class Backend(NamedTuple):
    """A ready endpoint of a Service."""

    address: str
    port: int
    pod: str


def backend_of(service: Object, port: str, slices: Callable[[str, str], list[Object]]) -> Backend:
    """A ready endpoint behind a port of a Service, named or by number; empty is its first.

    `slices` lists a resource of a namespace. Raises ServiceUnavailable where there is no such endpoint.
    """
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    ports = service["spec"].get("ports") or []
    wanted = [each for each in ports if port in ("", each.get("name", ""), str(each["port"]))]
    if not wanted:
        raise unavailable(f'no service port "{port}" found for service "{name}"')
    for each in slices(SLICES, namespace):
        if (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != name:
            continue
        numbers = [p["port"] for p in each.get("ports") or () if p.get("name", "") == wanted[0].get("name", "")]
        for endpoint in each.get("endpoints") or ():
            if numbers and (endpoint.get("conditions") or {}).get("ready"):
                target = endpoint.get("targetRef") or {}
                pod = str(target["name"]) if target.get("kind") == "Pod" else ""
                return Backend(str(endpoint["addresses"][0]), int(numbers[0]), pod)
    raise unavailable(f'no endpoints available for service "{name}"')
