"""Services: a stable name and address for a changing set of pods.

What a Service gets from the cluster's pools is planned in `prepare_create` and `prepare_update`, before
validation as upstream, and taken in `allocate`. Upstream: `SetDefaults_Service`,
`pkg/registry/core/service/strategy.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.filling import filled, within_each, within_new, without
from k8snb.apiserver.registry.service_plan import Planner
from k8snb.apiserver.registry.service_rules import (
    is_externally_accessible,
    needs_cluster_ip,
    needs_health_check,
    needs_node_ports,
    validate_change,
    validate_load_balancer_status,
    validate_service,
)
from k8snb.apiserver.registry.service_warnings import service_warnings
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, StatusError
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

AFFINITY_SECONDS = 10800
_AFFINITY_CONFIG: Object = {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}
_EMPTY_STATUS: Object = {"loadBalancer": {}}
_NONE: Mapping[str, Any] = {}

Settling = Callable[[Object | None, Object | None], None]
"""Told of a Service as it is to be and as it was."""


class ServiceStrategy(Strategy):
    """The rules of Services, with the pools of addresses and ports that they draw from."""

    name_rule = "dns-label"
    counts_generation = False
    fields: Mapping[str, Field] = {
        "spec.clusterIP": checks.text("spec", "clusterIP"),
        "spec.type": checks.text("spec", "type"),
    }

    def __init__(self, lottery: Lottery) -> None:
        self._planner = Planner(lottery)
        self.keep: Settling = lambda new, old: None
        """Told whenever what a Service holds may change."""

    def widen(self, blocks: Sequence[str]) -> None:
        """Give cluster IPs from these blocks too."""
        self._planner.widen(blocks)

    def default(self, obj: Object) -> Object:
        obj = within_new(obj, "spec", _default_spec)
        if checks.get(obj, "status", "loadBalancer", "ingress") and obj["spec"]["type"] == "LoadBalancer":
            return {**obj, "status": within_new(obj["status"], "loadBalancer", _default_ingress)}
        return obj

    def prepare_create(self, obj: Object) -> Object:
        return {**self._planner.plan(obj, None), "status": _EMPTY_STATUS}

    def prepare_update(self, new: Object, old: Object) -> Object:
        planned = self._planner.plan(new, old)
        spec = _without_stale(planned["spec"], old.get("spec") or _NONE)
        status = old.get("status") or _EMPTY_STATUS
        return {**planned, "spec": spec, "status": status if spec.get("type") == "LoadBalancer" else _cleared(status)}

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_service(obj)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return validate_change(new, old)

    def prepare_status(self, new: Object, old: Object) -> Object:
        """Finalizers may change too: that is how a cloud's controller holds a Service."""
        found = super().prepare_status(new, old)
        meta = {name: value for name, value in found["metadata"].items() if name != "finalizers"}
        finalizers = {name: new["metadata"][name] for name in ("finalizers",) if new["metadata"].get(name)}
        return self.default({**found, "metadata": {**meta, **finalizers}})

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return validate_load_balancer_status(new)

    def allocate(self, new: Object, old: Object | None) -> Object:
        self._planner.settle(new, old)
        try:
            self.keep(new, old)
        except StatusError:  # nothing is stored, so nothing is held
            self._planner.settle(old, new)
            raise
        return new

    def restored(self, new: Object | None, old: Object | None) -> None:
        """The store has been put back: what a Service holds there is stored already."""
        self._planner.settle(new, old)

    def take_back(self, obj: Object) -> None:
        self.restored(obj, None)

    def release(self, obj: Object) -> None:
        self._planner.settle(None, obj)
        self.keep(None, obj)

    def warnings(self, obj: Object) -> list[str]:
        return service_warnings(obj)


def _default_spec(spec: Object) -> Object:
    spec = filled(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    if spec["sessionAffinity"] == "None" and "sessionAffinityConfig" in spec:
        spec = without(spec, "sessionAffinityConfig")
    elif spec["sessionAffinity"] == "ClientIP" and _timeout(spec) is None:
        spec = {**spec, "sessionAffinityConfig": _AFFINITY_CONFIG}
    spec = within_each(spec, "ports", _default_port)
    if is_externally_accessible(spec):
        spec = filled(spec, {"externalTrafficPolicy": "Cluster"})
    if needs_cluster_ip(spec):
        spec = filled(spec, {"internalTrafficPolicy": "Cluster"})
    return filled(spec, {"allocateLoadBalancerNodePorts": True}) if spec["type"] == "LoadBalancer" else spec


def _timeout(spec: Object) -> Any:
    return checks.get(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds")


def _default_port(port: Object) -> Object:
    port = filled(port, {"protocol": "TCP"})
    return port if port.get("targetPort") else {**port, "targetPort": port.get("port", 0)}


def _default_ingress(balancer: Object) -> Object:
    return within_each(balancer, "ingress", _default_entry)


def _default_entry(entry: Object) -> Object:
    return filled(entry, {"ipMode": "VIP"}) if entry.get("ip") else entry


def _cleared(status: Object) -> Object:
    return {**status, "loadBalancer": {}} if status.get("loadBalancer") else status


def _without_stale(spec: Object, old: Object) -> Object:
    """Drop what belonged to the old type, if the client changed the type and left these fields as they were."""
    checks_dropped = needs_health_check(old) and not needs_health_check(spec)
    same_reach = is_externally_accessible(spec) == is_externally_accessible(old)
    if spec.get("type") == old.get("type") and same_reach and not checks_dropped:
        return spec
    stale = _stale_fields(spec, old)
    spec = without(spec, *stale)
    if needs_node_ports(old) and not needs_node_ports(spec) and _node_ports(spec) == _node_ports(old):
        return within_each(spec, "ports", lambda port: without(port, "nodePort"))
    return spec


def _stale_fields(spec: Object, old: Object) -> set[str]:
    stale = set()
    if needs_cluster_ip(old) and not needs_cluster_ip(spec):
        if spec.get("clusterIPs") == old.get("clusterIPs") and spec.get("clusterIP") == old.get("clusterIP"):
            stale |= {"clusterIP", "clusterIPs"}
        stale |= {name for name in ("ipFamilies", "ipFamilyPolicy") if spec.get(name) == old.get(name)}
    if needs_health_check(old) and not needs_health_check(spec):
        stale |= _unchanged(spec, old, "healthCheckNodePort")
    if old.get("type") == "LoadBalancer" and spec.get("type") != "LoadBalancer":
        stale |= _unchanged(spec, old, "allocateLoadBalancerNodePorts") | _unchanged(spec, old, "loadBalancerClass")
    if is_externally_accessible(old) and not is_externally_accessible(spec):
        stale |= _unchanged(spec, old, "externalTrafficPolicy")
    return stale


def _unchanged(spec: Object, old: Object, name: str) -> set[str]:
    return {name} if spec.get(name) == old.get(name) else set()


def _node_ports(spec: Object) -> list[int]:
    return [port.get("nodePort", 0) for port in spec.get("ports") or ()]


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {"services": ServiceStrategy}
