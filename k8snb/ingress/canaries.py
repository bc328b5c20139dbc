"""Canaries: an Ingress that takes part of another one's requests.

An Ingress with the annotation `canary: "true"` has no rules of its own. Where its host and path are those of another
Ingress, its Service gets a share: requests with a header (`canary-by-header`), or so many of a hundred
(`canary-weight`). The header goes first, as it did in ingress-nginx.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from k8snb.ingress.ingresses import Compiled, compiled
from k8snb.ingress.rules import Rule, Wanted
from k8snb.machinery.objects import annotations_of
from k8snb.typing import Object

ALWAYS, NEVER = "always", "never"


def is_canary(ingress: Object, prefix: str) -> bool:
    """Whether it takes a share of another's requests."""
    return annotations_of(ingress).get(f"{prefix}/canary") == "true"


def shared(rules: Sequence[Rule], canary: Object, prefix: str) -> list[Rule]:
    """The rules, with what a canary takes."""
    said, found = annotations_of(canary), compiled(canary, prefix)
    header, value = said.get(f"{prefix}/canary-by-header", "").lower(), said.get(f"{prefix}/canary-by-header-value", "")
    weight = said.get(f"{prefix}/canary-weight", "0")
    share = min(int(weight), 100) if weight.isdigit() else 0
    return [each for rule in rules for each in _with(rule, _taker(found, rule), header, value, share)]


def _taker(found: Compiled, rule: Rule) -> Rule | None:
    return next((each for each in found.rules if (each.host, each.path) == (rule.host, rule.path)), None)


def _with(rule: Rule, taker: Rule | None, header: str, value: str, share: int) -> Iterator[Rule]:
    if taker is None or rule.headers:
        yield rule
        return
    if header:
        yield replace(rule, backends=taker.backends, headers=[Wanted(header, value or ALWAYS)])
        if not value:
            yield replace(rule, headers=[Wanted(header, NEVER)])
    kept = [replace(each, weight=100 - share) for each in rule.backends]
    taken = [replace(each, weight=share) for each in taker.backends]
    yield replace(rule, backends=[*kept, *taken]) if share else rule
