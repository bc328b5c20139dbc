"""Advice about pods and templates that are valid but probably not meant so.

Each rule is a small generator over the spec; together they are what goes back as `Warning` headers.
Upstream: `pkg/api/pod/warnings.go`, `pkg/api/node/util.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from k8snb.apiserver.registry.containers import with_paths
from k8snb.apiserver.registry.placement import PREFERRED, REQUIRED
from k8snb.errors import quoted
from k8snb.machinery import formats, quantity
from k8snb.typing import Object

Warnings = Iterator[str]

_DEPRECATED_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
DEPRECATED_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
DEPRECATED_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_NULL_SELECTOR = "a null labelSelector results in matching no pod"
_NEGATIVE_GRACE = "must be >= 0; negative values are invalid and will be treated as 1"
_BYTES = ("memory", "ephemeral-storage")


def name_warnings(name: str) -> list[str]:
    """A pod's name becomes its hostname, so it had better be a label."""
    found = formats.dns_label(name)
    if not found:
        return []
    advice = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {advice}: [{' '.join(found)}]"]


def spec_warnings(spec: Object, annotations: Mapping[str, str], prefix: str) -> list[str]:
    """Advice about a pod spec and its annotations; `prefix` is the path of the template, ending in a dot."""
    path = f"{prefix}spec"
    return [
        *_label_warnings(spec, path),
        *_annotation_warnings(annotations, f"{prefix}metadata.annotations"),
        *_volume_warnings(spec.get("volumes") or (), path),
        *_duplicate_warnings(spec, path),
        *_container_warnings(spec, path),
        *_port_warnings(spec, path),
        *_grace_warnings(spec, path),
        *_affinity_warnings(spec.get("affinity") or {}, f"{path}.affinity"),
    ]


def _label_warnings(spec: Object, path: str) -> Warnings:
    for key in spec.get("nodeSelector") or ():
        if key in DEPRECATED_LABELS:
            yield f"{path}.nodeSelector[{key}]: {DEPRECATED_LABELS[key]}"
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    at = f"{path}.affinity.nodeAffinity"
    for index, term in enumerate((node.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from term_warnings(term, f"{at}.{REQUIRED}.nodeSelectorTerms[{index}]")
    for index, preference in enumerate(node.get(PREFERRED) or ()):
        yield from term_warnings(preference.get("preference") or {}, f"{at}.{PREFERRED}[{index}].preference")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        where = f"{path}.topologySpreadConstraints[{index}]"
        key = constraint.get("topologyKey") or ""
        if key in DEPRECATED_LABELS:
            yield f"{where}.topologyKey: {key} is {DEPRECATED_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{where}.labelSelector: {_NULL_SELECTOR}"


def term_warnings(term: Object, path: str) -> Warnings:
    """Advice about labels that a term of a node selector asks for."""
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        key = expression.get("key") or ""
        if key in DEPRECATED_LABELS:
            yield f"{path}.matchExpressions[{index}].key: {key} is {DEPRECATED_LABELS[key]}"


def _annotation_warnings(annotations: Mapping[str, str], path: str) -> Warnings:
    for key, message in _DEPRECATED_ANNOTATIONS.items():
        if key in annotations:
            yield f"{path}[{key}]: {message}"


def _volume_warnings(volumes: Sequence[Object], path: str) -> Warnings:
    for index, volume in enumerate(volumes):
        for name, message in DEPRECATED_VOLUMES.items():
            if volume.get(name) is not None:
                yield f"{path}.volumes[{index}].{name}: {message}"


def _duplicate_warnings(spec: Object, path: str) -> Warnings:
    for field, key in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        seen: set[str] = set()
        for index, item in enumerate(spec.get(field) or ()):
            value = item.get(key) or ""
            if value in seen:
                yield f"{path}.{field}[{index}].{key}: duplicate {key} {quoted(value)}"
            seen.add(value)
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            yield f'{path}.imagePullSecrets[{index}].name: invalid empty name ""'


def _container_warnings(spec: Object, path: str) -> Warnings:
    for at, container in with_paths(spec, path):
        resources = container.get("resources") or {}
        for name in _BYTES:
            for kind in ("limits", "requests"):
                yield from fraction_warnings(resources.get(kind) or {}, name, f"{at}.resources.{kind}")
        yield from _env_warnings(container.get("env") or (), f"{at}.env")


def fraction_warnings(amounts: Mapping[str, str], name: str, path: str) -> Warnings:
    """Advice about parts of bytes."""
    amount = amounts.get(name)
    if amount is not None and quantity.parse(str(amount)).nano % quantity.NANO:
        yield f"{path}[{name}]: fractional byte value {quoted(str(amount))} is invalid, must be an integer"


def _env_warnings(variables: Sequence[Object], path: str) -> Warnings:
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name, value = variable.get("name") or "", variable.get("value") or ""
        reference = f"$({name})"
        if name in seen and (variable.get("valueFrom") is not None or value == reference or reference not in value):
            hidden = f"hides previous definition of {quoted(name)}, which may be dropped when using apply"
            yield f"{path}[{index}]: {hidden}"
        seen.add(name)


def _port_warnings(spec: Object, path: str) -> Warnings:
    """Ports of different containers of one pod live in one network."""
    known: dict[str, list[tuple[str, Object]]] = {}
    for at, container in with_paths(spec, path):
        for index, port in enumerate(container.get("ports") or ()):
            where = f"{at}.ports[{index}]"
            same = known.setdefault(f"{port.get('containerPort')}/{port.get('protocol')}", [])
            for other_at, other in same:
                verdict = _clash(port, other)
                if verdict:
                    yield f"{where}: {verdict} port definition with {other_at}"
            same.append((where, port))


def _clash(port: Object, other: Object) -> str:
    ip, other_ip = port.get("hostIP") or "", other.get("hostIP") or ""
    number, other_number = port.get("hostPort") or 0, other.get("hostPort") or 0
    if ip == other_ip and number == other_number:
        return "duplicate"
    if not number or not other_number:
        return "overlapping"
    return "dangerously ambiguous" if number == other_number and bool(ip) != bool(other_ip) else ""


def _grace_warnings(spec: Object, path: str) -> Warnings:
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield f"{path}.terminationGracePeriodSeconds: {_NEGATIVE_GRACE}"


def _affinity_warnings(affinity: Object, path: str) -> Warnings:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for index, term in enumerate(terms.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{path}.{kind}.{REQUIRED}[{index}].labelSelector: {_NULL_SELECTOR}"
        for index, weighted in enumerate(terms.get(PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{path}.{kind}.{PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NULL_SELECTOR}"
