"""The evaluator: a checked expression becomes nested closures, built once and called for every object.

A closure gets the values of the variables. Calls whose overload the checker has settled go straight to it; the others
decide by their values. Every closure adds what it costs to the meter. As in CEL, `&&` and `||` forgive an error where
the rest settles the answer (so do `all` and `exists`, see `loops`). Upstream: `cel-go/interpreter`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.machinery.cel.checker import Checked
from k8snb.machinery.cel.costs import Cost, actual
from k8snb.machinery.cel.functions import Overload, dispatch
from k8snb.machinery.cel.loops import LOOPS, Closure, Loop, Values, shown
from k8snb.machinery.cel.meter import METER, TooExpensive, pay
from k8snb.machinery.cel.nodes import Bind, Call, Fold, Ident, ListNode, Literal, MapNode, Node, Select
from k8snb.machinery.cel.prices import LIST, MAP, MESSAGE
from k8snb.machinery.cel.values import (
    NOTHING,
    EvaluationError,
    Optional,
    TypeValue,
    equal,
    is_number,
    no_overload,
    type_name,
)


class Evaluator:
    """Makes the closures of one expression."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked

    def compile(self, node: Node) -> Closure:
        """The closure of a node."""
        closure: Closure = _COMPILERS[node.__class__](self, node)
        return closure

    # -- leaves ------------------------------------------------------------------------------------

    def _literal(self, node: Literal) -> Closure:
        value = node.value
        return lambda values: value

    def _named(self, name: str | TypeValue) -> Closure:
        if isinstance(name, TypeValue):
            return lambda values: name

        def variable(values: Values) -> Any:
            values[METER][0] -= 1
            try:
                return values[name]
            except KeyError:
                raise EvaluationError(f"no such attribute(s): {name}") from None

        return variable

    def _ident(self, node: Ident) -> Closure:
        return self._named(self._checked.names.get(node, node.name))

    def _select(self, node: Select) -> Closure:
        settled = self._checked.names.get(node)
        if settled is not None:
            return self._named(settled)
        operand, name = self.compile(node.operand), node.field
        if node.test:
            return lambda values: _has(operand(values), name)
        if node.optional:
            return _paid(1, lambda values: _optional_field(operand(values), name))

        def select(values: Values) -> Any:
            target = operand(values)
            values[METER][0] -= 1
            if type(target) is dict:
                try:
                    return target[name]
                except KeyError:
                    raise EvaluationError(f"no such key: {name}") from None
            return _field(target, name)

        return select

    def _list(self, node: ListNode) -> Closure:
        items = [self.compile(each) for each in node.items]
        optional = node.optional

        def listed(values: Values) -> Any:
            found: list[Any] = []
            values[METER][0] -= LIST
            for index, item in enumerate(items):
                value = item(values)
                if index in optional:
                    if value.present:
                        found.append(value.value)
                else:
                    found.append(value)
            return found

        return listed

    def _map(self, node: MapNode) -> Closure:
        entries = [(self.compile(key), self.compile(value), optional) for key, value, optional in node.entries]
        message = bool(node.name)
        cost = MESSAGE if message else MAP

        def mapped(values: Values) -> Any:
            found: dict[Any, Any] = {}
            values[METER][0] -= cost
            for key, value, optional in entries:
                name, held = key(values), value(values)
                if optional:
                    if not held.present:
                        continue
                    held = held.value
                if name in found and not message:
                    raise EvaluationError(f"Failed with repeated key: {shown(name)}")
                found[name] = held
            return found

        return mapped

    # -- calls -------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Closure:
        named = self._checked.names.get(node)
        args = node.args if node.target is None or named is not None else [node.target, *node.args]
        closures = [self.compile(each) for each in args]
        logic = _LOGIC.get(node.function) if node.target is None else None
        if logic is not None:
            closure: Closure = logic(*closures)
            return closure
        overloads = self._checked.overloads[node]
        cost = actual(str(named or node.function), overloads)
        special = _SPECIAL.get(node.function) if node.target is None else None
        run = _settled(overloads) if special is None else lambda given: special(*given)
        return _called(run, closures, cost)

    def _bind(self, node: Bind) -> Closure:
        value, body, name = self.compile(node.value), self.compile(node.body), node.name

        def bound(values: Values) -> Any:
            values[METER][0] -= LIST
            return body({**values, name: value(values)})

        return bound

    # -- loops -------------------------------------------------------------------------------------

    def _fold(self, node: Fold) -> Closure:
        range = self.compile(node.range)
        test = self.compile(node.test) if node.test is not None else None
        make = self.compile(node.make) if node.make is not None else None
        loop = Loop(range, node.variable, node.second, node.macro)
        closure: Closure = LOOPS[node.macro](loop, test, make)
        return closure


_COMPILERS: Mapping[type, Any] = {
    Literal: Evaluator._literal,
    Ident: Evaluator._ident,
    Select: Evaluator._select,
    Call: Evaluator._call,
    ListNode: Evaluator._list,
    MapNode: Evaluator._map,
    Fold: Evaluator._fold,
    Bind: Evaluator._bind,
}


