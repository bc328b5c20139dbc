"""The same series and the same queries, here and in the real Prometheus 2 (Debian's): equal answers, equal words.

Numbers may differ in the twelfth digit, because sums are added up in another order. What Prometheus 3 changed is asked
for with `like=2`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8snb.metrics.labels import labels, shown
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.values import Window

from .prometheus import Real, needs_prometheus, real
from .series import START, shop

pytestmark = needs_prometheus

FOLDER = Path(__file__).parent
QUERIES = (FOLDER / "queries.txt").read_text().splitlines()
REFUSED = (FOLDER / "refused.txt").read_text().splitlines()
MOMENTS = (START + 900_000, START + 1_003_000)
Answer = tuple[str, Any]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(shop(), like=2)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("prometheus"), engine.store) as running:
        yield running


def _ordered(query: str, rows: list[Any]) -> list[Any]:
    return rows if query.startswith("sort") else sorted(rows, key=lambda row: str(row[0]))


def _ours(engine: Engine, query: str, at: int) -> Answer:
    try:
        found = engine.query(query, at)
    except PromQLError as error:
        return "error", str(error)
    if isinstance(found, str | float):
        return "string" if isinstance(found, str) else "scalar", found
    rows = [_window(each) if isinstance(each, Window) else (shown(each[0]), each[1]) for each in found]
    return "rows", _ordered(query, rows)


def _window(window: Window) -> tuple[str, list[float]]:
    return shown(window.labels), [v for pair in zip(window.times, window.values, strict=True) for v in pair]


def _theirs(answer: Any, query: str) -> Answer:
    if "error" in answer:
        return "error", answer["error"]
    kind, result = answer["resultType"], answer["result"]
    if kind in ("scalar", "string"):
        return kind, float(result[1]) if kind == "scalar" else result[1]
    rows = []
    for each in result:
        samples = [v for at, text in each["values"] for v in (at * 1000, float(text))] if "values" in each else None
        rows.append((shown(labels(each["metric"])), float(each["value"][1]) if samples is None else samples))
    return "rows", _ordered(query, rows)


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, float | int) and isinstance(theirs, float | int):
        both_nan = ours != ours and theirs != theirs
        return both_nan or ours == theirs or math.isclose(ours, theirs, rel_tol=1e-11, abs_tol=1e-15)
    return bool(ours == theirs)


def test_every_query_has_the_answer_of_the_real_one(engine: Engine, prometheus: Real) -> None:
    different = [
        (query, at, ours, theirs)
        for query in QUERIES
        for at in MOMENTS
        if not _same(
            ours := _ours(engine, query, at),
            theirs := _theirs(prometheus.ask("query", query=query, time=at / 1000), query),
        )
    ]
    assert different == []


def test_every_query_over_time_has_the_answer_of_the_real_one(engine: Engine, prometheus: Real) -> None:
    start, end, step = START + 300_000, START + 1_500_000, 120_000
    different = []
    for query in QUERIES:
        answer = prometheus.ask("query_range", query=query, start=start / 1000, end=end / 1000, step=step / 1000)
        try:
            ours: Answer = "rows", _ordered("", [_window(w) for w in engine.query_range(query, start, end, step)])
        except PromQLError as error:
            ours = "error", str(error)
        if not _same(ours, theirs := _theirs(answer, "")):
            different.append((query, ours, theirs))
    assert different == []


def test_what_is_refused_is_refused_with_the_words_of_the_real_one(engine: Engine, prometheus: Real) -> None:
    at = MOMENTS[0]
    ours = {query: _ours(engine, query, at) for query in REFUSED}
    assert ours == {query: _theirs(prometheus.ask("query", query=query, time=at / 1000), query) for query in REFUSED}
