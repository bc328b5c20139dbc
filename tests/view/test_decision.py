"""Why a pod goes where it goes, told to readers: tables, a stepper, the queue. All of it is worked out afterwards."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError

HUGE = """
apiVersion: v1
kind: Pod
metadata: {name: huge}
spec:
  containers: [{name: c, image: nginx, resources: {requests: {cpu: "9"}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: gated}
spec:
  schedulingGates: [{name: example.com/wait}]
  containers: [{name: c, image: nginx}]
"""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(3, seed=4)
    cluster.kubectl("create deployment web --image=nginx --replicas=6")
    cluster.kubectl("set resources deployment web --requests=cpu=500m,memory=1Gi")
    cluster.advance(20)
    cluster.kubectl("cordon node-1")
    cluster.kubectl("taint node node-2 gpu=yes:NoSchedule")
    cluster.kubectl("apply -f -", HUGE)
    cluster.settle()
    return cluster


def test_every_pod_went_where_it_had_the_highest_total(cluster: Cluster) -> None:
    pods = [pod for pod in cluster.client.list("pods", "default") if pod["spec"].get("nodeName")]
    assert len(pods) == 6
    for pod in pods:
        view = cluster.decision(pod["metadata"]["name"])
        assert view.winner == pod["spec"]["nodeName"]
        assert view.winner in view.decision.explanation.tied


def test_a_pod_without_a_node_is_explained_as_things_stand(cluster: Cluster) -> None:
    why = (
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable."
    )
    assert (
        str(cluster.decision("huge"))
        == f"""\
huge, profile default-scheduler, at revision {cluster.revision}
plugin             node-1  node-2  node-3
NodeUnschedulable  ✗       ✓       ✓
NodeName           ✓       ✓       ✓
TaintToleration    ✗       ✗       ✓
NodeResourcesFit   ✗       ✗       ✗
total              –       –       –
node-1: NodeUnschedulable: node(s) were unschedulable
node-1: TaintToleration: node(s) had untolerated taint(s)
node-1: NodeResourcesFit: Insufficient cpu
node-2: TaintToleration: node(s) had untolerated taint(s)
node-2: NodeResourcesFit: Insufficient cpu
node-3: NodeResourcesFit: Insufficient cpu
{why} no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."""
    )
    assert (
        str(cluster.decision("huge").remedies())
        == """\
What would make huge fit
node    now                               change
node-1  node(s) were unschedulable        uncordon node-1; ask for 2 less cpu
node-2  node(s) had untolerated taint(s)  tolerate gpu=yes:NoSchedule; ask for 2 less cpu
node-3  Insufficient cpu                  ask for 2 less cpu
The least: node-3: ask for 2 less cpu"""
    )


def test_the_way_of_a_pod_names_who_left_which_node_out_and_ends_with_a_binding(cluster: Cluster) -> None:
    name = cluster.client.list("pods", "default", labels="app=web")[0]["metadata"]["name"]
    told = [(frame.actor, [act.sentence for act in frame.acts]) for frame in cluster.decision(name).stepper()]
    assert told[:3] == [("queue", []), ("PreFilter", []), ("Filter", [])]
    assert told[-2:] == [("total", []), ("Bind", [f"create Binding {name}"])]
    refused = [(frame.actor, [act.note for act in frame.acts]) for frame in cluster.decision("huge").stepper()]
    assert refused[2:] == [
        ("Filter · NodeUnschedulable", ["node-1: node(s) were unschedulable"]),
        ("Filter", []),
        ("Filter · TaintToleration", ["node-2: node(s) had untolerated taint(s)"]),
        ("Filter · NodeResourcesFit", ["node-3: Insufficient cpu"]),
        ("PostFilter · DefaultPreemption", []),
        ("FailedScheduling", []),
    ]


def test_the_only_node_that_fits_is_taken_without_scores(cluster: Cluster) -> None:
    one = cluster.fork()
    one.kubectl("run late --image=nginx")
    one.settle()
    view = one.decision("late")
    lines = str(view).splitlines()
    assert lines[-1] == "node-3 is the only one that fits: it is taken without scores"
    assert "total              –       –       ★" in lines
    assert [frame.actor for frame in view.stepper()][-2:] == ["only one", "Bind"]
    looked = [span.observed for span in one.trace.spans if span.component == "scheduler" and span.key.name == "late"]
    assert looked == [{"nodes": 3, "fitting": 1}]


def test_other_weights_are_tried_without_touching_anything(cluster: Cluster) -> None:
    name = cluster.client.list("pods", "default", labels="app=web")[-1]["metadata"]["name"]
    before = cluster.revision
    view = cluster.decision(name)
    other = cluster.decision(name, weights={"PodTopologySpread": 0})
    assert ("PodTopologySpread ×2" in str(view), "PodTopologySpread ×" in str(other)) == (True, False)
    assert view.decision.explanation.totals != other._explanation.totals
    assert "Which weights would change" in str(view.weights())
    assert cluster.revision == before


def test_the_queue_says_who_waits_where_and_for_what(cluster: Cluster) -> None:
    rows = [(each.pod["metadata"]["name"], each.place, tuple(each.plugins)) for each in cluster.scheduling_queue().pods]
    assert rows == [
        ("huge", "unschedulablePods", ("NodeResourcesFit", "NodeUnschedulable", "TaintToleration")),
        ("gated", "gated", ("SchedulingGates",)),
    ]
    assert "TargetPod/UpdatePodSchedulingGatesEliminated" in str(cluster.scheduling_queue())
    assert "<table" in cluster.scheduling_queue()._repr_html_()
    assert "waiting for scheduling gates: [example.com/wait]" in str(cluster.decision("gated").remedies())


def test_sliders_weigh_the_table_anew(cluster: Cluster) -> None:
    name = cluster.client.list("pods", "default", labels="app=web")[-1]["metadata"]["name"]
    view = cluster.decision(name)
    table, *sliders = view._sliders().children
    assert [each.description for each in sliders][:2] == ["TaintToleration", "NodeResourcesFit"]
    sliders[0].value = 7
    assert table.value == view.what_if(**{each.description: each.value for each in sliders})._repr_html_()
    assert "0 → 100 ×7" in table.value


def test_what_cannot_be_told_is_refused(cluster: Cluster) -> None:
    with pytest.raises(StatusError, match='pods "nobody" not found'):
        cluster.decision("nobody")
    cluster.kubectl("""run foreign --image=nginx --overrides='{"spec": {"schedulerName": "other"}}'""")
    with pytest.raises(ValueError, match="no profile is called other"):
        cluster.decision("foreign")


def test_a_node_that_was_kept_for_the_pod_is_taken_though_others_would_have_more() -> None:
    cluster = Cluster(2, seed=1)
    cluster.kubectl("create priorityclass high --value=9")
    for name, cpu, node in (("small", 2, "node-1"), ("x", 5, "node-1"), ("y", 6, "node-2")):
        _sleep(cluster, name, cpu, node)
    cluster.advance(10)
    _sleep(cluster, "vip", 6, priority="high")
    cluster.advance(1)
    cluster.stop("kube-scheduler")
    cluster.kubectl("delete pod y")
    cluster.advance(40)
    cluster.start("kube-scheduler")
    cluster.settle()
    view = cluster.decision("vip")
    assert (view.winner, view.decision.explanation.tied) == ("node-1", ("node-2",))
    assert str(view).splitlines()[-1] == "node-1 was kept for the pod and fits: nobody asked what others would get"


def test_where_a_part_of_the_nodes_is_looked_at_another_one_would_have_more() -> None:
    told = "{apiVersion: kubescheduler.config.k8s.io/v1, kind: KubeSchedulerConfiguration, percentageOfNodesToScore: 1}"
    cluster = Cluster(102, seed=1, scheduler=told)
    for number in range(1, 101):
        cluster.kubectl(f"taint node node-{number} x=y:PreferNoSchedule")
    _sleep(cluster, "a", 1)
    cluster.settle()
    view = cluster.decision("a")
    assert view.winner not in view.decision.explanation.tied
    assert str(view).splitlines()[-1].endswith(": only a part of the nodes was looked at")


def _sleep(cluster: Cluster, name: str, cpu: int, node: str = "", *, priority: str = "") -> None:
    container = {
        "name": "c",
        "image": "busybox",
        "command": ["sleep", "999"],
        "resources": {"requests": {"cpu": str(cpu)}},
    }
    where = {"nodeName": node} if node else {}
    class_name = {"priorityClassName": priority} if priority else {}
    pod = {"metadata": {"name": name}, "spec": {"containers": [container], **where, **class_name}}
    cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", **pod}, "default")
