"""What each plugin says of a pod and a node."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.scheduler.explain import explain
from k8snb.typing import Object
from tests.scheduler.world import World, node, owned_by, pod, replica_set, service

MB = 1024 * 1024
CPU_GI = {"cpu": "8", "memory": "32Gi"}


def verdict(world: World, pod: Object, plugin: str, name: str = "n") -> str:
    """What a Filter plugin says of a node; empty if it was not asked."""
    return next((o.verdict for o in explain(world.framework, pod).of(name) if o.plugin == plugin), "")


def scores(world: World, pod: Object, plugin: str) -> dict[str, tuple[int | None, int | None]]:
    """Raw and normalised score per node."""
    found = explain(world.framework, pod).opinions
    return {o.node: (o.raw, o.normalized) for o in found if o.plugin == plugin}


def taint(effect: str, value: str = "x") -> Object:
    return {"key": "dedicated", "value": value, "effect": effect}


def anti_affinity(app: str, key: str = "kubernetes.io/hostname") -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def affinity(app: str, key: str = "topology.kubernetes.io/zone", **more: Any) -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **more}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


# -- single nodes ----------------------------------------------------------------------------------


def test_a_cordoned_node_takes_no_pods_unless_they_tolerate_it() -> None:
    world = World([node(unschedulable=True)])
    tolerant = pod(tolerations=[{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}])
    assert verdict(world, pod(), "NodeUnschedulable") == "node(s) were unschedulable"
    assert verdict(world, tolerant, "NodeUnschedulable") == "fits"


def test_a_pod_that_names_its_node_fits_only_there() -> None:
    world = World([node("n"), node("m")])
    named = pod(node="m")
    plugin = world.framework.plugins["NodeName"]
    status = {n.name: plugin.filter(None, named, n).message for n in world.cache.nodes()}
    assert status == {"n": "node(s) didn't match the requested node name", "m": ""}


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ({"key": "dedicated", "operator": "Equal", "value": "x", "effect": "NoSchedule"}, True),
        ({"key": "dedicated", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "dedicated", "value": "y"}, False),
        ({"key": "dedicated", "value": "x", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_a_taint_keeps_away_what_does_not_tolerate_it(toleration: Object, fits: bool) -> None:
    world = World([node(taints=[taint("NoSchedule")])])
    expected = "fits" if fits else "node(s) had untolerated taint(s)"
    assert verdict(world, pod(tolerations=[toleration]), "TaintToleration") == expected


def test_a_soft_taint_only_costs_points() -> None:
    world = World([node("n", taints=[taint("PreferNoSchedule")]), node("m")])
    assert scores(world, pod(), "TaintToleration") == {"n": (1, 0), "m": (0, 100)}


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}, True),
        ({"key": "disk", "operator": "NotIn", "values": ["ssd"]}, False),
        ({"key": "gpu", "operator": "DoesNotExist"}, True),
        ({"key": "cores", "operator": "Gt", "values": ["16"]}, True),
        ({"key": "cores", "operator": "Lt", "values": ["16"]}, False),
    ],
)
def test_required_node_affinity_asks_for_labels(expression: Object, fits: bool) -> None:
    world = World([node(labels={"disk": "ssd", "cores": "32"})])
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    picky = pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})
    expected = "fits" if fits else "node(s) didn't match Pod's node affinity/selector"
    assert verdict(world, picky, "NodeAffinity") == expected


def test_preferred_node_affinity_counts_its_weights() -> None:
    world = World([node("n", labels={"a": "1", "b": "1"}), node("m", labels={"a": "1"}), node("o")])
    wishes = [
        {"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]}}
        for key, weight in (("a", 10), ("b", 30))
    ]
    picky = pod(affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wishes}})
    assert scores(world, picky, "NodeAffinity") == {"n": (40, 100), "m": (10, 25), "o": (0, 0)}


@pytest.mark.parametrize(
    ("held", "wanted", "fits"),
    [
        ({"hostPort": 80}, {"hostPort": 80}, False),
        ({"hostPort": 80}, {"hostPort": 81}, True),
        ({"hostPort": 80, "protocol": "UDP"}, {"hostPort": 80}, True),
        ({"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80, "hostIP": "10.0.0.2"}, True),
        ({"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80}, False),
        ({"hostPort": 80}, {"hostPort": 80, "hostIP": "10.0.0.1"}, False),
    ],
)
def test_a_port_of_the_node_goes_to_one_pod(held: Object, wanted: Object, fits: bool) -> None:
    def with_port(name: str, port: Object, **more: Any) -> Object:
        return pod(name, containers=[{"name": "a", "image": "i", "ports": [port]}], **more)

    world = World([node()], [with_port("holder", held, node="n")])
    expected = "fits" if fits else "node(s) didn't have free ports for the requested pod ports"
    assert verdict(world, with_port("p", wanted), "NodePorts") == expected


# -- resources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"cpu": "4"}, "fits"),
        ({"cpu": "4001m"}, "Insufficient cpu"),
        ({"memory": "17Gi"}, "Insufficient memory"),
        ({"cpu": "9", "memory": "33Gi"}, "Insufficient cpu, Insufficient memory"),
    ],
)
def test_requests_have_to_be_free(wanted: dict[str, str], message: str) -> None:
    world = World([node(**CPU_GI)], [pod("other", cpu="4", memory="16Gi", node="n")])
    assert verdict(world, pod(**wanted), "NodeResourcesFit") == message


def test_a_node_takes_only_so_many_pods() -> None:
    world = World([node(pods="1")], [pod("other", node="n")])
    assert verdict(world, pod(), "NodeResourcesFit") == "Too many pods"


def test_extended_resources_are_counted_too() -> None:
    def with_gpus(name: str, number: int, **more: Any) -> Object:
        requests = {"requests": {"example.com/gpu": str(number)}}
        return pod(name, containers=[{"name": "a", "image": "i", "resources": requests}], **more)

    world = World([node(more={"example.com/gpu": "2"})], [with_gpus("other", 1, node="n")])
    assert verdict(world, with_gpus("p", 1), "NodeResourcesFit") == "fits"
    assert verdict(world, with_gpus("p", 2), "NodeResourcesFit") == "Insufficient example.com/gpu"


def test_the_freer_node_scores_higher() -> None:
    world = World([node("n", **CPU_GI), node("m", **CPU_GI)], [pod("other", cpu="4", memory="8Gi", node="n")])
    # n: (8-4-1)/8 = 37 %, (32-8-1)/32 = 71 %; m: 87 %, 96 %
    assert scores(world, pod(cpu="1", memory="1Gi"), "NodeResourcesFit") == {"n": (54, 54), "m": (91, 91)}


def test_a_pod_without_requests_counts_with_defaults_when_nodes_are_scored() -> None:
    world = World([node(name, cpu="1", memory="2000Mi") for name in "nm"])
    assert scores(world, pod(), "NodeResourcesFit") == {"n": (90, 90), "m": (90, 90)}


def test_balance_counts_the_change_and_75_means_none() -> None:
    ten = {"cpu": "10", "memory": "10Gi"}
    world = World([node("n", **ten), node("m", **ten)], [pod("o", cpu="4", node="m")])
    # n: 0/0 → 40 %/0 %: from 100 to 80; m: 40/0 → 80/0: from 80 to 60; and a pod that evens m out
    assert scores(world, pod(cpu="4"), "NodeResourcesBalancedAllocation") == {"n": (65, 65), "m": (65, 65)}
    assert scores(world, pod(memory="4Gi"), "NodeResourcesBalancedAllocation") == {"n": (65, 65), "m": (85, 85)}
    assert scores(world, pod(cpu="1", memory="1Gi"), "NodeResourcesBalancedAllocation")["n"] == (75, 75)


def test_balance_has_nothing_to_say_of_a_pod_without_requests() -> None:
    world = World([node("n"), node("m")])
    assert scores(world, pod(), "NodeResourcesBalancedAllocation") == {}


def test_images_count_by_size_and_by_how_common_they_are() -> None:
    images = {"nginx:latest": 600 * MB}
    world = World([node("n", images=images), node("m")])
    # 600 MB on half of the nodes count 300 MB: (300 - 23) / (1000 - 23)
    assert scores(world, pod(image="nginx"), "ImageLocality") == {"n": (28, 28), "m": (0, 0)}


# -- pods among pods -------------------------------------------------------------------------------


def test_anti_affinity_keeps_two_of_a_kind_apart() -> None:
    web = {"labels": {"app": "web"}, "affinity": anti_affinity("web")}
    world = World([node("n"), node("m")], [pod("other", node="n", **web)])
    assert verdict(world, pod(**web), "InterPodAffinity", "n") == "node(s) didn't match pod anti-affinity rules"
    assert verdict(world, pod(**web), "InterPodAffinity", "m") == "fits"


def test_the_anti_affinity_of_a_pod_that_is_there_binds_newcomers() -> None:
    world = World([node("n"), node("m")], [pod("hermit", node="n", affinity=anti_affinity("web"))])
    newcomer = pod(labels={"app": "web"})
    reason = "node(s) didn't satisfy existing pods anti-affinity rules"
    assert verdict(world, newcomer, "InterPodAffinity", "n") == reason
    assert verdict(world, pod(labels={"app": "db"}), "InterPodAffinity", "n") == ""
    assert world.choose(newcomer) == "m"


def test_affinity_seeks_the_neighbourhood_of_other_pods() -> None:
    world = World([node("n", zone="a"), node("m", zone="b")], [pod("db", labels={"app": "db"}, node="n")])
    seeker = pod(affinity=affinity("db"))
    assert verdict(world, seeker, "InterPodAffinity", "m") == "node(s) didn't match pod affinity rules"
    assert world.choose(seeker) == "n"


def test_the_first_of_its_kind_may_go_anywhere() -> None:
    world = World([node("n", zone="a")])
    assert verdict(world, pod(labels={"app": "db"}, affinity=affinity("db")), "InterPodAffinity") == "fits"
    assert verdict(world, pod(affinity=affinity("db")), "InterPodAffinity") == "node(s) didn't match pod affinity rules"


def test_affinity_speaks_of_its_own_namespace_unless_it_says_otherwise() -> None:
    there = [pod("db", labels={"app": "db"}, namespace="data", node="n")]
    world = World([node("n", zone="a")], there, namespaces={"data": {"team": "x"}})
    assert verdict(world, pod(affinity=affinity("db")), "InterPodAffinity") != "fits"
    assert verdict(world, pod(affinity=affinity("db", namespaces=["data"])), "InterPodAffinity") == "fits"
    selected = affinity("db", namespaceSelector={"matchLabels": {"team": "x"}})
    assert verdict(world, pod(affinity=selected), "InterPodAffinity") == "fits"


def test_preferences_of_both_sides_add_up() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 5, "podAffinityTerm": term}]
    wish = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    db = pod("db", labels={"app": "db"}, affinity=affinity("web", "kubernetes.io/hostname"), node="n")
    world = World([node("n"), node("m")], [db])
    assert scores(world, pod(labels={"app": "web"}, affinity=wish), "InterPodAffinity") == {"n": (6, 100), "m": (0, 0)}


def spread(skew: int = 1, when: str = "DoNotSchedule", key: str = "topology.kubernetes.io/zone", **more: Any) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    constraint = {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector, **more}
    return {"labels": {"app": "web"}, "topologySpreadConstraints": [constraint]}


def test_a_hard_constraint_bounds_the_skew() -> None:
    nodes = [node("n", zone="a"), node("m", zone="b"), node("o")]
    world = World(nodes, [pod("x", labels={"app": "web"}, node="n")])
    reason = "node(s) didn't match pod topology spread constraints"
    found = [verdict(world, pod(**spread()), "PodTopologySpread", name) for name in "nmo"]
    assert found == [reason, "fits", f"{reason} (missing required label)"]
    assert verdict(world, pod(**spread(2)), "PodTopologySpread", "n") == "fits"


def test_too_few_domains_count_as_an_empty_one() -> None:
    world = World([node("n", zone="a")], [pod("x", labels={"app": "web"}, node="n")])
    assert verdict(world, pod(**spread()), "PodTopologySpread") == "fits"
    assert verdict(world, pod(**spread(minDomains=2)), "PodTopologySpread") != "fits"


def test_terminating_pods_do_not_count_for_spreading() -> None:
    old = pod("x", labels={"app": "web"}, node="n", deleting=True)
    world = World([node("n", zone="a"), node("m", zone="b")], [old])
    assert verdict(world, pod(**spread()), "PodTopologySpread", "n") == "fits"


def test_nodes_that_the_pod_cannot_choose_do_not_count_either() -> None:
    nodes = [node("n", zone="a", labels={"disk": "ssd"}), node("m", zone="b")]
    world = World(nodes, [pod("x", labels={"app": "web"}, node="n")])
    picky = pod(**spread(), nodeSelector={"disk": "ssd"})
    assert verdict(world, picky, "PodTopologySpread", "n") == "fits"


def test_a_pod_without_constraints_is_spread_among_the_pods_of_its_owner() -> None:
    rs = replica_set("web", {"app": "web"})
    world = World(
        [node("n", zone="a"), node("m", zone="a"), node("o", zone="b")],
        [pod("x", labels={"app": "web"}, node="n"), pod("y", labels={"app": "other"}, node="m")],
        owners=[rs],
    )
    mine = pod(labels={"app": "web"}, owner=owned_by(rs))
    # hostname weighs log(3 + 2), zone log(2 + 2); n: 1.61 + 2 + 1.39 + 4, m: 2 + 1.39 + 4, o: 2 + 4
    assert scores(world, mine, "PodTopologySpread") == {"n": (9, 66), "m": (7, 88), "o": (6, 100)}
    assert scores(world, pod(labels={"app": "web"}), "PodTopologySpread") == {}


def test_a_service_spreads_the_pods_behind_it() -> None:
    there = [pod("x", labels={"app": "web"}, node="n")]
    world = World([node("n"), node("m")], there, services=[service("web", {"app": "web"})])
    assert world.choose(pod(labels={"app": "web"})) == "m"
    assert scores(world, pod(labels={"app": "web"}), "PodTopologySpread") == {"n": (3, 66), "m": (2, 100)}


def test_a_soft_constraint_ignores_nodes_without_its_label() -> None:
    world = World([node("n", zone="a"), node("m")], [pod("x", labels={"app": "web"}, node="n")])
    assert scores(world, pod(**spread(when="ScheduleAnyway")), "PodTopologySpread") == {"n": (1, 100), "m": (0, 0)}


def test_match_label_keys_spread_each_revision_for_itself() -> None:
    old = {"app": "web", "pod-template-hash": "1"}
    world = World([node("n", zone="a"), node("m", zone="b")], [pod("x", labels=old, node="n")])
    new = {**spread(matchLabelKeys=["pod-template-hash"]), "labels": {"app": "web", "pod-template-hash": "2"}}
    assert verdict(world, pod(**new), "PodTopologySpread", "n") == "fits"
