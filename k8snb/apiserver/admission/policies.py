"""ValidatingAdmissionPolicy and MutatingAdmissionPolicy: rules in CEL that clients write.

A policy says what is checked or changed, a binding where and with which parameters. What becomes of each expression is
a `Verdict`; the newest are kept for whoever wants to explain a refusal. Upstream:
`apiserver/pkg/admission/plugin/policy/validating` and `mutating`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.admission.configured import Configured, Rounds
from k8snb.apiserver.admission.environments import (
    Variables,
    mutation_environment,
    policy_environment,
    variable_programs,
)
from k8snb.apiserver.admission.matching import Match, conditions_hold, match_of, values_of
from k8snb.apiserver.admission.plugin import Attributes, Reader, shown_name
from k8snb.apiserver.admission.policy_audit import Annotations, Collected, annotations_of, note_failure
from k8snb.apiserver.admission.surroundings import kind_below
from k8snb.apiserver.admission.verdict import Verdict, said
from k8snb.errors import StatusError, forbidden
from k8snb.machinery import selectors
from k8snb.machinery.cel import CompileError, EvaluationError, Program
from k8snb.machinery.cel.meter import PER_OBJECT, Budget, OutOfBudget
from k8snb.machinery.objects import labels_of
from k8snb.machinery.patch import json_patch
from k8snb.typing import Object, Resource

_GROUP = "admissionregistration.k8s.io"
_CODES = {"Invalid": 422, "Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
KEPT = 64


class Binding(NamedTuple):
    """A binding, ready to be asked."""

    raw: Object
    match: Match | None

    @property
    def name(self) -> str:
        return str(self.raw["metadata"]["name"])


class Policy(NamedTuple):
    """A policy, compiled."""

    raw: Object
    match: Match
    conditions: tuple[Program, ...]
    variables: Mapping[str, Program]
    programs: tuple[Program, ...]
    audits: Annotations
    bindings: tuple[Binding, ...]

    @property
    def name(self) -> str:
        return str(self.raw["metadata"]["name"])

    @property
    def fails(self) -> bool:
        """Whether a request is refused when the policy cannot be asked."""
        return bool(self.raw["spec"].get("failurePolicy") != "Ignore")


class _ConfigurationError(Exception):
    """A policy or binding does not fit the request; the message is upstream's."""


class _Policies(Configured[Policy]):
    """What both kinds of policy have in common: which of them a request meets, with which parameters."""

    kind = ""

    def compiled(self) -> list[Policy]:
        policies, bindings = (self.surroundings.list(word) for word in self.sources)
        found = []
        for raw in sorted(policies, key=lambda each: str(each["metadata"]["name"])):
            own = [each for each in bindings if each["spec"].get("policyName") == raw["metadata"]["name"]]
            if own:
                policy = self._policy(raw, own)
                if policy is not None:
                    found.append(policy)
        return found

    def _policy(self, raw: Object, bindings: Sequence[Object]) -> Policy | None:
        spec = raw["spec"]
        constraints = spec.get("matchConstraints") or {}
        try:
            conditions = [
                policy_environment(spec, variables=False).compile(each["expression"])
                for each in spec.get("matchConditions") or ()
            ]
            variables, programs = variable_programs(spec), tuple(self.programs_of(spec))
            audits = annotations_of(spec)
        except CompileError:
            return None
        ready = tuple(_binding(each) for each in sorted(bindings, key=lambda each: str(each["metadata"]["name"])))
        match = match_of(constraints, constraints.get("resourceRules") or ())
        return Policy(raw, match, tuple(conditions), variables, programs, audits, ready)

    def programs_of(self, spec: Object) -> Iterator[Program]:
        """The expressions that a policy is about."""
        raise NotImplementedError

    def match_of(self, entry: Policy) -> Match:
        return entry.match

    def met(self, attributes: Attributes, reader: Reader) -> Iterator[tuple[Policy, Resource]]:
        """The policies that a request meets, each with the row that its rules named."""
        for policy in self.entries:
            row = policy.match.met(attributes, reader, self.surroundings)
            if row is not None:
                yield policy, row

    def bound(self, policy: Policy, attributes: Attributes, reader: Reader) -> Iterator[Binding]:
        """The bindings of a policy that a request meets."""
        for binding in policy.bindings:
            if binding.match is None or binding.match.met(attributes, reader, self.surroundings) is not None:
                yield binding

    # -- parameters --------------------------------------------------------------------------------

    def params(self, policy: Policy, binding: Binding, attributes: Attributes, reader: Reader) -> list[Object | None]:
        """The parameters with which a binding has a policy asked. Raises _ConfigurationError."""
        kind, reference = policy.raw["spec"].get("paramKind"), binding.raw["spec"].get("paramRef")
        if kind is None or reference is None:
            return [None]
        resource = self.surroundings.find(kind["apiVersion"], kind["kind"])
        if resource is None:
            group, _, version = kind["apiVersion"].rpartition("/")
            shown = f"{group}/{version}, Kind={kind['kind']}"
            raise _ConfigurationError(f"failed to find resource referenced by paramKind: '{shown}'")
        namespace = ""
        if resource.namespaced:
            namespace = reference.get("namespace") or attributes.namespace
            if not namespace:
                why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
                raise _ConfigurationError(why)
        elif reference.get("namespace"):
            raise _ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        found = self._found(resource, reference, namespace, reader)
        if not found:
            if reference.get("parameterNotFoundAction") == "Deny":
                why = "no params found for policy binding with `Deny` parameterNotFoundAction"
                raise _ConfigurationError(why)
            return []
        return found

    def _found(self, resource: Resource, reference: Object, namespace: str, reader: Reader) -> list[Object | None]:
        word = resource.group_resource
        if reference.get("name"):
            one = reader.get(word, namespace, reference["name"])
            return [] if one is None else [one]
        selector = selectors.of_object(reference.get("selector") or {})
        return [each for each in reader.list(word, namespace) if selector.matches(labels_of(each))]

    def values(
        self, policy: Policy, row: Resource, attributes: Attributes, reader: Reader, params: Object | None
    ) -> dict[str, Any]:
        """What the expressions of a policy see."""
        values = values_of(attributes, row, self.surroundings)
        space = attributes.namespace if attributes.resource.namespaced else ""
        values["namespaceObject"] = reader.get("namespaces", "", space) if space else None
        values["params"] = params
        values["variables"] = Variables(policy.variables, values, Budget(PER_OBJECT))
        return values

    def denial(self, attributes: Attributes, policy: str, binding: str, why: str, reason: str = "") -> StatusError:
        """The refusal of a request."""
        message = f"{self.kind} '{policy}' with binding '{binding}' denied request: {why}"
        name = str(((attributes.object or {}).get("metadata") or {}).get("name") or attributes.name)
        plain = forbidden(attributes.resource, name or shown_name(attributes), message)
        reason = reason or "Invalid"
        details = {**plain.status["details"], "causes": [{"message": message}]}
        return StatusError(_CODES.get(reason, 403), reason, plain.message, details)


