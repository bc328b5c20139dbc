"""How much a checked expression can cost at most, worked out before it ever runs.

The estimate follows the tree: a loop costs as often as its range can be long, a comparison of texts what the longer
could be. How long data can be is asked from outside, by its path: `("self", "spec", "items", "@items")`. Macros count
with the accumulator that they stand for. Upstream: `cel-go/checker/cost.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from k8snb.machinery.cel.checker import Checked
from k8snb.machinery.cel.functions import Overload
from k8snb.machinery.cel.nodes import Bind, Call, Fold, Ident, ListNode, Literal, MapNode, Node, Select
from k8snb.machinery.cel.prices import LIST, MAP, MESSAGE, Part, Price, estimated
from k8snb.machinery.cel.ranges import MOST, NOTHING, ONE, UNKNOWN, Range, exactly
from k8snb.machinery.cel.types import Type, is_optional

Path: TypeAlias = tuple[str, ...]
SizeOf: TypeAlias = Callable[[Path], Range | None]
"""The size of what is found on a path; None where nothing is known of it."""

_SCALARS = frozenset({"bool", "double", "duration", "int", "timestamp", "uint"})


class _Entry(NamedTuple):
    """How large the keys and values of a list or map can be."""

    kind: str
    key: Range
    value: Range


class _Local(NamedTuple):
    """A variable of a loop or of `cel.bind`."""

    path: Path
    size: Range | None
    entry: _Entry | None = None


def estimate(node: Node, checked: Checked, size_of: SizeOf) -> Range:
    """The cost of an expression."""
    return Estimator(checked, size_of).cost(node)


class Estimator:
    """Estimates one expression."""

    def __init__(self, checked: Checked, size_of: SizeOf) -> None:
        self._checked = checked
        self._size_of = size_of
        self._sizes: dict[Node, Range] = {}
        self._entries: dict[Node, _Entry] = {}
        self._paths: dict[Node, Path] = {}
        self._locals: dict[str, list[_Local]] = {}

    def cost(self, node: Node) -> Range:
        """What evaluating a node costs."""
        cost: Range = _COSTERS[node.__class__](self, node)
        return cost

    # -- sizes -------------------------------------------------------------------------------------

    def _local(self, node: Node) -> _Local | None:
        stack = self._locals.get(node.name) if isinstance(node, Ident) else None
        return stack[-1] if stack else None

    def _path(self, node: Node) -> Path:
        local = self._local(node)
        return self._paths.get(node, ()) if local is None else local.path

    def _size(self, node: Node) -> Range | None:
        found = self._sizes.get(node)
        if found is None:
            found = _written(node)
        path = self._path(node)
        if found is None and path:
            found = self._size_of(path)
            if found is not None:
                self._sizes[node] = found
        if found is None and _scalar(self._checked.types.get(node)):
            return ONE
        if found is None and (local := self._local(node)) is not None:
            return local.size
        return found

    def _sized(self, node: Node) -> Range:
        found = self._size(node)
        return UNKNOWN if found is None else found

    def _entry(self, node: Node) -> _Entry | None:
        found = self._entries.get(node)
        if found is None and (local := self._local(node)) is not None:
            return local.entry
        return found

    def _set(self, node: Node, size: Range | None, entry: _Entry | None = None) -> None:
        if size is not None:
            self._sizes[node] = size
        if entry is not None:
            self._entries[node] = entry

    # -- leaves ------------------------------------------------------------------------------------

    def _literal(self, node: Literal) -> Range:
        return NOTHING

    def _ident(self, node: Ident) -> Range:
        local = self._local(node)
        self._paths[node] = (node.name,) if local is None else local.path
        return ONE

    def _select(self, node: Select) -> Range:
        if node in self._checked.names:
            self._paths[node] = (str(self._checked.names[node]),)
            return ONE
        cost = self.cost(node.operand)
        if node.optional:
            return cost + ONE
        if node.test:
            return cost
        self._paths[node] = (*self._path(node.operand), node.field)
        target = self._checked.types.get(node.operand)
        return cost + ONE if target is not None and target.kind in ("map", "struct", "param") else cost

    def _list(self, node: ListNode) -> Range:
        cost = exactly(LIST)
        for each in node.items:
            cost += self.cost(each)
        self._set(node, None, _Entry("list", ONE, self._together(node.items)))
        return cost

    def _together(self, nodes: Sequence[Node]) -> Range:
        found = Range(MOST, 0) if nodes else NOTHING
        for each in nodes:
            found |= self._sized(each)
        return found

    def _map(self, node: MapNode) -> Range:
        cost = exactly(MESSAGE if node.name else MAP)
        for key, value, _ in node.entries:
            cost += self.cost(value) if node.name else self.cost(key) + self.cost(value)
        if not node.name:
            keys = self._together([key for key, _, _ in node.entries])
            self._set(node, None, _Entry("map", keys, self._together([value for _, value, _ in node.entries])))
        return cost

    # -- calls -------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Range:
        if node.function == "dyn" and node.target is None:
            cost = self.cost(node.args[0]) + ONE
            self._set(node, self._size(node.args[0]), self._entry(node.args[0]))
            return cost
        named = self._checked.names.get(node)
        args = node.args if node.target is None or named is not None else [node.target, *node.args]
        costs = [self.cost(each) for each in args]
        overloads = self._checked.overloads.get(node, ())
        if not overloads:
            return NOTHING
        parts = [self._part(each) for each in args]
        call, size = Range(MOST, 0), None
        for overload in overloads:
            price = self._priced(node, str(named or node.function), overload, parts, costs)
            call |= price.cost
            if price.size is not None:
                size = price.size if size is None else size | price.size
            if node.function == "_[_]" and overload.params[0].kind in ("list", "map"):
                entry = self._entry(args[0])
                size = None if entry is None else entry.value
                below = "@items" if overload.params[0].kind == "list" else "@values"
                self._paths[node] = (*self._path(args[0]), below)
            if size is None:
                size = self._size(node)
        self._set(node, size)
        return call

    def _part(self, node: Node) -> Part:
        type = self._checked.types[node]
        path = self._path(node)
        element = self._size_of((*path, "@items") if path else ()) if type.params else None
        return Part(node, type, self._size(node), element)

    def _priced(
        self, node: Call, function: str, overload: Overload, parts: Sequence[Part], costs: Sequence[Range]
    ) -> Price:
        """The price of a call with that of its arguments."""
        if function in ("_&&_", "_||_"):
            return Price(Range(costs[0].least, (costs[0] + costs[1]).most))
        if function == "_?_:_":
            self._join_entries(node, node.args[1:])
            return Price(costs[0] + (costs[1] | costs[2]), parts[1].sized | parts[2].sized)
        price = estimated(function, overload, parts)
        cost = price.cost
        if function == "_+_" and price.size is not None:
            self._join_entries(node, node.args)
        if function.startswith("math.@") and len(parts) > 2:
            cost += exactly(LIST)
        for each in costs:
            cost += each
        return Price(cost, price.size)

    def _join_entries(self, node: Node, parts: Sequence[Node]) -> None:
        first, second = map(self._entry, parts)
        if first is not None and second is not None:
            self._entries[node] = _Entry(first.kind, first.key | second.key, first.value | second.value)

    # -- loops -------------------------------------------------------------------------------------

    def _bind(self, node: Bind) -> Range:
        cost = exactly(LIST) + self.cost(node.value)
        self._push(node.name, _Local(self._path(node.value), self._size(node.value), self._entry(node.value)))
        cost += self.cost(node.body)
        size, entry = self._size(node.body), self._entry(node.body)
        self._locals[node.name].pop()
        self._set(node, size, entry)
        return cost

    def _push(self, name: str, local: _Local) -> None:
        self._locals.setdefault(name, []).append(local)

    def _fold(self, node: Fold) -> Range:
        cost = self.cost(node.range)
        names = self._enter(node)
        test = None if node.test is None else self.cost(node.test)
        made = None if node.make is None else self.cost(node.make)
        value = None if node.make is None else self._sized(node.make)
        if node.macro == "filter":
            made, value = ONE, self._sized(Ident(node.at, node.variable))
        for name in names:
            self._locals[name].pop()
        count = self._sized(node.range)
        self._set(node, *_result(node.macro, count, value))
        start, step, end = _round(node.macro, test, made)
        return cost + start + count * step + end

    def _enter(self, node: Fold) -> list[str]:
        """Set the variables of a loop."""
        entry, path = self._entry(node.range), self._path(node.range)
        type = self._checked.types.get(node.range)
        listed = (entry.kind if entry is not None else "" if type is None else type.kind) == "list"
        sizes = (None, None) if entry is None else (entry.key, entry.value)
        if not node.second:
            below = "@items" if listed else "@keys"
            self._push(node.variable, _Local((*path, below), sizes[1 if listed else 0]))
            return [node.variable]
        self._push(node.variable, _Local((*path, "@indices" if listed else "@keys"), sizes[0]))
        self._push(node.second, _Local((*path, "@items" if listed else "@values"), sizes[1]))
        return [node.variable, node.second]


def _written(node: Node) -> Range | None:
    """The size of what stands in the expression itself."""
    if isinstance(node, Literal):
        return exactly(len(node.value)) if isinstance(node.value, (str, bytes)) else ONE
    if isinstance(node, ListNode):
        return exactly(len(node.items))
    return exactly(len(node.entries)) if isinstance(node, MapNode) and not node.name else None


def _scalar(type: Type | None) -> bool:
    if type is None:
        return False
    return _scalar(type.params[0]) if is_optional(type) else type.kind in _SCALARS


def _result(macro: str, count: Range, value: Range | None) -> tuple[Range, _Entry | None]:
    """The size of what a loop gives, and of what is in it."""
    if macro in ("all", "exists", "existsOne"):
        return ONE, None
    listed = macro in ("map", "filter", "transformList") and value is not None
    return count, _Entry("list", ONE, NOTHING | value) if listed and value is not None else None


_BEFORE = {"all": 2, "exists": 3}
"""What asking costs whether a quantifier has to go on."""
_GROWN = {"transformMap": 3, "transformMapEntry": 2}
"""What putting an entry into a map costs; other loops add a list of one item to a list."""


def _round(macro: str, test: Range | None, made: Range | None) -> tuple[Range, Range, Range]:
    """What a loop costs at its start, in each round and at its end."""
    if macro in _BEFORE:
        most = 0 if test is None else test.most
        return NOTHING, exactly(_BEFORE[macro]) + Range(1, min(1 + most, MOST)), ONE
    if macro == "existsOne":
        return NOTHING, (test or NOTHING) + Range(1, 2), exactly(2)
    maps = macro in _GROWN
    step = exactly(_GROWN[macro] if maps else 2 + LIST) + (made or NOTHING)
    if test is not None:
        step = test + (step | ONE)
    return exactly(MAP if maps else LIST), step, ONE


_COSTERS: Mapping[type, Any] = {
    Literal: Estimator._literal,
    Ident: Estimator._ident,
    Select: Estimator._select,
    Call: Estimator._call,
    ListNode: Estimator._list,
    MapNode: Estimator._map,
    Fold: Estimator._fold,
    Bind: Estimator._bind,
}
