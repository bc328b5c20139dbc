"""Where things stand in an object: paths such as `spec/template/spec/containers[]/image`.

A part that ends in `[]` is a list, each of whose entries is meant. Upstream:
`kustomize/api/internal/konfig/builtinpluginconsts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Update = Callable[[Any], Any]

TEMPLATED = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "ReplicationController", "Job")
_POD_SPECS = {
    "Pod": "spec",
    "CronJob": "spec/jobTemplate/spec/template/spec",
    **dict.fromkeys(TEMPLATED, "spec/template/spec"),
}
_SELECTED = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")


def updated(value: Any, path: str | Sequence[str], update: Update, *, create: bool = False) -> Any:
    """The value with `update` applied at a path; what is not there is left alone, or made if `create`."""
    parts = path.split("/") if isinstance(path, str) else list(path)
    if not parts:
        return update(value)
    part, rest = parts[0], parts[1:]
    if not isinstance(value, Mapping):
        return value
    if part.endswith("[]"):
        key = part[:-2]
        if not isinstance(value.get(key), list):
            return value
        return {**value, key: [updated(each, rest, update, create=create) for each in value[key]]}
    if part not in value and not create:
        return value
    inner = value.get(part)
    if inner is None:
        if not create:
            return value
        inner = {}
    return {**value, part: updated(inner, rest, update, create=create)}


def pod_spec_path(kind: str) -> str:
    """Where a kind has its pod spec; empty if it has none."""
    return _POD_SPECS.get(kind, "")


def template_meta(kind: str) -> list[str]:
    """Where the metadata of what a kind makes stands."""
    if kind == "CronJob":
        return ["spec/jobTemplate/metadata", "spec/jobTemplate/spec/template/metadata"]
    return ["spec/template/metadata"] if kind in TEMPLATED else []


def selectors(kind: str) -> list[str]:
    """Where a kind selects by labels."""
    if kind in ("Service", "ReplicationController"):
        return ["spec/selector"]
    if kind in _SELECTED:
        return ["spec/selector/matchLabels"]
    return {
        "PodDisruptionBudget": ["spec/selector/matchLabels"],
        "NetworkPolicy": ["spec/podSelector/matchLabels"],
    }.get(kind, [])
