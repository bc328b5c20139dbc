"""ConfigMaps, ServiceAccounts, Namespaces and ComponentStatuses.

Upstream: `pkg/registry/core/*/strategy.go`, `pkg/apis/core/v1/defaults.go` and
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.errors import FieldError, field_forbidden, invalid_value, too_long
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.objects import is_deleting
from k8snb.typing import Object

MAX_DATA_BYTES = 1024 * 1024
"""The most that a ConfigMap or a Secret may hold."""

SET_IN_STONE = "field is immutable when `immutable` is set"
NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"
NAMESPACE_FINALIZER = "kubernetes"
_STANDARD_FINALIZERS = (NAMESPACE_FINALIZER, "orphan", "foregroundDeletion")
_NONE: Mapping[str, Any] = {}


def validate_frozen(new: Object, old: Object, fields: tuple[str, ...]) -> list[FieldError]:
    """An object with `immutable: true` stays so, and its data with it."""
    if not old.get("immutable"):
        return []
    errors = [] if new.get("immutable") else [field_forbidden("immutable", SET_IN_STONE)]
    changed = [name for name in fields if (new.get(name) or None) != (old.get(name) or None)]
    return errors + [field_forbidden(name, SET_IN_STONE) for name in changed]


def validate_keys(path: str, data: Iterable[str]) -> list[FieldError]:
    """The keys of a map that becomes files."""
    errors = []
    for key in sorted(data):
        errors += checks.each(f"{path}[{key}]", key, formats.config_map_key(key))
    return errors


class ConfigMapStrategy(Strategy):
    """Configuration as keys and values."""

    counts_generation = False

    def validate(self, obj: Object) -> list[FieldError]:
        data, binary = obj.get("data") or _NONE, obj.get("binaryData") or _NONE
        errors = []
        for key in sorted(data):
            errors += checks.each(f"data[{key}]", key, formats.config_map_key(key))
            if key in binary:
                errors.append(invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData"))
        errors += validate_keys("binaryData", binary)
        size = sum(len(value.encode()) for value in data.values())
        size += sum(len(value) * 3 // 4 - value.count("=", -2) for value in binary.values())
        return [*errors, too_long("[]", "", MAX_DATA_BYTES)] if size > MAX_DATA_BYTES else errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return validate_frozen(new, old, ("data", "binaryData"))


class ServiceAccountStrategy(Strategy):
    """Who a pod is. Of its secrets only the names are kept."""

    counts_generation = False

    def prepare_create(self, obj: Object) -> Object:
        secrets = obj.get("secrets")
        if not secrets or all(secret.keys() <= {"name"} for secret in secrets):
            return obj
        return {**obj, "secrets": [{"name": secret.get("name", "")} for secret in secrets]}

    def prepare_update(self, new: Object, old: Object) -> Object:
        return self.prepare_create(new)


class NamespaceFinalizeStrategy(Strategy):
    """The subresource `finalize` of a namespace: only its finalizers change."""

    counts_generation = False

    def prepare_update(self, new: Object, old: Object) -> Object:
        rest = {name: value for name, value in (old.get("spec") or _NONE).items() if name != "finalizers"}
        return {**new, "spec": {**rest, **_finalizers(new)}, "status": old["status"]}

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = []
        for index, name in enumerate(checks.get(new, "spec", "finalizers") or ()):
            errors += validate_finalizer(f"spec.finalizers[{index}]", name)
        return errors


class NamespaceStrategy(Strategy):
    """A scope for names. It is deleted in two steps: Terminating first, gone when its finalizers are."""

    name_rule = "dns-label"
    counts_generation = False
    fields: Mapping[str, Field] = {
        "name": lambda obj: str(obj["metadata"]["name"]),
        "status.phase": checks.text("status", "phase"),
    }
    parts: Mapping[str, Strategy] = {"finalize": NamespaceFinalizeStrategy()}

    def default(self, obj: Object) -> Object:
        return _labelled(obj)

    def prepare_create(self, obj: Object) -> Object:
        spec = obj.get("spec") or _NONE
        finalizers = list(spec.get("finalizers") or ())
        if NAMESPACE_FINALIZER not in finalizers:
            finalizers.append(NAMESPACE_FINALIZER)
        return {**_labelled(obj), "spec": {**spec, "finalizers": finalizers}, "status": {"phase": "Active"}}

    def validate(self, obj: Object) -> list[FieldError]:
        errors = []
        for name in checks.get(obj, "spec", "finalizers") or ():
            errors += validate_finalizer("spec.finalizers", name)
        return errors

    def prepare_update(self, new: Object, old: Object) -> Object:
        kept = {**(new.get("spec") or _NONE), **_finalizers(old)}
        return {**super().prepare_update(new, old), "spec": kept}

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        phase = checks.get(new, "status", "phase") or ""
        if not is_deleting(new) and phase != "Active":
            return [invalid_value("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")]
        if is_deleting(new) and phase != "Terminating":
            detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            return [invalid_value("status.Phase", phase, detail)]
        return []


def validate_finalizer(path: str, name: str) -> list[FieldError]:
    """A finalizer is a qualified name with a prefix, or one of Kubernetes' own."""
    errors = checks.qualified_name(path, name)
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        errors.append(invalid_value(path, name, "name is neither a standard finalizer name nor is it fully qualified"))
    return errors


def _labelled(obj: Object) -> Object:
    meta = obj["metadata"]
    name = meta.get("name")
    labels = meta.get("labels") or _NONE
    if not name or labels.get(NAMESPACE_NAME_LABEL) == name:
        return obj
    return {**obj, "metadata": {**meta, "labels": {**labels, NAMESPACE_NAME_LABEL: name}}}


def _finalizers(obj: Object) -> Object:
    finalizers = checks.get(obj, "spec", "finalizers")
    return {"finalizers": finalizers} if finalizers else {}


class ComponentStatusStrategy(Strategy):
    """Deprecated, and never stored."""

    counts_generation = False
    deprecation = "v1 ComponentStatus is deprecated in v1.19+"


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "configmaps": lambda _: ConfigMapStrategy(),
    "serviceaccounts": lambda _: ServiceAccountStrategy(),
    "namespaces": lambda _: NamespaceStrategy(),
    "componentstatuses": lambda _: ComponentStatusStrategy(),
}
