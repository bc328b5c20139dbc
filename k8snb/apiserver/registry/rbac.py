"""Roles and their bindings. That nobody grants what they do not hold is the matter of `access/escalation.py`.

Upstream: `pkg/apis/rbac/validation/validation.go`, `pkg/apis/rbac/v1/defaults.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apiserver.registry import checks
from k8snb.apiserver.registry.filling import filled, within_each, within_new
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, Struct, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import validate_label_selector
from k8snb.typing import Object

GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = ("ServiceAccount", "User", "Group")
_NONE: Mapping[str, Any] = {}


class RoleStrategy(Strategy):
    """What a role allows, in a namespace or everywhere."""

    name_rule = "path-segment"
    counts_generation = False

    def __init__(self, *, namespaced: bool) -> None:
        self._namespaced = namespaced

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        for index, rule in enumerate(obj.get("rules") or ()):
            errors += _validate_rule(f"rules[{index}]", rule, namespaced=self._namespaced)
        gathers = obj.get("aggregationRule")
        return errors if gathers is None else errors + _validate_gathering(gathers.get("clusterRoleSelectors") or ())


def _validate_rule(path: str, rule: Object, *, namespaced: bool) -> list[FieldError]:
    errors = []
    if not rule.get("verbs"):
        errors.append(required(f"{path}.verbs", "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        field = f"{path}.nonResourceURLs"
        if namespaced:
            errors.append(invalid_value(field, urls, "namespaced rules cannot apply to non-resource URLs"))
        if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(invalid_value(field, urls, why))
        return errors
    if not rule.get("apiGroups"):
        errors.append(required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(required(f"{path}.resources", "resource rules must supply at least one resource"))
    return errors


def _validate_gathering(chosen: Any) -> list[FieldError]:
    path = "aggregationRule.clusterRoleSelectors"
    if not chosen:
        return [required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")]
    return [
        error
        for index, selector in enumerate(chosen)
        for error in validate_label_selector(selector, f"{path}[{index}]")
    ]


class BindingStrategy(Strategy):
    """Whom a role is given to. `roles` are the kinds of role it may refer to."""

    name_rule = "path-segment"
    counts_generation = False

    def __init__(self, roles: tuple[str, ...]) -> None:
        self._roles = roles

    def default(self, obj: Object) -> Object:
        obj = within_new(obj, "roleRef", lambda role: filled(role, {"apiGroup": GROUP}))
        return within_each(obj, "subjects", _with_group)

    def validate(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        role = obj.get("roleRef") or _NONE
        if role.get("apiGroup") != GROUP:
            errors.append(not_supported("roleRef.apiGroup", role.get("apiGroup", ""), [GROUP]))
        if role.get("kind") not in self._roles:
            errors.append(not_supported("roleRef.kind", role.get("kind", ""), self._roles))
        name = role.get("name", "")
        errors += checks.each("roleRef.name", name, formats.path_segment(name)) if name else [required("roleRef.name")]
        for index, subject in enumerate(obj.get("subjects") or ()):
            errors += _validate_subject(f"subjects[{index}]", subject, namespaced="Role" in self._roles)
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        before, after = (_reference(each.get("roleRef") or _NONE) for each in (old, new))
        return [] if before == after else [invalid_value("roleRef", after, "cannot change roleRef")]


def _with_group(subject: Object) -> Object:
    return filled(subject, {"apiGroup": GROUP}) if subject.get("kind") in ("User", "Group") else subject


def _reference(role: Object) -> Struct:
    """The reference as messages show it: Go's internal type."""
    names = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}
    return Struct({shown: role.get(field, "") for shown, field in names.items()})


def _validate_subject(path: str, subject: Object, *, namespaced: bool) -> list[FieldError]:
    name, kind, group = (subject.get(field, "") for field in ("name", "kind", "apiGroup"))
    errors = [] if name else [required(f"{path}.name")]
    if kind not in _SUBJECTS:
        return [*errors, not_supported(f"{path}.kind", kind, _SUBJECTS)]
    if kind == "ServiceAccount":
        errors += checks.dns_subdomain(f"{path}.name", name) if name else []
        if group:
            errors.append(not_supported(f"{path}.apiGroup", group, [""]))
        if not namespaced and not subject.get("namespace"):
            errors.append(required(f"{path}.namespace"))
        return errors
    if not name:
        errors.append(invalid_value(f"{path}.name", name, f"{kind.lower()} name cannot be empty"))
    if group != GROUP:
        errors.append(not_supported(f"{path}.apiGroup", group, [GROUP]))
    return errors


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    f"roles.{GROUP}": lambda _: RoleStrategy(namespaced=True),
    f"clusterroles.{GROUP}": lambda _: RoleStrategy(namespaced=False),
    f"rolebindings.{GROUP}": lambda _: BindingStrategy(("Role", "ClusterRole")),
    f"clusterrolebindings.{GROUP}": lambda _: BindingStrategy(("ClusterRole",)),
}
