"""Whether a request is one that a webhook or policy is for: its rules, its namespace, its labels.

With `matchPolicy: Equivalent` a rule that names another version of the same resource fits too; then the object is shown
in that version. Upstream: `apiserver/pkg/admission/plugin/webhook/predicates`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.admission.plugin import Attributes, Reader
from k8snb.apiserver.admission.surroundings import Surroundings, kind_below, name_of, request_of
from k8snb.machinery import selectors
from k8snb.machinery.cel import EvaluationError, Program
from k8snb.machinery.cel.library.authorizer import Check, Decision, authorizer, request_resource
from k8snb.machinery.cel.meter import PER_CONDITIONS, Budget, OutOfBudget
from k8snb.machinery.objects import labels_of
from k8snb.typing import Object, Resource

CONFIGURATION = frozenset({
    "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies",
    "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
})  # fmt: skip
"""What no webhook or policy is asked about, so that nobody locks themselves out."""


def is_configuration(resource: Resource) -> bool:
    return resource.group == "admissionregistration.k8s.io" and resource.plural in CONFIGURATION


def rule_fits(rule: Object, resource: Resource, subresource: str, operation: str, namespaced: bool) -> bool:
    """Whether a rule names the resource and the operation."""
    scope = rule.get("scope") or "*"
    if scope != "*" and (scope == "Namespaced") is not namespaced:
        return False
    words = ((operation, "operations"), (resource.group, "apiGroups"), (resource.version, "apiVersions"))
    if not all("*" in rule[field] or word in rule[field] for word, field in words):
        return False
    below = subresource.partition("/")[0]
    return any(_names(each, resource.plural, below) for each in rule["resources"])


def _names(word: str, plural: str, subresource: str) -> bool:
    resource, _, below = word.partition("/")
    return resource in ("*", plural) and below in (subresource, "*")


def _named_by(rule: Object, name: str | None, *, otherwise: bool) -> bool:
    """Whether a rule is for every name or for this one; `otherwise` is what it is if the name is not known yet."""
    names = rule.get("resourceNames")
    return not names or (otherwise if name is None else name in names)


class Match(NamedTuple):
    """What a webhook or policy is for. `rules` None means: whatever comes."""

    rules: Sequence[Object] | None
    excluded: Sequence[Object]
    namespaces: Object
    objects: Object
    exact: bool

    def row(
        self, surroundings: Surroundings, resource: Resource, subresource: str, operation: str, name: str | None = None
    ) -> Resource | None:
        """The row under which the rules know the resource; None if they do not. Without a name: if they may."""
        if is_configuration(resource):
            return None
        rows = [resource] if self.exact else surroundings.equivalents(resource)
        scoped = resource.namespaced

        def row_of(rules: Sequence[Object]) -> Resource | None:
            """The first rule decides under which other row, if none knows the resource as it was asked for."""
            asked = ((rule, resource) for rule in rules)
            others = ((rule, row) for rule in rules for row in rows if row is not resource)
            fitting = (row for rule, row in (*asked, *others) if rule_fits(rule, row, subresource, operation, scoped))
            return next(fitting, None)

        if row_of([rule for rule in self.excluded if _named_by(rule, name, otherwise=False)]) is not None:
            return None
        if self.rules is None:
            return resource
        return row_of([rule for rule in self.rules if _named_by(rule, name, otherwise=True)])

    def met(self, attributes: Attributes, reader: Reader, surroundings: Surroundings) -> Resource | None:
        """The row under which a request is met; None if it is not."""
        key = (attributes.resource, attributes.subresource, attributes.operation)
        row = self.row(surroundings, *key, name_of(attributes))
        return row if row is not None and self.selects(attributes, reader) else None

    def selects(self, attributes: Attributes, reader: Reader) -> bool:
        """Whether the selectors choose the namespace and the object."""
        return self._in_namespace(attributes, reader) and self._labelled(attributes)

    def _in_namespace(self, attributes: Attributes, reader: Reader) -> bool:
        if not self.namespaces:
            return True
        resource = attributes.resource
        if resource.plural == "namespaces" and not resource.group:
            own = attributes.object if attributes.object is not None else attributes.old
            labels: Mapping[str, str] = labels_of(own) if own is not None else {}
        elif not resource.namespaced:
            return True
        else:
            found = reader.get("namespaces", "", attributes.namespace)
            labels = labels_of(found) if found is not None else {}
        return selectors.of_object(self.namespaces).matches(labels)

    def _labelled(self, attributes: Attributes) -> bool:
        if not self.objects:
            return True
        selector = selectors.of_object(self.objects)
        shown = (attributes.object, attributes.old)
        return any(each is not None and "metadata" in each and selector.matches(labels_of(each)) for each in shown)


def _is_empty(selector: Object | None) -> bool:
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def match_of(given: Object, rules: Sequence[Object] | None) -> Match:
    """The match of a webhook, or of `matchConstraints` and `matchResources`."""
    selected = [{} if _is_empty(given.get(each)) else given[each] for each in ("namespaceSelector", "objectSelector")]
    excluded = given.get("excludeResourceRules") or ()
    return Match(rules, excluded, selected[0], selected[1], given.get("matchPolicy") == "Exact")


# -- conditions ----------------------------------------------------------------------------------------


def values_of(attributes: Attributes, row: Resource, surroundings: Surroundings) -> dict[str, Any]:
    """The variables that every expression of admission sees."""
    user = attributes.user

    def ask(check: Check, verb: str) -> Decision:
        return surroundings.decide(user, check, verb)

    resource = attributes.resource
    return {
        "object": shown(attributes.object, row, attributes, surroundings),
        "oldObject": shown(attributes.old, row, attributes, surroundings),
        "request": request_of(attributes, row),
        "authorizer": authorizer(ask),
        "authorizer.requestResource": request_resource(
            ask,
            group=resource.group,
            resource=resource.plural,
            subresource=attributes.subresource,
            namespace=attributes.namespace,
            name=attributes.name,
        ),
    }


def shown(obj: Object | None, row: Resource, attributes: Attributes, surroundings: Surroundings) -> Object | None:
    """An object in the version of the row that the rules named."""
    if obj is None or row is attributes.resource or kind_below(row, attributes.subresource) is not None:
        return obj
    return surroundings.convert(row, obj)


def conditions_hold(conditions: Sequence[Program], values: Mapping[str, Any]) -> tuple[bool, EvaluationError | None]:
    """Whether all conditions hold; one that does not outweighs another that fails."""
    failure: EvaluationError | None = None
    budget = Budget(PER_CONDITIONS)
    for program in conditions:
        try:
            if program(values, budget) is not True:
                return False, None
        except OutOfBudget as error:
            return False, error
        except EvaluationError as error:
            failure = failure or EvaluationError(f"expression '{program.source}' resulted in error: {error}")
    return failure is None, failure
