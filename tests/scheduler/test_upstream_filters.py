"""The verdicts of Kubernetes' own unit tests: the same pods are kept from the same nodes here.

The cases are facts from `pkg/scheduler/framework/plugins/*/*_test.go` of 1.36, by their names there, in a notation of
our own (`verdicts`). `no` is Unschedulable, `never` UnschedulableAndUnresolvable.
"""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.scheduler.verdicts import labels, machines, needs, reasons, taint, toleration, verdicts
from tests.scheduler.world import node, pod

NODE = [node("n")]


# -- ports -------------------------------------------------------------------------------------------


def holding(ports: str, *, init: str = "", **more: Any) -> Object:
    """A pod with host ports: `TCP/127.0.0.1/80`; `init` says that it is a plain or a sidecar init container's."""
    made = [dict(zip(("protocol", "hostIP", "hostPort"), each.split("/"), strict=True)) for each in ports.split()]
    container = {"name": "c", "image": "x", "ports": [{**each, "hostPort": int(each["hostPort"])} for each in made]}
    if not init:
        return pod(containers=[container], **more)
    container |= {"restartPolicy": "Always"} if init == "sidecar" else {}
    return pod(containers=[{"name": "main", "image": "x"}], initContainers=[container], **more)


@pytest.mark.parametrize(
    ("name", "wanted", "taken", "expected"),
    [
        ("skip filter", "", "", "skip"),
        ("other port", "UDP/127.0.0.1/8080", "UDP/127.0.0.1/9090", "ok"),
        ("same udp port", "UDP/127.0.0.1/8080", "UDP/127.0.0.1/8080", "no"),
        ("same tcp port", "TCP/127.0.0.1/8080", "TCP/127.0.0.1/8080", "no"),
        ("different host ip", "TCP/127.0.0.1/8080", "TCP/127.0.0.2/8080", "ok"),
        ("different protocol", "UDP/127.0.0.1/8080", "TCP/127.0.0.1/8080", "ok"),
        ("second udp port conflict", "UDP/127.0.0.1/8000 UDP/127.0.0.1/8080", "UDP/127.0.0.1/8080", "no"),
        ("first tcp port conflict", "TCP/127.0.0.1/8001 UDP/127.0.0.1/8080", "TCP/127.0.0.1/8001 UDP/127.0.0.1/8081",
         "no"),
        ("first tcp port conflict due to 0.0.0.0 hostIP", "TCP/0.0.0.0/8001", "TCP/127.0.0.1/8001", "no"),
        ("TCP hostPort conflict due to 0.0.0.0 hostIP", "TCP/10.0.10.10/8001 TCP/0.0.0.0/8001", "TCP/127.0.0.1/8001",
         "no"),
        ("second tcp port conflict to 0.0.0.0 hostIP", "TCP/127.0.0.1/8001", "TCP/0.0.0.0/8001", "no"),
        ("second different protocol", "UDP/127.0.0.1/8001", "TCP/0.0.0.0/8001", "ok"),
        ("UDP hostPort conflict due to 0.0.0.0 hostIP", "UDP/127.0.0.1/8001", "TCP/0.0.0.0/8001 UDP/0.0.0.0/8001",
         "no"),
        ("multiple non-conflicting ports", "TCP/127.0.0.1/80 TCP/127.0.1.1/80 TCP/127.0.1.1/90",
         "TCP/127.0.0.1/9090 TCP/127.0.0.1/9191 TCP/127.0.1.1/8080", "ok"),
        ("multiple ports, some conflicting", "TCP/127.0.0.1/80 TCP/127.0.1.1/80 TCP/127.0.1.1/90",
         "TCP/127.0.0.1/9090 TCP/127.0.1.1/90 TCP/127.0.1.1/8080", "no"),
    ],
)  # fmt: skip
def test_node_ports(name: str, wanted: str, taken: str, expected: str) -> None:
    assert verdicts("NodePorts", holding(wanted), NODE, [holding(taken, name="other", node="n")]) == expected


@pytest.mark.parametrize(("init", "expected"), [("plain", "skip"), ("sidecar", "no")])
def test_ports_of_init_containers_count_if_they_stay(init: str, expected: str) -> None:
    there = [holding("TCP/0.0.0.0/8001", name="other", node="n")]
    assert verdicts("NodePorts", holding("TCP/0.0.0.0/8001", init=init), NODE, there) == expected


