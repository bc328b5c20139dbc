"""FlowSchemas and PriorityLevelConfigurations: whose requests are served first when there are too many.

They are kept and checked here; `apiserver/flow.py` and `levels.py` go by them. Upstream:
`pkg/apis/flowcontrol/v1/defaults.go`, `pkg/apis/flowcontrol/validation/validation.go`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snb.apiserver.registry.filling import filled, within, within_new
from k8snb.apiserver.registry.flow_defaults import MANDATORY_LEVELS, MANDATORY_SCHEMAS
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

Findings = Iterator[FieldError]

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_METHODS = ("ByNamespace", "ByUser")
_LAST_PRECEDENCE = 10000
_MOST_QUEUES = 10**7
_MOST_ENTROPY = 60
_QUEUING = {"queues": 64, "handSize": 8, "queueLengthLimit": 50}


class FlowSchemaStrategy(Strategy):
    """The rules of FlowSchemas."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", lambda spec: filled(spec, {"matchingPrecedence": 1000}))

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_schema(obj["metadata"].get("name", ""), obj.get("spec") or {}))


def _validate_schema(name: str, spec: Object) -> Findings:
    precedence, path = spec.get("matchingPrecedence") or 0, "spec.matchingPrecedence"
    if precedence <= 0:
        yield invalid_value(path, precedence, "must be a positive value")
    if precedence > _LAST_PRECEDENCE:
        yield invalid_value(path, precedence, f"must not be greater than {_LAST_PRECEDENCE}")
    if precedence == 1 and name != "exempt":
        yield invalid_value(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        yield not_supported("spec.distinguisherMethod.type", method, _METHODS)
    level = (spec.get("priorityLevelConfiguration") or {}).get("name") or ""
    if not level:
        yield required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    else:
        for message in formats.dns_subdomain(level):
            yield invalid_value("spec.priorityLevelConfiguration.name", level, message)
    for at, rule in enumerate(spec.get("rules") or ()):
        yield from _validate_rule(rule, f"spec.rules[{at}]")
    if spec != MANDATORY_SCHEMAS.get(name, spec):
        yield invalid_value("spec", spec, f"spec of '{name}' must equal the fixed value")


def _validate_rule(rule: Object, path: str) -> Findings:
    subjects = rule.get("subjects") or ()
    if not subjects:
        yield required(f"{path}.subjects", "subjects must contain at least one value")
    for at, subject in enumerate(subjects):
        yield from _validate_subject(subject, f"{path}.subjects[{at}]")
    resources, others = rule.get("resourceRules") or (), rule.get("nonResourceRules") or ()
    if not resources and not others:
        yield required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for at, each in enumerate(resources):
        yield from _validate_resources(each, f"{path}.resourceRules[{at}]")
    for at, each in enumerate(others):
        yield from _validate_paths(each, f"{path}.nonResourceRules[{at}]")


def _validate_subject(subject: Object, path: str) -> Findings:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        yield not_supported(f"{path}.kind", kind, sorted(_SUBJECTS))
        return
    field = _SUBJECTS[kind]
    named = subject.get(field)
    if named is None:
        yield required(f"{path}.{field}", f"{field} is required when subject kind is '{kind}'")
    elif not named.get("name"):
        yield required(f"{path}.{field}.name")
    if named is not None and kind == "ServiceAccount":
        yield from _validate_account(named, f"{path}.{field}")
    for other_kind, other in _SUBJECTS.items():
        if other != field and subject.get(other) is not None:
            yield field_forbidden(f"{path}.{other}", f"{other} is forbidden when subject kind is not '{other_kind}'")


def _validate_account(account: Object, path: str) -> Findings:
    name, namespace = account.get("name") or "", account.get("namespace") or ""
    if name not in ("", "*"):
        for message in formats.dns_subdomain(name):
            yield invalid_value(f"{path}.name", name, message)
    if not namespace:
        yield required(f"{path}.namespace", "must specify namespace for service account")
    else:
        for message in formats.dns_label(namespace):
            yield invalid_value(f"{path}.namespace", namespace, message)


def _validate_verbs(verbs: Sequence[str], path: str) -> Findings:
    if not verbs:
        yield required(path, "verbs must contain at least one value")
    elif "*" in verbs:
        if len(verbs) > 1:
            yield invalid_value(path, verbs, "if '*' is present, must not specify other verbs")
    elif not set(verbs) <= set(_VERBS):
        yield not_supported(path, verbs, _VERBS)


def _validate_resources(rule: Object, path: str) -> Findings:
    yield from _validate_verbs(rule.get("verbs") or (), f"{path}.verbs")
    for field, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        values = rule.get(field) or ()
        if not values:
            yield required(f"{path}.{field}", f"resource rules must supply at least one {one}")
        elif len(values) > 1 and "*" in values:
            yield invalid_value(f"{path}.{field}", values, f"if '*' is present, must not specify other {many}")
    namespaces = rule.get("namespaces") or ()
    if not namespaces and not rule.get("clusterScope"):
        text = "resource rules that are not cluster scoped must supply at least one namespace"
        yield required(f"{path}.namespaces", text)
    elif "*" in namespaces:
        if len(namespaces) > 1:
            text = "if '*' is present, must not specify other namespaces"
            yield invalid_value(f"{path}.namespaces", namespaces, text)
    else:
        for at, namespace in enumerate(namespaces):
            for message in formats.dns_label(namespace):
                text = f"each member of this list must be '*' or a DNS-1123 label; {message}"
                yield invalid_value(f"{path}.namespaces[{at}]", namespace, text)


def _validate_paths(rule: Object, path: str) -> Findings:
    yield from _validate_verbs(rule.get("verbs") or (), f"{path}.verbs")
    urls = rule.get("nonResourceURLs") or ()
    if not urls:
        yield required(f"{path}.nonResourceURLs", "nonResourceURLs must contain at least one value")
    elif "*" in urls:
        if len(urls) > 1:
            text = "if '*' is present, must not specify other non-resource URLs"
            yield invalid_value(f"{path}.nonResourceURLs", urls, text)
    else:
        for at, url in enumerate(urls):
            problem = _path_problem(url)
            if problem:
                yield invalid_value(f"{path}.nonResourceURLs[{at}]", url, problem)


def _path_problem(url: str) -> str:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""


class PriorityLevelStrategy(Strategy):
    """The rules of PriorityLevelConfigurations."""

    def default(self, obj: Object) -> Object:
        return within_new(obj, "spec", _default_level)

    def prepare_create(self, obj: Object) -> Object:
        return {**obj, "status": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_validate_level(obj["metadata"].get("name", ""), obj.get("spec") or {}))


def _default_level(spec: Object) -> Object:
    if spec.get("type") == "Exempt":
        shares = {"nominalConcurrencyShares": 0, "lendablePercent": 0}
        return within_new(spec, "exempt", lambda exempt: filled(exempt, shares))
    return within(spec, "limited", _default_limited)


def _default_limited(limited: Object) -> Object:
    limited = filled(limited, {"nominalConcurrencyShares": 30, "lendablePercent": 0})
    return within(limited, "limitResponse", lambda r: within(r, "queuing", lambda q: filled(q, _QUEUING)))


def _validate_level(name: str, spec: Object) -> Findings:
    type, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    if (name == "exempt") != (type == "Exempt"):
        yield invalid_value("spec.type", type, "type must be 'Exempt' if and only if name is 'exempt'")
    if type == "Exempt":
        if limited is not None:
            yield field_forbidden("spec.limited", "must be nil if the type is not Limited")
        yield from _validate_shares(exempt or {}, "spec.exempt")
    elif type == "Limited":
        if exempt is not None:
            yield field_forbidden("spec.exempt", "must be nil if the type is Limited")
        if limited is None:
            yield required("spec.limited", "must not be empty when type is Limited")
        else:
            yield from _validate_limited(limited, "spec.limited")
    else:
        yield not_supported("spec.type", type, ("Exempt", "Limited"))
    if type != "Exempt" and spec != MANDATORY_LEVELS.get(name, spec):
        yield invalid_value("spec", spec, f"spec of '{name}' must equal the fixed value")


def _validate_shares(limits: Object, path: str) -> Findings:
    shares, percent = limits.get("nominalConcurrencyShares") or 0, limits.get("lendablePercent")
    if shares < 0:
        yield invalid_value(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if percent is not None and not 0 <= percent <= 100:
        yield invalid_value(f"{path}.lendablePercent", percent, "must be between 0 and 100, inclusive")


def _validate_limited(limited: Object, path: str) -> Findings:
    yield from _validate_shares(limited, path)
    borrowed = limited.get("borrowingLimitPercent")
    if borrowed is not None and borrowed < 0:
        text = "if specified, must be a non-negative integer"
        yield invalid_value(f"{path}.borrowingLimitPercent", borrowed, text)
    response, here = limited.get("limitResponse") or {}, f"{path}.limitResponse"
    type, queuing = response.get("type") or "", response.get("queuing")
    if type == "Reject":
        if queuing is not None:
            yield field_forbidden(f"{here}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif type != "Queue":
        yield not_supported(f"{here}.type", type, ("Queue", "Reject"))
    elif queuing is None:
        yield required(f"{here}.queuing", "must not be empty if limited.limitResponse.type is Limited")
    else:
        yield from _validate_queuing(queuing, f"{here}.queuing")


def _validate_queuing(queuing: Object, path: str) -> Findings:
    queues, hand, length = (queuing.get(name) or 0 for name in _QUEUING)
    if length <= 0:
        yield invalid_value(f"{path}.queueLengthLimit", length, "must be positive")
    if queues <= 0:
        yield invalid_value(f"{path}.queues", queues, "must be positive")
    elif queues > _MOST_QUEUES:
        yield invalid_value(f"{path}.queues", queues, f"must not be greater than {_MOST_QUEUES}")
    if hand <= 0:
        yield invalid_value(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        yield invalid_value(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif math.ceil(math.log2(queues) * hand) > _MOST_ENTROPY:
        text = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than"
        yield invalid_value(f"{path}.handSize", hand, f"{text} {_MOST_ENTROPY}")


STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    "flowschemas.flowcontrol.apiserver.k8s.io": lambda _: FlowSchemaStrategy(),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": lambda _: PriorityLevelStrategy(),
}
