from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.controllers.deployment import rolling
from k8snb.controllers.deployment.replicasets import DESIRED, MAXIMUM
from k8snb.typing import Object
from tests.controllers.world import deployment


def rs(
    name: str, size: int, available: int | None = None, desired: int | None = None, maximum: int | None = None
) -> Object:
    noted = {DESIRED: desired, MAXIMUM: maximum}
    annotations = {k: str(v) for k, v in noted.items() if v is not None}
    meta = {"name": name, "uid": name, "creationTimestamp": name, "annotations": annotations}
    status = {"replicas": size, "availableReplicas": size if available is None else available}
    return {"metadata": meta, "spec": {"replicas": size}, "status": status}


def rolling_deployment(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%") -> Object:
    update = {"maxSurge": surge, "maxUnavailable": unavailable}
    return deployment(replicas=replicas, strategy={"type": "RollingUpdate", "rollingUpdate": update})


def named(scalings: list[rolling.Scaling]) -> list[tuple[str, int]]:
    return [(scaling.rs["metadata"]["name"], scaling.size) for scaling in scalings]


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "expected"),
    [
        ("25%", "25%", 3, (1, 0)),
        ("25%", "25%", 10, (3, 2)),
        ("0%", "0%", 10, (0, 1)),
        (0, 0, 5, (0, 1)),
        (2, "100%", 5, (2, 5)),
        ("25%", "25%", 1, (1, 0)),
    ],
)
def test_surge_is_rounded_up_and_unavailability_down_and_never_are_both_nothing(
    surge: int | str, unavailable: int | str, replicas: int, expected: tuple[int, int]
) -> None:
    assert rolling.resolve(surge, unavailable, replicas) == expected


def test_the_new_replicaset_grows_as_far_as_the_surge_allows() -> None:
    wanted = rolling_deployment(10, 3, 2)
    assert rolling.new_size(wanted, [rs("1", 10)], 0) == 3
    assert rolling.new_size(wanted, [rs("1", 13)], 0) == 0
    assert rolling.new_size(wanted, [rs("1", 2), rs("2", 9)], 9) == 10
    assert rolling.new_size(wanted, [rs("2", 12)], 12) == 10, "and shrinks to what is wanted"


def test_old_pods_that_do_not_work_go_before_those_that_do() -> None:
    wanted = rolling_deployment(10, 3, 2)
    new, olds = rs("3", 3), [rs("1", 4, 3), rs("2", 6, 6)]
    assert named(rolling.scale_downs(wanted, new, olds)) == [("1", 3), ("1", 0), ("2", 5)]


def test_old_pods_stay_while_the_new_ones_are_not_available() -> None:
    wanted = rolling_deployment(10, 3, 2)
    assert rolling.scale_downs(wanted, rs("2", 5, 0), [rs("1", 8)]) == []


def test_a_rollover_first_takes_the_pods_of_the_rollout_that_failed() -> None:
    wanted = rolling_deployment(10, 3, 2)
    new, olds = rs("3", 0), [rs("1", 8), rs("2", 5, 0)]
    assert named(rolling.scale_downs(wanted, new, olds)) == [("2", 0)]


def test_scaling_a_deployment_with_one_replicaset_scales_that() -> None:
    assert named(rolling.scale(rolling_deployment(5), rs("1", 3), [])) == [("1", 5)]


def test_scaling_once_the_new_replicaset_is_saturated_ends_the_old_ones() -> None:
    new = rs("2", 5, 5, desired=5)
    assert named(rolling.scale(rolling_deployment(5), new, [rs("1", 1, desired=5)])) == [("1", 0)]


def test_scaling_halfway_is_spread_in_proportion_and_the_largest_takes_the_rest() -> None:
    wanted = rolling_deployment(15, 3, 2)
    olds = [rs("1", 8, desired=10, maximum=13)]
    assert named(rolling.scale(wanted, rs("2", 5, 0, desired=10, maximum=13), olds)) == [("1", 11), ("2", 7)]


def test_scaling_to_zero_leaves_nothing() -> None:
    olds = [rs("1", 8, desired=10, maximum=13)]
    scalings = rolling.scale(rolling_deployment(0), rs("2", 5, desired=10, maximum=13), olds)
    assert sorted(named(scalings)) == [("1", 0), ("2", 0)]


sizes = st.integers(0, 30)
budgets = st.one_of(st.integers(0, 10), st.integers(0, 100).map(lambda percent: f"{percent}%"))


@given(st.lists(st.integers(1, 20), min_size=2, max_size=5), sizes, budgets, budgets)
def test_proportional_scaling_reaches_the_allowed_size_exactly(
    living: list[int], wanted: int, surge: int | str, unavailable: int | str
) -> None:
    target = rolling_deployment(wanted, surge, unavailable)
    before = sum(living)
    sets = [rs(str(index), size, maximum=before) for index, size in enumerate(living)]
    scaled = rolling.proportional(target, sets)
    assert sum(scaling.size for scaling in scaled) == (rolling.max_total(target) if wanted else 0)
    assert all(scaling.size >= 0 for scaling in scaled)


@dataclass
class Rollout:
    """A Deployment in numbers: how large each ReplicaSet is, how many of its pods are available, and what it says."""

    target: Object
    sizes: dict[str, int]
    available: dict[str, int]
    told: dict[str, int] = field(default_factory=dict)

    def sets(self) -> list[Object]:
        return [rs(name, size, self.told.get(name, 0)) for name, size in self.sizes.items()]

    def tell(self, name: str) -> None:
        """A ReplicaSet brings its status up to date."""
        self.told[name] = self.available.get(name, 0)

    def step(self) -> bool:
        """What the controller does in one reconcile; whether it did anything."""
        *olds, new = self.sets()
        size = rolling.new_size(self.target, [*olds, new], self.sizes[new["metadata"]["name"]])
        if size != self.sizes[new["metadata"]["name"]]:
            self.sizes[new["metadata"]["name"]] = size
            return True
        downs = rolling.scale_downs(self.target, new, olds)
        for down in downs:
            name = down.rs["metadata"]["name"]
            lost = max(self.sizes[name] - down.size - (self.sizes[name] - self.available.get(name, 0)), 0)
            self.sizes[name] = down.size
            self.available[name] = self.available.get(name, 0) - lost
        return bool(downs)

    def total(self) -> int:
        return sum(self.sizes.values())

    def up(self) -> int:
        return sum(self.available.values())


@given(st.data())
def test_a_rolling_update_never_exceeds_the_surge_nor_drops_below_availability(data: Any) -> None:
    wanted = data.draw(st.integers(1, 20), "replicas")
    target = rolling_deployment(wanted, data.draw(budgets, "surge"), data.draw(budgets, "unavailable"))
    rollout = Rollout(target, {"1": wanted, "2": 0}, {"1": wanted}, {"1": wanted})
    for _ in range(200):
        moved = rollout.step()
        assert rollout.total() <= rolling.max_total(target)
        assert rollout.up() >= rolling.min_available(target)
        waiting = [name for name, size in rollout.sizes.items() if rollout.available.get(name, 0) < size]
        if not moved and not waiting and rollout.told == rollout.available:
            break
        for name in waiting:
            missing = rollout.sizes[name] - rollout.available.get(name, 0)
            started = data.draw(st.integers(0 if moved else 1, missing), "started")
            rollout.available[name] = rollout.available.get(name, 0) + started
        for name in rollout.sizes:
            if not moved or data.draw(st.booleans(), "tells"):
                rollout.tell(name)
    assert rollout.sizes == {"1": 0, "2": wanted}
    assert rollout.available == {"1": 0, "2": wanted}
