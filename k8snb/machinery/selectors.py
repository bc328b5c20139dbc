"""Label selectors and field selectors: parsed once, then fast to ask.

A selector is compiled to one callable when it is made. The common kind, where every requirement is an
equality, becomes a single comparison of dictionary views. Parsed texts are remembered.

Errors are `SelectorError` with the API server's words. Upstream: `apimachinery/pkg/labels/selector.go`,
`pkg/fields/selector.go` and `pkg/apis/meta/v1/helpers.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from k8snb.errors import FieldError, invalid_value, not_supported
from k8snb.machinery.formats import label_value, qualified_name
from k8snb.typing import Object

Labels = Mapping[str, str]
Predicate = Callable[[Labels], bool]

_SYMBOLS = {"=": "=", "==": "=", "!=": "!=", "in": " in ", "notin": " notin ", "gt": ">", "lt": "<"}
_BINARY = ("in", "notin", "=", "==", "!=", "gt", "lt")
_OPERATORS = (*_BINARY, "exists", "!")


class SelectorError(ValueError):
    """The text or object is not a selector; the message is the API server's."""


class Requirement(NamedTuple):
    """One condition on a label. `operator` is one of `= == != in notin gt lt exists !`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == "!":
            return f"!{self.key}"
        if self.operator == "exists":
            return self.key
        listed = ",".join(sorted(self.values))
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({listed})"
        symbol = self.operator if self.operator == "==" else _SYMBOLS[self.operator]
        return f"{self.key}{symbol}{listed}"


def _everything(labels: Labels) -> bool:
    return True


def _nothing(labels: Labels) -> bool:
    return False


def _number(text: str | None) -> int | None:
    """A 64-bit integer as Go reads one."""
    if text is None or not re.fullmatch("[+-]?[0-9]+", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _ordered(key: str, bound: str, *, above: bool) -> Predicate:
    limit = _number(bound)

    def holds(labels: Labels) -> bool:
        found = _number(labels.get(key))
        if found is None or limit is None:
            return False
        return found > limit if above else found < limit

    return holds


def _predicate(requirement: Requirement) -> Predicate:
    key, operator, values = requirement
    if operator in ("in", "=", "=="):
        wanted = frozenset(values)
        return lambda labels: labels.get(key) in wanted
    if operator in ("notin", "!="):
        unwanted = frozenset(values)
        return lambda labels: labels.get(key) not in unwanted
    if operator == "exists":
        return lambda labels: key in labels
    if operator == "!":
        return lambda labels: key not in labels
    return _ordered(key, values[0], above=operator == "gt")


def _equalities(requirements: Sequence[Requirement]) -> dict[str, str] | None:
    """The label set that the requirements amount to, if that is all they are."""
    wanted: dict[str, str] = {}
    for key, operator, values in requirements:
        if operator not in ("=", "==", "in") or len(values) != 1 or wanted.setdefault(key, values[0]) != values[0]:
            return None
    return wanted


def _compile(requirements: Sequence[Requirement]) -> Predicate:
    if not requirements:
        return _everything
    wanted = _equalities(requirements)
    if wanted is None:
        predicates = tuple(_predicate(requirement) for requirement in requirements)
        return predicates[0] if len(predicates) == 1 else lambda labels: all(holds(labels) for holds in predicates)
    if len(wanted) == 1:
        ((key, value),) = wanted.items()
        return lambda labels: labels.get(key) == value
    items = wanted.items()
    return lambda labels: items <= labels.items()


class LabelSelector:
    """A compiled selector. `matches(labels)` is an attribute, so that asking costs one call."""

    __slots__ = ("matches", "requirements")

    def __init__(self, requirements: Iterable[Requirement], *, nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda requirement: requirement.key))
        self.matches: Predicate = _nothing if nothing else _compile(self.requirements)

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return self.matches is _everything

    def exact(self, key: str) -> str | None:
        """The one value that it demands of a label, where it does."""
        for requirement in self.requirements:
            if requirement.key == key:
                single = requirement.operator in ("=", "==", "in") and len(requirement.values) == 1
                return requirement.values[0] if single else None
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __repr__(self) -> str:
        return f"LabelSelector({str(self)!r})"


EVERYTHING = LabelSelector(())
NOTHING = LabelSelector((), nothing=True)


def _check(requirement: Requirement) -> list[FieldError]:
    key, operator, values = requirement
    found: list[FieldError] = []
    if bad := qualified_name(key):
        found.append(invalid_value("key", key, "; ".join(bad)))
    if operator in ("in", "notin"):
        if not values:
            found.append(invalid_value("values", [], "for 'in', 'notin' operators, values set can't be empty"))
    elif operator in ("exists", "!"):
        if values:
            found.append(invalid_value("values", values, "values set must be empty for exists and does not exist"))
    elif operator in ("gt", "lt"):
        found += _check_bound(values)
    elif operator not in _OPERATORS:
        found.append(not_supported("operator", operator, _OPERATORS))
    elif len(values) != 1:
        found.append(invalid_value("values", values, "exact-match compatibility requires one single value"))
    for index, value in enumerate(values):
        if bad := label_value(value):
            found.append(invalid_value(f"values[{index}][{key}]", value, "; ".join(bad)))
    return found


def _check_bound(values: Sequence[str]) -> list[FieldError]:
    found: list[FieldError] = []
    if len(values) != 1:
        found.append(invalid_value("values", values, "for 'Gt', 'Lt' operators, exactly one value is required"))
    for index, value in enumerate(values):
        if _number(value) is None:
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            found.append(invalid_value(f"values[{index}]", value, text))
    return found


def _checked(requirement: Requirement) -> Requirement:
    texts = [str(error) for error in _check(requirement)]
    if texts:
        raise SelectorError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return requirement


_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^=!(),<>\t\r\n ]+)")
_WORD_OPERATORS = {"=": "=", "==": "==", "!=": "!=", "in": "in", "notin": "notin", ">": "gt", "<": "lt"}
_SPECIAL = frozenset(("==", "!=", "=", "!", "(", ")", ",", "<", ">", ""))


class _Parser:
    """Reads the tokens of a label selector; the end of the text is the empty token."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = [*_TOKEN.findall(text.split("\0")[0]), ""]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at]

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def parse(self) -> list[Requirement]:
        found: list[Requirement] = []
        while (token := self.peek()) not in _SPECIAL or token == "!":
            try:
                found.append(self.requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            if not self.more():
                return found
        if token:
            raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
        return found

    def more(self) -> bool:
        """Whether another requirement follows, the comma before it taken."""
        token = self.take()
        if token not in ("", ","):
            raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
        if token and self.peek() in _SPECIAL and self.peek() != "!":
            raise SelectorError(f"found '{self.peek()}', expected: identifier after ','")
        return token == ","

    def requirement(self) -> Requirement:
        token = self.take()
        absent = token == "!"
        key = self.take() if absent else token
        if key in _SPECIAL:
            raise SelectorError(f"found '{key}', expected: identifier")
        if bad := qualified_name(key):
            raise SelectorError(str(invalid_value("<nil>", key, "; ".join(bad))))
        if self.peek() in ("", ",") or absent:
            return _checked(Requirement(key, "!" if absent else "exists"))
        return _checked(self.comparison(key))

    def comparison(self, key: str) -> Requirement:
        token = self.take()
        operator = _WORD_OPERATORS.get(token)
        if operator is None:
            raise SelectorError(f"found '{token}', expected: {', '.join(_BINARY)}")
        values = self.listed() if operator in ("in", "notin") else {self.single()}
        return Requirement(key, operator, tuple(sorted(values)))

    def single(self) -> str:
        if self.peek() in ("", ","):
            return ""
        token = self.take()
        if token in _SPECIAL:
            raise SelectorError(f"found '{token}', expected: identifier")
        return token

    def listed(self) -> set[str]:
        token = self.take()
        if token != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        token = self.peek()
        if token == ")":
            self.take()
            return {""}
        if token in _SPECIAL and token != ",":
            raise SelectorError(f"found '{token}', expected: ',', ')' or identifier")
        return self.items()

    def items(self) -> set[str]:
        """Comma-separated values, any of which may be left out, up to the closing parenthesis."""
        values: set[str] = set()
        while True:
            token = self.take()
            after = self.tokens[self.at] if token else ""
            if token == ",":
                if not values or after in (",", ")"):
                    values.add("")
                if after == ",":
                    self.take()
            elif token in _SPECIAL:
                raise SelectorError(f"found '{token}', expected: ',', or identifier")
            else:
                values.add(token)
                if after not in (",", ")"):
                    raise SelectorError(f"found '{after}', expected: ',' or ')'")
            if after == ")":
                self.take()
                return values


@lru_cache(maxsize=4096)
def parse(text: str) -> LabelSelector:
    """The selector that a text such as `app=web,tier in (a,b),!old` stands for."""
    return LabelSelector(_Parser(text).parse()) if text else EVERYTHING


@lru_cache(maxsize=4096)
def _of_set(labels: tuple[tuple[str, str], ...]) -> LabelSelector:
    return LabelSelector(Requirement(key, "=", (value,)) for key, value in labels)


def of_set(labels: Labels | None) -> LabelSelector:
    """What selects objects with all these labels, as Services do; nothing is validated."""
    return _of_set(tuple(labels.items())) if labels else EVERYTHING


_EXPRESSIONS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_KEPT = 4096
_compiled: dict[int, tuple[Object, LabelSelector]] = {}


def of_object(selector: Object | None) -> LabelSelector:
    """The selector that a `LabelSelector` object stands for: None selects nothing, an empty one everything.

    Objects never change, so what was compiled for one is kept with it.
    """
    if selector is None:
        return NOTHING
    known = _compiled.get(id(selector))
    if known is not None and known[0] is selector:
        return known[1]
    compiled = _from_object(selector)
    if len(_compiled) >= _KEPT:
        _compiled.clear()
    _compiled[id(selector)] = (selector, compiled)
    return compiled


def _from_object(selector: Object) -> LabelSelector:
    found = [_checked(Requirement(k, "=", (v,))) for k, v in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _EXPRESSIONS.get(expression.get("operator", ""))
        if operator is None:
            raise SelectorError(f'"{expression.get("operator", "")}" is not a valid pod selector operator')
        values = tuple(expression.get("values") or ())
        found.append(_checked(Requirement(expression.get("key", ""), operator, values)))
    return LabelSelector(found) if found else EVERYTHING


def text_of(selector: Object | None) -> str:
    """A `LabelSelector` object as describe and tables print it."""
    try:
        return str(of_object(selector)) or "<none>"
    except SelectorError:
        return "<error>"
