"""A chart's text is the table of what it draws."""

from __future__ import annotations

import re
from itertools import pairwise

from k8snb.view.chart import Chart, Moment, rollout
from tests.view import tape as make

ROLLOUT = """\
Ready pods of Deployment web
   time  v1 nginx:1.14.2  v2 nginx:1.16.1
 +0.0 s                0                0
 +1.5 s                1                0
 +3.0 s                2                0
 +4.5 s                3                0
 +6.0 s                2                1
 +8.0 s                1                2
+10.0 s                0                3
+10.5 s                0                3
wanted: 3"""


def chart() -> Chart:
    tape = make.rollout()
    return rollout("web", tape.trace.requests, tape.at, since=1, until=tape.revision)


def test_a_rollout_shows_old_and_new_pods_over_time() -> None:
    assert str(chart()) == ROLLOUT


def test_the_picture_says_what_it_shows() -> None:
    svg = chart().svg()
    said = "v1 nginx:1.14.2 from 0 to 0, highest 3 at +4.5 s; v2 nginx:1.16.1 from 0 to 3; dashed, wanted: 3 (+10.5 s)"
    assert f'aria-label="Ready pods of Deployment web. {said}"' in svg
    assert 'role="img"' in svg
    assert svg.count("<path") >= 4
    assert 'id="' not in svg


def test_of_several_moments_at_one_time_the_last_counts() -> None:
    moments = [Moment(0, {"a": 1}), Moment(0, {"a": 2}), Moment(1, {"a": 2}), Moment(2, {"a": 3}), Moment(4, {"a": 3})]
    kept = Chart("x", moments).moments
    assert [(moment.time, moment.values["a"]) for moment in kept] == [(0, 2), (2, 3), (4, 3)]


def test_a_chart_of_nothing_is_an_empty_table() -> None:
    empty = Chart("x", [])
    assert str(empty) == "x\ntime"
    assert empty.svg().endswith("</svg>")


def test_a_rollout_leaves_out_old_revisions_that_only_wait_to_be_gone_back_to() -> None:
    tape = make.rollout()
    late = rollout("web", tape.trace.requests, tape.at, since=tape.revision - 1, until=tape.revision)
    assert [name.split()[0] for name in late.series] == ["v2"]


def test_names_of_lines_that_end_close_together_stand_in_their_order_and_apart() -> None:
    drawn = Chart("x", [Moment(0, {"pods": 2}), Moment(9, {"pods": 2})], limits={"at most": 10, "at least": 1}).svg()
    found = {name: float(y) for y, name in re.findall(r'y="([\d.]+)"[^>]*>(at most 10|pods|at least 1)<', drawn)}
    heights = [found[name] for name in ("at most 10", "pods", "at least 1")]
    assert all(below - above >= 15 for above, below in pairwise(heights))
