"""PromQL: what differs between versions, what is refused, and the cases that surprise. The rest is compared with the
real one in `test_same_as_real.py`."""

from __future__ import annotations

import math

import pytest

from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.promql.lexer import PromQLError
from k8snb.metrics.promql.parser import parse

from .loading import MINUTE, asked, loaded

COUNTER = "requests_total 0+60x10"


def test_a_range_leaves_out_what_lies_on_its_older_border_as_prometheus_3_does() -> None:
    store = loaded(COUNTER)
    assert asked(store, "count_over_time(requests_total[5m])") == {"{}": 5.0}
    assert asked(store, "count_over_time(requests_total[5m])", like=2) == {"{}": 6.0}


def test_a_sample_is_found_for_less_than_five_minutes() -> None:
    store = loaded("gone 1 2")
    assert asked(store, "gone", 5 * MINUTE + 59_999) == {"gone": 2.0}
    assert asked(store, "gone", 6 * MINUTE) == {}
    assert asked(store, "gone", 6 * MINUTE, like=2) == {"gone": 2.0}


def test_a_series_that_ended_is_not_found_any_more_but_its_past_counts() -> None:
    store = loaded("gone 1x2 stale")
    assert asked(store, "gone") == {}
    assert asked(store, "count_over_time(gone[10m])") == {"{}": 3.0}


def test_a_rate_counts_what_a_counter_had_before_it_began_anew() -> None:
    store = loaded("requests_total 0 60 120 0 60 120")
    assert asked(store, "increase(requests_total[5m])") == {"{}": pytest.approx(225)}
    assert asked(store, "resets(requests_total[5m])") == {"{}": 1.0}


def test_a_rate_is_not_stretched_to_below_zero() -> None:
    """A counter that was born in the window cannot have been negative before."""
    store = loaded("born_total _x4 1 61")
    assert asked(store, "increase(born_total[5m])", 5 * MINUTE) == {"{}": pytest.approx(61)}


def test_one_sample_has_no_rate() -> None:
    assert asked(loaded("one_total _x5 7"), "rate(one_total[5m])") == {}


def test_where_a_window_begins_late_prometheus_2_and_3_stretch_a_counter_differently() -> None:
    """By half an interval, or as far as where it would have been zero."""
    store = loaded("late_total _x5 45 105 165")
    assert asked(store, "increase(late_total[8m])", 8 * MINUTE) == {"{}": pytest.approx(210)}
    assert asked(store, "increase(late_total[8m])", 8 * MINUTE, like=2) == {"{}": pytest.approx(225)}


def test_arithmetic_drops_the_metrics_name_and_a_filter_keeps_it() -> None:
    store = loaded('memory{pod="a"} 5x9\nmemory{pod="b"} 9x9')
    assert asked(store, "memory * 2") == {'{pod="a"}': 10.0, '{pod="b"}': 18.0}
    assert asked(store, "memory > 6") == {'memory{pod="b"}': 9.0}
    assert asked(store, "memory > bool 6") == {'{pod="a"}': 0.0, '{pod="b"}': 1.0}


def test_many_samples_find_their_one_with_group_left() -> None:
    store = loaded('pods{node="a",pod="x"} 1x9\npods{node="a",pod="y"} 1x9\nnode_info{node="a",zone="z1"} 1x9')
    text = "pods * on(node) group_left(zone) node_info"
    expected = {'{node="a", pod="x", zone="z1"}': 1.0, '{node="a", pod="y", zone="z1"}': 1.0}
    assert asked(store, text) == expected
    with pytest.raises(PromQLError, match="many-to-one matching must be explicit"):
        asked(store, "pods * on(node) node_info")


def test_a_number_can_be_written_as_a_duration() -> None:
    assert asked(loaded(""), "1h30m") == 5400.0


def test_a_name_may_stand_between_the_braces() -> None:
    assert asked(loaded("up 1x9"), '{"up"}') == {"up": 1.0}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("sum(rate(x[5m]))by(job)", "sum by (job) (rate(x[5m]))"),
        ("a/on(x)group_left(y)b", "a / on (x) group_left (y) b"),
        ("x offset-1m", "x offset -1m"),
        ("max_over_time(rate(x[1m])[1h:5m]@end())", "max_over_time(rate(x[1m])[1h:5m] @ end())"),
        ('{a=~"b|c", d!=""}', '{a=~"b|c",d!=""}'),
        ("x @ 1.5 > bool 2 ^ -1", "x @ 1.500 > bool 2 ^ -1"),
        ("topk without(a) (3, x) or 1d * y", "topk without (a) (3, x) or 86400 * y"),
    ],
)
def test_a_tree_is_written_as_prometheus_writes_it_and_reads_back(text: str, written: str) -> None:
    assert str(parse(text)) == written
    assert parse(written) == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate(up)", '1:6: parse error: expected type range vector in call to function "rate", got instant vector'),
        ("up[5m", "1:6: parse error: unclosed left bracket"),
        ("sum)", "1:5: parse error: unexpected right parenthesis ')'"),
        ("1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("sum(up)\nby job", '2:4: parse error: unexpected identifier "job" in grouping opts, expected "("'),
        ('{job=~".*"}', "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("nosuch(up)", '1:1: parse error: unknown function with name "nosuch"'),
        ("round()", '1:1: parse error: expected at least 1 argument(s) in call to "round", got 0'),
        ("", "1:1: parse error: no expression found in input"),
        ('up{job="a"', "1:11: parse error: unexpected end of input inside braces"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(PromQLError) as refused:
        parse(text)
    assert str(refused.value) == message


def test_a_range_query_asks_at_every_step() -> None:
    matrix = Engine(loaded(COUNTER)).query_range("requests_total", 0, 3 * MINUTE, MINUTE)
    assert [(window.times, window.values) for window in matrix] == [
        ([0, MINUTE, 2 * MINUTE, 3 * MINUTE], [0.0, 60.0, 120.0, 180.0])
    ]


def test_a_range_query_of_too_many_steps_is_refused() -> None:
    with pytest.raises(PromQLError, match="exceeded maximum resolution of 11,000 points per timeseries"):
        Engine(loaded("")).query_range("up", 0, 11_001, 1)


def test_buckets_of_different_scrapes_still_have_a_quantile() -> None:
    """A bucket that was counted later may be lower than the one within it."""
    store = loaded('b{le="1"} 10x9\nb{le="2"} 9x9\nb{le="+Inf"} 20x9')
    assert asked(store, "histogram_quantile(0.5, b)") == {"{}": 1.0}
    assert asked(store, "histogram_quantile(0.9, b)") == {"{}": 2.0}
    assert math.isnan(asked(store, 'histogram_quantile(0.9, b{le!="+Inf"})')["{}"])  # type: ignore[index]
