"""What wakes a pod that was turned away: upstream's `isSchedulableAfter…` tests of 1.36, by their names there."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.scheduler.test_upstream_filters import CORDON, holding
from tests.scheduler.verdicts import hint, labels, needs, selector, taint, toleration
from tests.scheduler.world import node, pod


def machine(text: str | None, **more: Any) -> Object | None:
    """A node by its labels; None for none."""
    return None if text is None else node("n", labels=labels(text), **more)


def other(text: str | None) -> Object | None:
    """An assigned pod by its labels, `ns/` before them for another namespace."""
    if text is None:
        return None
    namespace, slash, marks = text.rpartition("/")
    return pod("other", node="n", namespace=namespace if slash else "default", labels=labels(marks))


@pytest.mark.parametrize(
    ("name", "wanted", "freed", "expected"),
    [
        ("skip-queue-on-non-hostport", "TCP/0.0.0.0/8080", "", False),
        ("skip-queue-on-unrelated-hostport", "TCP/0.0.0.0/8080", "TCP/0.0.0.0/8081", False),
        ("skip-queue-on-other-protocol", "TCP/0.0.0.0/8080", "UDP/0.0.0.0/8080", False),
        ("queue-on-released-hostport", "TCP/0.0.0.0/8080", "TCP/0.0.0.0/8080", True),
    ],
)
def test_ports(name: str, wanted: str, freed: str, expected: bool) -> None:
    assert hint("NodePorts", "AssignedPod", holding(wanted), holding(freed, name="gone", node="n"), None) is expected


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("add node with a non-matching label", None, "", False),
        ("add node with the matching label", None, "foo=bar", True),
        ("skip-unrelated-changes", "", "", False),
        ("skip-unrelated-changes-on-labels", "", "baz=x", False),
        ("skip-labels-changes-on-suitable-node", "foo=bar", "foo=bar,baz=x", False),
        ("skip-labels-changes-on-node-from-suitable-to-unsuitable", "foo=bar", "", False),
        ("queue-on-labels-changes-makes-pod-schedulable", "", "foo=bar", True),
    ],
)  # fmt: skip
def test_node_affinity(name: str, old: str | None, new: str | None, expected: bool) -> None:
    wanted = pod(affinity=needs("foo in bar"))
    assert hint("NodeAffinity", "Node", wanted, machine(old), machine(new)) is expected


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("skip-queue-on-untoleratedtaint-node-added", None, "dedicated=user1:NoSchedule", False),
        ("queue-on-toleratedtaint-node-added", None, "dedicated=user2:NoSchedule", True),
        ("skip-unrelated-change", "dedicated=user1:NoSchedule",
         "dedicated=user1:NoSchedule dedicated=user3:NoSchedule", False),
        ("queue-on-taint-change", "dedicated=user1:NoSchedule", "dedicated=user2:NoSchedule", True),
    ],
)  # fmt: skip
def test_taints(name: str, old: str | None, new: str, expected: bool) -> None:
    made = [None if each is None else node("n", taints=list(map(taint, each.split()))) for each in (old, new)]
    wanted = pod(tolerations=[toleration("dedicated=user2:NoSchedule")])
    assert hint("TaintToleration", "Node", wanted, *made) is expected


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("skip-queue-on-node-unschedulable-field", None, True, False),
        ("queue-on-schedulable-node-added", None, False, True),
        ("skip-unrelated-change", True, True, False),
        ("queue-on-unschedulable-field-change", True, False, True),
    ],
)
def test_cordons(name: str, old: bool | None, new: bool, expected: bool) -> None:
    made = [None if each is None else node("n", unschedulable=each) for each in (old, new)]
    assert hint("NodeUnschedulable", "Node", pod(), *made) is expected


@pytest.mark.parametrize(
    ("name", "tolerations", "expected"),
    [
        ("skip if not the toleration", ["foo:NoSchedule"], False),
        ("queue-on-toleration", [f"{CORDON}:NoSchedule"], True),
    ],
)
def test_tolerations_for_cordons(name: str, tolerations: list[str], expected: bool) -> None:
    new = pod(tolerations=[toleration(each) for each in tolerations])
    assert hint("NodeUnschedulable", "TargetPod", pod(), pod(), new) is expected


@pytest.mark.parametrize(
    ("name", "gates", "expected"),
    [("skip while gates are left", ["bar"], False), ("queue when the last gate goes", [], True)],
)
def test_gates(name: str, gates: list[str], expected: bool) -> None:
    old = pod(schedulingGates=[{"name": "foo"}, {"name": "bar"}])
    new = pod(schedulingGates=[{"name": each} for each in gates])
    assert hint("SchedulingGates", "TargetPod", old, old, new) is expected


@pytest.mark.parametrize(
    ("name", "wanted", "old", "new", "expected"),
    [
        ("skip-queue-as-node-doesn't-have-enough-resources", "2", None, "1", False),
        ("queue-as-new-node-has-enough", "2", None, "2", True),
        ("skip-queue-as-resources-shrink", "1", "4", "2", False),
        ("skip-queue-as-nothing-changes", "1", "2", "2", False),
        ("queue-on-node-allocatable-grown", "2", "1", "2", True),
        ("skip-queue-as-it-grows-not-enough", "4", "1", "2", False),
    ],
)
def test_resources(name: str, wanted: str, old: str | None, new: str, expected: bool) -> None:
    made = [None if each is None else node("n", cpu=each) for each in (old, new)]
    assert hint("NodeResourcesFit", "Node", pod(cpu=wanted), *made) is expected


def spread(*keys: str, among: str = "foo") -> Object:
    marks = among.split()
    made = [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
         "labelSelector": selector(f"{marks[at % len(marks)]} exists")}
        for at, key in enumerate(keys)
    ]  # fmt: skip
    return pod(labels={"foo": ""}, topologySpreadConstraints=made)


@pytest.mark.parametrize(
    ("name", "keys", "old", "new", "expected"),
    [
        ("node updates label which matches topologyKey", "zone", "zone=1", "zone=2", True),
        ("node that doesn't match topologySpreadConstraints updates non-related label", "zone", "a=1", "a=2", False),
        ("node that match topologySpreadConstraints changes non-related label", "zone node", "zone=1,node=1,foo=b",
         "zone=1,node=1", False),
        ("create node with non-related labels", "zone", None, "foo=bar", False),
        ("create node with related labels", "zone", None, "zone=1", True),
        ("delete node with non-related labels", "zone", "foo=bar", None, False),
        ("delete node with related labels", "zone", "zone=1", None, True),
        ("add node with related labels that only match one", "zone node", None, "zone=1", False),
        ("add node with related labels that match all", "zone node", None, "zone=1,node=1", True),
        ("update node with related labels that only match one", "zone node", "zone=1", "zone=2", False),
        ("update node with related labels that match all", "zone node", "zone=1,node=1", "zone=1,node=2", True),
    ],
)  # fmt: skip
def test_spread_over_nodes(name: str, keys: str, old: str | None, new: str | None, expected: bool) -> None:
    assert hint("PodTopologySpread", "Node", spread(*keys.split()), machine(old), machine(new)) is expected


@pytest.mark.parametrize(
    ("name", "among", "old", "new", "expected"),
    [
        ("add pod with labels match", "foo", None, "foo=", True),
        ("add pod with different namespace", "foo", None, "far/foo=", False),
        ("add pod with labels don't match", "foo", None, "bar=", False),
        ("delete pod with labels that match", "foo", "foo=", None, True),
        ("delete pod with labels that don't match", "foo", "bar=", None, False),
        ("update pod's non-related label", "foo", "foo=,bar=1", "foo=,bar=2", False),
        ("add pod's label that matches", "foo", "", "foo=", True),
        ("delete pod label that matches", "foo", "foo=", "", True),
        ("change pod's label that matches", "foo", "foo=1", "foo=2", False),
        ("add pod's label that matches with multi constraints", "foo bar", "foo=", "foo=,bar=2", True),
        ("change pod's label that doesn't match with multi constraints", "foo bar", "foo=", "foo=,baz=", False),
        ("change pod's label that match with multi constraints", "foo bar", "foo=,bar=", "foo=,bar=2", False),
    ],
)
def test_spread_among_pods(name: str, among: str, old: str | None, new: str | None, expected: bool) -> None:
    wanted = spread("zone", "node", among=among) if " " in among else spread("zone", among=among)
    assert hint("PodTopologySpread", "AssignedPod", wanted, other(old), other(new)) is expected


def liking(kind: str, *terms: str, key: str = "region") -> Object:
    made = [{"topologyKey": key, "labelSelector": selector(each)} for each in terms]
    return pod(affinity={kind: {"requiredDuringSchedulingIgnoredDuringExecution": made}})


NEAR = liking("podAffinity", "service in securityscan,value2")
BOTH = liking("podAffinity", "aaa exists", "bbb exists", key="hostname")
APART = liking("podAntiAffinity", "service in securityscan,value2")


@pytest.mark.parametrize(
    ("name", "wanted", "old", "new", "expected"),
    [
        ("add a pod which matches the pod affinity", NEAR, None, "service=securityscan", True),
        ("add a pod which doesn't match the pod affinity", NEAR, None, "aaa=a", False),
        ("update a pod from non-match to match pod affinity", NEAR, "aaa=a", "service=securityscan", True),
        ("matches before and after label changes", NEAR, "service=value2", "service=securityscan", False),
        ("update a pod from match to non-match the pod affinity", NEAR, "service=securityscan", "aaa=a", False),
        ("from match to non-match - multiple terms case", BOTH, "aaa=a", "service=securityscan", False),
        ("from non-match to match - multiple terms case", BOTH, "aaa=a", "aaa=,bbb=", True),
        ("from satisfying pod anti-affinity to not", APART, "service=securityscan", "service=aaaa", True),
        ("from not satisfying pod anti-affinity to satisfying", APART, "service=bbb", "service=securityscan", False),
        ("delete a pod which doesn't match pod's anti-affinity", APART, "aaa=a", None, False),
        ("delete a pod which matches pod's anti-affinity", APART, "service=securityscan", None, True),
    ],
)
def test_neighbours(name: str, wanted: Object, old: str | None, new: str | None, expected: bool) -> None:
    assert hint("InterPodAffinity", "AssignedPod", wanted, other(old), other(new)) is expected


ZONE = {kind: liking(f"pod{kind}", "service in a", key="zone") for kind in ("Affinity", "AntiAffinity")}


@pytest.mark.parametrize(
    ("name", "kind", "old", "new", "expected"),
    [
        ("add a new node with matched pod affinity topologyKey", "Affinity", None, "zone=1", True),
        ("add a new node without matched topologyKey", "Affinity", None, "region=1", False),
        ("update node label but not topologyKey", "Affinity", "aaa=a", "aaa=b", False),
        ("update node label that isn't related to the pod affinity", "Affinity", "zone=1", "zone=1,x=y", False),
        ("update node with different affinity topologyKey value", "Affinity", "zone=1", "zone=2", True),
        ("update node to have the affinity topology label", "Affinity", "aaa=a", "zone=1", True),
        ("add a new node with matched pod anti-affinity topologyKey", "AntiAffinity", None, "zone=1", True),
        ("add a new node without matched pod anti-affinity topologyKey", "AntiAffinity", None, "", True),
        (
            "update node label that isn't related to the pod anti-affinity",
            "AntiAffinity",
            "zone=1",
            "zone=1,x=y",
            False,
        ),
        ("update node with different anti-affinity topologyKey value", "AntiAffinity", "zone=1", "zone=2", True),
        ("update node to have the anti-affinity topology label", "AntiAffinity", "aaa=a", "zone=1", False),
        ("update node label not to have anti-affinity topology label", "AntiAffinity", "zone=1", "aaa=a", True),
    ],
)
def test_neighbourhoods(name: str, kind: str, old: str | None, new: str | None, expected: bool) -> None:
    assert hint("InterPodAffinity", "Node", ZONE[kind], machine(old), machine(new)) is expected
