"""Answers of our engine and of the real Prometheus in one form, and whether they are the same.

Numbers may differ in the twelfth digit, because sums are added up in another order.
"""

from __future__ import annotations

import math
from typing import Any

from k8snb.metrics.labels import labels, shown
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.values import Window

Answer = tuple[str, Any]


def ordered(query: str, rows: list[Any]) -> list[Any]:
    """The rows of an answer; their order counts where the query sorts."""
    return rows if query.startswith("sort") else sorted(rows, key=lambda row: str(row[0]))


def window(of: Window) -> tuple[str, list[float]]:
    """A series: its labels, then times and values in turn."""
    return shown(of.labels), [v for pair in zip(of.times, of.values, strict=True) for v in pair]


def ours(engine: Engine, query: str, at: int) -> Answer:
    """What we answer."""
    try:
        found = engine.query(query, at)
    except PromQLError as error:
        return "error", str(error)
    if isinstance(found, str | float):
        return "string" if isinstance(found, str) else "scalar", found
    rows = [window(each) if isinstance(each, Window) else (shown(each[0]), each[1]) for each in found]
    return "rows", ordered(query, rows)


def theirs(answer: Any, query: str) -> Answer:
    """What the real one answered."""
    if "error" in answer:
        return "error", answer["error"]
    kind, result = answer["resultType"], answer["result"]
    if kind in ("scalar", "string"):
        return kind, float(result[1]) if kind == "scalar" else result[1]
    rows = []
    for each in result:
        samples = [v for at, text in each["values"] for v in (at * 1000, float(text))] if "values" in each else None
        rows.append((shown(labels(each["metric"])), float(each["value"][1]) if samples is None else samples))
    return "rows", ordered(query, rows)


def same(mine: Any, other: Any) -> bool:
    """Whether two answers, or two parts of answers, are the same."""
    if isinstance(mine, list | tuple) and isinstance(other, list | tuple):
        return len(mine) == len(other) and all(map(same, mine, other))
    if isinstance(mine, float | int) and isinstance(other, float | int):
        both_nan = mine != mine and other != other
        return both_nan or mine == other or math.isclose(mine, other, rel_tol=1e-11, abs_tol=1e-15)
    return bool(mine == other)
