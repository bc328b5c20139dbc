"""Seats that levels lend each other: how they are dealt, and what becomes of them when somebody needs them."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.apiserver.lending import Demand, Share, deal
from k8snb.clock import VirtualClock


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [
        (100, [(10, 0, 100), (30, 0, 100)], [25, 75]),
        (100, [(10, 0, 20), (30, 0, 200)], [20, 80]),
        (100, [(90, 60, 100), (180, 0, 100)], [60, 40]),
        (100, [(10, 0, 15), (10, 0, 15)], [15, 15]),
        (10, [(10, 8, 15), (10, 8, 15)], [8, 8]),
        (100, [(0, 0, 100), (0, 0, 100)], [50, 50]),
        (0, [(1, 0, 5)], [0]),
    ],
)
def test_everybody_gets_the_same_part_of_what_they_want_within_their_bounds(
    total: int, shares: list[tuple[float, float, float]], expected: list[float]
) -> None:
    seats, _ = deal(total, [Share(*share) for share in shares])
    assert [round(each, 6) for each in seats] == expected


def test_demand_counts_at_once_when_it_grows_and_is_forgotten_slowly() -> None:
    clock = VirtualClock()
    demand = Demand(clock)
    demand.add(8)
    clock.advance_to(clock.now() + 5)
    demand.add(-8)
    clock.advance_to(clock.now() + 5)
    demand.close()
    assert demand.last == (10.0, 4.0, 4.0, 8.0)
    assert demand.smoothed == 8.0
    clock.advance_to(clock.now() + 10)
    demand.close()
    assert (demand.last, round(demand.smoothed, 3)) == ((10.0, 0.0, 0.0, 0.0), 7.816)


def current(cluster: Cluster) -> dict[str, int]:
    return {name: level.current for name, level in sorted(cluster.server.flows.levels().items())}


def test_without_demand_what_can_be_lent_is_spread_over_all() -> None:
    assert current(Cluster(nodes=0, seed=1)) == {
        "catch-all": 30,
        "exempt": 0,
        "global-default": 56,
        "leader-election": 58,
        "node-high": 170,
        "system": 117,
        "workload-high": 114,
        "workload-low": 56,
    }


def test_a_flood_borrows_after_ten_seconds_and_those_who_need_their_seats_get_them_back() -> None:
    cluster = Cluster(nodes=0, seed=1)
    flood = cluster.rush("jane", "GET /api/v1/pods", 300, lasts=15)
    cluster.advance(9)
    assert (len(flood.outcomes), current(cluster)["global-default"]) == (56, 56)
    cluster.advance(2)
    assert len(flood.outcomes) == 300
    assert current(cluster)["global-default"] == 338
    others = [cluster.rush(f"system:serviceaccount:a:{n}", "GET /api/v1/pods", 60, lasts=15) for n in range(5)]
    cluster.advance(10)
    assert current(cluster)["workload-low"] >= 245
    cluster.advance(60)
    assert [sum(each.codes.values()) for each in others] == [60] * 5
