"""Cluster DNS: names of Services and pods, as the DNS specification for Kubernetes lays them down.

`<service>.<namespace>.svc.cluster.local` is the cluster IP, or, for a headless Service, the addresses of its
ready endpoints; `<hostname>.<service>.…` is one pod of it; an ExternalName Service is an alias. A pod need not
write the name in full: with `ndots:5` a short name is tried in the pod's search domains first.

Real clusters run CoreDNS for this; here the network answers itself, at the address that CoreDNS would have.
Source: https://github.com/kubernetes/dns/blob/master/docs/specification.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snb.client.informer import Informers
from k8snb.typing import Object

DOMAIN = "cluster.local"
NAMESERVER = "10.96.0.10"
NDOTS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name resolves to: the full name that was found, and addresses, or an alias to follow."""

    name: str
    addresses: tuple[str, ...] = ()
    alias: str = ""


def search_domains(namespace: str) -> tuple[str, ...]:
    """The `search` line of a pod's `/etc/resolv.conf`."""
    return (f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)


def candidates(name: str, namespace: str) -> Iterator[str]:
    """The names that a pod's resolver asks for, in order."""
    if name.endswith("."):
        yield name.rstrip(".")
        return
    if name.count(".") >= NDOTS:
        yield name
    for domain in search_domains(namespace):
        yield f"{name}.{domain}"
    if name.count(".") < NDOTS:
        yield name


class DNS:
    """Answers for the cluster's names from Services and EndpointSlices."""

    def __init__(self, informers: Informers) -> None:
        self._services = informers.of("services")
        self._slices = informers.of("endpointslices")

    def resolve(self, name: str, namespace: str) -> Answer | None:
        """What the first name that exists resolves to; None if none does (NXDOMAIN)."""
        for candidate in candidates(name.lower(), namespace):
            found = self.answer(candidate)
            if found is not None:
                return found
        return None

    def answer(self, name: str) -> Answer | None:
        """What one full name resolves to."""
        suffix = f".{DOMAIN}"
        if not name.endswith(suffix):
            return None
        labels = name[: -len(suffix)].split(".")
        if len(labels) >= 3 and labels[-1] == "svc":
            return self._service(name, labels[-3], labels[-2], labels[:-3])
        if len(labels) == 3 and labels[-1] == "pod":
            address = labels[0].replace("-", ".")
            return Answer(name, (address,)) if address.count(".") == 3 else None
        return None

    def _service(self, name: str, service: str, namespace: str, host: Sequence[str]) -> Answer | None:
        found = self._services.get(namespace, service)
        if found is None or len(host) > 1:
            return None
        spec = found["spec"]
        if spec.get("type") == "ExternalName":
            return Answer(name, alias=spec["externalName"]) if not host else None
        if spec.get("clusterIP") not in ("None", "", None):
            return Answer(name, tuple(spec["clusterIPs"])) if not host else None
        addresses = tuple(self._endpoints(found, host[0] if host else ""))
        return Answer(name, addresses) if addresses or not host else None

    def _endpoints(self, service: Object, host: str) -> Iterator[str]:
        meta = service["metadata"]
        everyone = bool(service["spec"].get("publishNotReadyAddresses"))
        for slice in self._slices.by_index("service", f"{meta['namespace']}/{meta['name']}"):
            for endpoint in slice.get("endpoints") or ():
                ready = (endpoint.get("conditions") or {}).get("ready")
                if host and endpoint.get("hostname") != host:
                    continue
                if everyone or ready is None or ready:
                    yield from endpoint["addresses"]
