"""Cluster DNS: names of Services and pods, as the DNS specification for Kubernetes lays them down.

`<service>.<namespace>.svc.cluster.local` is the cluster IP, or, for a headless Service, the addresses of its
ready endpoints; `<hostname>.<service>.…` is one pod of it; an ExternalName Service is an alias. A pod need not
write the name in full: with `ndots:5` a short name is tried in the pod's search domains first.

Real clusters run CoreDNS for this; here the network answers itself, at the address that CoreDNS would have.
Source: https://github.com/kubernetes/dns/blob/master/docs/specification.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address

from k8snb.client.informer import Informers
from k8snb.network.proxy import slice_service
from k8snb.packet import Unanswered
from k8snb.typing import Object

DOMAIN = "cluster.local"
NAMESERVER = "10.96.0.10"
NDOTS = 5
LONGEST_CHAIN = 8
"""So many aliases are followed and no more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name resolves to: the full name that was found, and its addresses.

    `alias` is the last name of a chain of aliases; it has addresses only if it is a name of the cluster.
    """

    name: str
    addresses: tuple[str, ...] = ()
    alias: str = ""
    service: str = ""
    """The Service (`namespace/name`) that stands behind the name; empty for a pod's own name."""


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
        self._slices.add_index("service", slice_service)
        self.running = True
        """Whether anybody answers. While nobody does, no name is found."""

    def start(self) -> None:
        """Answer again."""
        self.running = True

    def stop(self) -> None:
        """Answer nobody any more."""
        self.running = False

    def resolve(self, name: str, namespace: str) -> Answer | None:
        """What the first name that exists resolves to, aliases followed; None if none does (NXDOMAIN).

        Raises Unanswered where nobody answers.
        """
        if not self.running:
            raise Unanswered(name)
        for candidate in candidates(name.lower(), namespace):
            found = self.answer(candidate)
            if found is not None:
                return self._followed(found)
        return None

    def _followed(self, found: Answer) -> Answer:
        """The answer with the addresses that its alias has, if the alias is a name of the cluster."""
        for _link in range(LONGEST_CHAIN):
            target = self.answer(found.alias) if found.alias and not found.addresses else None
            if target is None:
                return found
            alias = target.alias or found.alias
            found = replace(found, addresses=target.addresses, alias=alias, service=target.service)
        return replace(found, addresses=())

    def answer(self, name: str) -> Answer | None:
        """What one full name is: addresses or an alias; None if it does not exist."""
        suffix = f".{DOMAIN}"
        if not name.endswith(suffix):
            return None
        labels = name[: -len(suffix)].split(".")
        if len(labels) in (3, 4) and labels[-1] == "svc":
            return self._service(name, labels[-3], labels[-2], labels[0] if len(labels) == 4 else "")
        if len(labels) == 3 and labels[-1] == "pod":
            address = _undashed(labels[0])
            return Answer(name, (address,)) if address else None
        return None

    def _service(self, name: str, service: str, namespace: str, host: str) -> Answer | None:
        """A Service's answer or, with `host`, that of one of its endpoints."""
        found = self._services.get(namespace, service)
        if found is None:
            return None
        spec, key = found["spec"], f"{namespace}/{service}"
        if spec.get("type") == "ExternalName":
            return Answer(name, alias=spec["externalName"].rstrip("."), service=key) if not host else None
        if not host and spec.get("clusterIP") not in ("None", "", None):
            return Answer(name, tuple(spec["clusterIPs"]), service=key)
        addresses = tuple(dict.fromkeys(self._endpoints(found, host)))
        return Answer(name, addresses, service=key) if addresses else None

    def _endpoints(self, service: Object, host: str) -> Iterator[str]:
        meta = service["metadata"]
        for slice in self._slices.by_index("service", f"{meta['namespace']}/{meta['name']}"):
            for endpoint in slice.get("endpoints") or () if slice.get("addressType", "IPv4") == "IPv4" else ():
                address = endpoint["addresses"][0]
                if host and host != endpoint.get("hostname", address.replace(".", "-")):
                    continue
                if (endpoint.get("conditions") or {}).get("ready") is not False:
                    yield address


@lru_cache(maxsize=4096)
def is_address(name: str) -> bool:
    """Whether it is an address and no name."""
    try:
        IPv4Address(name)
    except AddressValueError:
        return False
    return True


def _undashed(label: str) -> str:
    """The address that a pod's name stands for (`10-244-0-2`); empty if it is none."""
    address = label.replace("-", ".")
    return address if is_address(address) else ""
