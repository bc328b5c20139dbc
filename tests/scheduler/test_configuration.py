"""What a scheduler is told, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.scheduler.configuration import BadConfiguration, read
from k8snb.scheduler.explain import explain
from k8snb.scheduler.framework import SUCCESS, CycleState, Status
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.registry import DEFAULT_PROFILE, Profile
from k8snb.typing import Object
from tests.scheduler.world import World, node, owned_by, pod, replica_set

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}

ZONES = {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}


def told(**profile: Any) -> Object:
    return {**HEAD, "profiles": [{"schedulerName": "default-scheduler", **profile}]}


def profile(**given: Any) -> Profile:
    return read(told(**given)).profiles[0]


def arguments(plugin: str, **given: Any) -> Profile:
    return profile(pluginConfig=[{"name": plugin, "args": given}])


def at(profile: Profile, point: str) -> list[str]:
    return [plugin.name for plugin in World(profile=profile).framework.at[point]]


def test_without_anything_it_is_the_default_profile() -> None:
    assert [read(given).profiles for given in (None, HEAD, told())] == [(DEFAULT_PROFILE,)] * 3
    assert read(None).profiles[0].usual


def test_a_point_can_be_emptied_and_filled_anew() -> None:
    only = profile(
        plugins={"score": {"disabled": [{"name": "*"}], "enabled": [{"name": "ImageLocality", "weight": 7}]}}
    )
    assert at(only, "Score") == ["ImageLocality"]
    assert dict(only.plugins)["ImageLocality"] == 7
    assert at(only, "Filter") == at(DEFAULT_PROFILE, "Filter")


def test_what_a_point_names_itself_comes_first_and_multipoint_after_it() -> None:
    named = {"enabled": [{"name": "NodePorts"}, {"name": "NodeName"}], "disabled": [{"name": "TaintToleration"}]}
    found = at(profile(plugins={"filter": named}), "Filter")
    assert found[:4] == ["NodePorts", "NodeName", "NodeUnschedulable", "NodeAffinity"]


def test_multipoint_takes_a_plugin_out_everywhere() -> None:
    found = profile(
        plugins={
            "multiPoint": {"disabled": [{"name": "NodeAffinity"}], "enabled": [{"name": "ImageLocality", "weight": 4}]}
        }
    )
    assert "NodeAffinity" not in at(found, "Filter") + at(found, "PreFilter") + at(found, "Score")
    assert dict(found.plugins)["ImageLocality"] == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**HEAD, "kind": "Pod"}, 'no kind "Pod" is registered for version "kubescheduler.config.k8s.io/v1" in scheme'),
        ({**HEAD, "profile": []}, 'strict decoding error: unknown field "profile"'),
        (told(plugins={"normalize": {}}), 'unknown field "profiles[0].plugins.normalize"'),
        ({**HEAD, "profiles": []}, "profiles: Required value"),
        (
            {**HEAD, "percentageOfNodesToScore": 101},
            "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
        ),
        (
            {**HEAD, "podInitialBackoffSeconds": 0, "podMaxBackoffSeconds": -1},
            "[podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: "
            "-1: must be greater than or equal to PodInitialBackoffSeconds]",
        ),
        (
            {**HEAD, "profiles": [{"schedulerName": "a"}, {"schedulerName": "a"}]},
            'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
        ),
        ({**HEAD, "profiles": [{"schedulerName": "a"}, {}]}, "profiles[1].schedulerName: Required value"),
        (
            told(pluginConfig=[{"name": "InterPodAffinity", "args": {"hardPodAffinityWeight": 101}}]),
            "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            told(pluginConfig=[{"name": "PodTopologySpread", "args": {"defaultConstraints": [ZONES]}}]),
            'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are '
            "not empty",
        ),
        (
            told(pluginConfig=[{"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "Most"}}}]),
            "initializing profiles: creating profile for scheduler name default-scheduler: initializing plugin "
            '"NodeResourcesFit": scoringStrategy.type: Unsupported value: "Most": supported values: "LeastAllocated", '
            '"MostAllocated", "RequestedToCapacityRatio"',
        ),
        (told(plugins={"score": {"enabled": [{"name": "Mine"}]}}), 'ScorePlugin "Mine" does not exist'),
        (
            told(plugins={"score": {"enabled": [{"name": "NodeName"}]}}),
            'plugin "NodeName" does not extend ScorePlugin plugin',
        ),
        (
            told(plugins={"bind": {"disabled": [{"name": "*"}]}}),
            'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
        ),
    ],
)
def test_what_is_wrong_is_said_as_upstream_says_it(given: Object, message: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read(given)
    assert message in str(caught.value)


# -- arguments ---------------------------------------------------------------------------------------


def points(world: World, pod: Object, plugin: str) -> dict[str, int | None]:
    return {each.node: each.raw for each in explain(world.framework, pod).opinions if each.plugin == plugin}


def test_nodes_can_be_filled_up_instead_of_kept_empty() -> None:
    most = arguments("NodeResourcesFit", scoringStrategy={"type": "MostAllocated"})
    there = [pod("x", cpu="4", memory="16Gi", node="n")]
    assert World([node("n"), node("m")], there, profile=most).choose(pod(cpu="1")) == "n"
    assert World([node("n"), node("m")], there).choose(pod(cpu="1")) == "m"


def test_use_can_be_scored_by_a_line() -> None:
    shape = [{"utilization": 0, "score": 0}, {"utilization": 50, "score": 10}, {"utilization": 100, "score": 2}]
    strategy = {
        "type": "RequestedToCapacityRatio",
        "resources": [{"name": "cpu"}],
        "requestedToCapacityRatio": {"shape": shape},
    }
    bent = arguments("NodeResourcesFit", scoringStrategy=strategy)
    world = World([node("n", cpu="4"), node("m", cpu="2"), node("o", cpu="20")], profile=bent)
    assert points(world, pod(cpu="1"), "NodeResourcesFit") == {"n": 50, "m": 100, "o": 10}


def test_a_profile_adds_its_own_affinity() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    needed = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    ssd = arguments("NodeAffinity", addedAffinity=needed)
    world = World([node("n"), node("m", labels={"disk": "ssd"})], profile=ssd)
    assert world.choose(pod()) == "m"
    verdict = next(each.verdict for each in explain(world.framework, pod()).of("n") if each.plugin == "NodeAffinity")
    assert verdict == "node(s) didn't match scheduler-enforced node affinity"


def test_pods_without_constraints_are_spread_as_the_profile_says() -> None:
    strict = arguments("PodTopologySpread", defaultingType="List", defaultConstraints=[ZONES])
    owner = replica_set("web", {"app": "web"})
    alike = [pod(f"w{i}", labels={"app": "web"}, owner=owned_by(owner), node="n") for i in range(2)]
    world = World([node("n", zone="a"), node("m", zone="b", cpu="1")], alike, owners=[owner], profile=strict)
    mine = pod("new", cpu="500m", labels={"app": "web"}, owner=owned_by(owner))
    verdicts = {
        each.node: each.verdict
        for each in explain(world.framework, mine).opinions
        if each.plugin == "PodTopologySpread"
    }
    assert verdicts == {"n": "node(s) didn't match pod topology spread constraints", "m": "fits"}


def test_the_weight_of_required_affinity_is_the_profiles() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    fond = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    there = [pod("x", node="n", affinity=fond)]
    heavy = arguments("InterPodAffinity", hardPodAffinityWeight=40)
    assert points(
        World([node("n"), node("m")], there, profile=heavy), pod(labels={"app": "db"}), "InterPodAffinity"
    ) == {"n": 40, "m": 0}


def test_resources_that_somebody_else_looks_after_are_not_counted() -> None:
    foreign = arguments("NodeResourcesFit", ignoredResourceGroups=["example.com"])
    asking = pod()
    asking = {
        **asking,
        "spec": {**asking["spec"], "containers": [{"name": "c", "resources": {"requests": {"example.com/foo": "3"}}}]},
    }
    assert World([node("n")], profile=foreign).choose(asking) == "n"


# -- a part of the nodes -----------------------------------------------------------------------------


def test_only_a_part_of_a_large_cluster_is_looked_at_and_the_next_pod_looks_at_the_rest() -> None:
    some = read({**HEAD, "percentageOfNodesToScore": 10}).profiles[0]
    world = World([node(f"n{i:03}", zone="ab"[i >= 150]) for i in range(300)], profile=some)
    names = [world.choose(pod(f"p{i}")) for i in range(4)]
    assert names == ["n000", "n050", "n100", "n000"]


# -- a plugin of one's own ---------------------------------------------------------------------------


class Quiet:
    """Likes nodes with few pods and refuses those that are called loud."""

    def filter(self, state: CycleState, pod: Object, node: NodeInfo) -> Status:
        return Status.unschedulable("node(s) were loud") if node.labels.get("loud") else SUCCESS

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        return max(0, 100 - 10 * len(node.pods))


def test_a_class_of_the_readers_takes_part_in_a_profile() -> None:
    quiet = read(told(plugins={"multiPoint": {"enabled": [{"name": "Quiet", "weight": 5}]}}), [Quiet]).profiles[0]
    world = World(
        [node("n", labels={"loud": "yes"}), node("m", cpu="2"), node("o")], [pod("x", node="o")], profile=quiet
    )
    assert world.choose(pod(cpu="1")) == "m"
    table = [
        (each.node, each.verdict, each.points)
        for each in explain(world.framework, pod()).opinions
        if each.plugin == "Quiet"
    ]
    assert table == [("n", "node(s) were loud", 0), ("m", "fits", 500), ("o", "fits", 450)]


def test_pods_choose_their_profile_by_name_and_forks_know_it_too() -> None:
    given = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: packing
  pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}]
"""
    cluster = Cluster(2, seed=1, scheduler=given)

    def run(cluster: Cluster, name: str, scheduler: str) -> str:
        container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "1"}}}
        spec = {"schedulerName": scheduler, "containers": [container]}
        cluster.client.create(
            "pods",
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec},
        )
        cluster.settle()
        return str(cluster.client.get("pods", name, "default")["spec"].get("nodeName"))

    first = run(cluster, "a", "default-scheduler")
    assert run(cluster, "b", "packing") == run(cluster.fork(), "c", "packing") == first
    assert run(cluster, "d", "default-scheduler") != first
    assert run(cluster, "e", "nobody") == "None"
