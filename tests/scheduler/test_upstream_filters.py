"""The verdicts of Kubernetes' own unit tests: the same pods are kept from the same nodes here.

The cases are facts from `pkg/scheduler/framework/plugins/*/*_test.go` of 1.36, by their names there, in a notation of
our own (`verdicts`). `no` is Unschedulable, `never` UnschedulableAndUnresolvable.
"""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.scheduler.verdicts import labels, machines, needs, placed, reasons, selector, taint, toleration, verdicts
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


# -- spreading ---------------------------------------------------------------------------------------

FOUR = "a{zone=1,node=a} b{zone=1,node=b} x{zone=2,node=x} y{zone=2,node=y}"
PAIRS = {"2/1/0/3": "a1@a a2@a b1@b y1@y y2@y y3@y", "3/3": "a1@a a2@a b1@b y1@y y2@y y3@y"}


def spreading(*constraints: str, marks: str = "foo=", **more: Any) -> Object:
    """A pod with constraints: `1 zone foo exists` (the skew, the label, whom it counts), `min=2` for domains."""
    made = []
    for each in constraints:
        skew, key, rest = each.split(" ", 2)
        words, _, least = rest.partition(" min=")
        found = {"maxSkew": int(skew), "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule"}
        found |= {"minDomains": int(least)} if least else {}
        made.append({**found, "labelSelector": selector(words)})
    return pod(topologySpreadConstraints=made, labels=labels(marks), **more)


@pytest.mark.parametrize(
    ("name", "wanted", "nodes", "there", "expected"),
    [
        ("no existing pods", spreading("1 zone foo exists"), FOUR, "", "ok ok ok ok"),
        ("no existing pods, incoming pod doesn't match itself", spreading("1 zone foo exists", marks="bar="), FOUR, "",
         "ok ok ok ok"),
        ("existing pods in a different namespace do not count", spreading("1 zone foo exists"), FOUR,
         "other/a1@a other/a2@a b1@b x1@x y1@y", "ok ok no no"),
        ("pods spread across zones as 3/3, all nodes fit", spreading("1 zone foo exists"), FOUR, PAIRS["3/3"],
         "ok ok ok ok"),
        ("pods spread across zones as 1/2 due to absence of label 'zone' on node-b", spreading("1 zone foo exists"),
         FOUR.replace("b{zone=1,", "b{zon=1,"), "a1@a b1@b x1@x y1@y", "ok never no no"),
        ("pod cannot be scheduled as all nodes don't have label 'rack'", spreading("1 rack foo exists"), "a b", "",
         "never never"),
        ("pods spread across nodes as 2/1/0/3, only node-x fits", spreading("1 node foo exists"), FOUR,
         PAIRS["2/1/0/3"],
         "no no ok no"),
        ("pods spread across nodes as 2/1/0/3, maxSkew is 2, node-b and node-x fit", spreading("2 node foo exists"),
         FOUR,
         PAIRS["2/1/0/3"], "no ok ok no"),
        ("pods spread across nodes as 2/1/0/3, but pod doesn't match itself", spreading("1 node foo exists",
         marks="bar="),
         FOUR, PAIRS["2/1/0/3"], "no ok ok no"),
        ("incoming pod has nodeAffinity, pods spread as 2/~1~/~0~/3, hence node-a fits",
         spreading("1 node foo exists", affinity=needs("node in a,y")), FOUR, PAIRS["2/1/0/3"], "ok ok ok no"),
        ("terminating Pods should be excluded", spreading("1 node foo exists"), "a{node=a} b{node=b}", "-a1@a b1@b",
         "ok no"),
        ("two constraints on zone and node, spreads = [3/3, 2/1/0/3]",
         spreading("1 zone foo exists", "1 node foo exists"), FOUR, PAIRS["3/3"], "no no ok no"),
        ("two constraints on zone and node, spreads = [3/4, 2/1/0/4]",
         spreading("1 zone foo exists", "1 node foo exists"), FOUR, PAIRS["3/3"] + " y4@y", "no no no no"),
        ("constraints hold different labelSelectors, spreads = [1/0, 1/0/0/1]",
         spreading("1 zone foo exists", "1 node bar exists", marks="foo=,bar="), FOUR,
         "a1@a{foo=} a2@a{bar=} y1@y{bar=}",
         "no no ok no"),
        ("constraints hold different labelSelectors, spreads = [1/0, 0/0/1/1]",
         spreading("1 zone foo exists", "1 node bar exists", marks="foo=,bar="), FOUR,
         "a1@a{foo=} x1@x{bar=} y1@y{bar=}",
         "no no no no"),
        ("constraints hold different labelSelectors, spreads = [2/3, 1/0/0/1]",
         spreading("1 zone foo exists", "1 node bar exists", marks="foo=,bar="), FOUR,
         "a1@a{foo=,bar=} a2@a{foo=} y1@y{foo=,bar=} y2@y{foo=} y3@y{foo=}", "no ok no no"),
        ("minDomains: fewer domains than wanted count as empty ones", spreading("1 node foo exists min=3"),
         "a{node=a} b{node=b}", "a1@a b1@b", "no no"),
        ("minDomains: as many domains as wanted", spreading("1 node foo exists min=2"), "a{node=a} b{node=b}",
         "a1@a b1@b",
         "ok ok"),
    ],
)  # fmt: skip
def test_pod_topology_spread(name: str, wanted: Object, nodes: str, there: str, expected: str) -> None:
    assert verdicts("PodTopologySpread", wanted, machines(nodes), placed(there)) == expected


# -- affinity to pods --------------------------------------------------------------------------------


