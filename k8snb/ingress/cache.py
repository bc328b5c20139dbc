"""What the router knows of the cluster: Services, their endpoints, and Secrets, as informers have them.

A router sends to pods directly, so it needs the addresses behind a Service and not the Service's own. Only endpoints
that are ready count; an ExternalName leads to a name outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8snb.client.informer import Informers
from k8snb.ingress.rules import Backend
from k8snb.typing import Object, ObjectKey

SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request can be sent: an address (or an outside name) and a port, and whose they are."""

    host: str
    port: int
    pod: str = ""
    node: str = ""
    slice: str = ""


class Cache:
    """The objects that backends and certificates are looked up in."""

    def __init__(self, informers: Informers) -> None:
        self.services = informers.of("services")
        self.slices = informers.of("endpointslices")
        self.secrets = informers.of("secrets")
        self.slices.add_index("service", _service_of)

    def port(self, backend: Backend) -> Object | None:
        """The port of the Service that a backend means; None if there is none."""
        service = self.services.get(*backend.service)
        for port in service["spec"].get("ports") or () if service is not None else ():
            if backend.port in (str(port["port"]), port.get("name") or None):
                found: Object = port
                return found
        return None

    def has(self, backend: Backend) -> bool:
        """Whether there is the Service of a backend, with that port. A name outside has every port."""
        service = self.services.get(*backend.service)
        outside = service is not None and service["spec"].get("type") == "ExternalName"
        return outside or self.port(backend) is not None

    def places(self, backend: Backend) -> Sequence[Place]:
        """Where requests for a backend can go."""
        service, port = self.services.get(*backend.service), self.port(backend)
        if service is not None and service["spec"].get("type") == "ExternalName":
            number = int(backend.port) if backend.port.isdigit() else 80
            return [Place(service["spec"]["externalName"], port["port"] if port is not None else number)]
        if port is None:
            return ()
        found = [
            Place(address, each["port"], *_whose(endpoint), slice["metadata"]["name"])
            for slice in self.slices.by_index("service", str(backend.service))
            for each in slice.get("ports") or ()
            if each.get("name", "") == port.get("name", "")
            for endpoint in slice.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready") is not False
            for address in endpoint["addresses"][:1]
        ]
        return sorted({(each.host, each.port): each for each in found}.values(), key=lambda place: _number(place.host))

    def trouble(self, backend: Backend) -> str:
        """Why nothing can be sent to a backend, in the words of a log; empty if something can."""
        service = self.services.get(*backend.service)
        if service is None:
            return f'Error obtaining Endpoints for Service "{backend.service}": no object matching key in local store'
        if service["spec"].get("type") == "ExternalName":
            return ""
        if self.port(backend) is None:
            return f'Service "{backend.service}" has no port {backend.port}'
        return "" if self.places(backend) else f'Service "{backend.service}" does not have any active Endpoint.'

    def secret(self, key: ObjectKey) -> Object | None:
        """A Secret."""
        return self.secrets.get(*key)


def _service_of(slice: Object) -> Sequence[str]:
    meta = slice["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE_NAME)
    return (f"{meta['namespace']}/{name}",) if name else ()


def _whose(endpoint: Object) -> tuple[str, str]:
    target = endpoint.get("targetRef") or {}
    return target.get("name", ""), endpoint.get("nodeName", "")


def _number(host: str) -> tuple[int | str, ...]:
    """An address as numbers, so that 10.0.0.10 comes after 10.0.0.9."""
    parts = host.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else (0, host)
