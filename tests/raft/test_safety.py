"""What Raft promises, in seeded runs: messages are lost, late, doubled and out of order, members crash, disks burn, the
group is cut, changed and handed over, logs are compacted. `K8SNB_PROPERTIES=long` makes 10,000 runs."""

from __future__ import annotations

import os

import pytest

from tests.raft.linear import Operation, linearizable
from tests.raft.world import World

RUNS = 10_000 if os.environ.get("K8SNB_PROPERTIES") == "long" else 60
PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_no_promise_is_broken_whatever_goes_wrong(part: int) -> None:
    for seed in range(part, RUNS, PARTS):
        world = World(seed, size=(3, 5, 3, 4)[seed % 4], leases=seed % 3 == 0)
        world.run(240)
        assert world.recover(), f"seed {seed}: no agreement after everything was set right"
        assert linearizable(world.history), f"seed {seed}: clients saw what no register shows"


def test_the_search_finds_an_answer_that_is_too_old() -> None:
    history = [Operation("write", 1, 0, 1), Operation("write", 2, 2, 3), Operation("read", 1, 4, 5)]
    assert not linearizable(history)


def test_the_search_allows_an_unanswered_write_to_have_happened_late() -> None:
    history = [Operation("write", 1, 0), Operation("read", None, 1, 2), Operation("read", 1, 3, 4)]
    assert linearizable(history)