def _settled(overloads: tuple[Overload, ...]) -> Callable[[list[Any]], Any]:
    """What calls a function: straight where only one overload comes into question."""
    only = overloads[0] if len(overloads) == 1 and all(each.kind != "dyn" for each in overloads[0].params) else None

    def run(given: list[Any]) -> Any:
        if only is not None and only.fits(given):
            return only.run(*given)
        return dispatch(overloads, given)

    return run


def _called(run: Callable[[list[Any]], Any], args: list[Closure], cost: Cost | None) -> Closure:
    if cost is None:

        def call(values: Values) -> Any:
            given = [arg(values) for arg in args]
            values[METER][0] -= 1
            return run(given)

        return call

    def priced(values: Values) -> Any:
        given = [arg(values) for arg in args]
        found = run(given)
        pay(values, cost(given, found))
        return found

    return priced


def _paid(cost: int, closure: Closure) -> Closure:
    def paid(values: Values) -> Any:
        values[METER][0] -= cost
        return closure(values)

    return paid


# -- fields and items ----------------------------------------------------------------------------------


def _field(target: Any, name: str) -> Any:
    if isinstance(target, Mapping):
        try:
            return target[name]
        except KeyError:
            raise EvaluationError(f"no such key: {name}") from None
    if type(target) is Optional:
        return _optional_field(target, name)
    raise no_overload()


def _has(target: Any, name: str) -> bool:
    if isinstance(target, Mapping):
        return name in target
    if type(target) is Optional:
        return target.present and _has(target.value, name)
    raise no_overload()


def _optional_field(target: Any, name: str) -> Optional:
    if type(target) is Optional:
        if not target.present:
            return NOTHING
        target = target.value
    if not isinstance(target, Mapping):
        raise no_overload()
    return Optional(target[name], True) if name in target else NOTHING


def item(target: Any, key: Any) -> Any:
    """`target[key]`."""
    if isinstance(target, Mapping):
        found = _indexed(target, key)
        if not found.present:
            raise EvaluationError(f"no such key: {shown(key)}")
        return found.value
    if isinstance(target, (list, tuple)):
        if not is_number(key) or (type(key) is float and not key.is_integer()):
            raise EvaluationError(f"unsupported index type '{type_name(key)}' in list")
        index = int(key)
        if not 0 <= index < len(target):
            raise EvaluationError(f"index out of bounds: {index}")
        return target[index]
    if type(target) is Optional:
        return _optional_item(target, key)
    raise no_overload()


def _lookup(target: Mapping[Any, Any], key: Any) -> Optional:
    if type(key) is str:
        return Optional(target[key], True) if key in target else NOTHING
    for each in target:
        if equal(each, key):
            return Optional(target[each], True)
    return NOTHING


def _indexed(target: Mapping[Any, Any], key: Any) -> Optional:
    """What is found at a key. A map with something for every key has it here, though `in` knows better."""
    found = _lookup(target, key)
    if not found.present and hasattr(target, "__missing__"):
        return Optional(target[key], True)
    return found


def _optional_item(target: Any, key: Any) -> Optional:
    if type(target) is Optional:
        if not target.present:
            return NOTHING
        target = target.value
    if isinstance(target, Mapping):
        return _indexed(target, key)
    if isinstance(target, (list, tuple)):
        return Optional(target[key], True) if type(key) is int and 0 <= key < len(target) else NOTHING
    raise no_overload()


def contains(value: Any, holder: Any) -> bool:
    """`value in holder`."""
    if isinstance(holder, Mapping):
        return _lookup(holder, value).present
    if isinstance(holder, (list, tuple)):
        return any(equal(value, each) for each in holder)
    raise no_overload()


# -- operators that decide for themselves ----------------------------------------------------------------


def _logic(settles: bool) -> Callable[[Closure, Closure], Closure]:
    def operator(left: Closure, right: Closure) -> Closure:
        def logic(values: Values) -> Any:
            failure: EvaluationError | None = None
            for side in (left, right):
                try:
                    found = side(values)
                except TooExpensive:
                    raise
                except EvaluationError as error:
                    failure = failure or error
                    continue
                if found is settles:
                    return settles
                if found is not (not settles):
                    failure = failure or no_overload()
            if failure is not None:
                raise failure
            return not settles

        return logic

    return operator


def _ternary(condition: Closure, then: Closure, other: Closure) -> Closure:
    def ternary(values: Values) -> Any:
        found = condition(values)
        if found is True:
            return then(values)
        if found is False:
            return other(values)
        raise no_overload()

    return ternary


def _not(value: Any) -> bool:
    if type(value) is not bool:
        raise no_overload()
    return not value


_LOGIC: Mapping[str, Any] = {"_&&_": _logic(False), "_||_": _logic(True), "_?_:_": _ternary}
"""Operators that do not always evaluate all of their operands; they cost nothing themselves."""

_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "!_": _not,
    "_==_": equal,
    "_!=_": lambda a, b: not equal(a, b),
    "_[_]": item,
    "_[?_]": _optional_item,
    "@in": contains,
}
