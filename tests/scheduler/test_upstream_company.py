"""The verdicts of Kubernetes' own unit tests about pods among others: spreading, and affinity to pods.

As in `test_upstream_filters`. `no` is Unschedulable, `never` UnschedulableAndUnresolvable.
"""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.scheduler.verdicts import labels, machines, needs, placed, selector, verdicts
from tests.scheduler.world import pod

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
