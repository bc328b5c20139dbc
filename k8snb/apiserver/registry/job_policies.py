"""When a Job gives up and when it has done enough: its failure policy and its success policy.

Upstream: `validatePodFailurePolicy`, `validateSuccessPolicy` and `validateIndexesFormat` in
`pkg/apis/batch/validation/validation.go`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from k8snb.apiserver.registry.checks import qualified_name
from k8snb.apiserver.registry.rollouts import validate_counts
from k8snb.errors import (
    FieldError,
    bad_field,
    duplicate,
    invalid_value,
    not_supported,
    quoted,
    required,
    too_long,
    too_many,
)
from k8snb.typing import Object

Findings = Iterator[FieldError]

_MOST_RULES = 20
_MOST_CODES = 255
_LONGEST_INDEXES = 64 * 1024
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_NOT_BOTH = "specifying both OnExitCodes and OnPodConditions is not supported"
_ONE_OF = "specifying one of OnExitCodes and OnPodConditions is required"
_NO_CONTAINER = "must be one of the container or initContainer names in the pod template"


class IndexesError(ValueError):
    """The text is no list of indexes."""


def _one_of(path: str, value: str, supported: Sequence[str]) -> Findings:
    """A required word, whose absence is answered with all the words there are."""
    if not value:
        yield required(path, f"valid values: [{' '.join(quoted(word) for word in supported)}]")
    elif value not in supported:
        yield not_supported(path, value, supported)


def validate_failure_policy(spec: Object, path: str) -> Findings:
    """`spec.podFailurePolicy`"""
    rules = (spec.get("podFailurePolicy") or {}).get("rules") or ()
    if len(rules) > _MOST_RULES:
        yield too_many(f"{path}.rules", len(rules), _MOST_RULES)
    pod = (spec.get("template") or {}).get("spec") or {}
    containers = {c.get("name") for c in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ()))}
    for at, rule in enumerate(rules):
        yield from _validate_rule(spec, rule, f"{path}.rules[{at}]", containers)


def _validate_rule(spec: Object, rule: Object, path: str, containers: Collection[str]) -> Findings:
    action = rule.get("action") or ""
    if action == "FailIndex":
        if spec.get("backoffLimitPerIndex") is None:
            yield invalid_value(f"{path}.action", action, "requires the backoffLimitPerIndex to be set")
    else:
        yield from _one_of(f"{path}.action", action, _ACTIONS)
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if codes is not None:
        yield from _validate_codes(codes, f"{path}.onExitCodes", containers)
    if conditions:
        yield from _validate_conditions(conditions, f"{path}.onPodConditions")
    if codes is not None and conditions:
        yield bad_field(path, _NOT_BOTH)
    if codes is None and not conditions:
        yield bad_field(path, _ONE_OF)


def _validate_conditions(conditions: Sequence[Object], path: str) -> Findings:
    if len(conditions) > _MOST_RULES:
        yield too_many(path, len(conditions), _MOST_RULES)
    for at, pattern in enumerate(conditions):
        yield from qualified_name(f"{path}[{at}].type", pattern.get("type") or "")
        yield from _one_of(f"{path}[{at}].status", pattern.get("status") or "", _STATUSES)


def _validate_codes(rule: Object, path: str, containers: Collection[str]) -> Findings:
    operator, values = rule.get("operator") or "", rule.get("values") or ()
    yield from _one_of(f"{path}.operator", operator, _OPERATORS)
    name = rule.get("containerName")
    if name is not None and name not in containers:
        yield invalid_value(f"{path}.containerName", name, _NO_CONTAINER)
    if not values:
        yield invalid_value(f"{path}.values", rule.get("values"), "at least one value is required")
    elif len(values) > _MOST_CODES:
        yield too_many(f"{path}.values", len(values), _MOST_CODES)
    for at, value in enumerate(values):
        if operator == "In" and value == 0:
            yield invalid_value(f"{path}.values[{at}]", value, "must not be 0 for the In operator")
        if value in values[:at]:
            yield duplicate(f"{path}.values[{at}]", value)
    if list(values) != sorted(values):
        yield invalid_value(f"{path}.values", values, "must be ordered")


def validate_success_policy(spec: Object, path: str) -> Findings:
    """`spec.successPolicy`"""
    policy = spec["successPolicy"]
    if spec.get("completionMode") != "Indexed":
        yield invalid_value(path, policy, "requires indexed completion mode")
        return
    rules = policy.get("rules") or ()
    if not rules:
        yield required(f"{path}.rules", "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > _MOST_RULES:
        yield too_many(f"{path}.rules", len(rules), _MOST_RULES)
    for at, rule in enumerate(rules):
        yield from _validate_success(rule, f"{path}.rules[{at}]", spec.get("completions") or 0)


def _validate_success(rule: Object, path: str, completions: int) -> Findings:
    count, text = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and text is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    total = 0
    if text is not None:
        if len(text) > _LONGEST_INDEXES:
            yield too_long(f"{path}.succeededIndexes", text, _LONGEST_INDEXES)
        try:
            total = count_indexes(text, completions)
        except IndexesError as error:
            yield invalid_value(f"{path}.succeededIndexes", text, f"error parsing succeededIndexes: {error}")
    if count is None:
        return
    yield from validate_counts(rule, path, "succeededCount")
    for most, what in (
        (completions, "the number of specified completions"),
        (total if text is not None else count, "the number of indexes in the specified succeededIndexes field"),
    ):
        if count > most:
            words = f"must be less than or equal to {most} ({what})"
            yield invalid_value(f"{path}.succeededCount", count, words)


def count_indexes(text: str, completions: int) -> int:
    """How many indexes `1,3-5,7` names. Raises `IndexesError` where it is none, or not in order."""
    if not text:
        return 0
    last: int | None = None
    total = 0
    for part in text.split(","):
        low, *highs = part.split("-")
        if len(highs) > 1:
            raise IndexesError(
                f'the fragment "{part}" violates the requirement that an index interval can have at most two parts '
                "separated by '-'"
            )
        start = _index(low, completions)
        if last is not None and last >= start:
            raise IndexesError(f"non-increasing order, previous: {last}, current: {start}")
        end = _index(highs[0], completions) if highs else start
        if highs and start >= end:
            raise IndexesError(f"non-increasing order, previous: {start}, current: {end}")
        total += end - start + 1
        last = end
    return total


def _index(text: str, completions: int) -> int:
    if not re.fullmatch(r"[-+]?\d+", text, re.ASCII):
        raise IndexesError(f'cannot convert string to integer for index: "{text}"')
    index = int(text)
    if index >= completions:
        raise IndexesError(f"too large index: {quoted(text)}")
    return index
