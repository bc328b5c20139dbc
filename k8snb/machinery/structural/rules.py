"""The rules of a schema (`x-kubernetes-validations`) compiled along it, and objects held against them.

A `Rules` node stands for a schema node that has rules, or has some below it; everything else is passed over. A rule
sees the value where it stands as `self`; one that says `oldSelf` is about a change and is only asked when there is an
old value. What a rule finds is an `Outcome`: which rule, on which path, and what it says. Upstream:
`apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from k8snb.errors import OMITTED, FieldError, quoted
from k8snb.machinery.cel import CompileError, Environment, EvaluationError, Program
from k8snb.machinery.cel.meter import PER_OBJECT, Budget, OutOfBudget, TooExpensive
from k8snb.machinery.cel.types import DYN, Type, optional_of
from k8snb.machinery.cel.values import NOTHING, Optional
from k8snb.machinery.structural.celtypes import Convert, Types, converter
from k8snb.machinery.structural.checking import NO_OLD, correlated
from k8snb.machinery.structural.schema import Structural
from k8snb.typing import Object

_LONGEST_MESSAGE = 5 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One compiled rule. `problem` and `message_problem` say why it, or its message, could not be compiled."""

    raw: Object
    program: Program | None
    message: Program | None
    problem: str = ""
    message_problem: str = ""

    @property
    def uses_old(self) -> bool:
        return self.program is not None and self.program.mentions("oldSelf")

    @property
    def text(self) -> str:
        """What the rule is called in messages: its message, or else itself."""
        return str(self.raw.get("message") or self.raw.get("rule", "")).strip()

    @property
    def verdict(self) -> str:
        """What it says when it does not hold."""
        return self.text if self.raw.get("message") else f"failed rule: {self.text}"


class Outcome(NamedTuple):
    """A rule that does not hold: where, for which value, and the error; `excused` if nothing has changed there."""

    rule: Rule
    path: str
    value: Any
    error: FieldError
    excused: bool


class Rules:
    """The rules of one node and of what is below it."""

    __slots__ = ("additional", "convert", "items", "properties", "rules", "schema")

    def __init__(self, schema: Structural, rules: list[Rule], convert: Convert | None) -> None:
        self.schema = schema
        self.rules = rules
        self.convert = convert
        self.properties: dict[str, Rules] = {}
        self.items: Rules | None = None
        self.additional: Rules | None = None

    @property
    def empty(self) -> bool:
        return not (self.rules or self.properties or self.items or self.additional)


def compiled(schema: Structural, name: str = "selfType", *, root: bool = True) -> Rules:
    """The rules of a schema."""
    return _compiled(schema, Types(), name, root)


def _compiled(schema: Structural, types: Types, name: str, root: bool) -> Rules:
    rules = compiled_here(schema, types, name, root=root)
    node = Rules(schema, rules, converter(schema, root=root) if rules else None)
    for field, below in schema.properties.items():
        child = _compiled(below, types, f"{name}.{field}", False)
        if not child.empty:
            node.properties[field] = child
    node.items = _compiled_below(schema.items, types, f"{name}.@idx")
    node.additional = _compiled_below(schema.additional, types, f"{name}.@elem")
    return node


def _compiled_below(schema: Structural | None, types: Types, name: str) -> Rules | None:
    if schema is None:
        return None
    node = _compiled(schema, types, name, False)
    return None if node.empty else node


def compiled_here(schema: Structural, types: Types, name: str, *, root: bool = False) -> list[Rule]:
    """The rules of one node alone."""
    raws = schema.raw.get("x-kubernetes-validations") or ()
    if not raws:
        return []
    self_type = types.of(schema, name, root=root)
    return [_rule(raw, self_type or DYN, types) for raw in raws]


def _rule(raw: Object, self_type: Type, types: Types) -> Rule:
    old = optional_of(self_type) if raw.get("optionalOldSelf") else self_type
    environment = Environment({"self": self_type, "oldSelf": old}, types.structs)
    text = str(raw.get("rule", ""))
    if not text.strip():
        return Rule(raw, None, None, "rule is not specified")
    try:
        program = environment.compile(text)
    except CompileError as error:
        return Rule(raw, None, None, f"compilation failed: {error}")
    if program.type.kind not in ("bool", "dyn"):
        return Rule(raw, None, None, "cel expression must evaluate to a bool")
    message, problem = _message(str(raw.get("messageExpression") or ""), environment)
    return Rule(raw, program, message, "", problem)


def _message(text: str, environment: Environment) -> tuple[Program | None, str]:
    if not text.strip():
        return None, ""
    try:
        program = environment.compile(text)
    except CompileError as error:
        return None, f"messageExpression compilation failed: {error}"
    if program.type.kind != "string":
        return None, "messageExpression must evaluate to a string"
    return program, ""


