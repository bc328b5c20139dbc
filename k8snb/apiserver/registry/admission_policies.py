"""Admission policies and their bindings: defaults and validation.

Expressions are compiled when a policy is written, in the order in which they see each other: every variable those
before it, validations and mutations all of them. Upstream: `pkg/apis/admissionregistration/validation/validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apiserver.admission.environments import mutation_environment, policy_environment
from k8snb.apiserver.registry.admission_rules import check_conditions, check_expression, check_match, default_match
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, duplicate, invalid_value, not_supported, required
from k8snb.machinery.formats import path_segment, qualified_name
from k8snb.machinery.names import Lottery
from k8snb.machinery.validation import validate_label_selector
from k8snb.typing import Object

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_ACTIONS = ("Audit", "Deny", "Warn")
_IDENTIFIER = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_NEWLINE = re.compile("[\n\r]")
_EMPTY = "validations or auditAnnotations must contain at least one item"


class PolicyStrategy(Strategy):
    """What both kinds of policy have in common."""

    def default(self, obj: Object) -> Object:
        spec: dict[str, Any] = {"failurePolicy": "Fail", **(obj.get("spec") or {})}
        if spec.get("matchConstraints") is not None:
            spec["matchConstraints"] = default_match(spec["matchConstraints"])
        return {**obj, "spec": spec}

    def _common(self, spec: Object) -> Iterator[FieldError]:
        if spec["failurePolicy"] not in ("Fail", "Ignore"):
            yield not_supported("spec.failurePolicy", spec["failurePolicy"], ("Fail", "Ignore"))
        if spec.get("paramKind") is not None:
            yield from _param_kind(spec["paramKind"], "spec.paramKind")
        if spec.get("matchConstraints") is None:
            yield required("spec.matchConstraints")
        else:
            yield from check_match(spec["matchConstraints"], "spec.matchConstraints", rules=True)
        yield from _variables(spec)
        conditions = spec.get("matchConditions") or ()
        yield from check_conditions(conditions, "spec.matchConditions", policy_environment(spec, variables=False))


class ValidatingPolicyStrategy(PolicyStrategy):
    """The rules of ValidatingAdmissionPolicies."""

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found = list(self._common(spec))
        validations, audits = spec.get("validations") or [], spec.get("auditAnnotations") or []
        if not validations and not audits:
            found += [required("spec.validations", _EMPTY), required("spec.auditAnnotations", _EMPTY)]
        environment = policy_environment(spec)
        for index, each in enumerate(validations):
            found += _validation(each, f"spec.validations[{index}]", environment)
        for index, each in enumerate(audits):
            found += _audit(each, f"spec.auditAnnotations[{index}]", environment)
        return found


class MutatingPolicyStrategy(PolicyStrategy):
    """The rules of MutatingAdmissionPolicies."""

    def default(self, obj: Object) -> Object:
        return super().default({**obj, "spec": {"reinvocationPolicy": "Never", **(obj.get("spec") or {})}})

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found = list(self._common(spec))
        if not spec.get("mutations"):
            found.append(required("spec.mutations", "mutations must contain at least one item"))
        if spec["reinvocationPolicy"] not in ("IfNeeded", "Never"):
            words = ("IfNeeded", "Never")
            found.append(not_supported("spec.reinvocationPolicy", spec["reinvocationPolicy"], words))
        environment = mutation_environment(spec)
        for index, each in enumerate(spec.get("mutations") or ()):
            found += _mutation(each, f"spec.mutations[{index}]", environment)
        return found


def _param_kind(kind: Object, path: str) -> Iterator[FieldError]:
    version = kind.get("apiVersion") or ""
    if not version:
        yield required(f"{path}.apiVersion")
    elif version.count("/") > 1:
        yield invalid_value(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}")
    if not kind.get("kind"):
        yield required(f"{path}.kind")


def _variables(spec: Object) -> Iterator[FieldError]:
    seen: list[Object] = []
    for index, each in enumerate(spec.get("variables") or ()):
        path, name = f"spec.variables[{index}]", each.get("name") or ""
        if not name:
            yield required(f"{path}.name", "name is not specified")
        elif not _IDENTIFIER.fullmatch(name):
            yield invalid_value(f"{path}.name", name, "name is not a valid CEL identifier")
        environment = policy_environment({**spec, "variables": seen})
        text = each.get("expression") or ""
        yield from check_expression(text, f"{path}.expression", environment, (), missing="expression is not specified")
        if any(each.get("name") == other.get("name") for other in seen):
            yield duplicate(f"{path}.name", name)
        seen.append(each)


def _validation(validation: Object, path: str, environment: Any) -> Iterator[FieldError]:
    text, said = validation.get("expression") or "", validation.get("message") or ""
    where = f"{path}.expression"
    yield from check_expression(text, where, environment, ("bool",), missing="expression is not specified")
    if validation.get("messageExpression"):
        spoken = validation["messageExpression"]
        if not spoken.strip():
            why = "must be non-empty if specified"
            yield invalid_value(f"{path}.messageExpression", spoken, why)
        else:
            yield from check_expression(spoken, f"{path}.messageExpression", environment, ("string",))
    if said and not said.strip():
        yield invalid_value(f"{path}.message", said, "message must be non-empty if specified")
    elif _NEWLINE.search(said.strip()):
        yield invalid_value(f"{path}.message", said, "message must not contain line breaks")
    elif _NEWLINE.search(text.strip()) and not said.strip():
        yield required(f"{path}.message", "message must be specified if expression contains line breaks")
    if validation.get("reason") is not None and validation["reason"] not in _REASONS:
        yield not_supported(f"{path}.reason", validation["reason"], _REASONS)


def _audit(annotation: Object, path: str, environment: Any) -> Iterator[FieldError]:
    key = annotation.get("key") or ""
    if not key:
        yield required(f"{path}.key")
    else:
        for wrong in qualified_name(key):
            yield invalid_value(f"{path}.key", key, wrong)
    text = annotation.get("valueExpression") or ""
    why = "valueExpression is not specified"
    yield from check_expression(text, f"{path}.valueExpression", environment, ("string", "null"), missing=why)


def _mutation(mutation: Object, path: str, environment: Any) -> Iterator[FieldError]:
    kind = mutation.get("patchType") or ""
    fields = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
    if not kind:
        yield required(f"{path}.patchType")
        return
    if kind not in fields:
        yield not_supported(f"{path}.patchType", kind, tuple(fields))
        return
    held = mutation.get(fields[kind])
    if held is None:
        why = f"must be specified when patchType is {kind}"
        yield required(f"{path}.{fields[kind]}", why)
        return
    where, text = f"{path}.{fields[kind]}.expression", held.get("expression") or ""
    kinds = ("list",) if kind == "JSONPatch" else ("struct", "map")
    yield from check_expression(text, where, environment, kinds, missing="expression is not specified")


# -- bindings ------------------------------------------------------------------------------------------


class BindingStrategy(Strategy):
    """The rules of bindings; those of validating policies say what a failed validation does."""

    def __init__(self, *, validating: bool) -> None:
        self._validating = validating

    def default(self, obj: Object) -> Object:
        spec = obj.get("spec") or {}
        match = spec.get("matchResources")
        return obj if match is None else {**obj, "spec": {**spec, "matchResources": default_match(match)}}

    def validate(self, obj: Object) -> list[FieldError]:
        spec, found = obj.get("spec") or {}, []
        name = spec.get("policyName") or ""
        if not name:
            found.append(required("spec.policyName"))
        else:
            found += [invalid_value("spec.policyName", name, wrong) for wrong in path_segment(name)]
        if spec.get("paramRef") is not None:
            found += _param_ref(spec["paramRef"], "spec.paramRef")
        if spec.get("matchResources") is not None:
            found += check_match(spec["matchResources"], "spec.matchResources", rules=False)
        if self._validating:
            found += _actions(spec.get("validationActions") or [], "spec.validationActions")
        return found


def _param_ref(reference: Object, path: str) -> Iterator[FieldError]:
    name, selector = reference.get("name") or "", reference.get("selector")
    if name:
        for wrong in path_segment(name):
            yield invalid_value(f"{path}.name", name, wrong)
        if selector is not None:
            why = "name and selector are mutually exclusive"
            yield FieldError("FieldValueForbidden", f"{path}.name", "", why)
    elif selector is None:
        yield required(path, "one of name or selector must be specified")
    else:
        yield from validate_label_selector(selector, f"{path}.selector")
    action = reference.get("parameterNotFoundAction")
    if action is None:
        yield required(f"{path}.parameterNotFoundAction")
    elif action not in ("Allow", "Deny"):
        yield not_supported(f"{path}.parameterNotFoundAction", action, ("Deny", "Allow"))


def _actions(actions: list[str], path: str) -> Iterator[FieldError]:
    if not actions:
        yield required(path, "at least one validation action is required")
    for index, each in enumerate(actions):
        if each not in _ACTIONS:
            yield not_supported(f"{path}[{index}]", each, _ACTIONS)
        elif each in actions[:index]:
            yield duplicate(f"{path}[{index}]", each)
    if {"Deny", "Warn"} <= set(actions):
        why = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response"
            " and headers serves no purpose)"
        )
        yield invalid_value(path, actions, why)


_GROUP = "admissionregistration.k8s.io"
STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    f"validatingadmissionpolicies.{_GROUP}": lambda _: ValidatingPolicyStrategy(),
    f"mutatingadmissionpolicies.{_GROUP}": lambda _: MutatingPolicyStrategy(),
    f"validatingadmissionpolicybindings.{_GROUP}": lambda _: BindingStrategy(validating=True),
    f"mutatingadmissionpolicybindings.{_GROUP}": lambda _: BindingStrategy(validating=False),
}