def liking(near: str = "", far: str = "", marks: str = "service=securityscan", **more: Any) -> Object:
    """A pod with required terms: `service in a,b @ region`, `&` between, `ns=…` for namespaces."""

    def terms(text: str) -> list[Object]:
        made = []
        for each in text.split("&"):
            words, _, key = each.strip().partition(" @ ")
            key, _, spaces = key.partition(" ns=")
            found = {"topologyKey": key, "labelSelector": selector(words)}
            made.append({**found, "namespaces": spaces.split(",")} if spaces else found)
        return made

    required = "requiredDuringSchedulingIgnoredDuringExecution"
    affinity: dict[str, Any] = {"podAffinity": {required: terms(near)}} if near else {}
    affinity |= {"podAntiAffinity": {required: terms(far)}} if far else {}
    return pod(affinity=affinity, labels=labels(marks), **more)


REGION = "n{region=r1}"
SCAN = "o@n{service=securityscan}"


@pytest.mark.parametrize(
    ("name", "wanted", "nodes", "there", "expected"),
    [
        ("A pod that has no required pod affinity scheduling rules can schedule onto a node with no existing pods",
         pod(),
         REGION, "", "skip"),
        ("satisfies with requiredDuringScheduling in PodAffinity using In operator that matches the existing pod",
         liking("service in securityscan,value2 @ region"), REGION, SCAN, "ok"),
        ("satisfies using not in operator in labelSelector that matches the existing pod",
         liking("service notin securityscan3,value3 @ region"), REGION, SCAN, "ok"),
        ("Does not satisfy the PodAffinity with labelSelector because of diff Namespace",
         liking("service in securityscan,value2 @ region ns=DiffNameSpace", marks=""), REGION, SCAN, "never"),
        ("Doesn't satisfy the PodAffinity because of unmatching labelSelector with the existing pod",
         liking("service in antivirusscan,value2 @ region", marks=""), REGION, SCAN, "never"),
        ("satisfies the PodAffinity with different label Operators in multiple RequiredDuringScheduling",
         liking("service exists; wrongkey absent @ region & service in securityscan; "
                "service notin WrongValue @ region"),
         REGION, SCAN, "ok"),
        ("The labelSelector requirements are ANDed, the pod cannot schedule because one matchExpression "
         "item don't match",
         liking("service exists; wrongkey absent @ region & service in securityscan2; "
                "service notin WrongValue @ region"),
         REGION, SCAN, "never"),
        ("satisfies the PodAffinity and PodAntiAffinity with the existing pod",
         liking("service in securityscan,value2 @ region", "service in antivirusscan,value2 @ node"),
         "n{region=r1,node=n}",
         SCAN, "ok"),
        ("satisfies the PodAffinity but doesn't satisfy the PodAntiAffinity with the existing pod",
         liking("service in securityscan,value2 @ region", "service in securityscan,value2 @ zone"),
         "n{region=r1,zone=z1}",
         SCAN, "no"),
        ("pod matches its own Label in PodAffinity and that matches the existing pod Labels",
         liking("service notin securityscan,value2 @ region", marks="service=securityscan"), REGION, SCAN, "never"),
        ("a pod that is the first of its kind may begin anywhere", liking("service in securityscan @ region"), REGION,
         "",
         "ok"),
        ("a pod that does not match itself needs somebody", liking("service in other @ region"), REGION, "", "never"),
        ("all nodes must have the topologyKey", liking("service in securityscan @ zone"), REGION, "", "never"),
        ("PodAntiAffinity spreads over nodes", liking(far="service in securityscan @ node"), "n{node=n} m{node=m}",
         SCAN,
         "no ok"),
        ("PodAntiAffinity without the label never holds", liking(far="service in securityscan @ zone"), "n", SCAN,
         "ok"),
        ("anti affinity of several terms: one that matches is enough",
         liking(far="a in b @ node & service in securityscan @ node"), "n{node=n}", SCAN, "no"),
        ("affinity of several terms: all have to match one pod",
         liking("a in b @ region & service in securityscan @ region"), REGION, SCAN, "never"),
        ("affinity of several terms that one pod matches", liking("a exists @ region & b exists @ region", marks=""),
         REGION,
         "o@n{a=,b=}", "ok"),
        ("affinity of several terms that two pods match", liking("a exists @ region & b exists @ region", marks=""),
         REGION,
         "o@n{a=} p2@n{b=}", "never"),
    ],
)  # fmt: skip
def test_inter_pod_affinity(name: str, wanted: Object, nodes: str, there: str, expected: str) -> None:
    assert verdicts("InterPodAffinity", wanted, machines(nodes), placed(there)) == expected


@pytest.mark.parametrize(
    ("name", "theirs", "marks", "nodes", "expected"),
    [
        ("existing pod's anti affinity matches", "service in securityscan @ zone", "service=securityscan",
         "n{zone=z1} m{zone=z1} o{zone=z2}", "no no ok"),
        ("existing pod's anti affinity does not match", "service in other @ zone", "service=securityscan", "n{zone=z1}",
         "skip"),
        ("existing pod's anti affinity without that label on its node", "service in securityscan @ zone",
         "service=securityscan", "n", "skip"),
        ("existing pod's anti affinity of several terms", "a exists @ zone & service in securityscan @ zone",
         "service=securityscan", "n{zone=z1}", "no"),
        ("existing pod's anti affinity in another namespace", "service in securityscan @ zone ns=other",
         "service=securityscan", "n{zone=z1}", "skip"),
    ],
)  # fmt: skip
def test_anti_affinity_of_placed_pods(name: str, theirs: str, marks: str, nodes: str, expected: str) -> None:
    there = [liking(far=theirs, marks="", name="there", node="n")]
    assert verdicts("InterPodAffinity", pod(labels=labels(marks)), machines(nodes), there) == expected
