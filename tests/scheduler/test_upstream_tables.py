"""The scores of Kubernetes' own unit tests: the same pods and nodes get the same numbers here.

The cases are facts from `pkg/scheduler/framework/plugins/*/*_test.go` of 1.36, in a form of our own: a node is what it
has, a placed pod where it is and what it asks for. Nodes that did not pass the filters are written with a `~`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from k8snb.scheduler.allocation import on_line
from k8snb.scheduler.framework import SUCCESS, Code, CycleState
from k8snb.scheduler.registry import DEFAULT_PROFILE, Profile
from k8snb.scheduler.runtime import Framework
from k8snb.typing import Object
from tests.scheduler.test_configuration import arguments
from tests.scheduler.world import World, node, pod, service

MB = 1024 * 1024
GPU = "nvidia.com/gpu"
Amounts = tuple[str, ...]
"""CPU, memory, and perhaps an extended resource."""


def asking(name: str, *containers: Amounts, extended: str = GPU, **more: Any) -> Object:
    """A pod with these containers."""
    words = ("cpu", "memory", extended)
    made = [
        {"name": f"c{i}", "image": "x", "resources": {"requests": dict(zip(words, each, strict=False))}}
        for i, each in enumerate(containers)
    ]
    return pod(name, containers=made, **more)


def machines(*have: Amounts, extended: str = GPU) -> list[Object]:
    return [
        node(f"n{i}", cpu=each[0], memory=each[1], more={extended: each[2]} if len(each) > 2 else {})
        for i, each in enumerate(have)
    ]


def scores(framework: Framework, pod: Object, plugin: str, left_out: Sequence[str] = ()) -> list[int] | None:
    """The normalised scores of the nodes that are left; None if the plugin has nothing to say."""
    nodes = framework.cache.nodes()
    left = [each for each in nodes if each.name not in left_out]
    state, found = CycleState(nodes), framework.plugins[plugin]
    if hasattr(found, "pre_score") and found.pre_score(state, pod, left).code is Code.SKIP:
        return None
    raw = [found.score(state, pod, each) for each in left]
    return list(found.normalize(state, pod, left, raw)) if hasattr(found, "normalize") else raw


# -- resources ---------------------------------------------------------------------------------------

NOTHING = (("0", "0"),)
TWO = (("1", "2000"), ("2", "3000"))
"""The two containers that most cases have."""
BOTH, HALF = ("3", "5000"), ("3", "0")
Placed = Sequence[tuple[int, Amounts]]
FOO = "example.com/foo"


@pytest.mark.parametrize(
    ("wanted", "nodes", "there", "expected"),
    [
        (NOTHING, [("4", "10000"), ("4", "10000")], [], [100, 100]),
        (TWO, [("4", "10000"), ("6", "10000")], [], [37, 50]),
        (NOTHING, [("10", "20000"), ("10", "20000")], [(0, HALF), (0, HALF), (1, HALF), (1, BOTH)], [70, 57]),
        (TWO, [("10", "20000"), ("10", "20000")], [(0, HALF), (1, BOTH)], [57, 45]),
        (TWO, [("10", "20000"), ("10", "50000")], [(0, HALF), (1, BOTH)], [57, 60]),
        ((HALF,), [("4", "10000"), ("4", "10000")], [(0, HALF), (1, BOTH)], [50, 25]),
        (NOTHING, [("0", "0"), ("0", "0")], [(0, HALF), (1, BOTH)], [0, 0]),
    ],
)
def test_least_allocated(
    wanted: Sequence[Amounts], nodes: Sequence[Amounts], there: Placed, expected: list[int]
) -> None:
    pods = [asking(f"p{i}", amounts, node=f"n{on}") for i, (on, amounts) in enumerate(there)]
    assert scores(World(machines(*nodes), pods).framework, asking("new", *wanted), "NodeResourcesFit") == expected


def strategy(type: str, *resources: tuple[str, int], **more: Any) -> Profile:
    named = [{"name": name, "weight": weight} for name, weight in resources]
    return arguments("NodeResourcesFit", scoringStrategy={"type": type, "resources": named, **more})


@pytest.mark.parametrize(
    ("resources", "wanted", "nodes", "expected"),
    [
        ((("memory", 2), ("cpu", 1)), TWO, [("4", "10000"), ("6", "10000")], [41, 50]),
        ((("cpu", 1), ("memory", 1), (FOO, 1)), TWO, [("6", "10000"), ("6", "10000", "4")], [50, 50]),
        (
            (("cpu", 1), ("memory", 1), (FOO, 1)),
            [("3", "5000", "2")],
            [("6", "10000", "4"), ("6", "10000", "10")],
            [50, 60],
        ),
        (((FOO, 2), ("cpu", 1), ("memory", 1)), [("3", "4000")], [("6", "10000"), ("6", "10000", "4")], [55, 55]),
    ],
)
def test_least_allocated_of_chosen_resources(
    resources: Sequence[tuple[str, int]], wanted: Sequence[Amounts], nodes: Sequence[Amounts], expected: list[int]
) -> None:
    world = World(machines(*nodes, extended=FOO), profile=strategy("LeastAllocated", *resources))
    assert scores(world.framework, asking("new", *wanted, extended=FOO), "NodeResourcesFit") == expected


@pytest.mark.parametrize(
    ("wanted", "nodes", "there", "expected"),
    [
        (NOTHING, [("4", "10000"), ("4", "10000")], [], [0, 0]),
        (TWO, [("4", "10000"), ("6", "10000")], [], [62, 50]),
        (NOTHING, [("10", "20000"), ("10", "20000")], [(0, HALF), (0, HALF), (1, HALF), (1, BOTH)], [30, 42]),
    ],
)
def test_most_allocated(
    wanted: Sequence[Amounts], nodes: Sequence[Amounts], there: Placed, expected: list[int]
) -> None:
    pods = [asking(f"p{i}", amounts, node=f"n{on}") for i, (on, amounts) in enumerate(there)]
    world = World(machines(*nodes), pods, profile=strategy("MostAllocated", ("cpu", 1), ("memory", 1)))
    assert scores(world.framework, asking("new", *wanted), "NodeResourcesFit") == expected


@pytest.mark.parametrize(
    ("points", "at", "expected"),
    [
        (((10, 1), (90, 9)), (-10, 0, 9, 10, 15, 19, 20, 89, 90, 99, 100, 110), (1, 1, 1, 1, 1, 1, 2, 8, 9, 9, 9, 9)),
        (((0, 2), (40, 10), (100, 0)), (-10, 0, 20, 30, 40, 70, 100, 110), (2, 2, 6, 8, 10, 5, 0, 0)),
        (((0, 2), (40, 2), (100, 2)), (-10, 20, 70, 110), (2, 2, 2, 2)),
    ],
)
def test_a_line_through_points(points: Sequence[tuple[int, int]], at: Sequence[int], expected: Sequence[int]) -> None:
    assert tuple(on_line(points, x) for x in at) == expected


def ratio(*resources: tuple[str, int]) -> Profile:
    shape = [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 1}]
    return strategy("RequestedToCapacityRatio", *resources, requestedToCapacityRatio={"shape": shape})


def extended(name: str, *, on: str = "", **amounts: str) -> Object:
    requests = {f"intel.com/{key}": amount for key, amount in amounts.items()}
    return pod(name, containers=[{"name": "c", "image": "x", "resources": {"requests": requests}}], node=on)


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        ({}, {}, [0, 0]),
        ({"foo": "2"}, {}, [2, 5]),
        ({"foo": "2"}, {"foo": "2"}, [2, 10]),
        ({"foo": "4"}, {}, [5, 10]),
    ],
)
def test_one_extended_resource_by_a_line(
    wanted: Mapping[str, str], there: Mapping[str, str], expected: list[int]
) -> None:
    nodes = [node("n0", more={"intel.com/foo": "8"}), node("n1", more={"intel.com/foo": "4"})]
    pods = [extended("p", on="n1", **there)] if there else []
    world = World(nodes, pods, profile=ratio(("intel.com/foo", 1)))
    assert scores(world.framework, extended("new", **wanted), "NodeResourcesFit") == expected


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        ({}, {}, [0, 0]),
        ({"foo": "2", "bar": "2"}, {}, [4, 3]),
        ({"foo": "2", "bar": "2"}, {"foo": "4", "bar": "2"}, [4, 7]),
        ({"foo": "4", "bar": "2"}, {}, [5, 5]),
    ],
)
def test_two_extended_resources_by_a_line(
    wanted: Mapping[str, str], there: Mapping[str, str], expected: list[int]
) -> None:
    amounts = {"intel.com/foo": "8", "intel.com/bar": "4"}, {"intel.com/foo": "4", "intel.com/bar": "8"}
    nodes = [node(f"n{i}", more=each) for i, each in enumerate(amounts)]
    pods = [extended("p", on="n1", **there)] if there else []
    world = World(nodes, pods, profile=ratio(("intel.com/foo", 3), ("intel.com/bar", 5)))
    assert scores(world.framework, extended("new", **wanted), "NodeResourcesFit") == expected


CPU_ONLY = ("3",)
WITH_GPU = arguments(
    "NodeResourcesBalancedAllocation", resources=[{"name": each, "weight": 1} for each in ("cpu", "memory", GPU)]
)


@pytest.mark.parametrize(
    ("profile", "wanted", "nodes", "there", "expected"),
    [
        (DEFAULT_PROFILE, NOTHING, [("4", "10000"), ("4", "10000")], [], None),
        (DEFAULT_PROFILE, TWO, [("4", "10000"), ("6", "10000")], [], [68, 75]),
        (DEFAULT_PROFILE, TWO, [("10", "20000"), ("10", "20000")], [(0, CPU_ONLY), (1, BOTH)], [73, 74]),
        (DEFAULT_PROFILE, TWO, [("10", "20000"), ("10", "50000")], [(0, CPU_ONLY), (1, BOTH)], [73, 70]),
        (DEFAULT_PROFILE, [("0", "5000")], [("3", "5000"), ("3", "5000")], [(0, CPU_ONLY)], [100, 50]),
        (DEFAULT_PROFILE, [CPU_ONLY], [("6", "10000"), ("6", "10000")], [(0, CPU_ONLY), (1, BOTH)], [62, 62]),
        (
            WITH_GPU,
            [("0", "0", "1")],
            [("3500m", "40000", "8"), ("3500m", "40000", "8")],
            [(0, ("3", "5000", "3")), (1, BOTH)],
            [75, 76],
        ),
        (WITH_GPU, TWO, [("3500m", "40000", "8"), ("3500m", "40000")], [], [56, 56]),
    ],
)
def test_balanced_allocation(
    profile: Profile, wanted: Sequence[Amounts], nodes: Sequence[Amounts], there: Placed, expected: list[int] | None
) -> None:
    pods = [asking(f"p{i}", amounts, node=f"n{on}") for i, (on, amounts) in enumerate(there)]
    world = World(machines(*nodes), pods, profile=profile)
    assert scores(world.framework, asking("new", *wanted), "NodeResourcesBalancedAllocation") == expected


# -- images and taints -------------------------------------------------------------------------------

STOCK = {"gcr.io/40": 40 * MB, "gcr.io/300": 300 * MB, "gcr.io/2000": 2000 * MB}
OTHER = {"gcr.io/250": 250 * MB, "gcr.io/10": 10 * MB}


@pytest.mark.parametrize(
    ("images", "nodes", "expected"),
    [
        (("gcr.io/40", "gcr.io/250"), (STOCK, OTHER), [0, 5]),
        (("gcr.io/40", "gcr.io/300"), (STOCK, OTHER), [7, 0]),
        (("gcr.io/10", "gcr.io/2000"), (STOCK, OTHER), [49, 0]),
        (("gcr.io/10", "gcr.io/2000"), (STOCK, OTHER, {}), [32, 0, 0]),
    ],
)
def test_image_locality(images: Sequence[str], nodes: Sequence[Mapping[str, int]], expected: list[int]) -> None:
    world = World([node(f"n{i}", images=each) for i, each in enumerate(nodes)])
    wanted = pod(containers=[{"name": f"c{i}", "image": image} for i, image in enumerate(images)])
    assert scores(world.framework, wanted, "ImageLocality") == expected


def taint(text: str) -> Object:
    """`key=value:Effect`."""
    rest, _, effect = text.partition(":")
    key, _, value = rest.partition("=")
    return {"key": key, "value": value, "effect": effect}


def toleration(text: str) -> Object:
    return {**taint(text), "operator": "Equal"}


ARM, SSD = "cpu-type=arm64:PreferNoSchedule", "disk-type=ssd:PreferNoSchedule"
HARD_ARM, HARD_SSD = "cpu-type=arm64:NoSchedule", "disk-type=ssd:NoSchedule"
FOO_BAR = "foo=bar:PreferNoSchedule"


@pytest.mark.parametrize(
    ("tolerated", "nodes", "expected"),
    [
        ([FOO_BAR], [[FOO_BAR], ["foo=blah:PreferNoSchedule"]], [100, 0]),
        ([ARM, SSD], [[], [ARM], [ARM, SSD]], [100, 100, 100]),
        ([FOO_BAR], [[], [ARM], [ARM, SSD]], [100, 50, 0]),
        ([HARD_ARM, HARD_SSD], [[], [HARD_ARM], [ARM, SSD]], [100, 100, 0]),
        ([], [[], [ARM]], [100, 0]),
    ],
)
def test_taint_toleration(tolerated: Sequence[str], nodes: Sequence[Sequence[str]], expected: list[int]) -> None:
    world = World([node(f"n{i}", taints=[taint(each) for each in taints]) for i, taints in enumerate(nodes)])
    assert scores(world.framework, pod(tolerations=[*map(toleration, tolerated)]), "TaintToleration") == expected


@pytest.mark.parametrize(
    ("tolerations", "taints", "fits"),
    [
        ([], ["dedicated=user1:NoSchedule"], False),
        ([{"key": "dedicated", "value": "user1", "effect": "NoSchedule"}], ["dedicated=user1:NoSchedule"], True),
        ([toleration("dedicated=user2:NoSchedule")], ["dedicated=user1:NoSchedule"], False),
        ([{"key": "foo", "operator": "Exists", "effect": "NoSchedule"}], ["foo=bar:NoSchedule"], True),
        ([toleration("foo=bar:PreferNoSchedule")], ["foo=bar:NoSchedule"], False),
        ([{"key": "foo", "operator": "Equal", "value": "bar"}], ["foo=bar:NoSchedule"], True),
        ([toleration("dedicated=user2:NoSchedule")], ["dedicated=user1:PreferNoSchedule"], True),
        ([], ["dedicated=user1:PreferNoSchedule"], True),
    ],
)
def test_untolerated_taints(tolerations: Sequence[Object], taints: Sequence[str], fits: bool) -> None:
    world = World([node("n", taints=[*map(taint, taints)])])
    plugin = world.framework.plugins["TaintToleration"]
    status = plugin.filter(CycleState(), pod(tolerations=list(tolerations)), world.cache.nodes()[0])
    assert (status is SUCCESS) is fits
    assert fits or (status.code, status.message) == (Code.UNRESOLVABLE, "node(s) had untolerated taint(s)")


# -- spreading ---------------------------------------------------------------------------------------

HOST = "kubernetes.io/hostname"
ALIKE = {"labelSelector": {"matchLabels": {"foo": ""}}}


def soft(key: str, skew: int = 1, **selector: Any) -> Object:
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", **selector}


HALVES = {"a": "1", "b": "1", "x": "2", "y": "2"}
"""Node → zone."""


def crowd(**counts: int) -> list[Object]:
    return [pod(f"p-{on}-{i}", labels={"foo": ""}, node=on) for on, count in counts.items() for i in range(count)]


@pytest.mark.parametrize(
    ("constraints", "counts", "left_out", "zones", "expected"),
    [
        ([soft(HOST, **ALIKE)], {"a": 0, "b": 0}, "", {}, [100, 100]),
        ([soft(HOST, **ALIKE)], {"a": 2, "b": 1}, "b", {}, [100]),
        ([soft(HOST, **ALIKE)], {"a": 1, "b": 1}, "", {}, [100, 100]),
        ([soft(HOST, **ALIKE)], {"a": 2, "b": 1, "c": 0, "d": 3}, "", {}, [20, 60, 100, 0]),
        ([soft(HOST)], {"a": 2, "b": 1, "c": 0, "d": 3}, "", {}, [100, 100, 100, 100]),
        ([soft(HOST, 2, **ALIKE)], {"a": 2, "b": 1, "c": 0, "d": 3}, "", {}, [33, 66, 100, 16]),
        ([soft(HOST, 3, **ALIKE)], {"a": 4, "b": 3, "c": 2, "d": 1}, "", {}, [44, 66, 77, 100]),
        ([], {"a": 4, "b": 3, "c": 2, "d": 1}, "", {}, [44, 66, 77, 100]),
        ([soft(HOST, **ALIKE)], {"a": 4, "b": 2, "x": 1, "y": 3}, "y", {}, [33, 83, 100]),
        ([soft("zone", **ALIKE)], {"a": 4, "b": 2, "x": 1, "y": 3}, "y", HALVES, [75, 75, 100]),
        ([soft("zone", **ALIKE), soft(HOST, **ALIKE)], {"a": 2, "b": 1, "x": 2, "y": 4}, "by", HALVES, [100, 63]),
    ],
)
def test_pod_topology_spread(
    constraints: list[Object], counts: dict[str, int], left_out: str, zones: dict[str, str], expected: list[int]
) -> None:
    nodes = [node(name, labels={"zone": zones[name]} if name in zones else {}) for name in counts]
    world = World(nodes, crowd(**counts), services=[service("s", {"foo": ""})])
    mine = pod("p", labels={"foo": ""}, topologySpreadConstraints=constraints)
    assert scores(world.framework, mine, "PodTopologySpread", list(left_out)) == expected


# -- other pods --------------------------------------------------------------------------------------

CHINA, INDIA, AZ1, AZ2 = {"region": "China"}, {"region": "India"}, {"az": "az1"}, {"az": "az2"}
S1, S2 = {"security": "S1"}, {"security": "S2"}


def fond(weight: int, labels: Mapping[str, str], key: str = "region", kind: str = "podAffinity") -> Object:
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": key}
    weighted = [{"weight": weight, "podAffinityTerm": term}]
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": weighted}}


def bound(labels: Mapping[str, str]) -> Object:
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "region"}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def shy(labels: Mapping[str, str]) -> Object:
    return fond(5, labels, "az", "podAntiAffinity")


Known = Sequence[tuple[int, Mapping[str, str], Object | None]]
"""Placed pods: on which node, with which labels and affinity."""


@pytest.mark.parametrize(
    ("wanted", "labels", "there", "nodes", "expected"),
    [
        (None, S1, [], [CHINA, INDIA, AZ1], None),
        (fond(5, S1), S1, [(0, S1, None), (1, S2, None), (2, S1, None)], [CHINA, INDIA, AZ1], [100, 0, 0]),
        (fond(5, S1), {}, [(0, S1, None)], [CHINA, {**CHINA, **AZ1}, INDIA], [100, 100, 0]),
        (
            fond(6, S2),
            S1,
            [(0, S2, None), (0, S2, None), (1, S2, None), (2, S2, None), (3, S2, None), (4, S2, None)],
            [CHINA, INDIA, CHINA, CHINA, INDIA],
            [100, 0, 100, 100, 0],
        ),
        (None, S2, [(0, S1, fond(5, S1)), (1, S2, fond(6, S2))], [CHINA, INDIA, AZ1], [0, 100, 0]),
        (None, S1, [(0, S1, bound(S1)), (1, S2, bound(S1))], [CHINA, INDIA, AZ1], [100, 100, 0]),
        (shy(S1), S1, [(0, S1, None), (1, S2, None)], [AZ1, CHINA], [0, 100]),
        (shy(S1), S1, [(0, S1, None), (1, S1, None)], [AZ1, CHINA], [0, 100]),
        (shy(S1), S1, [(0, S1, None), (0, S1, None), (1, S2, None)], [AZ1, INDIA], [0, 100]),
        (None, S2, [(0, S1, shy(S2)), (1, S2, shy(S1))], [AZ1, AZ2], [0, 100]),
    ],
)
def test_inter_pod_affinity(
    wanted: Object | None,
    labels: Mapping[str, str],
    there: Known,
    nodes: Sequence[Mapping[str, str]],
    expected: list[int] | None,
) -> None:
    made = [node(f"n{i}", labels=each) for i, each in enumerate(nodes)]
    pods = [
        pod(f"p{i}", labels=theirs, node=f"n{on}", **({"affinity": affinity} if affinity else {}))
        for i, (on, theirs, affinity) in enumerate(there)
    ]
    mine = pod("new", labels=labels, **({"affinity": wanted} if wanted else {}))
    assert scores(World(made, pods).framework, mine, "InterPodAffinity") == expected
