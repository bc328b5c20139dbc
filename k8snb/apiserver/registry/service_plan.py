"""What a Service gets when it is written: IP families, cluster IPs, node ports, a health check port.

`Planner.plan` completes a Service without taking anything from the pools; `Planner.settle` takes and gives
back what the stored object says. Upstream: `pkg/registry/core/service/storage/alloc.go` and
`storage.go` (`patchAllocatedValues`, `normalizeClusterIPs`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import addresses
from k8snb.apiserver.registry.ipalloc import FULL, Draft, Pool
from k8snb.apiserver.registry.service_rules import (
    is_headless,
    needs_cluster_ip,
    needs_health_check,
    needs_node_ports,
    validate_cluster_ips,
)
from k8snb.errors import FieldError, StatusError, internal, invalid, invalid_value
from k8snb.machinery.names import Lottery
from k8snb.machinery.scheme import ROWS
from k8snb.typing import Object

SERVICE_CIDR = ipaddress.IPv4Network("10.96.0.0/16")
API_SERVER_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
NODE_PORTS = (30000, 32767)
FAMILIES = ("IPv4",)
"""The families that Services of this cluster can have; the first is the default."""

_STATIC_ADDRESSES, _LEAST_STATIC = 256, 16
_STATIC_PORTS = 86
_SERVICES = next(row for row in ROWS if row.kind == "Service")
_BAD_RANGE = f"provided port is not in the valid range. The range of valid ports is {NODE_PORTS[0]}-{NODE_PORTS[1]}"
_TAKEN_PORT = "provided port is already allocated"
_TAKEN_IP = "provided IP is already allocated"
_FOREIGN_IP = "the provided network does not match the current range"

Spec = dict[str, Any]


class Planner:
    """The pools of addresses and ports, and the rules by which Services draw from them."""

    def __init__(self, lottery: Lottery) -> None:
        self.addresses = _pool(SERVICE_CIDR, lottery)
        self._further: dict[str, Pool] = {}
        """Pools of ServiceCIDRs beyond the first, by their blocks."""
        self._held: set[int] = set()
        self._lottery = lottery
        self.ports = Pool(NODE_PORTS[0], NODE_PORTS[0] + _STATIC_PORTS, NODE_PORTS[1], lottery)

    def widen(self, blocks: Sequence[str]) -> None:
        """Draw from these blocks too, once the first one is full."""
        self._further = {block: self._further.get(block) or self._claimed(block) for block in blocks}

    def _claimed(self, block: str) -> Pool:
        """A new pool, without the addresses that Services have already."""
        pool = _pool(ipaddress.IPv4Network(block), self._lottery)
        for number in self._held:
            pool.claim(number)
        return pool

    @property
    def _pools(self) -> Sequence[Pool]:
        return (self.addresses, *self._further.values())

    def plan(self, new: Object, old: Object | None) -> Object:
        """The Service with everything it gets. Raises StatusError for what it cannot have."""
        spec: Spec = dict(new.get("spec") or {})
        previous: Object = (old.get("spec") or {}) if old else {}
        if old is not None:
            _patch_allocated(spec, previous)
        _normalize_cluster_ips(spec, previous if old else None)
        name = new["metadata"].get("name", "")
        _plan_families(name, spec, previous if old else None)
        self._plan_addresses(name, spec, previous)
        draft = Draft(self.ports, frozenset(node_ports(previous)))
        if needs_node_ports(spec):
            self._plan_node_ports(name, spec, draft, previous)
        self._plan_health_check(spec, draft, previous)
        return {**new, "spec": spec}

    def settle(self, new: Object | None, old: Object | None) -> None:
        """Take what the new Service holds and give back what only the old one held."""
        after, before = (new or {}).get("spec") or {}, (old or {}).get("spec") or {}
        kept, held = cluster_addresses(after), cluster_addresses(before)
        self._held = self._held.difference(held).union(kept) if kept != held else self._held
        for pool in self._pools:
            _settle(pool, kept, held)
        _settle(self.ports, node_ports(after), node_ports(before))

    def _plan_addresses(self, name: str, spec: Spec, previous: Object) -> None:
        if not needs_cluster_ip(spec) or is_headless(spec):
            return
        if needs_cluster_ip(previous):
            return
        given = list(spec.get("clusterIPs") or [])
        planned = [self._address(name, given, index) for index, _ in enumerate(spec.get("ipFamilies") or ())]
        spec["clusterIPs"] = planned + given[len(planned) :]
        spec["clusterIP"] = spec["clusterIPs"][0]

    def _address(self, name: str, given: list[str], index: int) -> str:
        wanted = given[index] if index < len(given) else ""
        if not wanted:
            picked = (Draft(pool).next() for pool in self._pools)
            number = next((each for each in picked if each is not None), None)
            if number is None:
                raise internal(f"failed to allocate a serviceIP: {FULL}")
            return str(ipaddress.IPv4Address(number))
        problem = self._address_problem(wanted)
        if problem:
            told = f"failed to allocate IP {wanted}: {problem}"
            raise _refused(name, invalid_value("spec.clusterIPs", given, told))
        return wanted

    def _address_problem(self, wanted: str) -> str:
        found = addresses.parse_ip(wanted)
        number = int(found) if found is not None and found.version == 4 else -1
        if not any(number in pool for pool in self._pools):
            return _FOREIGN_IP
        return _TAKEN_IP if any(pool.is_taken(number) for pool in self._pools) else ""

    def _plan_node_ports(self, name: str, spec: Spec, draft: Draft, previous: Object) -> None:
        """Every port a node port; entries of one number (TCP and UDP) share theirs on create."""
        shared: dict[int, int] = {}
        ports = [dict(port) for port in spec.get("ports") or ()]
        kept = set(node_ports(previous))
        for index, port in enumerate(ports):
            wanted = port.get("nodePort") or _requested(ports, port, kept if previous else None, shared)
            if wanted and wanted not in kept and wanted != shared.get(port.get("port", 0)):
                self._reserve(name, draft, index, wanted)
            if not wanted:
                if not _allocates(spec):
                    continue
                wanted = _picked(draft.next(), "failed to allocate a nodePort")
            port["nodePort"] = wanted
            shared.setdefault(port.get("port", 0), wanted)
        if "ports" in spec:
            spec["ports"] = ports

    def _reserve(self, name: str, draft: Draft, index: int, wanted: int) -> None:
        path = f"spec.ports[{index}].nodePort"
        if wanted not in self.ports:
            raise _refused(name, invalid_value(path, wanted, _BAD_RANGE))
        if not draft.reserve(wanted):
            raise _refused(name, invalid_value(path, wanted, _TAKEN_PORT))

    def _plan_health_check(self, spec: Spec, draft: Draft, previous: Object) -> None:
        if not needs_health_check(spec) or needs_health_check(previous):
            return
        wanted = spec.get("healthCheckNodePort")
        if not wanted:
            spec["healthCheckNodePort"] = _picked(draft.next(), "failed to allocate a HealthCheck NodePort 0")
        elif wanted not in self.ports or not draft.reserve(wanted):
            problem = _TAKEN_PORT if wanted in self.ports else _BAD_RANGE
            raise internal(f"failed to allocate requested HealthCheck NodePort {wanted}: {problem}")


def cluster_addresses(spec: Object) -> list[int]:
    """The cluster IPs that a Service holds, as numbers."""
    if not needs_cluster_ip(spec) or is_headless(spec):
        return []
    found = (addresses.parse_ip(text) for text in spec.get("clusterIPs") or ())
    return [int(address) for address in found if address is not None and address.version == 4]


def node_ports(spec: Object) -> list[int]:
    """The node ports that a Service holds, its health check port included."""
    if not needs_node_ports(spec):
        return []
    ports = [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]
    if needs_health_check(spec) and spec.get("healthCheckNodePort"):
        ports.append(spec["healthCheckNodePort"])
    return ports


def _refused(name: str, *errors: FieldError) -> StatusError:
    return invalid(_SERVICES, name, errors)


def _picked(number: int | None, otherwise: str) -> int:
    if number is None:
        raise internal(f"{otherwise}: {FULL}")
    return number


def _allocates(spec: Object) -> bool:
    return spec.get("type") != "LoadBalancer" or spec.get("allocateLoadBalancerNodePorts") is not False


def _requested(ports: Sequence[Object], port: Object, kept: set[int] | None, shared: Mapping[int, int]) -> int:
    """On create, the node port that an entry of the same number has or asks for; 0 if none, and on update."""
    if kept is not None:
        return 0
    number = port.get("port", 0)
    asked = (other["nodePort"] for other in ports if other.get("port") == number and other.get("nodePort"))
    return shared.get(number) or next(asked, 0)


def _patch_allocated(spec: Spec, old: Object) -> None:
    """Fill in what the client left out of what the server had allocated (PUT from a manifest)."""
    if needs_cluster_ip(old) and needs_cluster_ip(spec):
        if not spec.get("clusterIP") and old.get("clusterIP"):
            spec["clusterIP"] = old["clusterIP"]
        if not spec.get("clusterIPs") and spec.get("clusterIP") == old.get("clusterIP") and old.get("clusterIPs"):
            spec["clusterIPs"] = old["clusterIPs"]
    if needs_node_ports(old) and needs_node_ports(spec):
        _patch_node_ports(spec, old)
    if needs_health_check(old) and needs_health_check(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = old.get("healthCheckNodePort", 0)


def _pool(block: ipaddress.IPv4Network, lottery: Lottery) -> Pool:
    """The addresses of a block, those for whoever asks by name at its beginning (upstream: KEP-3070)."""
    first, last = int(block.network_address) + 1, int(block.broadcast_address) - 1
    size = block.num_addresses
    apart = 0 if size <= _LEAST_STATIC else min(max(size // 16, _LEAST_STATIC), _STATIC_ADDRESSES)
    return Pool(first, first + apart, last, lottery)


def _settle(pool: Pool, kept: Sequence[int], held: Sequence[int]) -> None:
    for number in held:
        if number not in kept:
            pool.release(number)
    for number in kept:
        pool.claim(number)


def _patch_node_ports(spec: Spec, old: Object) -> None:
    ports, before = spec.get("ports") or [], old.get("ports") or ()
    used = {port.get("nodePort") for port in ports}
    known = {port.get("name", ""): port.get("nodePort") for port in before}
    patched = []
    for port in ports:
        value = known.get(port.get("name", ""))
        patch = not port.get("nodePort") and value and value not in used
        patched.append({**port, "nodePort": value} if patch else port)
    if ports:
        spec["ports"] = patched


def _normalize_cluster_ips(spec: Spec, old: Object | None) -> None:
    """Keep `clusterIP` and `clusterIPs` in step for clients that know only one of them."""
    single, several = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if old is None:
        if single and not several:
            spec["clusterIPs"] = [single]
        return
    old_single, old_several = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if old_several and not several and old_single == single:
        several = spec["clusterIPs"] = old_several
    if old_single != single and old_several == several:
        if single:
            spec["clusterIPs"] = [single]
        else:
            spec.pop("clusterIPs", None)


def _plan_families(name: str, spec: Spec, old: Object | None) -> None:
    """Fill in `ipFamilyPolicy` and `ipFamilies`, or say why they cannot be had."""
    if spec.get("type") == "ExternalName" or (old is not None and _same_dual_stack(spec, old)):
        return
    selectorless = spec.get("clusterIP") == "None" and not spec.get("selector")
    if not spec.get("ipFamilyPolicy"):
        inherited = old.get("ipFamilyPolicy") if old else None
        spec["ipFamilyPolicy"] = inherited or ("RequireDualStack" if selectorless else "SingleStack")
    errors = validate_cluster_ips(spec, old)
    if errors:
        raise _refused(name, *errors)
    if errors := _shrink(spec, old) + _policy_errors(spec) + _infer_families(spec):
        raise _refused(name, *errors)
    if selectorless:
        families = list(spec.get("ipFamilies") or FAMILIES[:1])
        if len(families) < 2 and spec["ipFamilyPolicy"] != "SingleStack":
            families.append("IPv6" if families[0] == "IPv4" else "IPv4")
        spec["ipFamilies"] = families
        return
    if errors := _availability(spec):
        raise _refused(name, *errors)
    if not spec.get("ipFamilies"):
        spec["ipFamilies"] = list(FAMILIES[:1])


def _same_dual_stack(spec: Object, old: Object) -> bool:
    """Whether a Service that prefers dual stack is written without a change of its families and addresses."""
    return (
        old.get("ipFamilyPolicy") == "PreferDualStack"
        and spec.get("ipFamilyPolicy") in (None, "", "PreferDualStack")
        and old.get("type") == spec.get("type")
        and needs_cluster_ip(spec)
        and (old.get("clusterIPs") or []) == (spec.get("clusterIPs") or [])
        and (old.get("ipFamilies") or []) == (spec.get("ipFamilies") or [])
    )


def _shrink(spec: Spec, old: Object | None) -> list[FieldError]:
    """On update: single stack lets go of the second address and family; any other policy may not lose them."""
    if old is None:
        return []
    policy, errors = spec["ipFamilyPolicy"], []
    for field, words in (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")):
        now, before = list(spec.get(field) or ()), list(old.get(field) or ())
        if policy == "SingleStack":
            if now == before and len(now) > 1:
                spec[field] = now[:1]
        elif now and now == before[: len(now)] and len(now) < len(before):
            told = f"must be 'SingleStack' to release the secondary {words}"
            errors.append(invalid_value("spec.ipFamilyPolicy", policy, told))
    return errors


def _policy_errors(spec: Object) -> list[FieldError]:
    if spec["ipFamilyPolicy"] != "SingleStack":
        return []
    errors = []
    for field, words in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
        if len(spec.get(field) or ()) == 2:
            told = f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {words} are specified"
            errors.append(invalid_value("spec.ipFamilyPolicy", "SingleStack", told))
    return errors


def _infer_families(spec: Spec) -> list[FieldError]:
    """Addresses that the client gave say which families it wants."""
    families, errors = list(spec.get("ipFamilies") or ()), []
    given = spec.get("clusterIPs") or []
    for index, text in enumerate(given):
        if text == "None":
            break
        if index < len(families):
            continue
        family = addresses.family_of(text)
        if family in FAMILIES:
            families.append(family)
        else:
            told = f"{family} is not configured on this cluster"
            errors.append(invalid_value(f"spec.clusterIPs[{index}]", given, told))
    if families:
        spec["ipFamilies"] = families
    return errors


def _availability(spec: Object) -> list[FieldError]:
    errors = []
    if spec["ipFamilyPolicy"] == "RequireDualStack" and len(FAMILIES) < 2:
        told = "this cluster is not configured for dual-stack services"
        errors.append(invalid_value("spec.ipFamilyPolicy", "RequireDualStack", told))
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in FAMILIES:
            errors.append(invalid_value(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    return errors
