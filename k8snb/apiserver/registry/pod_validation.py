"""What is wrong with a pod, or with the template of one.

`validate_spec` looks at the spec alone and is the same for pods and templates; `validate_pod_spec` adds what
only pods themselves must keep, `validate_annotations` looks at the annotations that mean something. Errors
come in the order in which upstream finds them. Upstream: `ValidatePodSpec`, `validatePodMetadataAndSpec`
and `ValidatePodCreate` in `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from k8snb.apiserver.registry.checks import each, one_of
from k8snb.apiserver.registry.containers import (
    Surroundings,
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
    validate_padding,
    with_paths,
)
from k8snb.apiserver.registry.placement import validate_affinity, validate_spread, validate_tolerations
from k8snb.apiserver.registry.resources import validate_pod_resources, validate_requirements
from k8snb.apiserver.registry.security import validate_os, validate_pod_context
from k8snb.apiserver.registry.volumes import validate_volumes
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, required, too_long
from k8snb.machinery import formats
from k8snb.machinery.validation import validate_labels
from k8snb.typing import Object

Findings = Iterator[FieldError]

MIRROR_POD = "kubernetes.io/config.mirror"
"""The annotation of a pod that a kubelet runs from a file of its own."""
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""The annotation that tells a ReplicaSet which of its pods to give up first."""

_MAX_INT32 = 2**31 - 1
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
_BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_MAX_SERVERS = 3
_MAX_SEARCHES = 32
_MAX_SEARCH_BYTES = 2048
_MAX_HOSTNAME = 64


def validate_spec(spec: Object, path: str) -> list[FieldError]:
    """What is wrong with a pod spec, in a pod or in a template."""
    return list(_validate_spec(spec, path))


def validate_pod_spec(spec: Object) -> list[FieldError]:
    """What is wrong with the spec of a pod itself, new or old."""
    return [*_validate_spec(spec, "spec"), *_validate_only_pods(spec)]


