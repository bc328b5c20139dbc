"""Rendered files as manifests and hooks, in the order in which helm handles kinds.

Upstream: `pkg/releaseutil` (`manifest.go`, `manifest_sorter.go`, `kind_sorter.go`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k8snb.helm.errors import HelmError
from k8snb.helm.yamltext import from_yaml

INSTALL_ORDER = (
    *("PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy"),
    *("PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass"),
    *("PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList"),
    *("ClusterRoleBinding", "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service"),
    *("DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler"),
    *("StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
"""What is made first."""

UNINSTALL_ORDER = (
    *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService", "Ingress", "IngressClass"),
    *("Service", "CronJob", "Job", "StatefulSet", "HorizontalPodAutoscaler", "Deployment", "ReplicaSet"),
    *("ReplicationController", "Pod", "DaemonSet", "RoleBindingList", "RoleBinding", "RoleList", "Role"),
    *("ClusterRoleBindingList", "ClusterRoleBinding", "ClusterRoleList", "ClusterRole", "CustomResourceDefinition"),
    *("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ConfigMap", "SecretList", "Secret"),
    *("ServiceAccount", "PodDisruptionBudget", "PodSecurityPolicy", "LimitRange", "ResourceQuota", "NetworkPolicy"),
    *("Namespace", "PriorityClass"),
)
"""What is deleted first."""

HOOK, WEIGHT, DELETE_POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"
LOG_POLICY = "helm.sh/hook-output-log-policy"
RESOURCE_POLICY = "helm.sh/resource-policy"
EVENTS = {
    name: name
    for name in (
        *("pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade"),
        *("pre-rollback", "post-rollback", "test"),
    )
} | {"test-success": "test"}
_SEPARATOR = re.compile(r"(?:^|\s*\n)---\s*")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document: the file it is from, its text, and what it is."""

    path: str
    text: str
    version: str
    kind: str
    name: str
    annotations: Mapping[str, Any]


@dataclass(slots=True)
class Hook:
    """A document that is not part of the release but runs at certain moments of it."""

    name: str
    kind: str
    path: str
    manifest: str
    events: list[str]
    weight: int = 0
    delete_policies: list[str] = field(default_factory=list)
    log_policies: list[str] = field(default_factory=list)
    last_run: dict[str, str] = field(default_factory=lambda: {"started_at": "", "completed_at": "", "phase": ""})


def split(text: str) -> list[str]:
    """The documents of a text."""
    parts = (part.strip() for part in _SEPARATOR.split(text.strip()))
    return [part for part in parts if part]


def sort_manifests(files: Mapping[str, str]) -> tuple[list[Hook], list[Manifest]]:
    """The hooks and manifests in rendered files, each in install order. Raises HelmError."""
    hooks: list[Hook] = []
    found: list[Manifest] = []
    for path in sorted(files):
        if posixpath.basename(path).startswith("_") or not files[path].strip():
            continue
        for manifest in manifests_of(path, files[path]):
            hook = _hook(manifest)
            if hook is None:
                found.append(manifest)
            elif hook.events:
                hooks.append(hook)
    hooks.sort(key=lambda hook: _rank(INSTALL_ORDER, hook.kind))
    return hooks, in_order(found, INSTALL_ORDER)


def manifests_of(path: str, text: str) -> Iterator[Manifest]:
    """The documents of one file; one that is nothing but a remark counts too, and is of no kind."""
    for part in split(text):
        yield _manifest(path, part)


def _manifest(path: str, text: str) -> Manifest:
    try:
        value = from_yaml(text)
    except ValueError as error:
        raise HelmError(f"YAML parse error on {path}: {error}") from None
    value = {} if value is None else value
    if not isinstance(value, dict):
        found = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        message = f"json: cannot unmarshal {found} into Go value of type releaseutil.SimpleHead"
        raise HelmError(f"YAML parse error on {path}: error unmarshaling JSON: while decoding JSON: {message}")
    meta = value.get("metadata") or {}
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    for each in (annotations if isinstance(annotations, dict) else {}).values():
        if each is not None and not isinstance(each, str):
            _refuse_annotation(path, each)
    name = str(meta.get("name") or "") if isinstance(meta, dict) else ""
    kept = annotations if isinstance(annotations, dict) else {}
    return Manifest(path, text, str(value.get("apiVersion") or ""), str(value.get("kind") or ""), name, kept)


def _refuse_annotation(path: str, value: Any) -> None:
    found = {list: "array", dict: "object", bool: "bool"}.get(type(value), "number")
    raise HelmError(
        f"YAML parse error on {path}: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} "
        "into Go struct field .metadata.annotations of type string"
    )


def _hook(manifest: Manifest) -> Hook | None:
    """The hook that a manifest is; one without known events for what only looks like one."""
    given = manifest.annotations.get(HOOK)
    if given is None:
        return None
    names = [name.strip().lower() for name in given.split(",")]
    events = [EVENTS[name] for name in names] if all(name in EVENTS for name in names) else []
    return Hook(
        manifest.name,
        manifest.kind,
        manifest.path,
        manifest.text,
        events,
        _weight(manifest.annotations.get(WEIGHT)),
        _listed(manifest.annotations.get(DELETE_POLICY)),
        _listed(manifest.annotations.get(LOG_POLICY)),
    )


def _weight(text: Any) -> int:
    return int(text) if isinstance(text, str) and re.fullmatch(r"[+-]?\d+", text) else 0


def _listed(text: Any) -> list[str]:
    return [part.strip().lower() for part in text.split(",")] if isinstance(text, str) else []


def in_order(manifests: Sequence[Manifest], order: Sequence[str]) -> list[Manifest]:
    """Manifests by kind; kinds that are not in the list come last, by name."""
    return sorted(manifests, key=lambda each: _rank(order, each.kind))


def _rank(order: Sequence[str], kind: str) -> tuple[int, str]:
    return (order.index(kind), "") if kind in order else (len(order), kind)


def by_weight(hooks: Sequence[Hook]) -> list[Hook]:
    """Hooks in the order in which they run."""
    return sorted(hooks, key=lambda hook: (hook.weight, _rank(INSTALL_ORDER, hook.kind), hook.name))


def document(path: str, text: str) -> str:
    """A manifest as it stands in a release: after a line that says which template it is from."""
    return f"---\n# Source: {path}\n{text}\n"