# -- names, cordons, taints --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wanted", "there", "expected"),
    [
        ("no host specified", pod(), node("foo"), "ok"),
        ("host matches", pod(node="foo"), node("foo"), "ok"),
        ("host doesn't match", pod(node="bar"), node("foo"), "never"),
    ],
)
def test_node_name(name: str, wanted: Object, there: Object, expected: str) -> None:
    assert verdicts("NodeName", wanted, [there]) == expected


CORDON = "node.kubernetes.io/unschedulable"


@pytest.mark.parametrize(
    ("name", "unschedulable", "tolerations", "expected"),
    [
        ("Does not schedule pod to unschedulable node (node.Spec.Unschedulable==true)", True, [], "never"),
        ("Schedule pod to normal node", False, [], "ok"),
        ("Schedule pod with toleration to unschedulable node", True, [f"{CORDON}:NoSchedule"], "ok"),
        ("Schedule pod with toleration of another effect", True, [f"{CORDON}:NoExecute"], "never"),
    ],
)
def test_node_unschedulable(name: str, unschedulable: bool, tolerations: list[str], expected: str) -> None:
    wanted = pod(tolerations=[toleration(each) for each in tolerations])
    assert verdicts("NodeUnschedulable", wanted, [node("n", unschedulable=unschedulable)]) == expected


@pytest.mark.parametrize(
    ("name", "tolerations", "taints", "expected"),
    [
        ("A pod having no tolerations can't be scheduled onto a node with nonempty taints", "",
         "dedicated=user1:NoSchedule",
         "never"),
        ("A pod which can be scheduled on a dedicated node assigned to user1 with effect NoSchedule",
         "dedicated=user1:NoSchedule", "dedicated=user1:NoSchedule", "ok"),
        ("A pod which can't be scheduled on a dedicated node assigned to user2 with effect NoSchedule",
         "dedicated=user2:NoSchedule", "dedicated=user1:NoSchedule", "never"),
        ("A pod can be scheduled onto the node, with a toleration uses operator Exists that "
         "tolerates the taints on the node",
         "foo:NoSchedule", "foo=bar:NoSchedule", "ok"),
        ("A pod has multiple tolerations, node has multiple taints, all the taints are tolerated, pod can be scheduled",
         "dedicated=user2:NoSchedule foo:NoSchedule", "dedicated=user2:NoSchedule foo=bar:NoSchedule", "ok"),
        ("A pod has a toleration that keys and values match the taint on the node, but (non-empty) "
         "effect doesn't match",
         "foo=bar:PreferNoSchedule", "foo=bar:NoSchedule", "never"),
        ("The pod has a toleration that keys and values match the taint on the node, the effect of toleration is empty",
         "foo=bar:", "foo=bar:NoSchedule", "ok"),
        ("The pod has a toleration that key and value don't match the taint on the node, but the effect of taint is "
         "PreferNoSchedule", "dedicated=user2:NoSchedule", "dedicated=user1:PreferNoSchedule", "ok"),
        ("The pod has no toleration, but the effect of taint on node is PreferNoSchedule", "",
         "dedicated=user1:PreferNoSchedule", "ok"),
        ("everything is tolerated", ":", "a=b:NoSchedule c=d:NoExecute", "ok"),
    ],
)  # fmt: skip
def test_taint_toleration(name: str, tolerations: str, taints: str, expected: str) -> None:
    wanted = pod(tolerations=[toleration(each) for each in tolerations.split()])
    assert verdicts("TaintToleration", wanted, [node("n", taints=list(map(taint, taints.split())))]) == expected


