"""Evaluation: a tree at a moment, or at many moments one after the other.

A selector finds, per series, the newest sample of the last five minutes that is no end; a range finds all samples of
its time. Since Prometheus 3 neither includes what lies exactly on its older border; `like=2` does, as 2 did.
Source: `promql/engine.go`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from k8snb.metrics.labels import EMPTY, Labels, nameless
from k8snb.metrics.promql import functions, nodes
from k8snb.metrics.promql.aggregations import aggregated
from k8snb.metrics.promql.histograms import histogram_quantile
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.nodes import Node, When
from k8snb.metrics.promql.operators import of_numbers, of_vectors, with_number
from k8snb.metrics.promql.parser import parse
from k8snb.metrics.promql.values import Matrix, Value, Vector, Window
from k8snb.metrics.promql.windows import OVER_TIME, extrapolated, predicted, quantile, smoothed
from k8snb.metrics.tsdb import TSDB, Series

MOST_STEPS = 11_000


@dataclass(frozen=True, slots=True)
class Engine:
    """PromQL over a store. Times are milliseconds since 1970."""

    store: TSDB
    like: int = 3
    lookback: int = 300_000
    resolution: int = 60_000
    """The step of subqueries that name none."""

    def query(self, text: str, at: int) -> Value:
        """What an expression comes to at a moment. Raises PromQLError."""
        return _Evaluation(self, at, at).of(parse(text), at)

    def vector(self, node: Node, at: int) -> Vector:
        """The samples of an expression that is a vector or a number."""
        found = _Evaluation(self, at, at).of(node, at)
        return [(EMPTY, found)] if isinstance(found, float) else cast(Vector, found)

    def query_range(self, text: str, start: int, end: int, step: int) -> Matrix:
        """What an expression comes to from `start` to `end`, every `step` milliseconds. Raises PromQLError."""
        if step <= 0:
            raise PromQLError("zero or negative query resolution step widths are not accepted. Try a positive integer")
        if end < start:
            raise PromQLError("end timestamp must not be before start time")
        if (end - start) // step > MOST_STEPS:
            raise PromQLError(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        node = parse(text)
        if node.type not in ("scalar", "vector"):
            kind = {"matrix": "range vector", "string": "string"}[node.type]
            raise PromQLError(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
        return _Evaluation(self, start, end).over(node, start, end, step)


class _Evaluation:
    """One query. What a selector chooses is looked up once, however many moments are asked for."""

    def __init__(self, engine: Engine, start: int, end: int) -> None:
        self.engine, self.start, self.end = engine, start, end
        self.open = engine.like >= 3
        self._chosen: dict[int, list[Series]] = {}

    def over(self, node: Node, start: int, end: int, step: int) -> Matrix:
        columns: dict[Labels, tuple[list[int], list[float]]] = {}
        for now in range(start, end + 1, step):
            found = self.of(node, now)
            for of, number in [(EMPTY, found)] if isinstance(found, float) else cast(Vector, found):
                times, values = columns.setdefault(of, ([], []))
                times.append(now)
                values.append(number)
        return [Window(of, times, values, start, end) for of, (times, values) in sorted(columns.items())]

    def of(self, node: Node, now: int) -> Value:
        match node:
            case nodes.Number() | nodes.Text():
                return node.value
            case nodes.Parenthesis():
                return self.of(node.expression, now)
            case nodes.Unary():
                return self.signed(node, now)
            case nodes.Selector():
                return self.instant(node, now)
            case nodes.Range() | nodes.Subquery():
                return self.windows(node, now)
            case nodes.Binary():
                return self.binary(node, now)
            case nodes.Aggregation():
                parameter = None if node.parameter is None else cast(float | str, self.of(node.parameter, now))
                return aggregated(node, self.vector(node.expression, now), parameter)
        return self.call(node, now)

    # -- parts --

    def vector(self, node: Node, now: int) -> Vector:
        return cast(Vector, self.of(node, now))

    def number(self, node: Node, now: int) -> float:
        return cast(float, self.of(node, now))

    def moment(self, when: When, now: int) -> int:
        at = {"start": self.start, "end": self.end}.get(when.at, now) if isinstance(when.at, str) else when.at
        return (now if at is None else at) - when.offset

    def series(self, selector: nodes.Selector) -> list[Series]:
        if id(selector) not in self._chosen:
            self._chosen[id(selector)] = self.engine.store.select(selector.matchers)
        return self._chosen[id(selector)]

    def instant(self, node: nodes.Selector, now: int) -> Vector:
        return [(of, number) for of, _, number in self.samples(node, now)]

    def samples(self, node: nodes.Selector, now: int) -> list[tuple[Labels, int, float]]:
        time = self.moment(node.when, now)
        oldest = time - self.engine.lookback
        found = ((series, series.at(time, oldest, open=self.open)) for series in self.series(node))
        return [(series.labels, *sample) for series, sample in found if sample]

    def windows(self, node: Node, now: int) -> Matrix:
        node = nodes.unwrapped(node)
        if isinstance(node, nodes.Subquery):
            return self.subquery(node, now)
        node = cast(nodes.Range, node)
        end = self.moment(node.selector.when, now)
        start = end - node.range
        found = ((series, series.between(start, end, open=self.open)) for series in self.series(node.selector))
        return [Window(series.labels, *columns, start, end) for series, columns in found if columns[0]]

    def subquery(self, node: nodes.Subquery, now: int) -> Matrix:
        step = node.step or self.engine.resolution
        end = self.moment(node.when, now)
        start = end - node.range
        first = step * math.trunc(start / step)
        if first < start + self.open:
            first += step
        found = self.over(node.expression, first, end, step)
        return [Window(window.labels, window.times, window.values, start, end) for window in found]

    def signed(self, node: nodes.Unary, now: int) -> Value:
        found = self.of(node.expression, now)
        sign = -1 if node.sign == "-" else 1
        if isinstance(found, float):
            return sign * found
        return [(nameless(of) if sign < 0 else of, sign * number) for of, number in cast(Vector, found)]

    def binary(self, node: nodes.Binary, now: int) -> Value:
        left, right = self.of(node.left, now), self.of(node.right, now)
        if isinstance(left, float) and isinstance(right, float):
            return of_numbers(node.operator, left, right)
        if isinstance(right, float):
            return _unique(with_number(node, cast(Vector, left), right, swapped=False))
        if isinstance(left, float):
            return _unique(with_number(node, cast(Vector, right), left, swapped=True))
        return _unique(of_vectors(node, cast(Vector, left), cast(Vector, right)))

    # -- functions --

    def call(self, node: nodes.Call, now: int) -> Value:
        name, arguments = node.function, node.arguments
        if name in functions.OF_NUMBER:
            function = functions.OF_NUMBER[name]
            return _unique([(nameless(of), function(number)) for of, number in self.vector(arguments[0], now)])
        if name in functions.OF_MOMENT:
            vector: Vector = self.vector(arguments[0], now) if arguments else [(EMPTY, now / 1000)]
            return _unique(functions.calendar(name, vector))
        if any(argument.type == "matrix" for argument in arguments):
            return _unique(self.over_time(node, now))
        if node.type == "scalar" or name == "vector":
            return self.scalar(name, arguments, now)
        return _unique(self.of_vector(node, now))

    def scalar(self, name: str, arguments: tuple[Node, ...], now: int) -> Value:
        match name:
            case "time":
                return now / 1000
            case "pi":
                return math.pi
            case "vector":
                return [(EMPTY, self.number(arguments[0], now))]
        found = self.vector(arguments[0], now)
        return found[0][1] if len(found) == 1 else math.nan

    def over_time(self, node: nodes.Call, now: int) -> Vector:
        name = node.function
        matrix = next(argument for argument in node.arguments if argument.type == "matrix")
        windows = self.windows(matrix, now)
        if name == "absent_over_time":
            return [] if windows else [(functions.absent_labels(matrix), 1.0)]
        numbers = [self.number(argument, now) for argument in node.arguments if argument is not matrix]
        found = ((window.labels, self.measured(name, window, numbers, now)) for window in windows)
        keeps = name == "last_over_time"
        return [(of if keeps else nameless(of), number) for of, number in found if number is not None]

    def measured(self, name: str, window: Window, numbers: list[float], now: int) -> float | None:
        match name:
            case "rate" | "increase":
                return extrapolated(window, counter=True, per_second=name == "rate", like=self.engine.like)
            case "quantile_over_time":
                return quantile(numbers[0], window.values)
            case "predict_linear":
                return predicted(window, numbers[0], now)
            case "holt_winters" | "double_exponential_smoothing":
                _check_factor("smoothing", numbers[0])
                _check_factor("trend", numbers[1])
                return smoothed(window, *numbers)
        return OVER_TIME[name](window)

    def of_vector(self, node: nodes.Call, now: int) -> Vector:
        first, *rest = node.arguments
        if node.function == "histogram_quantile":
            return histogram_quantile(self.number(first, now), self.vector(rest[0], now))
        if node.function == "timestamp":
            return self.timestamps(first, now)
        vector = self.vector(first, now)
        others = [self.of(argument, now) for argument in rest]
        match node.function:
            case "absent":
                return [] if vector else [(functions.absent_labels(first), 1.0)]
            case "sort" | "sort_desc":
                return functions.ordered(vector, falling=node.function == "sort_desc")
            case "round":
                return functions.rounded(vector, *cast(list[float], others))
            case "clamp" | "clamp_min" | "clamp_max":
                return functions.clamped(vector, *_borders(node.function, cast(list[float], others)))
        return _labelled(node.function, vector, cast(list[str], others))

    def timestamps(self, node: Node, now: int) -> Vector:
        node = nodes.unwrapped(node)
        if isinstance(node, nodes.Selector):
            return [(nameless(of), time / 1000) for of, time, _ in self.samples(node, now)]
        return [(nameless(of), now / 1000) for of, _ in self.vector(node, now)]


def _labelled(name: str, vector: Vector, texts: list[str]) -> Vector:
    match name:
        case "label_replace":
            return functions.relabelled(vector, texts)
        case "label_join":
            return functions.joined(vector, texts)
    return functions.ordered_by(vector, texts, falling=name == "sort_by_label_desc")


def _borders(name: str, numbers: list[float]) -> tuple[float, float]:
    match name:
        case "clamp":
            return numbers[0], numbers[1]
        case "clamp_min":
            return numbers[0], math.inf
    return -math.inf, numbers[0]


def _check_factor(which: str, factor: float) -> None:
    if factor <= 0 or factor >= 1:
        short = which[0] + "f"
        raise PromQLError(f"invalid {which} factor. Expected: 0 < {short} < 1, got: {factor:f}")


def _unique(vector: Vector) -> Vector:
    if len({of for of, _ in vector}) < len(vector):
        raise PromQLError("vector cannot contain metrics with the same labelset")
    return vector
