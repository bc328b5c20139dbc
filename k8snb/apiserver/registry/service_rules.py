"""What a Service may say: the validation of `pkg/apis/core/validation/validation.go` (`ValidateService*`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.apiserver.registry import addresses, checks
from k8snb.errors import (
    FieldError,
    Struct,
    duplicate,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
)
from k8snb.machinery import validation
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_POLICIES = ("Cluster", "Local")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"
_CHANGED = "may not change once set"
_ONLY_LB = "may only be used when `type` is 'LoadBalancer'"
_MAX_AFFINITY_SECONDS = 86400


def needs_cluster_ip(spec: Object) -> bool:
    """Every type but ExternalName has one (`None` counts)."""
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def needs_node_ports(spec: Object) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def needs_health_check(spec: Object) -> bool:
    """A load balancer has to know which nodes have endpoints."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def is_externally_accessible(spec: Object) -> bool:
    return needs_node_ports(spec) or (spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs")))


def is_headless(spec: Object) -> bool:
    return (spec.get("clusterIPs") or []) == ["None"]


def validate_service(service: Object, old: Object | None = None) -> list[FieldError]:
    """Everything about a Service but its metadata and the change from what it was."""
    spec = service.get("spec") or {}
    before = (old.get("spec") or {}) if old else {}
    errors = _topology_annotations(service) + _type_rules(spec)
    names: list[str] = []
    ports = spec.get("ports") or ()
    for index, port in enumerate(ports):
        errors += _validate_port(f"spec.ports[{index}]", port, len(ports) > 1, names)
    if spec.get("selector") is not None:
        errors += validation.validate_labels(spec["selector"], "spec.selector")
    errors += _affinity(spec) + validate_cluster_ips(spec, before)
    errors += _external_ips(spec, before) + checks.one_of("spec.type", spec.get("type", ""), TYPES)
    errors += _port_conflicts(spec, ports) + _source_ranges(service, spec)
    errors += _load_balancer(spec) + _traffic(spec)
    return errors


def _topology_annotations(service: Object) -> list[FieldError]:
    annotations = annotations_of(service)
    mode, hints = annotations.get(_MODE), annotations.get(_HINTS)
    if mode is None or hints is None or mode == hints:
        return []
    told = f"must match annotations[{_HINTS}] when both are specified"
    return [invalid_value(f"metadata.annotations[{_MODE}]", mode, told)]


def _type_rules(spec: Object) -> list[FieldError]:
    kind = spec.get("type")
    errors = []
    if not spec.get("ports") and not is_headless(spec) and kind != "ExternalName":
        errors.append(required("spec.ports"))
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        told = f"may not be set to 'None' for {kind} services"
        errors.append(invalid_value("spec.clusterIPs[0]", "None", told))
    return errors + _external_name(spec) if kind == "ExternalName" else errors


def _external_name(spec: Object) -> list[FieldError]:
    told = "may not be set for ExternalName services"
    fields = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
    errors = [field_forbidden(f"spec.{field}", told) for field in fields if spec.get(field)]
    name = (spec.get("externalName") or "").removesuffix(".")
    return errors + (checks.dns_subdomain("spec.externalName", name) if name else [required("spec.externalName")])


def _validate_port(path: str, port: Object, named: bool, names: list[str]) -> list[FieldError]:
    name = port.get("name", "")
    errors = [required(f"{path}.name")] if named and not name else []
    if name:
        errors += checks.dns_label(f"{path}.name", name)
        if name in names:
            errors.append(duplicate(f"{path}.name", name))
        names.append(name)
    errors += checks.port_number(f"{path}.port", port.get("port", 0))
    errors += checks.one_of(f"{path}.protocol", port.get("protocol", ""), checks.PROTOCOLS)
    errors += checks.port_number_or_name(f"{path}.targetPort", port.get("targetPort", 0))
    if port.get("appProtocol") is not None:
        errors += checks.qualified_name(f"{path}.appProtocol", port["appProtocol"])
    return errors


def _affinity(spec: Object) -> list[FieldError]:
    affinity, config = spec.get("sessionAffinity", ""), spec.get("sessionAffinityConfig")
    errors = checks.one_of("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    if affinity == "ClientIP":
        errors += _client_ip(config)
    elif affinity == "None" and config is not None:
        told = "must not be set when session affinity is None"
        errors.append(field_forbidden("spec.sessionAffinityConfig", told))
    return errors


def _client_ip(config: Object | None) -> list[FieldError]:
    path = "spec.sessionAffinityConfig"
    if config is None:
        return [required(path, "when session affinity type is ClientIP")]
    if config.get("clientIP") is None:
        return [required(f"{path}.clientIP", "when session affinity type is ClientIP")]
    seconds = config["clientIP"].get("timeoutSeconds")
    where = f"{path}.clientIP.timeoutSeconds"
    if seconds is None:
        return [required(where, "when session affinity type is ClientIP")]
    if 0 < seconds <= _MAX_AFFINITY_SECONDS:
        return []
    return [invalid_value(where, seconds, f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}")]


def validate_cluster_ips(spec: Object, old: Object | None = None) -> list[FieldError]:
    """`clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`, each by itself and together."""
    if spec.get("type") == "ExternalName":
        return []
    single, several = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    errors = _in_step(single, several) + _families(spec)
    invalid_ips = False
    for index, text in enumerate(several):
        if index == 0 and text == "None":
            if len(several) > 1:
                invalid_ips = True
                errors.append(invalid_value("spec.clusterIPs", several, "'None' must be the first and only value"))
            continue
        found = addresses.ip(f"spec.clusterIPs[{index}]", text, (old or {}).get("clusterIPs") or ())
        invalid_ips = invalid_ips or bool(found)
        errors += found
    if len(several) > 2:
        errors.append(invalid_value("spec.clusterIPs", several, "may only hold up to 2 values"))
    return errors if invalid_ips else errors + _matching_families(spec, several)


def _in_step(single: str, several: Sequence[str]) -> list[FieldError]:
    if not single:
        told = "must be empty when `clusterIP` is not specified"
        return [invalid_value("spec.clusterIPs", several, told)] if several else []
    if not several:
        return [required("spec.clusterIPs")]
    if several[0] != single:
        return [invalid_value("spec.clusterIPs", several, "first value must match `clusterIP`")]
    return []


def _families(spec: Object) -> list[FieldError]:
    errors = []
    seen: list[str] = []
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in ("IPv4", "IPv6"):
            errors.append(not_supported(f"spec.ipFamilies[{index}]", family, ("IPv4", "IPv6")))
        if family in seen:
            errors.append(duplicate(f"spec.ipFamilies[{index}]", family))
        seen.append(family)
    return errors + checks.supported_if_set("spec.ipFamilyPolicy", spec.get("ipFamilyPolicy"), _FAMILY_POLICIES)


def _matching_families(spec: Object, several: Sequence[str]) -> list[FieldError]:
    errors = []
    found = [addresses.family_of(text) for text in several]
    if len(several) > 1 and (len(several) > 2 or len(set(found)) != 2):
        told = "may specify no more than one IP for each IP family"
        errors.append(invalid_value("spec.clusterIPs", several, told))
    if is_headless(spec):
        return errors
    for index, (family, expected) in enumerate(zip(found, spec.get("ipFamilies") or (), strict=False)):
        if family != expected and expected in ("IPv4", "IPv6"):
            told = f"expected an {expected} value as indicated by `ipFamilies[{index}]`"
            errors.append(invalid_value(f"spec.clusterIPs[{index}]", several[index], told))
    return errors


def _external_ips(spec: Object, before: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, text in enumerate(spec.get("externalIPs") or ()):
        path = f"spec.externalIPs[{index}]"
        found = addresses.ip(path, text, before.get("externalIPs") or ())
        errors += found or addresses.endpoint_ip(path, text)
    return errors


def _port_conflicts(spec: Object, ports: Sequence[Object]) -> list[FieldError]:
    errors = []
    if spec.get("type") == "ClusterIP":
        told = "may not be used when `type` is 'ClusterIP'"
        used = [index for index, port in enumerate(ports) if port.get("nodePort")]
        errors += [field_forbidden(f"spec.ports[{index}].nodePort", told) for index in used]
    seen: list[tuple[str, int]] = []
    for index, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("nodePort") or 0)
        if key[1] and key in seen:
            errors.append(duplicate(f"spec.ports[{index}].nodePort", key[1]))
        seen.append(key)
    return errors + _duplicate_ports(ports)


def _duplicate_ports(ports: Sequence[Object]) -> list[FieldError]:
    errors = []
    seen: list[tuple[str, int]] = []
    for index, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in seen:
            shown = Struct(Name="", Protocol=key[0], AppProtocol=None, Port=key[1], TargetPort=0, NodePort=0)
            errors.append(duplicate(f"spec.ports[{index}]", shown))
        seen.append(key)
    return errors


def _source_ranges(service: Object, spec: Object) -> list[FieldError]:
    ranges, errors = spec.get("loadBalancerSourceRanges") or (), []
    annotation = annotations_of(service).get(_SOURCE_RANGES)
    if ranges:
        path = "spec.LoadBalancerSourceRanges"
        blocks = [(f"{path}[{index}]", text) for index, text in enumerate(ranges)]
    elif annotation is not None:
        path = f"metadata.annotations[{_SOURCE_RANGES}]"
        blocks = [(path, text) for text in annotation.strip().split(",")] if annotation.strip() else []
    else:
        return []
    if spec.get("type") != "LoadBalancer":
        errors.append(field_forbidden(path, _ONLY_LB))
    for where, text in blocks:
        errors += addresses.cidr(where, text.strip())
    return errors


def _load_balancer(spec: Object) -> list[FieldError]:
    is_load_balancer = spec.get("type") == "LoadBalancer"
    errors = []
    if spec.get("allocateLoadBalancerNodePorts") is not None and not is_load_balancer:
        errors.append(field_forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_LB))
    name = spec.get("loadBalancerClass")
    if name is None:
        return errors
    if is_load_balancer:
        return errors + checks.qualified_name("spec.loadBalancerClass", name)
    return [*errors, field_forbidden("spec.loadBalancerClass", _ONLY_LB)]


def _traffic(spec: Object) -> list[FieldError]:
    errors = _external_traffic(spec)
    internal = spec.get("internalTrafficPolicy")
    if internal is None and needs_cluster_ip(spec):
        errors.append(required("spec.internalTrafficPolicy"))
    errors += checks.supported_if_set("spec.internalTrafficPolicy", internal, _POLICIES)
    return errors + checks.supported_if_set("spec.trafficDistribution", spec.get("trafficDistribution"), DISTRIBUTIONS)


def _external_traffic(spec: Object) -> list[FieldError]:
    policy, port = spec.get("externalTrafficPolicy") or "", spec.get("healthCheckNodePort") or 0
    errors = []
    if is_externally_accessible(spec):
        errors += checks.one_of("spec.externalTrafficPolicy", policy, _POLICIES)
    elif policy:
        told = "may only be set for externally-accessible services"
        errors.append(invalid_value("spec.externalTrafficPolicy", policy, told))
    if not needs_health_check(spec):
        told = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        return [*errors, invalid_value("spec.healthCheckNodePort", port, told)] if port else errors
    if not port:
        return [*errors, required("spec.healthCheckNodePort")]
    return errors + checks.port_number("spec.healthCheckNodePort", port)


def validate_change(new: Object, old: Object) -> list[FieldError]:
    """What may not become of a Service."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    errors = _addresses_change(spec, before) + _families_change(spec, before)
    if spec.get("type") == before.get("type") == "LoadBalancer":
        name = spec.get("loadBalancerClass")
        if name != before.get("loadBalancerClass"):
            errors.append(invalid_value("spec.loadBalancerClass", name, _CHANGED))
    checked = needs_health_check(before) and needs_health_check(spec)
    if checked and spec.get("healthCheckNodePort") != before.get("healthCheckNodePort"):
        errors.append(field_forbidden("spec.healthCheckNodePort", validation.IMMUTABLE))
    return errors


def _addresses_change(spec: Object, before: Object) -> list[FieldError]:
    if "ExternalName" in (spec.get("type"), before.get("type")) or (is_headless(spec) and is_headless(before)):
        return []
    now, then = spec.get("clusterIPs") or [], before.get("clusterIPs") or []
    if len(now) == len(then):
        changed = [index for index, text in enumerate(then) if text != now[index]]
        return [invalid_value(f"spec.clusterIPs[{index}]", now, _CHANGED) for index in changed]
    errors = []
    if len(now) < len(then) and not now:
        errors.append(invalid_value("spec.clusterIPs[0]", now, "primary clusterIP can not be unset"))
    if now and then and now[0] != then[0]:
        errors.append(invalid_value("spec.clusterIPs[0]", now, _CHANGED))
    if len(now) < len(then) and len(now) == 1:
        errors += _released(spec, "clusterIP")
    return errors


def _released(spec: Object, what: str) -> list[FieldError]:
    policy = spec.get("ipFamilyPolicy")
    told = f"must be set to 'SingleStack' when releasing the secondary {what}"
    return [] if policy == "SingleStack" else [invalid_value("spec.ipFamilyPolicy", policy, told)]


def _families_change(spec: Object, before: Object) -> list[FieldError]:
    if "ExternalName" in (spec.get("type"), before.get("type")) or is_headless(spec) or is_headless(before):
        return []
    now, then = spec.get("ipFamilies") or [], before.get("ipFamilies") or []
    if len(now) == len(then):
        changed = [family for family, old in zip(now, then, strict=True) if family != old]
        return [invalid_value("spec.ipFamilies[0]", now, _CHANGED) for _ in changed]
    errors = []
    if now and then and now[0] != then[0]:
        errors.append(invalid_value("spec.ipFamilies[0]", spec.get("clusterIPs") or [], _CHANGED))
    if len(now) < len(then) and len(now) == 1:
        errors += _released(spec, "ipFamily")
    return errors


_IP_MODES = ("Proxy", "VIP")
_NONE: Mapping[str, Any] = {}


def validate_load_balancer_status(service: Object) -> list[FieldError]:
    """What a load balancer reports, which only a Service of that type can have."""
    ingress = checks.get(service, "status", "loadBalancer", "ingress") or ()
    path = "status.loadBalancer.ingress"
    if ingress and checks.get(service, "spec", "type") != "LoadBalancer":
        return [field_forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
    errors: list[FieldError] = []
    for index, entry in enumerate(ingress):
        errors += _ingress(f"{path}[{index}]", entry)
    return errors


def _ingress(path: str, entry: Object) -> list[FieldError]:
    text, mode, host = entry.get("ip") or "", entry.get("ipMode"), entry.get("hostname") or ""
    errors = addresses.ip(f"{path}.ip", text) if text else []
    if mode is None:
        errors += [required(f"{path}.ipMode", "must be specified when `ip` is set")] if text else []
    elif not text:
        errors.append(field_forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set"))
    else:
        errors += checks.supported_if_set(f"{path}.ipMode", mode, _IP_MODES)
    if host:
        errors += checks.dns_subdomain(f"{path}.hostname", host)
        if addresses.parse_ip(host) is not None:
            errors.append(invalid_value(f"{path}.hostname", host, "must be a DNS name, not an IP address"))
    return errors