# -- node affinity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "chosen", "terms", "there", "expected"),
    [
        ("missing labels", "foo=bar", None, "n", "never"),
        ("same labels", "foo=bar", None, "n{foo=bar}", "ok"),
        ("node labels are superset", "foo=bar", None, "n{foo=bar,baz=blah}", "ok"),
        ("node labels are subset", "foo=bar,baz=blah", None, "n{foo=bar}", "never"),
        ("In operator that matches the existing node", "", "foo in bar,value2", "n{foo=bar}", "ok"),
        ("Gt operator that matches the existing node", "", "kernel-version gt 0204", "n{kernel-version=0206}", "ok"),
        ("Gt operator that does not", "", "kernel-version gt 0206", "n{kernel-version=0206}", "never"),
        ("Lt operator that matches", "", "kernel-version lt 0207", "n{kernel-version=0206}", "ok"),
        ("NotIn operator that matches the existing node", "", "mem-type notin DDR,DDR2", "n{mem-type=DDR3}", "ok"),
        ("Exists operator that matches the existing node", "", "GPU exists", "n{GPU=NVIDIA-GRID-K1}", "ok"),
        ("DoesNotExist operator", "", "GPU absent", "n{GPU=NVIDIA-GRID-K1}", "never"),
        ("affinity that don't match node's labels", "", "foo in value1,value2", "n{foo=bar}", "never"),
        ("empty MatchExpressions is not a valid value", "", "", "n{foo=bar}", "never"),
        ("no Affinity will schedule onto a node", "", None, "n{foo=bar}", "skip"),
        ("multiple matchExpressions ANDed that matches", "", "GPU exists; GPU notin AMD,INTER",
         "n{GPU=NVIDIA-GRID-K1}", "ok"),
        ("multiple matchExpressions ANDed that doesn't match", "", "GPU exists; GPU in AMD,INTER",
         "n{GPU=NVIDIA-GRID-K1}",
         "never"),
        ("multiple NodeSelectorTerms ORed in affinity", "", "foo in bar,value2 | diffkey in wrong,value2",
         "n{foo=bar}", "ok"),
        ("Affinity and NodeSelector both are satisfied", "foo=bar", "foo exists", "n{foo=bar}", "ok"),
        ("Affinity matches but the NodeSelector is not satisfied", "foo=bar", "foo exists", "n{foo=barrrrrr}", "never"),
        ("matchFields using In operator that matches the existing node", "", "name=n", "n", "ok"),
        ("matchFields using In operator that does not match the existing node", "", "name=m", "n", "never"),
        ("two terms: matchFields does not match, but matchExpressions matches", "", "name=m; name=n | foo in bar",
         "n{foo=bar}", "ok"),
        ("one term: matchFields does not match, but matchExpressions matches", "", "name=m; foo in bar", "n{foo=bar}",
         "never"),
        ("one term: both matchFields and matchExpressions match", "", "name=n; foo in bar", "n{foo=bar}", "ok"),
        ("two terms: both matchFields and matchExpressions do not match", "", "name=m | foo in not-match", "n{foo=bar}",
         "never"),
        ("two terms of node.Name affinity", "", "name=m | name=n", "n", "ok"),
        ("two conflicting mandatory node.Name affinity", "", "name=m; name=n", "n",
         "never: pod affinity terms conflict"),
    ],
)  # fmt: skip
def test_node_affinity(name: str, chosen: str, terms: str | None, there: str, expected: str) -> None:
    affinity = {"affinity": needs(terms)} if terms is not None else {}
    wanted = pod(**affinity, **({"nodeSelector": labels(chosen)} if chosen else {}))
    assert verdicts("NodeAffinity", wanted, machines(there)) == expected


# -- resources ---------------------------------------------------------------------------------------

A, B, HUGE, OURS = "example.com/aaa", "example.com/bbb", "hugepages-2Mi", "kubernetes.io/something"
_WORDS = {"c": "cpu", "m": "memory", "s": "ephemeral-storage", "a": A, "b": B, "h": HUGE, "k": OURS}


def amounts(text: str) -> Object:
    """`c1 m2`: one thousandth of a CPU and two bytes."""
    return {_WORDS[part[0]]: f"{part[1:]}m" if part[0] == "c" else part[1:] for part in text.split()}


def asking(containers: str, init: str = "", overhead: str = "", **more: Any) -> Object:
    """A pod with these containers (`,` between) and init containers."""

    def made(text: str) -> list[Object]:
        parts = text.split(",") if text else []
        return [{"name": f"c{at}", "image": "x", "resources": {"requests": amounts(p)}} for at, p in enumerate(parts)]

    more |= {"initContainers": made(init)} if init else {}
    more |= {"overhead": amounts(overhead)} if overhead else {}
    return pod(containers=made(containers) or [{"name": "c", "image": "x"}], **more)


MACHINE = node("n", cpu="10m", memory="20", pods="32", more={A: "5", HUGE: "5", "ephemeral-storage": "20"})


