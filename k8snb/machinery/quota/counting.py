"""Charging an object to the quotas of its namespace, and counting what a namespace uses.

`charged` answers what admission asks: does the object fit, and what do the quotas say then? `counted` answers what
the controller asks: what do all objects use together? Upstream: `CheckRequest`, `CalculateUsage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.machinery.amounts import Amounts, only, shown, sums, without_zeros
from k8snb.machinery.quantity import compare, parse, sub
from k8snb.machinery.quota.around import NOTHING, Around
from k8snb.machinery.quota.scopes import in_scope
from k8snb.machinery.quota.usage import concerns, missing, usage_of
from k8snb.typing import Object

_NONE: Mapping[str, Any] = {}


class QuotaError(Exception):
    """The object does not fit; the message is the API server's."""


class Charge(NamedTuple):
    """A quota, and what it would count as used."""

    quota: Object
    used: Amounts


def charged(
    word: str, quotas: Sequence[Object], new: Object, old: Object | None, now: float, around: Around = NOTHING
) -> list[Charge]:
    """What the quotas that an object of the resource concerns would count; those that would not change are left out.

    `old` is the version before an update, which has been counted already. Raises QuotaError.
    """
    interesting = [quota for quota in quotas if _is_interesting(word, quota, new, around)]
    if not interesting:
        return []
    usage = usage_of(word, new, now, around)
    negative = sorted(name for name, text in usage.items() if parse(text).nano < 0)
    if negative:
        raise QuotaError(f"quota usage is negative for resource(s): {','.join(negative)}")
    charges = []
    for quota in interesting:
        counted_before = old is not None and _matches(word, quota, old, around)
        delta = _more(usage, usage_of(word, old, now, around)) if counted_before and old is not None else usage
        charge = _charge(quota, without_zeros(delta))
        if charge is not None:
            charges.append(charge)
    return charges


def _is_interesting(word: str, quota: Object, obj: Object, around: Around) -> bool:
    """Whether the object counts against the quota. Raises where it cannot be counted."""
    if not _matches(word, quota, obj, around):
        return False
    name, names = quota["metadata"]["name"], concerns(word, _hard(quota), around)
    if word == "pods" and (lacking := missing(names, obj)):
        raise QuotaError(f"failed quota: {name}: must specify {lacking}")
    if not set(names) <= _used(quota).keys():
        raise QuotaError(f"status unknown for quota: {name}, resources: {','.join(names)}")
    return True


def _matches(word: str, quota: Object, obj: Object, around: Around) -> bool:
    return bool(concerns(word, _hard(quota), around)) and in_scope(word, quota, obj)


def _charge(quota: Object, delta: Amounts) -> Charge | None:
    hard, used = _hard(quota), _used(quota)
    asked = only(delta, hard.keys())
    if not asked:
        return None
    new = sums((used, asked))
    over = [name for name in asked if compare(new[name], hard[name]) > 0]
    if over:
        amounts = (shown(only(part, over)) for part in (asked, used, hard))
        told = "requested: {}, used: {}, limited: {}".format(*amounts)
        raise QuotaError(f"exceeded quota: {quota['metadata']['name']}, {told}")
    return Charge(quota, new)


def _more(new: Amounts, old: Amounts) -> Amounts:
    """By how much the new amounts are larger; what has become less counts as nothing."""
    differences = {name: sub(text, old[name]) if name in old else text for name, text in new.items()}
    return {name: text if parse(text).nano > 0 else "0" for name, text in differences.items()}


def _hard(quota: Object) -> Amounts:
    hard: Amounts = (quota.get("status") or _NONE).get("hard") or _NONE
    return hard


def _used(quota: Object) -> Amounts:
    used: Amounts = (quota.get("status") or _NONE).get("used") or _NONE
    return used


def counted(quota: Object, words: Iterable[str], around: Around, now: float) -> Amounts:
    """What the objects of a quota's namespace use of what it limits."""
    hard: Amounts = (quota.get("spec") or _NONE).get("hard") or _NONE
    total: Amounts = {}
    for word in words:
        names = concerns(word, hard, around)
        if names:
            found = around.list(word, quota["metadata"]["namespace"])
            parts = (usage_of(word, obj, now, around) for obj in found if in_scope(word, quota, obj))
            total = sums((total, only(sums((dict.fromkeys(names, "0"), *parts)), names)))
    return total
