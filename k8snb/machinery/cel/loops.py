"""The loops of macros: what `all`, `exists`, `map`, `filter` and the transformations do when they run.

Every round costs what going on and putting an item to the others costs. As in CEL, `all` and `exists` forgive an error
where the rest settles the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from k8snb.machinery.cel.meter import TooExpensive, pay
from k8snb.machinery.cel.prices import LIST, MAP
from k8snb.machinery.cel.values import EvaluationError, no_overload

Values: TypeAlias = dict[str, Any]
Closure: TypeAlias = Callable[[Values], Any]

_GO_ON = {"all": 3, "exists": 4}
"""What a round of a quantifier costs besides its test: asking whether to go on, and joining the answers."""
_ITEM, _ENTRY = LIST + 2, 3
"""What adding an item to a list, or an entry to a map, costs."""


def shown(value: Any) -> str:
    """A key as messages show it."""
    return str(value).lower() if type(value) is bool else str(value)


class Loop:
    """What a macro goes through: for every item the values with its variables set."""

    def __init__(self, range: Closure, variable: str, second: str, macro: str) -> None:
        self._range = range
        self._cost = _GO_ON.get(macro, 1)
        self.variable = variable
        self.second = second

    def rounds(self, values: Values) -> Any:
        """Yields the inner values, the first variable and the second one, if there is one, for each round."""
        over = self._range(values)
        inner = dict(values)
        for key, value in self._pairs(over):
            pay(values, self._cost)
            inner[self.variable] = key
            if self.second:
                inner[self.second] = value
            yield inner, key, value

    def _pairs(self, over: Any) -> Any:
        if isinstance(over, Mapping):
            return over.items()
        if isinstance(over, (list, tuple)):
            return enumerate(over) if self.second else ((each, each) for each in over)
        raise no_overload()


def _truth(found: Any) -> bool:
    if type(found) is not bool:
        raise no_overload()
    return found


def _quantifier(settles: bool) -> Any:
    def make(loop: Loop, test: Closure, _: Any) -> Closure:
        def quantified(values: Values) -> Any:
            failure: EvaluationError | None = None
            pay(values, 1)
            for inner, _key, _value in loop.rounds(values):
                try:
                    if _truth(test(inner)) is settles:
                        return settles
                except TooExpensive:
                    raise
                except EvaluationError as error:
                    failure = failure or error
            if failure is not None:
                raise failure
            return not settles

        return quantified

    return make


def _exists_one(loop: Loop, test: Closure, _: Any) -> Closure:
    return lambda values: sum(_truth(test(inner)) for inner, _key, _value in loop.rounds(values)) == 1


def _kept(loop: Loop, test: Closure | None, values: Values, cost: int) -> Any:
    """Yields the rounds that pass a test, and pays for what is made of them."""
    for inner, key, value in loop.rounds(values):
        if test is None or _truth(test(inner)):
            pay(values, cost)
            yield inner, key, value


def _filter(loop: Loop, test: Closure, _: Any) -> Closure:
    def filtered(values: Values) -> Any:
        pay(values, LIST)
        return [key for _inner, key, _value in _kept(loop, test, values, _ITEM)]

    return filtered


def _collect(loop: Loop, test: Closure | None, make: Closure) -> Closure:
    def collected(values: Values) -> Any:
        pay(values, LIST)
        return [make(inner) for inner, _key, _value in _kept(loop, test, values, _ITEM - 1)]

    return collected


def _transform_map(loop: Loop, test: Closure | None, make: Closure) -> Closure:
    def transformed(values: Values) -> Any:
        pay(values, MAP)
        return {key: make(inner) for inner, key, _value in _kept(loop, test, values, _ENTRY - 1)}

    return transformed


def _transform_entries(loop: Loop, test: Closure | None, make: Closure) -> Closure:
    def transformed(values: Values) -> Any:
        found: dict[Any, Any] = {}
        pay(values, MAP)
        for inner, _key, _value in _kept(loop, test, values, _ENTRY - 1):
            for key, value in make(inner).items():
                if key in found:
                    raise EvaluationError(f"insert failed: key {shown(key)} already exists")
                found[key] = value
        return found

    return transformed


LOOPS: Mapping[str, Any] = {
    "all": _quantifier(False),
    "exists": _quantifier(True),
    "existsOne": _exists_one,
    "filter": _filter,
    "map": _collect,
    "transformList": _collect,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entries,
}