@pytest.mark.parametrize(
    ("name", "wanted", "there", "expected"),
    [
        ("no resources requested always fits", asking(""), "c10 m20", ""),
        ("too many resources fails", asking("c1 m1"), "c10 m20", "cpu memory"),
        ("too many resources fails due to init container cpu", asking("c1 m1", "c3 m1"), "c8 m19", "cpu"),
        ("too many resources fails due to highest init container cpu", asking("c1 m1", "c3 m1,c2 m1"), "c8 m19", "cpu"),
        ("too many resources fails due to init container memory", asking("c1 m1", "c1 m3"), "c9 m19", "memory"),
        ("too many resources fails due to highest init container memory", asking("c1 m1", "c1 m3,c1 m2"), "c9 m19",
         "memory"),
        ("init container fits because it's the max, not sum", asking("c1 m1", "c1 m1"), "c9 m19", ""),
        ("multiple init containers fit because it's the max, not sum", asking("c1 m1", "c1 m1,c1 m1"), "c9 m19", ""),
        ("both resources fit", asking("c1 m1"), "c5 m5", ""),
        ("one resource memory fits", asking("c2 m1"), "c9 m5", "cpu"),
        ("one resource cpu fits", asking("c1 m2"), "c5 m19", "memory"),
        ("equal edge case", asking("c5 m1"), "c5 m19", ""),
        ("equal edge case for init container", asking("c4 m1", "c5 m1"), "c5 m19", ""),
        ("extended resource fits", asking("a1"), "", ""),
        ("extended resource fits for init container", asking("", "a1"), "", ""),
        ("extended resource capacity enforced", asking("c1 m1 a10"), "a0", A),
        ("extended resource capacity enforced for init container", asking("", "c1 m1 a10"), "a0", A),
        ("extended resource allocatable enforced", asking("c1 m1 a1"), "a5", A),
        ("extended resource allocatable enforced for init container", asking("", "c1 m1 a1"), "a5", A),
        ("extended resource allocatable enforced for multiple containers", asking("c1 m1 a3,c1 m1 a3"), "a2", A),
        ("extended resource allocatable admits multiple init containers", asking("", "c1 m1 a3,c1 m1 a3"), "a2", ""),
        ("extended resource allocatable enforced for multiple init containers", asking("", "c1 m1 a6,c1 m1 a3"), "a2",
         A),
        ("extended resource allocatable enforced for unknown resource", asking("c1 m1 b1"), "", B),
        ("extended resource allocatable enforced for unknown resource for init container", asking("", "c1 m1 b1"), "",
         B),
        ("kubernetes.io resource capacity enforced", asking("c1 m1 k10"), "", OURS),
        ("hugepages resource capacity enforced", asking("c1 m1 h10"), "h0", HUGE),
        ("hugepages resource allocatable enforced for multiple containers", asking("c1 m1 h3,c1 m1 h3"), "h2", HUGE),
        ("resources + pod overhead fits", asking("c1 m1", overhead="c3 m13"), "c5 m5", ""),
        ("requests + overhead does not fit for memory", asking("c1 m1", overhead="c1 m15"), "c5 m5", "memory"),
        ("storage ephemeral local storage request exceeds allocatable", asking("s25"), "c2 m2", "ephemeral-storage"),
        ("ephemeral local storage is sufficient", asking("s10"), "c2 m2", ""),
        ("ephemeral local storage is taken", asking("s10"), "s15", "ephemeral-storage"),
    ],
)  # fmt: skip
def test_node_resources_fit(name: str, wanted: Object, there: str, expected: str) -> None:
    others = [asking(there, name="other", node="n")]
    told = ", ".join(f"Insufficient {each}" for each in expected.split())
    assert reasons("NodeResourcesFit", wanted, MACHINE, others) == told


@pytest.mark.parametrize(
    ("name", "wanted", "there", "expected"),
    [
        ("even without specified resources, predicate fails when there's no space for additional pod", asking(""),
         "c10 m20",
         "Too many pods"),
        ("even if both resources fit, predicate fails when there's no space for additional pod", asking("c1 m1"),
         "c5 m5",
         "Too many pods"),
        ("too many pods and too much", asking("c6 m1"), "c5 m5", "Too many pods, Insufficient cpu"),
    ],
)  # fmt: skip
def test_a_node_has_room_for_so_many_pods(name: str, wanted: Object, there: str, expected: str) -> None:
    full = node("n", cpu="10m", memory="20", pods="1")
    assert reasons("NodeResourcesFit", wanted, full, [asking(there, name="other", node="n")]) == expected


def test_what_an_empty_node_would_not_have_is_never_there() -> None:
    assert verdicts("NodeResourcesFit", asking("c11"), [MACHINE]) == "never"
    assert verdicts("NodeResourcesFit", asking("c2"), [MACHINE], [asking("c9", name="o", node="n")]) == "no"
