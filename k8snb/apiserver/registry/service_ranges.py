"""IPAddresses and ServiceCIDRs: which addresses Services may have, and which are taken.

Upstream: `ValidateIPAddress` and `ValidateServiceCIDR` in `pkg/apis/networking/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.addresses import cidr, family_of
from k8snb.apiserver.registry.ingresses import validate_segments
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, Struct, invalid_value, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import IMMUTABLE
from k8snb.typing import Object

Findings = Iterator[FieldError]

_ONE_FAMILY = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
_REFERENCE: Mapping[str, Field] = {
    "spec.parentRef.group": checks.text("spec", "parentRef", "group"),
    "spec.parentRef.resource": checks.text("spec", "parentRef", "resource"),
    "spec.parentRef.namespace": checks.text("spec", "parentRef", "namespace"),
    "spec.parentRef.name": checks.text("spec", "parentRef", "name"),
}


class IPAddressStrategy(Strategy):
    """The rules of IPAddresses, which are called what they are."""

    name_rule = "ip"
    counts_generation = False

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_parent((obj.get("spec") or {}).get("parentRef")))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        given = (new.get("spec") or {}).get("parentRef")
        if given == (old.get("spec") or {}).get("parentRef"):
            return []
        fields = ("Group", "Resource", "Namespace", "Name")
        shown = Struct({name: (given or {}).get(name.lower(), "") for name in fields})
        return [invalid_value("spec.parentRef", shown, IMMUTABLE)]


def address_object(address: str, namespace: str, service: str) -> Object:
    """The IPAddress of a cluster IP that a Service holds."""
    labels = {
        "ipaddress.kubernetes.io/ip-family": family_of(address),
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": address, "labels": labels},
        "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": service}},
    }


def _validate_parent(parent: Object | None) -> Findings:
    path = "spec.parentRef"
    if parent is None:
        yield required(path)
        return
    group = parent.get("group") or ""
    for message in formats.dns_subdomain(group) if group else ():
        yield invalid_value(f"{path}.group", group, message)
    yield from validate_segments(parent, path, "resource", "name")
    for message in formats.path_segment(parent.get("namespace") or ""):
        yield invalid_value(f"{path}.namespace", parent["namespace"], message)


class ServiceCIDRStrategy(Strategy):
    """The rules of ServiceCIDRs."""

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate_create(self, obj: Object) -> list[FieldError]:
        return list(_validate_blocks(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(_validate_change(new.get("spec") or {}, (old.get("spec") or {}).get("cidrs") or ()))


def _validate_blocks(spec: Object) -> Findings:
    path, blocks = "spec.cidrs", spec.get("cidrs") or ()
    if not blocks:
        yield required(path, "at least one CIDR required")
    elif len(blocks) > 2:
        yield invalid_value(path, Struct(CIDRs=blocks), "may only hold up to 2 values")
    else:
        for at, block in enumerate(blocks):
            yield from cidr(f"{path}[{at}]", block)
        families = [family_of(block.partition("/")[0]) for block in blocks]
        if len(families) == 2 and families[0] == families[1]:
            yield invalid_value(path, blocks, _ONE_FAMILY)


def _validate_change(spec: Object, before: Sequence[str]) -> Findings:
    blocks: Sequence[str] = spec.get("cidrs") or ()
    if len(blocks) == len(before):
        for at, block in enumerate(blocks):
            if block != before[at]:
                yield invalid_value(f"spec.cidrs[{at}]", block, IMMUTABLE)
    elif (len(before), len(blocks)) == (1, 2):
        if blocks[0] != before[0]:
            yield invalid_value("spec.cidrs[0]", blocks[0], IMMUTABLE)
        yield from _validate_blocks(spec)
    else:
        yield invalid_value("spec.cidrs", blocks, IMMUTABLE)


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "ipaddresses.networking.k8s.io": lambda _: IPAddressStrategy(),
    "servicecidrs.networking.k8s.io": lambda _: ServiceCIDRStrategy(),
}
