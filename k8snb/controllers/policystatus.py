"""The status of admission policies: what is wrong with their expressions for the kinds that they name.

A policy is compiled without knowing what `object` is. This loop compiles its expressions once more for every kind that
its rules name outright, and tells what would not work. Nothing is refused for it. Upstream:
`pkg/controller/validatingadmissionpolicystatus` and `apiserver/pkg/admission/plugin/policy/validating/typechecking.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snb.apiserver.admission.environments import policy_environment
from k8snb.client.controller import Controller
from k8snb.i18n import _
from k8snb.machinery.cel import CompileError
from k8snb.machinery.cel.published import kind_type
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object, ObjectKey, Resource

POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"
MOST_TYPES = 10


class PolicyStatusController(Controller):
    """Type-checks policies."""

    name = "validatingadmissionpolicy-status-controller"

    def start(self) -> None:
        self.follow(POLICIES)

    def reconcile(self, key: ObjectKey) -> float | None:
        policy = self.informers.of(POLICIES).get(*key)
        if policy is None:
            return None
        status = policy.get("status") or {}
        generation = policy["metadata"].get("generation", 1)
        if status.get("observedGeneration") == generation:
            return None
        self.compares(_("generation"), status.get("observedGeneration"), generation)
        warnings = list(warnings_of(policy["spec"], self.client.scheme))
        self.wants(_("tell of {count} expressions that do not fit the types"), count=len(warnings))
        checked: dict[str, Any] = {"expressionWarnings": warnings} if warnings else {}
        new = {**status, "observedGeneration": generation, "typeChecking": checked}
        self.client.update_status(POLICIES, {**policy, "status": new})
        return None


def warnings_of(spec: Object, scheme: Scheme) -> Iterator[Object]:
    """What does not fit, expression by expression."""
    rows = list(kinds_of(spec, scheme))
    for index, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            text = validation.get(field)
            found = [each for row in rows if (each := _problem(spec, text, row))] if text else []
            if found:
                yield {"fieldRef": f"spec.validations[{index}].{field}", "warning": "\n".join(found)}


def kinds_of(spec: Object, scheme: Scheme) -> Iterator[Resource]:
    """The kinds that the rules name outright; rules with wildcards name none."""
    seen: set[tuple[str, str]] = set()
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for group in rule["apiGroups"]:
            for version in rule["apiVersions"]:
                for plural in rule["resources"]:
                    row = scheme.served(group, version, plural)
                    if row is not None and (row.api_version, row.kind) not in seen and len(seen) < MOST_TYPES:
                        seen.add((row.api_version, row.kind))
                        yield row


def _problem(spec: Object, text: str, row: Resource) -> str:
    type = kind_type(row.api_version, row.kind)
    if type is None:
        return ""
    try:
        policy_environment(spec, object_type=type).compile(text)
    except CompileError as error:
        return f"{row.api_version}, Kind={row.kind}: {error}"
    return ""