def validate_new_pod_spec(spec: Object) -> list[FieldError]:
    """What must not be in the spec of a pod that is just being made."""
    found = []
    if spec.get("ephemeralContainers"):
        found.append(field_forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        text = "cannot be set until all schedulingGates have been cleared"
        found.append(field_forbidden("spec.nodeName", text))
    return found


def _validate_spec(spec: Object, path: str) -> Findings:
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        yield required(f"{path}.terminationGracePeriodSeconds")
    volumes, errors = validate_volumes(spec.get("volumes") or (), f"{path}.volumes")
    yield from errors
    claims = spec.get("resourceClaims") or ()
    yield from _validate_resource_claims(claims, f"{path}.resourceClaims")
    around = Surroundings(
        volumes,
        [claim["name"] for claim in claims if claim.get("name")],
        grace,
        spec.get("restartPolicy") or "",
        spec.get("hostUsers") is not False,
    )
    yield from validate_containers(spec, f"{path}.containers", around)
    yield from validate_init_containers(spec, f"{path}.initContainers", around)
    yield from validate_ephemeral_containers(spec, f"{path}.ephemeralContainers", around)
    yield from validate_pod_resources(spec, f"{path}.resources")
    yield from _validate_policies(spec, path)
    yield from _validate_scheduling(spec, path)
    yield from _validate_names(spec, path)
    yield from _validate_rest(spec, path)


def _validate_policies(spec: Object, path: str) -> Findings:
    yield from _validate_host_ports(spec, path)
    yield from one_of(f"{path}.restartPolicy", spec.get("restartPolicy") or "", _RESTART_POLICIES)
    yield from one_of(f"{path}.dnsPolicy", spec.get("dnsPolicy") or "", _DNS_POLICIES)
    yield from validate_labels(spec.get("nodeSelector") or {}, f"{path}.nodeSelector")
    yield from validate_pod_context(spec, path)


def _validate_scheduling(spec: Object, path: str) -> Findings:
    yield from validate_affinity(spec.get("affinity") or {}, f"{path}.affinity")
    yield from _validate_dns(spec, f"{path}.dnsConfig")
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        condition = gate.get("conditionType") or ""
        yield from each(f"{path}.readinessGates[{index}].conditionType", condition, formats.qualified_name(condition))
    yield from _validate_gates(spec.get("schedulingGates") or (), f"{path}.schedulingGates")
    yield from validate_spread(spec.get("topologySpreadConstraints") or (), f"{path}.topologySpreadConstraints")
    if spec.get("hostUsers") is False:
        for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
            if spec.get(field):
                yield field_forbidden(f"{path}.{shown}", "when `pod.Spec.HostUsers` is false")


def _validate_names(spec: Object, path: str) -> Findings:
    for field in ("serviceAccountName", "nodeName"):
        name = spec.get(field) or ""
        if name:
            yield from each(f"{path}.{field}", name, formats.dns_subdomain(name))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None:
        yield from each(f"{path}.activeDeadlineSeconds", deadline, formats.in_range(deadline, 1, _MAX_INT32))
    for field in ("hostname", "subdomain"):
        name = spec.get(field) or ""
        if name:
            yield from each(f"{path}.{field}", name, formats.dns_label(name))
        if field == "hostname":
            yield from _validate_override(spec, f"{path}.hostnameOverride")


def _validate_override(spec: Object, path: str) -> Findings:
    name = spec.get("hostnameOverride")
    if name is None:
        return
    yield from each(path, name, formats.dns_subdomain(name))
    if len(name) > _MAX_HOSTNAME:
        yield too_long(path, name, _MAX_HOSTNAME)
    for field in ("hostNetwork", "setHostnameAsFQDN"):
        if spec.get(field):
            yield field_forbidden(path, f"may not be set when {field} is true")


def _validate_rest(spec: Object, path: str) -> Findings:
    yield from validate_tolerations(spec.get("tolerations") or (), f"{path}.tolerations")
    yield from _validate_host_aliases(spec.get("hostAliases") or (), f"{path}.hostAliases")
    for field in ("priorityClassName", "runtimeClassName"):
        name = spec.get(field) or ""
        if name:
            yield from each(f"{path}.{field}", name, formats.dns_subdomain(name))
    if spec.get("preemptionPolicy") is not None:
        yield from one_of(f"{path}.preemptionPolicy", spec["preemptionPolicy"], _PREEMPTION_POLICIES)
    if spec.get("overhead"):
        yield from validate_requirements({"limits": spec["overhead"]}, f"{path}.overhead")
    yield from validate_os(spec, path, with_paths(spec, path))


def _validate_resource_claims(claims: Sequence[Object], path: str) -> Findings:
    names: set[str] = set()
    for index, claim in enumerate(claims):
        at = f"{path}[{index}]"
        name = claim.get("name") or ""
        if not name:
            yield required(f"{at}.name")
        elif name in names:
            yield duplicate(f"{at}.name", name)
        else:
            yield from each(f"{at}.name", name, formats.dns_label(name))
        names.add(name)
        given = [f for f in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(f) is not None]
        if len(given) > 1:
            text = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            yield invalid_value(at, claim, text)
        elif not given:
            text = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            yield invalid_value(at, claim, text)
        for field in given:
            yield from each(f"{at}.{field}", claim[field], formats.dns_subdomain(claim[field]))


def _validate_dns(spec: Object, path: str) -> Findings:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            yield required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield required(f"{path}.nameservers", text)
            return
    if config is not None:
        yield from _validate_dns_config(config, path)


def _validate_dns_config(config: Object, path: str) -> Findings:
    servers, searches = config.get("nameservers") or (), config.get("searches") or ()
    if len(servers) > _MAX_SERVERS:
        yield invalid_value(f"{path}.nameservers", servers, f"must not have more than {_MAX_SERVERS} nameservers")
    for index, server in enumerate(servers):
        yield from validate_ip(server, f"{path}.nameservers[{index}]")
    at = f"{path}.searches"
    if len(searches) > _MAX_SEARCHES:
        yield invalid_value(at, searches, f"must not have more than {_MAX_SEARCHES} search paths")
    if len(" ".join(searches)) > _MAX_SEARCH_BYTES:
        text = f"must not have more than {_MAX_SEARCH_BYTES} characters (including spaces) in the search list"
        yield invalid_value(at, searches, text)
    for index, search in enumerate(searches):
        if search != ".":
            plain = search.removesuffix(".")
            yield from each(f"{at}[{index}]", plain, formats.dns_subdomain(plain.replace("_", "x")))
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            yield required(f"{path}.options[{index}]", "must not be empty")


def validate_ip(text: str, path: str) -> Findings:
    """An IP address of either family."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        yield invalid_value(path, text, _BAD_IP)


def _validate_gates(gates: Sequence[Object], path: str) -> Findings:
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name") or ""
        yield from each(f"{path}[{index}]", name, formats.qualified_name(name))
        if name in seen:
            yield duplicate(f"{path}[{index}]", name)
        seen.add(name)


def _validate_host_aliases(aliases: Sequence[Object], path: str) -> Findings:
    for index, alias in enumerate(aliases):
        yield from validate_ip(alias.get("ip") or "", f"{path}[{index}].ip")
        for number, name in enumerate(alias.get("hostnames") or ()):
            yield from each(f"{path}[{index}].hostnames[{number}]", name, formats.dns_subdomain(name))


def _validate_host_ports(spec: Object, path: str) -> Findings:
    """On the node's network a port is the node's port; a template may leave that open."""
    if not spec.get("hostNetwork"):
        return
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort") or 0
            if host and host != port.get("containerPort"):
                at = f"{path}.containers[{index}].ports[{number}].hostPort"
                yield invalid_value(at, host, "must match `containerPort` when `hostNetwork` is true")


def _validate_only_pods(spec: Object) -> Findings:
    if not spec.get("serviceAccountName"):
        for index, volume in enumerate(spec.get("volumes") or ()):
            for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
                if source.get("serviceAccountToken") is not None:
                    at = f"spec.volumes[{index}].projected.sources[{number}].serviceAccountToken"
                    yield field_forbidden(at, "must not be specified when serviceAccountName is not set")
    for name in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(name) or ()):
            yield from validate_padding(container, f"spec.{name}[{index}]")


def validate_annotations(annotations: Mapping[str, str], spec: Object, path: str) -> Findings:
    """The annotations of a pod or template that mean something to Kubernetes."""
    if MIRROR_POD in annotations and not spec.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        yield invalid_value(f"{path}[{MIRROR_POD}]", annotations[MIRROR_POD], text)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_cost(cost):
        yield invalid_value(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")


def _is_cost(text: str) -> bool:
    digits = text.removeprefix("-")
    plain = digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0")
    return plain and text != "-0" and -(2**31) <= int(text) < 2**31
