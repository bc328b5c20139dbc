"""Which rule a request follows: the rules of precedence of Ingress and Gateway API, as two tables.

First every rule that does not fit falls out, question by question (`TESTS`). A host that has rules of its own is
answered by them alone, so after the first question only those of the most specific host are left. Of what fits, the
most specific wins (`RANKS`): an exact path before the others, the longest path, a method, the most headers, the most
parameters, and in the end the oldest object. What was asked, and who was left, is the `Decision`.

Sources: the Ingress documentation ("Multiple matches"), and `HTTPRouteRule.matches` of Gateway API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from k8snb.i18n import _
from k8snb.ingress.rules import EXACT, REGEX, Rule, host_matches, host_of, specificity
from k8snb.packet import HTTPRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request routing looks at."""

    host: str
    path: str
    method: str
    headers: dict[str, str]
    parameters: dict[str, str]

    @classmethod
    def by(cls, request: HTTPRequest) -> Asked:
        """What a request asks."""
        path, _mark, query = request.path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters.setdefault(name, value)
        return cls(host_of(request), path or "/", request.method, headers, parameters)


@dataclass(frozen=True, slots=True)
class Answer:
    """One question: what it was, what was asked for, and the rules that are left after it."""

    question: str
    value: str
    left: Sequence[Rule]


@dataclass(frozen=True, slots=True)
class Decision:
    """The rule that a request follows, if any does, and how that came about."""

    rule: Rule | None
    answers: Sequence[Answer]
    is_default: bool = False
    """Whether the rule is for what no other rule is for."""


Sieve = Callable[[Sequence[Rule], Asked], Sequence[Rule]]


def _by_host(rules: Sequence[Rule], asked: Asked) -> Sequence[Rule]:
    fitting = [rule for rule in rules if host_matches(rule.host, asked.host, deep=rule.deep)]
    best = max((specificity(rule.host) for rule in fitting), default=None)
    return [rule for rule in fitting if specificity(rule.host) == best]


def _by_path(rules: Sequence[Rule], asked: Asked) -> Sequence[Rule]:
    return [rule for rule in rules if rule.path.matches(asked.path)]


def _by_method(rules: Sequence[Rule], asked: Asked) -> Sequence[Rule]:
    return [rule for rule in rules if rule.method in ("", asked.method)]


def _by_headers(rules: Sequence[Rule], asked: Asked) -> Sequence[Rule]:
    return [rule for rule in rules if all(each.passes(asked.headers.get(each.name)) for each in rule.headers)]


def _by_parameters(rules: Sequence[Rule], asked: Asked) -> Sequence[Rule]:
    return [rule for rule in rules if all(each.passes(asked.parameters.get(each.name)) for each in rule.parameters)]


TESTS: Sequence[tuple[str, Sieve, Callable[[Asked], str]]] = (
    ("host", _by_host, lambda asked: asked.host),
    ("path", _by_path, lambda asked: asked.path),
    ("method", _by_method, lambda asked: asked.method),
    ("headers", _by_headers, lambda asked: ""),
    ("parameters", _by_parameters, lambda asked: ""),
)
"""What a rule has to fit, in this order."""

_KINDS = {EXACT: 2, REGEX: 1}

RANKS: Sequence[tuple[str, Callable[[Rule], int]]] = (
    ("exact", lambda rule: _KINDS.get(rule.path.kind, 0)),
    ("longest", lambda rule: rule.path.length),
    ("says a method", lambda rule: int(bool(rule.method))),
    ("most headers", lambda rule: len(rule.headers)),
    ("most parameters", lambda rule: len(rule.parameters)),
)
"""What makes one rule that fits more specific than another; more is better."""


def decide(rules: Sequence[Rule], defaults: Sequence[Rule], request: HTTPRequest) -> Decision:
    """The rule for a request; one of the defaults where none fits."""
    asked = Asked.by(request)
    answers: list[Answer] = []
    left = rules
    for question, sieve, value in TESTS:
        before, left = left, sieve(left, asked)
        if len(left) != len(before) or question in ("host", "path"):
            answers.append(Answer(question, value(asked), left))
        if not left:
            return _default(defaults, asked, answers)
    for question, rank in RANKS:
        before, best = left, max(map(rank, left))
        left = [rule for rule in left if rank(rule) == best]
        if len(left) != len(before):
            answers.append(Answer(question, "", left))
    first = min(left, key=lambda rule: rule.order)
    if len(left) > 1:
        answers.append(Answer("oldest", "", [first]))
    return Decision(first, answers)


def _default(defaults: Sequence[Rule], asked: Asked, answers: list[Answer]) -> Decision:
    fitting = [rule for rule in defaults if host_matches(rule.host, asked.host, deep=rule.deep)]
    fitting = sorted(fitting, key=lambda rule: rule.order)
    best = max(fitting, key=lambda rule: specificity(rule.host), default=None)
    answers.append(Answer("default", "", [best] if best is not None else []))
    return Decision(best, answers, is_default=True)


def told(answer: Answer) -> str:
    """An answer in words."""
    count = len(answer.left)
    if answer.question == "default":
        return _("nothing fits: the default backend") if count else _("nothing fits, and there is no default backend")
    words = {
        "host": _("rules for the host {value}: {count}"),
        "path": _("of these, for the path {value}: {count}"),
        "method": _("of these, for {value}: {count}"),
        "headers": _("whose headers the request has: {count}"),
        "parameters": _("whose parameters the request has: {count}"),
        "exact": _("an exact path goes before a prefix: {count} left"),
        "longest": _("the longest path wins: {count} left"),
        "says a method": _("a rule that names the method goes before one that does not: {count} left"),
        "most headers": _("the most headers win: {count} left"),
        "most parameters": _("the most parameters win: {count} left"),
        "oldest": _("all else being equal, the oldest object wins"),
    }[answer.question]
    return words.format(value=answer.value, count=count)