def _binding(raw: Object) -> Binding:
    match = raw["spec"].get("matchResources")
    return Binding(raw, None if match is None else match_of(match, match.get("resourceRules") or None))


# -- validating ----------------------------------------------------------------------------------------


class ValidatingAdmissionPolicy(_Policies):
    """Upstream: `apiserver/pkg/admission/plugin/policy/validating/dispatcher.go`."""

    name = "ValidatingAdmissionPolicy"
    kind = "ValidatingAdmissionPolicy"
    sources = (f"validatingadmissionpolicies.{_GROUP}", f"validatingadmissionpolicybindings.{_GROUP}")

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self.verdicts: deque[Verdict] = deque(maxlen=KEPT)

    def programs_of(self, spec: Object) -> Iterator[Program]:
        environment = policy_environment(spec)
        for each in spec.get("validations") or ():
            yield environment.compile(each["expression"])

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        denied: list[Verdict] = []
        for policy, row in self.met(attributes, reader):
            collected = Collected()
            for binding in self.bound(policy, attributes, reader):
                denied += self._asked(policy, binding, row, attributes, reader, collected)
            collected.publish(policy.name, attributes)
        if denied:
            first = denied[0]
            raise self.denial(attributes, first.policy, first.binding, first.message, first.reason)

    def _asked(
        self,
        policy: Policy,
        binding: Binding,
        row: Resource,
        attributes: Attributes,
        reader: Reader,
        collected: Collected,
    ) -> list[Verdict]:
        """What a binding makes of a request: the verdicts that refuse it. Warnings are given on the way."""
        try:
            params = self.params(policy, binding, attributes, reader)
        except _ConfigurationError as error:
            why = f"failed to configure binding: {error}"
            return [Verdict(policy.name, binding.name, "", why)] if policy.fails else []
        actions = binding.raw["spec"].get("validationActions") or ()
        denied: list[Verdict] = []
        for each in params:
            values = self.values(policy, row, attributes, reader, each)
            for index, verdict in enumerate(self._judged(policy, binding, values, collected)):
                self.verdicts.append(verdict)
                if attributes.notes is not None:
                    attributes.notes.remark(f"{policy.name} ({verdict.expression})", None, None, verdict.message)
                if not verdict.message:
                    continue
                if "Deny" in actions or verdict.always:
                    denied.append(verdict)
                if verdict.always:
                    continue
                if "Audit" in actions:
                    note_failure(attributes, binding.raw, index, verdict.message)
                if "Warn" in actions:
                    who = f"{self.kind} '{policy.name}' with binding '{binding.name}'"
                    reader.warn(f"Validation failed for {who}: {verdict.message}")
        return denied

    def _judged(
        self, policy: Policy, binding: Binding, values: Mapping[str, Any], collected: Collected
    ) -> Iterator[Verdict]:
        hold, failure = conditions_hold(policy.conditions, values)
        if failure is not None and policy.fails:
            yield Verdict(policy.name, binding.name, "", str(failure))
        if not hold:
            return
        try:
            yield from list(self._validations(policy, binding, values))
        except OutOfBudget as error:
            yield Verdict(policy.name, binding.name, "", str(error) if policy.fails else "")
        for wrong in collected.work_out(policy.audits, values):
            if policy.fails:
                yield Verdict(policy.name, binding.name, "", wrong, always=True)

    def _validations(self, policy: Policy, binding: Binding, values: Mapping[str, Any]) -> Iterator[Verdict]:
        """What each validation came to. Raises OutOfBudget if they cost too much together."""
        environment = policy_environment(policy.raw["spec"])
        budget = values["variables"].budget
        for rule, program in zip(policy.raw["spec"].get("validations") or (), policy.programs, strict=True):
            blank = Verdict(policy.name, binding.name, program.source, "", str(rule.get("reason") or ""))
            try:
                held = program(values, budget) is True
            except OutOfBudget:
                raise
            except EvaluationError as error:
                text = f"expression '{program.source}' resulted in error: {error}"
                yield blank._replace(message=text if policy.fails else "", reason="")
                continue
            yield blank if held else blank._replace(message=said(rule, environment, values, budget))