# -- asking --------------------------------------------------------------------------------------------


def broken(rules: Rules, value: Any, old: Any = NO_OLD) -> list[Outcome]:
    """Every rule that does not hold for a value."""
    budget = Budget(PER_OBJECT)
    found: list[Outcome] = []
    try:
        for outcome in _broken(rules, value, old, "", budget):
            found.append(outcome)  # noqa: PERF402  what was found before it cost too much counts
    except _Stop as stop:
        error = FieldError("FieldValueInvalid", stop.path or "<nil>", OMITTED, stop.why)
        found.append(Outcome(rules.rules[0] if rules.rules else _NO_RULE, stop.path, value, error, False))
    return found


class _Stop(Exception):
    """A rule costs too much, or all together do: no further one is asked."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path
        self.why = why


_NO_RULE = Rule({}, None, None)


def _broken(node: Rules, value: Any, old: Any, path: str, budget: Budget) -> Iterator[Outcome]:
    if value is None and node.schema.nullable:
        return
    if node.rules:
        yield from _asked(node, value, old, path, budget)
    if isinstance(value, list) and node.items is not None:
        before = correlated(node.schema, value, old)
        for index, each in enumerate(value):
            yield from _broken(node.items, each, before[index], f"{path}[{index}]", budget)
    elif isinstance(value, Mapping):
        yield from _broken_fields(node, value, old, path, budget)


def _broken_fields(node: Rules, value: Object, old: Any, path: str, budget: Budget) -> Iterator[Outcome]:
    before = old if isinstance(old, Mapping) and not node.schema.atomic else {}
    for key, child in node.properties.items():
        if key in value:
            where = f"{path}.{key}" if path else key
            yield from _broken(child, value[key], before.get(key, NO_OLD), where, budget)
    if node.additional is not None:
        for key, each in value.items():
            yield from _broken(node.additional, each, before.get(key, NO_OLD), f"{path}[{key}]", budget)


def _asked(node: Rules, value: Any, old: Any, path: str, budget: Budget) -> Iterator[Outcome]:
    convert = node.convert
    values: dict[str, Any] = {"self": value if convert is None else convert(value)}
    has_old = old is not NO_OLD and old is not None
    if has_old:
        values["oldSelf"] = old if convert is None else convert(old)
    excused = has_old and (value is old or value == old)
    for rule in node.rules:
        if rule.program is None:
            continue
        given = values
        if rule.uses_old:
            if rule.raw.get("optionalOldSelf"):
                given = {**values, "oldSelf": Optional(values["oldSelf"], True) if has_old else NOTHING}
            elif not has_old:
                continue
        error = _judged(rule, given, value, path, budget)
        if error is not None:
            yield Outcome(rule, path, value, error, excused and not rule.uses_old)


def _judged(rule: Rule, values: Mapping[str, Any], value: Any, path: str, budget: Budget) -> FieldError | None:
    """The error if the rule does not hold, or cannot be evaluated."""
    assert rule.program is not None
    shown = OMITTED if isinstance(value, (Mapping, list)) else value
    where = path or "<nil>"
    try:
        if rule.program(values, budget) is True:
            return None
    except OutOfBudget as error:
        raise _Stop(path, str(error)) from None
    except TooExpensive as error:
        why = f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.text}"
        raise _Stop(path, why) from None
    except EvaluationError as error:
        text = str(error)
        if text.startswith("no such overload"):
            why = "call arguments did not match a supported operator, function or macro signature for rule"
            return FieldError("FieldValueInvalid", where, OMITTED, f"'{text}': {why}: {rule.text}")
        return FieldError("FieldValueInvalid", where, OMITTED, f"{text} evaluating rule: {rule.text}")
    reason = str(rule.raw.get("reason") or "FieldValueInvalid")
    said = _said(rule, values, path, budget)
    return FieldError(reason, _joined(path, str(rule.raw.get("fieldPath") or "")), shown, said)


def _said(rule: Rule, values: Mapping[str, Any], path: str, budget: Budget) -> str:
    """The message: that of the expression, if it gives a good one."""
    if rule.message is not None:
        try:
            text = rule.message(values, budget)
        except OutOfBudget as error:
            why = str(error).replace("validation failed", "messageExpression evaluation failed", 1)
            raise _Stop(path, why) from None
        except TooExpensive:
            why = "no further validation rules will be run due to call cost exceeds limit for messageExpression"
            raise _Stop(path, f"{why}: {quoted(str(rule.raw['messageExpression']))}") from None
        except EvaluationError:
            return rule.verdict
        text = text.strip() if isinstance(text, str) else ""
        if text and "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE:
            return text
    return rule.verdict


def _joined(path: str, below: str) -> str:
    below = below.strip().replace("['", "[").replace("']", "]")
    return f"{path}{below}" if path else below.lstrip(".") or "<nil>"
