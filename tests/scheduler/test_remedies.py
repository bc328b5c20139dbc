"""The smallest change that makes a pod fit: it works, and nothing smaller does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.scheduler.allocation import amount
from k8snb.scheduler.framework import SUCCESS
from k8snb.scheduler.lowering import lowered
from k8snb.scheduler.picture import picture
from k8snb.scheduler.podinfo import CLASSES
from k8snb.scheduler.registry import DEFAULT_PROFILE
from k8snb.scheduler.remedies import Remedy, remedies, remedy, smallest
from k8snb.typing import Object
from tests.scheduler.world import World, node, pod

LONG = os.environ.get("K8SNB_PROPERTIES") == "long"
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
OTHER = {"key": "old", "effect": "NoExecute"}
ZONE = "topology.kubernetes.io/zone"


def needed(*expressions: Object) -> Object:
    terms = {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def near(key: str, kind: str = "podAffinity", app: str = "db") -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def spread(skew: int, key: str = ZONE) -> list[Object]:
    selector = {"matchLabels": {"app": "web"}}
    return [{"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}]


def words(pod: Object, *nodes: Object, there: Sequence[Object] = ()) -> list[str]:
    return [each.words for each in remedies(World(nodes, there).framework, pod)]


def test_each_plugin_has_the_least_that_would_satisfy_it() -> None:
    web = {"app": "web"}
    port = [{"name": "c", "ports": [{"hostPort": 80, "protocol": "TCP"}]}]
    assert words(pod(cpu="3"), node(cpu="2")) == ["ask for 1 less cpu"]
    assert words(pod(cpu="1500m"), node(cpu="2"), there=[pod("x", cpu="1", node="n")]) == ["ask for 500m less cpu"]
    assert words(pod(memory="3Gi"), node(memory="2560Mi")) == ["ask for 512Mi less memory"]
    assert words(pod(), node(taints=[TAINT])) == ["tolerate gpu=yes:NoSchedule"]
    assert words(pod(), node(unschedulable=True, taints=[OTHER])) == ["uncordon n; tolerate old:NoExecute"]
    assert words(pod(nodeSelector={"disk": "ssd"}), node()) == ["label n disk=ssd"]
    old = {"key": "gen", "operator": "Gt", "values": ["3"]}, {"key": "old", "operator": "DoesNotExist"}
    assert words(pod(affinity=needed(*old)), node(labels={"gen": "2", "old": "yes"})) == ["label n gen=4 old-"]
    assert words(pod(), node(pods="1"), there=[pod("x", node="n")]) == [
        "default/x would have to go: there are too many pods"
    ]
    assert words(pod(containers=port), node(), there=[pod("x", node="n", containers=port)]) == [
        "default/x would have to go: the host port 80/TCP is taken"
    ]
    alike = [pod(f"w{i}", labels=web, node="n") for i in range(3)]
    uneven = pod(labels=web, topologySpreadConstraints=spread(1))
    assert (
        words(uneven, node(zone="a"), node("m", zone="b", cpu="1"), there=alike)[0] == f"allow a skew of 4 over {ZONE}"
    )
    assert words(uneven, node(), node("m", zone="b")) == [f"label n {ZONE}=b", "it fits"]
    shy = pod(labels=web, affinity=near(ZONE, "podAntiAffinity", "web"))
    assert words(shy, node(zone="a"), there=[pod("x", labels=web, node="n")]) == [
        "default/x would have to go: anti-affinity keeps the pods apart"
    ]
    assert words(pod(affinity=near(ZONE)), node(zone="a")) == [f"do without the required pod affinity over {ZONE}"]


def test_where_nothing_helps_that_is_said() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": ["other"]}]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    elsewhere = pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
    assert words(elsewhere, node()) == ["nothing helps: node(s) didn't satisfy plugin(s) [NodeAffinity]"]
    assert smallest(remedies(World([node()]).framework, elsewhere)) is None


def test_the_smallest_of_all_has_the_fewest_changes_and_gives_up_the_least() -> None:
    nodes = [node("n", cpu="2", taints=[TAINT]), node("m", cpu="3"), node("o", cpu="3500m")]
    found = smallest(remedies(World(nodes).framework, pod(cpu="4")))
    assert found is not None
    assert (found.node, found.words) == ("o", "ask for 500m less cpu")


@pytest.mark.parametrize(
    ("containers", "limit", "left"),
    [
        (["1", "1"], 1500, [500, 1000]),
        (["2", "500m"], 1000, [500, 500]),
        (["100m", "3"], 50, [0, 50]),
    ],
)
def test_the_containers_that_ask_for_most_give_up_most(containers: list[str], limit: int, left: list[int]) -> None:
    spec = {"containers": [{"resources": {"requests": {"cpu": cpu}}} for cpu in containers]}
    found = lowered(spec, "cpu", limit)
    assert found is not None
    assert sorted(CLASSES.of({"containers": [each]}).request.cpu for each in found["containers"]) == sorted(left)


# -- whatever the cluster looks like -----------------------------------------------------------------

nodes = st.lists(
    st.builds(
        lambda name, **kwargs: node(name, **kwargs),
        name=st.sampled_from(["a", "b", "c", "d"]),
        cpu=st.sampled_from(["1", "2", "8"]),
        memory=st.sampled_from(["1Gi", "8Gi"]),
        pods=st.sampled_from(["1", "3", "110"]),
        zone=st.sampled_from(["", "x", "y"]),
        labels=st.sampled_from([{}, {"disk": "ssd"}, {"gen": "7"}]),
        taints=st.sampled_from([(), (), (TAINT,), (TAINT, OTHER)]),
        unschedulable=st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each["metadata"]["name"],
)
LABELS = st.sampled_from([{"app": "web"}, {"app": "db"}, {}])
GEN = {"key": "gen", "operator": "Lt", "values": ["5"]}, {"key": "disk", "operator": "NotIn", "values": ["ssd"]}
specs: Any = st.fixed_dictionaries(
    {},
    optional={
        "nodeSelector": st.just({"disk": "ssd"}),
        "affinity": st.sampled_from(
            [
                needed(*GEN),
                near(ZONE),
                near(ZONE, "podAntiAffinity"),
                near("kubernetes.io/hostname", "podAntiAffinity", "web"),
            ]
        ),
        "topologySpreadConstraints": st.sampled_from([spread(1), spread(2), spread(1, "kubernetes.io/hostname")]),
        "tolerations": st.just([{"key": "gpu", "operator": "Exists"}]),
    },
)


def made(name: str, spec: Any, **kwargs: Any) -> Object:
    return pod(name, **kwargs, **spec)


SHY = {"affinity": near(ZONE, "podAntiAffinity", "web")}
wanted = st.builds(
    made,
    name=st.just("new"),
    spec=specs,
    cpu=st.sampled_from(["", "500m", "3", "20"]),
    memory=st.sampled_from(["", "2Gi"]),
    labels=LABELS,
)
placed = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["", "300m", "1"]), LABELS, st.sampled_from([{}, SHY])), max_size=5
)


@settings(max_examples=2000 if LONG else 25)
@given(nodes, wanted, placed)
def test_the_change_works_and_nothing_smaller_does(nodes: list[Object], mine: Object, there: list[Any]) -> None:
    where = [nodes[index % len(nodes)]["metadata"]["name"] for index, *_rest in there]
    pods = [pod(f"p{i}", cpu=each[1], labels=each[2], node=where[i], **each[3]) for i, each in enumerate(there)]
    world = World(nodes, pods)
    for found in remedies(world.framework, mine):
        if found.changes:
            assert found.situation is not None
            assert found.situation.verdict() is SUCCESS
            assert all(_is_least(found, index) for index in range(len(found.changes))), found.words


def _is_least(found: Remedy, index: int) -> bool:
    """Whether one thing less would not do: the change is asked for with everything before it done."""
    assert found.changes is not None
    change = found.changes[index]
    after = change.after
    if change.about in ("cpu", "memory"):
        more = amount(CLASSES.of(after.spec).request, change.about) + 1
        containers = [dict(each) for each in after.spec["containers"]]
        quantity = f"{more}m" if change.about == "cpu" else str(more)
        requests = {**containers[0]["resources"]["requests"], change.about: quantity}
        containers[0] = {**containers[0], "resources": {"requests": requests}}
        return after.with_spec(containers=containers).verdict() is not SUCCESS
    if change.about == "toleration":
        return after.with_spec(tolerations=after.spec["tolerations"][:-1]).verdict() is not SUCCESS
    if change.about == "maxSkew":
        less = [{**each, "maxSkew": each["maxSkew"] - 1} for each in after.spec["topologySpreadConstraints"]]
        return after.with_spec(topologySpreadConstraints=less).verdict() is not SUCCESS
    return True


# -- by doing it -------------------------------------------------------------------------------------


def apply(cluster: Cluster, found: Remedy) -> None:
    """Change a cluster as a remedy says."""
    then = found.situation
    assert then is not None
    client, name = cluster.client, then.pod["metadata"]["name"]
    client.delete("pods", name, "default")
    labels = {**dict.fromkeys(client.get("nodes", found.node)["metadata"]["labels"]), **then.node.labels}
    client.patch(
        "nodes",
        found.node,
        {"metadata": {"labels": labels}, "spec": {"unschedulable": then.node.unschedulable or None}},
    )
    meta = {"name": name, "namespace": "default", "labels": then.pod["metadata"].get("labels")}
    client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": then.spec})
    cluster.settle()


def test_whoever_does_what_is_proposed_gets_the_pod_scheduled() -> None:
    cluster = Cluster(3, seed=1)
    client = cluster.client
    client.patch("nodes", "node-1", {"spec": {"unschedulable": True}})
    client.patch("nodes", "node-2", {"spec": {"taints": [TAINT]}})
    cluster.settle()
    container = {"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "9"}}}
    spec = {"containers": [container], "nodeSelector": {"disk": "ssd"}}
    client.create(
        "pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}, "spec": spec}
    )
    cluster.settle()
    framework = picture(cluster.at(cluster.revision), DEFAULT_PROFILE)
    proposed = [remedy(framework, client.get("pods", "p", "default"), f"node-{i}") for i in (1, 2, 3)]
    assert [each.words for each in proposed] == [
        "uncordon node-1; label node-1 disk=ssd; ask for 1 less cpu",
        "tolerate gpu=yes:NoSchedule; label node-2 disk=ssd; ask for 1 less cpu",
        "label node-3 disk=ssd; ask for 1 less cpu",
    ]
    for each in proposed:
        other = cluster.fork()
        apply(other, each)
        assert other.client.get("pods", "p", "default")["spec"].get("nodeName") == each.node