# -- mutating ------------------------------------------------------------------------------------------


class MutatingAdmissionPolicy(_Policies):
    """Upstream: `apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go`."""

    name = "MutatingAdmissionPolicy"
    kind = "MutatingAdmissionPolicy"
    sources = (f"mutatingadmissionpolicies.{_GROUP}", f"mutatingadmissionpolicybindings.{_GROUP}")
    operations = ("CREATE", "UPDATE", "CONNECT")

    def programs_of(self, spec: Object) -> Iterator[Program]:
        environment = mutation_environment(spec)
        for each in spec.get("mutations") or ():
            field = "jsonPatch" if each["patchType"] == "JSONPatch" else "applyConfiguration"
            yield environment.compile(each[field]["expression"])

    def round(self, attributes: Attributes, reader: Reader, rounds: Rounds[Policy]) -> Object | None:
        for number, policy in rounds.begin(attributes.object):
            row = policy.match.met(attributes, reader, self.surroundings)
            if row is None:
                continue
            before, changed = attributes.object, self._changed(policy, row, attributes, reader)
            if changed is not before and changed != before:
                attributes = attributes._replace(object=changed)
                rounds.changed()
            rounds.asked(number, policy.raw["spec"].get("reinvocationPolicy"))
        rounds.end(attributes.object)
        return attributes.object

    def _changed(self, policy: Policy, row: Resource, attributes: Attributes, reader: Reader) -> Object:
        """The object as the bindings of a policy leave it."""
        for binding in self.bound(policy, attributes, reader):
            try:
                for params in self.params(policy, binding, attributes, reader):
                    changed = self._mutated(policy, row, attributes, reader, params)
                    attributes = attributes._replace(object=changed)
            except _ConfigurationError as error:
                if policy.fails:
                    why = f"failed to configure binding: {error}"
                    raise self.denial(attributes, policy.name, binding.name, why) from None
            except EvaluationError as error:
                if policy.fails:
                    raise self.denial(attributes, policy.name, binding.name, str(error)) from None
        assert attributes.object is not None
        return attributes.object

    def _mutated(
        self, policy: Policy, row: Resource, attributes: Attributes, reader: Reader, params: Object | None
    ) -> Object:
        values = self.values(policy, row, attributes, reader, params)
        hold, failure = conditions_hold(policy.conditions, values)
        if failure is not None:
            raise failure
        obj = attributes.object
        assert obj is not None
        if not hold:
            return obj
        for mutation, program in zip(policy.raw["spec"]["mutations"], policy.programs, strict=True):
            values = {**values, "object": obj}
            budget = Budget(PER_OBJECT)
            values["variables"] = Variables(policy.variables, values, budget)
            try:
                found = program(values, budget)
            except OutOfBudget:
                raise
            except EvaluationError as error:
                raise EvaluationError(f"expression '{program.source}' resulted in error: {error}") from None
            obj = self._applied(row, attributes.subresource, obj, mutation["patchType"], found)
        return obj

    def _applied(self, row: Resource, subresource: str, obj: Object, kind: str, found: Any) -> Object:
        around = self.surroundings
        try:
            if kind == "JSONPatch":
                changed = json_patch(obj, found)
                return changed if kind_below(row, subresource) is not None else around.decode(row, changed)
            wanted = {**found, "apiVersion": obj["apiVersion"], "kind": obj["kind"]}
            return around.decode(row, around.merge(row, obj, wanted))
        except (StatusError, ValueError) as error:
            raise EvaluationError(f"error applying patch: {error}") from None
