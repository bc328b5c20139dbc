"""Containers of a pod: ordinary ones, init containers and sidecars, and ephemeral ones.

What is the same for all of them is checked by `_validate_common`; each list adds its own rules. Upstream:
`validateContainers`, `validateInitContainers`, `validateEphemeralContainers` and what they call in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from k8snb.apiserver.registry.checks import each, one_of
from k8snb.apiserver.registry.environment import validate_env, validate_env_from
from k8snb.apiserver.registry.mounts import validate_devices, validate_mounts
from k8snb.apiserver.registry.probes import validate_probes
from k8snb.apiserver.registry.resources import validate_requirements, validate_resize_policy
from k8snb.apiserver.registry.security import validate_context
from k8snb.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    field_not_found,
    invalid_value,
    not_supported,
    required,
    too_many,
)
from k8snb.machinery import formats
from k8snb.typing import Object

Findings = Iterator[FieldError]

LISTS = ("initContainers", "containers", "ephemeralContainers")
"""The three lists of containers in a pod's spec, in the order in which upstream visits them."""

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_RULE_OPERATORS = ("In", "NotIn")
_MAX_RULES = 20
_MAX_EXIT_CODES = 255
_ALWAYS_ONLY = "may not be set for init containers without restartPolicy=Always"
_PROBES = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_PADDED = "must not have leading or trailing whitespace"
_NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"
_NEVER_EPHEMERAL = (
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules of a container look at outside of it."""

    volumes: Mapping[str, Object]
    claims: Sequence[str]
    grace: int | None
    restart_policy: str
    host_users: bool


def validate_containers(spec: Object, path: str, around: Surroundings) -> Findings:
    """The ordinary containers."""
    containers = spec.get("containers") or ()
    if not containers:
        yield required(path)
        return
    names: set[str] = set()
    for index, container in enumerate(containers):
        at = f"{path}[{index}]"
        name = container.get("name") or ""
        yield from _validate_common(container, at, around)
        if name in names:
            yield duplicate(f"{at}.name", name)
        names.add(name)
        yield from validate_probes(container, at, around.grace)
        yield from _validate_restart_policy(container, at)
    yield from _validate_host_ports(containers, path)


def validate_init_containers(spec: Object, path: str, around: Surroundings) -> Findings:
    """The init containers; one with `restartPolicy: Always` is a sidecar and may have probes and hooks."""
    names = {container.get("name") or "" for container in spec.get("containers") or ()}
    for index, container in enumerate(spec.get("initContainers") or ()):
        at = f"{path}[{index}]"
        name = container.get("name") or ""
        yield from _validate_common(container, at, around)
        yield from _validate_restart_policy(container, at)
        if name in names:
            yield duplicate(f"{at}.name", name)
        elif name:
            names.add(name)
        yield from _validate_host_ports([container], path)
        if container.get("restartPolicy") == "Always":
            yield from validate_probes(container, at, around.grace)
        else:
            for field in _PROBES:
                if container.get(field) is not None:
                    yield field_forbidden(f"{at}.{field}", _ALWAYS_ONLY)


def validate_ephemeral_containers(spec: Object, path: str, around: Surroundings) -> Findings:
    """The ephemeral containers: helpers to look into a running pod, with hardly any guarantees."""
    others = {c.get("name") or "" for c in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]}
    names = set(others)
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        at = f"{path}[{index}]"
        name, target = container.get("name") or "", container.get("targetContainerName") or ""
        yield from _validate_common(container, at, around)
        yield from validate_padding(container, at)
        if name in names:
            yield duplicate(f"{at}.name", name)
        names.add(name)
        if target and target not in others:
            yield field_not_found(f"{at}.targetContainerName", target)
        for field in _NEVER_EPHEMERAL:
            if container.get(field):
                yield field_forbidden(f"{at}.{field}", _NOT_EPHEMERAL)
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    yield field_forbidden(f"{at}.volumeMounts[{number}].{field}", _NOT_EPHEMERAL)


def validate_padding(container: Object, path: str) -> Findings:
    """The image of a pod's container (a template's is not checked) has no blanks around it."""
    image = container.get("image") or ""
    if image != image.strip():
        yield invalid_value(f"{path}.image", image, _PADDED)


def _validate_common(container: Object, path: str, around: Surroundings) -> Findings:
    name = container.get("name") or ""
    yield from each(f"{path}.name", name, formats.dns_label(name)) if name else [required(f"{path}.name")]
    if not container.get("image"):
        yield required(f"{path}.image")
    policy = container.get("terminationMessagePolicy") or ""
    yield from one_of(f"{path}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    yield from _validate_ports(container.get("ports") or (), f"{path}.ports")
    yield from validate_env(container.get("env") or (), f"{path}.env")
    yield from validate_env_from(container.get("envFrom") or (), f"{path}.envFrom")
    yield from validate_mounts(container, around.volumes, f"{path}.volumeMounts")
    yield from validate_devices(container, around.volumes, f"{path}.volumeDevices")
    yield from one_of(f"{path}.imagePullPolicy", container.get("imagePullPolicy") or "", _PULL_POLICIES)
    yield from validate_requirements(container.get("resources") or {}, f"{path}.resources", around.claims)
    resizing = container.get("resizePolicy") or ()
    yield from validate_resize_policy(resizing, f"{path}.resizePolicy", around.restart_policy)
    context = container.get("securityContext")
    yield from validate_context(context, f"{path}.securityContext", host_users=around.host_users)


def _validate_ports(ports: Sequence[Object], path: str) -> Findings:
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        name = port.get("name") or ""
        if name:
            found = formats.port_name(name)
            yield from each(f"{at}.name", name, found)
            if not found and name in names:
                yield duplicate(f"{at}.name", name)
            names.add(name)
        number, host = port.get("containerPort") or 0, port.get("hostPort") or 0
        at_number = f"{at}.containerPort"
        yield from each(at_number, number, formats.port_number(number)) if number else [required(at_number)]
        if host:
            yield from each(f"{at}.hostPort", host, formats.port_number(host))
        yield from one_of(f"{at}.protocol", port.get("protocol") or "", _PROTOCOLS)


def _validate_host_ports(containers: Sequence[Object], path: str) -> Findings:
    """A port of the node can be taken once."""
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if key in taken:
                yield duplicate(f"{path}[{index}].ports[{number}].hostPort", key)
            taken.add(key)


def _validate_restart_policy(container: Object, path: str) -> Findings:
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    if policy is None and rules:
        yield required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")
    elif policy is not None and policy not in _RESTART_POLICIES:
        yield not_supported(f"{path}.restartPolicy", policy, _RESTART_POLICIES)
    if len(rules) > _MAX_RULES:
        yield too_many(f"{path}.restartPolicyRules", len(rules), _MAX_RULES)
    for index, rule in enumerate(rules):
        yield from _validate_restart_rule(rule, f"{path}.restartPolicyRules[{index}]")


def _validate_restart_rule(rule: Object, path: str) -> Findings:
    action, codes = rule.get("action") or "", rule.get("exitCodes")
    if action != "Restart":
        yield not_supported(f"{path}.action", action, ("Restart",))
    if codes is None:
        yield required(f"{path}.exitCodes", "must be specified")
        return
    operator = codes.get("operator") or ""
    if operator not in _RULE_OPERATORS:
        yield not_supported(f"{path}.exitCodes.operator", operator, _RULE_OPERATORS)
    if len(codes.get("values") or ()) > _MAX_EXIT_CODES:
        yield too_many(f"{path}.exitCodes.values", len(codes["values"]), _MAX_EXIT_CODES)


def with_paths(spec: Object, path: str) -> list[tuple[str, Object]]:
    """Every container of the spec with its path."""
    return [
        (f"{path}.{name}[{index}]", container) for name in LISTS for index, container in enumerate(spec.get(name) or ())
    ]
