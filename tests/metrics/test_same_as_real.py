"""The same series and the same queries, here and in the real Prometheus 2 (Debian's): equal answers, equal words.

What Prometheus 3 changed is asked for with `like=2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.lexer import PromQLError

from .answers import Answer, ordered, ours, same, theirs, window
from .prometheus import Real, needs_prometheus, real
from .series import START, shop

pytestmark = needs_prometheus

FOLDER = Path(__file__).parent
QUERIES = (FOLDER / "queries.txt").read_text().splitlines()
REFUSED = (FOLDER / "refused.txt").read_text().splitlines()
MOMENTS = (START + 900_000, START + 1_003_000)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(shop(), like=2)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("prometheus"), engine.store) as running:
        yield running


def test_every_query_has_the_answer_of_the_real_one(engine: Engine, prometheus: Real) -> None:
    different = [
        (query, at, mine, other)
        for query in QUERIES
        for at in MOMENTS
        if not same(
            mine := ours(engine, query, at),
            other := theirs(prometheus.ask("query", query=query, time=at / 1000), query),
        )
    ]
    assert different == []


def test_every_query_over_time_has_the_answer_of_the_real_one(engine: Engine, prometheus: Real) -> None:
    start, end, step = START + 300_000, START + 1_500_000, 120_000
    different = []
    for query in QUERIES:
        answer = prometheus.ask("query_range", query=query, start=start / 1000, end=end / 1000, step=step / 1000)
        try:
            mine: Answer = "rows", ordered("", [window(w) for w in engine.query_range(query, start, end, step)])
        except PromQLError as error:
            mine = "error", str(error)
        if not same(mine, other := theirs(answer, "")):
            different.append((query, mine, other))
    assert different == []


def test_what_is_refused_is_refused_with_the_words_of_the_real_one(engine: Engine, prometheus: Real) -> None:
    at = MOMENTS[0]
    mine = {query: ours(engine, query, at) for query in REFUSED}
    assert mine == {query: theirs(prometheus.ask("query", query=query, time=at / 1000), query) for query in REFUSED}
