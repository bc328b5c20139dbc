"""Where a pod may run: node selectors, affinity, tolerations and topology spread.

Upstream: `validateAffinity`, `ValidateTolerations`, `validateTopologySpreadConstraints` and what they call
in `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.apiserver.registry.checks import each
from k8snb.errors import FieldError, duplicate, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.validation import validate_label_name, validate_label_selector
from k8snb.typing import Object

Findings = Iterator[FieldError]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_INCLUSION = ("Honor", "Ignore")
_NOT_POSITIVE = "must be greater than zero"
_WEIGHT = "must be in the range 1-100"
_BAD_OPERATOR = "not a valid selector operator"
_WITHOUT_SELECTOR = "must not be specified when labelSelector is not set"
_IN_BOTH = "exists in both matchLabelKeys and labelSelector"


def validate_affinity(affinity: Object, path: str) -> Findings:
    """The `affinity` of a pod."""
    node = affinity.get("nodeAffinity") or {}
    if node.get(REQUIRED) is not None:
        yield from validate_node_selector(node[REQUIRED], f"{path}.nodeAffinity.{REQUIRED}")
    for index, term in enumerate(node.get(PREFERRED) or ()):
        at = f"{path}.nodeAffinity.{PREFERRED}[{index}]"
        yield from _validate_weight(term, at)
        yield from _validate_node_term(term.get("preference") or {}, f"{at}.preference", values=False)
    for kind in ("podAffinity", "podAntiAffinity"):
        yield from _validate_pod_affinity(affinity.get(kind) or {}, f"{path}.{kind}")


def _validate_weight(term: Object, path: str) -> Findings:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        yield invalid_value(f"{path}.weight", weight, _WEIGHT)


def validate_node_selector(selector: Object, path: str) -> Findings:
    """A `NodeSelector`: at least one term, each a list of requirements on labels and fields."""
    at = f"{path}.nodeSelectorTerms"
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        yield required(at, "must have at least one node selector term")
    for index, term in enumerate(terms):
        yield from _validate_node_term(term, f"{at}[{index}]", values=True)


def _validate_node_term(term: Object, path: str, *, values: bool) -> Findings:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        yield from _validate_node_requirement(requirement, f"{path}.matchExpressions[{index}]", values)
    for index, requirement in enumerate(term.get("matchFields") or ()):
        yield from _validate_node_field(requirement, f"{path}.matchFields[{index}]")


def _validate_node_requirement(requirement: Object, path: str, check_values: bool) -> Findings:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    at = f"{path}.values"
    if operator in ("In", "NotIn"):
        if not values:
            yield required(at, "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield field_forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            yield required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        yield invalid_value(f"{path}.operator", operator, _BAD_OPERATOR)
    yield from validate_label_name(requirement.get("key") or "", f"{path}.key")
    for index, value in enumerate(values if check_values else ()):
        yield from each(f"{at}[{index}]", value, formats.label_value(value))


def _validate_node_field(requirement: Object, path: str) -> Findings:
    operator, key = requirement.get("operator") or "", requirement.get("key") or ""
    values = requirement.get("values") or ()
    if operator not in ("In", "NotIn"):
        yield invalid_value(f"{path}.operator", operator, _BAD_OPERATOR)
    elif len(values) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield required(f"{path}.values", text)
    if key != "metadata.name":
        yield invalid_value(f"{path}.key", key, "not a valid field selector key")
        return
    for index, value in enumerate(values):
        yield from each(f"{path}.values[{index}]", value, formats.dns_subdomain(value))


def _validate_pod_affinity(affinity: Object, path: str) -> Findings:
    for index, term in enumerate(affinity.get(REQUIRED) or ()):
        yield from _validate_pod_term(term, f"{path}.{REQUIRED}[{index}]")
    for index, weighted in enumerate(affinity.get(PREFERRED) or ()):
        at = f"{path}.{PREFERRED}[{index}]"
        yield from _validate_weight(weighted, at)
        yield from _validate_pod_term(weighted.get("podAffinityTerm") or {}, f"{at}.podAffinityTerm")


def _validate_pod_term(term: Object, path: str) -> Findings:
    for name in ("labelSelector", "namespaceSelector"):
        if term.get(name) is not None:
            yield from validate_label_selector(term[name], f"{path}.{name}")
    for namespace in term.get("namespaces") or ():
        yield from each(f"{path}.namespace", namespace, formats.dns_label(namespace))
    yield from _validate_label_keys(term, path)
    key = term.get("topologyKey") or ""
    if not key:
        yield required(f"{path}.topologyKey", "can not be empty")
    yield from validate_label_name(key, f"{path}.topologyKey")


def _validate_label_keys(term: Object, path: str) -> Findings:
    matching, differing = term.get("matchLabelKeys") or (), term.get("mismatchLabelKeys") or ()
    selector = term.get("labelSelector")
    for name, keys in (("matchLabelKeys", matching), ("mismatchLabelKeys", differing)):
        if keys and selector is None:
            yield field_forbidden(f"{path}.{name}", _WITHOUT_SELECTOR)
            continue
        for index, key in enumerate(keys):
            yield from validate_label_name(key, f"{path}.{name}[{index}]")
    seen = set((selector or {}).get("matchLabels") or {})
    for expression in (selector or {}).get("matchExpressions") or ():
        key = expression.get("key") or ""
        if key in matching and key in seen:
            yield invalid_value(f"{path}[{list(matching).index(key)}]", key, _IN_BOTH)
        seen.add(key)
    for index, key in enumerate(matching):
        if key in differing:
            text = "exists in both matchLabelKeys and mismatchLabelKeys"
            yield invalid_value(f"{path}.matchLabelKeys[{index}]", key, text)


def validate_tolerations(tolerations: Sequence[Object], path: str) -> Findings:
    """The `tolerations` of a pod."""
    for index, toleration in enumerate(tolerations):
        yield from _validate_toleration(toleration, f"{path}[{index}]")


def _validate_toleration(toleration: Object, path: str) -> Findings:
    key, operator, value, effect = (toleration.get(n) or "" for n in ("key", "operator", "value", "effect"))
    at = f"{path}.operator"
    if key:
        yield from validate_label_name(key, f"{path}.key")
    elif operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield invalid_value(at, operator, text)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield invalid_value(f"{path}.effect", effect, text)
    if operator in ("", "Equal"):
        if bad := formats.label_value(value):
            yield invalid_value(at, value, ";".join(bad))
    elif operator != "Exists":
        yield not_supported(at, operator, ("Equal", "Exists"))
    elif value:
        yield invalid_value(at, value, "value must be empty when `operator` is 'Exists'")
    if effect and effect not in _EFFECTS:
        yield not_supported(f"{path}.effect", effect, _EFFECTS)


def validate_spread(constraints: Sequence[Object], path: str) -> Findings:
    """The `topologySpreadConstraints` of a pod."""
    for index, constraint in enumerate(constraints):
        at = f"{path}[{index}]"
        yield from _validate_spread_basics(constraint, at)
        kind = (constraint.get("topologyKey"), constraint.get("whenUnsatisfiable"))
        rest = constraints[index + 1 :]
        if any((other.get("topologyKey"), other.get("whenUnsatisfiable")) == kind for other in rest):
            yield duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{kind[0]}, {kind[1]}}}")
        yield from _validate_domains(constraint, at)
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = constraint.get(name)
            if policy is not None and policy not in _INCLUSION:
                yield not_supported(f"{at}.{name}", policy, _INCLUSION)
        yield from _validate_spread_keys(constraint, f"{at}.matchLabelKeys")
        if constraint.get("labelSelector") is not None:
            yield from validate_label_selector(constraint["labelSelector"], f"{at}.labelSelector")


def _validate_spread_basics(constraint: Object, path: str) -> Findings:
    skew, action = constraint.get("maxSkew") or 0, constraint.get("whenUnsatisfiable") or ""
    if skew <= 0:
        yield invalid_value(f"{path}.maxSkew", skew, _NOT_POSITIVE)
    if not constraint.get("topologyKey"):
        yield required(f"{path}.topologyKey", "can not be empty")
    if action not in _UNSATISFIABLE:
        yield not_supported(f"{path}.whenUnsatisfiable", action, _UNSATISFIABLE)


def _validate_domains(constraint: Object, path: str) -> Findings:
    domains, action = constraint.get("minDomains"), constraint.get("whenUnsatisfiable") or ""
    if domains is None:
        return
    if domains <= 0:
        yield invalid_value(f"{path}.minDomains", domains, _NOT_POSITIVE)
    if action != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        yield invalid_value(f"{path}.minDomains", domains, text)


def _validate_spread_keys(constraint: Object, path: str) -> Findings:
    """The keys become expressions of the selector when a pod is made, so each may be there once already."""
    keys = constraint.get("matchLabelKeys") or ()
    selector = constraint.get("labelSelector")
    if keys and selector is None:
        yield field_forbidden(path, _WITHOUT_SELECTOR)
    labels = (selector or {}).get("matchLabels") or {}
    expressions = [expression.get("key") for expression in (selector or {}).get("matchExpressions") or ()]
    for index, key in enumerate(keys):
        yield from validate_label_name(key, f"{path}[{index}]")
        if key in labels or expressions.count(key) > 1:
            yield invalid_value(f"{path}[{index}]", key, _IN_BOTH)
