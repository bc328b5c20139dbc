"""The short way to a node gives what the generic way gives, whatever the cluster looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.scheduler.diagnosis import FitError
from k8snb.scheduler.explain import explain
from k8snb.scheduler.podinfo import PodInfo
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.scheduler.shortcut import Choice, Shortcut
from k8snb.typing import Object
from tests.scheduler.world import World, node, owned_by, pod, replica_set, service

MB = 1024 * 1024


@dataclass
class Workload:
    """Pods of one template."""

    name: str
    owner: Object
    labels: dict[str, str]
    spec: Object
    made: int = 0

    def pod(self) -> Object:
        self.made += 1
        found = pod(f"{self.name}-{self.made}", labels=self.labels, owner=owned_by(self.owner))
        return {**found, "spec": self.spec}


def workload(name: str, app: str, cpu: str, memory: str, image: str, more: dict[str, Any]) -> Workload:
    labels = {"app": app, "pod-template-hash": name}
    spec = pod("t", cpu=cpu, memory=memory, image=image, **more)["spec"]
    return Workload(name, replica_set(name, labels), labels, spec)


TAINT = {"key": "dedicated", "value": "x", "effect": "NoSchedule"}
TOLERATION = {"key": "dedicated", "operator": "Exists"}

nodes = st.lists(
    st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(["1", "2", "8"]),
            "memory": st.sampled_from(["2Gi", "8Gi", "32Gi"]),
            "pods": st.sampled_from(["2", "5", "110"]),
            "zone": st.sampled_from(["", "a", "b", "c"]),
            "labels": st.sampled_from([{}, {"disk": "ssd"}]),
            "taints": st.sampled_from([(), (), (TAINT,)]),
            "images": st.sampled_from([{}, {"big": 900 * MB}, {"big": 900 * MB, "mid": 400 * MB}, {"tiny": MB}]),
        }
    ),
    min_size=1,
    max_size=9,
)
workloads = st.lists(
    st.builds(
        workload,
        name=st.sampled_from(["w1", "w2", "w3", "w4"]),
        app=st.sampled_from(["web", "db"]),
        cpu=st.sampled_from(["", "100m", "500m", "1500m"]),
        memory=st.sampled_from(["", "64Mi", "1Gi", "3Gi"]),
        image=st.sampled_from(["big", "mid", "tiny", "none"]),
        more=st.sampled_from([{}, {}, {"tolerations": [TOLERATION]}, {"nodeSelector": {"disk": "ssd"}}]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each.name,
)
steps = st.lists(
    st.tuples(
        st.sampled_from([*["place"] * 5, "remove", "terminate", "relabel", "mark", "cordon", "drop", "serve"]),
        st.integers(0, 99),
    ),
    max_size=40,
)


class Run:
    """A random history; at every placement the two ways are compared."""

    def __init__(self, described: list[dict[str, Any]], templates: list[Workload], patience: float) -> None:
        self.nodes = {f"n{index}": node(f"n{index}", **each) for index, each in enumerate(described)}
        self.world = World(list(self.nodes.values()), owners=[each.owner for each in templates])
        self.templates = templates
        self.placed: list[str] = []
        self.shortcut = Shortcut(self.world.framework, patience)

    def step(self, action: str, number: int) -> None:
        getattr(self, action)(number)

    def place(self, number: int) -> None:
        info = PodInfo(self.templates[number % len(self.templates)].pod())
        expected, refusal = self.outcome(self.world.cycle.choose_among_all, info)
        choice, same_refusal = self.outcome(self.shortcut.find, info)
        assert refusal == same_refusal
        if expected is None:
            return
        assert choice is not None
        assert (choice.fitting, choice.score) == (expected.fitting, expected.score)
        if choice.fitting == 1:
            assert choice.node is expected.node
        else:
            assert choice.score == self.total(info, choice.node.name)
        self.world.cache.assume(info, choice.node)
        self.placed.append(info.uid)

    def outcome(self, choose: Callable[[PodInfo], Choice | None], info: PodInfo) -> tuple[Choice | None, str]:
        try:
            return choose(info), ""
        except FitError as error:
            return None, str(error)

    def total(self, info: PodInfo, name: str) -> int:
        return explain(self.world.framework, info.pod).totals[name]

    def remove(self, number: int) -> None:
        if self.placed:
            self.world.cache.remove_pod(self.placed.pop(number % len(self.placed)))

    def terminate(self, number: int) -> None:
        if self.placed:
            info = self.world.cache.pod(self.placed[number % len(self.placed)])
            assert info is not None
            spec = {**info.pod["spec"], "nodeName": info.node_name}
            meta = {**info.pod["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
            self.world.cache.put_pod({**info.pod, "spec": spec})
            self.world.cache.put_pod({**info.pod, "spec": spec, "metadata": meta})

    def relabel(self, number: int) -> None:
        self.label(number, "topology.kubernetes.io/zone", "abc"[number % 3])

    def mark(self, number: int) -> None:
        self.label(number, "mark", str(number))

    def label(self, number: int, key: str, value: str) -> None:
        name = self.pick(number)
        if name:
            old = self.nodes[name]
            labels = {**old["metadata"]["labels"], key: value}
            self.update(name, {**old, "metadata": {**old["metadata"], "labels": labels}})

    def cordon(self, number: int) -> None:
        name = self.pick(number)
        if name:
            old = self.nodes[name]
            self.update(name, {**old, "spec": {**old["spec"], "unschedulable": not old["spec"].get("unschedulable")}})

    def drop(self, number: int) -> None:
        name = self.pick(number)
        if name and len(self.nodes) > 1:
            del self.nodes[name]
            self.world.cache.remove_node(name)

    def serve(self, number: int) -> None:
        app = ["web", "db"][number % 2]
        self.world.selectors.put_service(None, service(f"s{number}", {"app": app}))

    def pick(self, number: int) -> str:
        return sorted(self.nodes)[number % len(self.nodes)] if self.nodes else ""

    def update(self, name: str, new: Object) -> None:
        self.nodes[name] = new
        self.world.cache.put_node(new)


@given(nodes, workloads, steps, st.sampled_from([0.0, 0.5, 1000.0]))
def test_the_shortcut_finds_a_node_with_the_highest_total_or_the_same_reasons(
    described: list[dict[str, Any]], templates: list[Workload], history: list[tuple[str, int]], patience: float
) -> None:
    run = Run(described, templates, patience)
    served: set[int] = set()
    for action, number in history:
        if action == "serve" and number in served:
            continue
        served.add(number)
        run.step(action, number)


# -- where it does not apply, and what it does not do ----------------------------------------------

TERM = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
SHY = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}}
FOND = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": TERM}]}}
WISH = [{"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}]
SOFT_TAINT = {"key": "a", "value": "b", "effect": "PreferNoSchedule"}
CONSTRAINT = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
WEB = {"app": "web"}


def applies(world: World, wanted: Object) -> bool:
    return Shortcut(world.framework).find(PodInfo(wanted)) is not None


def test_a_plain_pod_goes_the_short_way() -> None:
    world = World([node(labels={"disk": "ssd"})])
    assert applies(world, pod(cpu="1", nodeSelector={"disk": "ssd"}, tolerations=[TOLERATION]))


@pytest.mark.parametrize(
    "wanted",
    [
        pod(affinity=SHY),
        pod(affinity=FOND),
        pod(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": WISH}}),
        pod(topologySpreadConstraints=[CONSTRAINT]),
        pod(containers=[{"name": "a", "image": "i", "ports": [{"hostPort": 80}]}]),
    ],
)
def test_a_pod_with_wishes_does_not(wanted: Object) -> None:
    assert not applies(World([node()]), wanted)


@pytest.mark.parametrize("affinity", [SHY, FOND])
def test_nor_does_one_that_a_placed_pods_terms_speak_of(affinity: Object) -> None:
    world = World([node()], [pod("there", node="n", affinity=affinity)])
    assert not applies(world, pod(labels=WEB))
    assert applies(world, pod(labels={"app": "db"}))
    assert applies(world, pod(labels=WEB, namespace="elsewhere"))
    world.cache.remove_pod("uid-default-there")
    assert applies(world, pod(labels=WEB))


def test_nor_does_any_while_nodes_differ_in_what_it_leaves_out() -> None:
    assert not applies(World([node(taints=[SOFT_TAINT])]), pod())
    nameless = node()
    assert not applies(World([{**nameless, "metadata": {"name": "n", "labels": {}}}]), pod())
    world = World([node()])
    world.nominator.put(PodInfo(pod("vip")), "n")
    assert not applies(world, pod())


def test_a_profile_of_other_plugins_goes_the_generic_way() -> None:
    assert not applies(World([node()], profile=DEFAULT_PROFILE.without("NodeName")), pod())


def test_only_the_node_that_changed_is_looked_at_again() -> None:
    world = World([node(f"n{number}") for number in range(200)])
    fit = world.framework.plugins["NodeResourcesFit"]
    looked: list[str] = []
    ask = fit.filter

    def counting(state: Any, pod: Object, where: Any) -> Any:
        looked.append(where.name)
        return ask(state, pod, where)

    fit.filter = counting
    for name in "abcdef":  # six Deployments with the same requests
        rs = replica_set(name, {"app": name})
        world.owners["ReplicaSet", "default", name] = rs
        for number in range(10):
            world.place(pod(f"{name}{number}", cpu="100m", labels={"app": name}, owner=owned_by(rs)))
    assert len(looked) == 200 + 59
