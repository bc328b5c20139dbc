"""What webhooks and admission policies have in common: which requests they are for, and under which conditions.

Upstream: `pkg/apis/admissionregistration/validation/validation.go` and `v1/defaults.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.errors import FieldError, duplicate, invalid_value, not_supported, required
from k8snb.machinery.cel import CompileError, Environment
from k8snb.machinery.formats import path_segment, qualified_name
from k8snb.machinery.validation import validate_label_selector
from k8snb.typing import Object

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
_EVERY: Object = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}


def default_rules(rules: Sequence[Object] | None) -> list[Object]:
    """Rules with their scope."""
    return [rule if rule.get("scope") else {**rule, "scope": "*"} for rule in rules or ()]


def default_match(match: Object) -> Object:
    """`matchConstraints` or `matchResources` with what they do not say."""
    rules = {key: default_rules(match[key]) for key in ("resourceRules", "excludeResourceRules") if key in match}
    return {**_EVERY, **match, **rules}


def default_client(client: Object) -> Object:
    """A `clientConfig` with the port of its service."""
    service = client.get("service")
    return client if not service or "port" in service else {**client, "service": {**service, "port": 443}}


# -- validation ----------------------------------------------------------------------------------------


def check_rules(rules: Sequence[Object], path: str) -> Iterator[FieldError]:
    for index, rule in enumerate(rules):
        yield from _rule(rule, f"{path}[{index}]")


def _rule(rule: Object, path: str) -> Iterator[FieldError]:
    yield from _words(rule, "operations", "operations", path)
    for index, each in enumerate(rule.get("operations") or ()):
        if each not in OPERATIONS:
            yield not_supported(f"{path}.operations[{index}]", each, OPERATIONS)
    yield from _words(rule, "apiGroups", "API groups", path)
    yield from _words(rule, "apiVersions", "API versions", path)
    for index, each in enumerate(rule.get("apiVersions") or ()):
        if not each:
            yield required(f"{path}.apiVersions[{index}]")
    yield from _resources(rule.get("resources") or [], f"{path}.resources")
    if rule.get("scope") and rule["scope"] not in SCOPES:
        yield not_supported(f"{path}.scope", rule["scope"], SCOPES)


def _words(rule: Object, field: str, what: str, path: str) -> Iterator[FieldError]:
    words = rule.get(field) or []
    if not words:
        yield required(f"{path}.{field}")
    if len(words) > 1 and "*" in words:
        yield invalid_value(f"{path}.{field}", words, f"if '*' is present, must not specify other {what}")


def _resources(words: Sequence[str], path: str) -> Iterator[FieldError]:
    if not words:
        yield required(path)
    if len(words) > 1 and "*/*" in words:
        yield invalid_value(path, list(words), "if '*/*' is present, must not specify other resources")
    plain = [each for each in words if "/" not in each]
    if "*" in words and len(plain) > 1:
        why = "if '*' is present, must not specify other resources without subresources"
        yield invalid_value(path, list(words), why)
    for index, each in enumerate(words):
        if not each:
            yield required(f"{path}[{index}]")
        resource, slash, below = each.partition("/")
        if slash and below != "*" and f"{resource}/*" in words:
            why = f"if '{resource}/*' is present, must not specify {each}"
            yield invalid_value(f"{path}[{index}]", each, why)


def check_match(match: Object, path: str, *, rules: bool) -> Iterator[FieldError]:
    """`matchConstraints` (where rules have to be) or `matchResources`."""
    if match.get("matchPolicy") not in ("Equivalent", "Exact"):
        yield not_supported(f"{path}.matchPolicy", match.get("matchPolicy", ""), ("Equivalent", "Exact"))
    for field in ("namespaceSelector", "objectSelector"):
        yield from validate_label_selector(match.get(field) or {}, f"{path}.{field}")
    if rules and not match.get("resourceRules"):
        yield required(f"{path}.resourceRules")
    for field in ("resourceRules", "excludeResourceRules"):
        found = match.get(field) or ()
        yield from _check_names(found, f"{path}.{field}")
        yield from check_rules(found, f"{path}.{field}")


def _check_names(rules: Sequence[Object], path: str) -> Iterator[FieldError]:
    """`resourceNames`, each once."""
    for at, rule in enumerate(rules):
        seen: set[str] = set()
        for index, name in enumerate(rule.get("resourceNames") or ()):
            where = f"{path}[{at}].resourceNames[{index}]"
            for wrong in path_segment(name):
                yield invalid_value(where, name, wrong)
            if name in seen:
                yield duplicate(where, name)
            seen.add(name)


def check_conditions(conditions: Sequence[Object], path: str, environment: Environment) -> Iterator[FieldError]:
    """`matchConditions`."""
    seen: set[str] = set()
    for index, each in enumerate(conditions):
        where, name = f"{path}[{index}]", each.get("name") or ""
        yield from check_expression(each.get("expression") or "", f"{where}.expression", environment, ("bool",))
        if not name:
            yield required(f"{where}.name")
        else:
            for wrong in qualified_name(name):
                yield invalid_value(f"{where}.name", name, wrong)
            if name in seen:
                yield duplicate(f"{where}.name", name)
            seen.add(name)


def check_expression(
    text: str, path: str, environment: Environment, kinds: Sequence[str], *, missing: str = ""
) -> Iterator[FieldError]:
    """An expression that has to be of one of some types."""
    if not text.strip():
        yield required(path, missing)
        return
    try:
        type = environment.compile(text).type
    except CompileError as error:
        yield invalid_value(path, text, f"compilation failed: {error}")
        return
    if kinds and type.kind not in (*kinds, "dyn"):
        wanted = " or ".join("null_type" if each == "null" else each for each in kinds)
        yield invalid_value(path, text, f"must evaluate to {wanted}")
