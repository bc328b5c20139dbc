"""What the kernel is told of requests and limits."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.kubelet.cgroups import Cgroup, quota, shares, tree, weight
from k8snb.typing import Object

NODE = {"cpu": "8", "memory": "32Gi"}
UID = "fc91baef-ae17-4bf7-9934-0f6cf6c1f981"


def pod(quality: str, *resources: dict[str, Any]) -> Object:
    containers = [{"name": f"c{number}", "resources": each} for number, each in enumerate(resources)]
    return {"metadata": {"name": "p", "uid": UID}, "spec": {"containers": containers}, "status": {"qosClass": quality}}


def chain(group: Cgroup) -> list[Cgroup]:
    return [group, *(each for child in group.children for each in chain(child))]


@pytest.mark.parametrize(
    ("milli", "expected"), [(0, 1), (1, 1), (100, 17), (1000, 100), (8000, 532), (256_000, 10_000)]
)
def test_a_request_becomes_a_weight_and_one_cpu_weighs_a_hundred(milli: int, expected: int) -> None:
    assert weight(shares(milli)) == expected


@pytest.mark.parametrize(
    ("milli", "expected"), [(0, "max 100000"), (500, "50000 100000"), (2000, "200000 100000"), (1, "1000 100000")]
)
def test_a_limit_becomes_time_in_each_period_with_a_least(milli: int, expected: str) -> None:
    assert quota(milli) == expected


def test_a_burstable_pod_is_below_its_class_whose_weight_is_that_of_all_its_pods() -> None:
    asks = {"requests": {"cpu": "250m"}, "limits": {"cpu": "500m", "memory": "128Mi"}}
    mine = pod("Burstable", asks)
    groups = chain(tree(mine, NODE, [mine, pod("Burstable", {"requests": {"cpu": "750m"}}), pod("Guaranteed", asks)]))
    below = {"cpu.weight": "35", "cpu.max": "50000 100000", "memory.max": "134217728"}
    assert [(each.name, each.settings) for each in groups[:3]] == [
        ("kubepods.slice", {"cpu.weight": "532", "memory.max": "34359738368"}),
        ("kubepods-burstable.slice", {"cpu.weight": "100"}),
        (f"kubepods-burstable-pod{UID.replace('-', '_')}.slice", below),
    ]
    assert groups[3].settings == below


def test_a_guaranteed_pod_is_directly_below_all_pods() -> None:
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}
    mine = pod("Guaranteed", limits)
    names = [each.name for each in chain(tree(mine, NODE, [mine], "cgroupfs"))]
    assert names == ["kubepods", f"pod{UID}", ""]


def test_a_pod_has_a_limit_only_if_each_of_its_containers_has_one() -> None:
    limited, free = {"limits": {"memory": "1Gi"}}, {}
    assert chain(tree(pod("Burstable", limited, limited), NODE, []))[2].settings["memory.max"] == str(2 * 1024**3)
    assert chain(tree(pod("Burstable", limited, free), NODE, []))[2].settings["memory.max"] == "max"


def test_who_asks_for_nothing_weighs_least() -> None:
    assert [each.settings["cpu.weight"] for each in chain(tree(pod("BestEffort", {}), NODE, []))] == [
        "532",
        "1",
        "1",
        "1",
    ]


def test_there_are_two_drivers() -> None:
    with pytest.raises(ValueError, match="docker is not a cgroup driver: systemd, cgroupfs"):
        tree(pod("BestEffort", {}), NODE, [], "docker")
