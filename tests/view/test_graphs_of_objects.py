"""Every kind of object has a picture, drawn from what is really there; the whole text of each is compared."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from k8snb.cluster.cluster import Cluster
from k8snb.errors import StatusError
from k8snb.machinery.scheme import ROWS
from k8snb.view.graph import text
from k8snb.view.graphs import graph
from k8snb.view.scene import Snapshot
from tests.view import tape as make
from tests.view.tape import Snapshot as Past
from tests.view.tape import Tape

EVERYTHING = (Path(__file__).parent / "everything.yaml").read_text()
CAKE = "apiVersion: bakery.example/v1\nkind: Cake\nmetadata: {name: torte}\n"
LAYER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "layer", "namespace": "default"}}
GOLDEN = Path(__file__).parent / "graphs.golden"
TOLD = dict(part.split("\n", 1) for part in GOLDEN.read_text().split("## ")[1:])


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=3, seed=1)
    for document in yaml.safe_load_all(EVERYTHING):
        where = "default" if made.client.resource(document["kind"]).namespaced else ""
        made.client.create(document["kind"], document, where)
        made.settle()
    cake = made.client.create("cakes.bakery.example", yaml.safe_load(CAKE), "default")
    owner = {"apiVersion": cake["apiVersion"], "kind": "Cake", "name": "torte", "uid": cake["metadata"]["uid"]}
    meta = {**LAYER["metadata"], "ownerReferences": [owner]}
    made.client.create("configmaps", {**LAYER, "metadata": meta}, "default")
    made.settle()
    return made


@pytest.mark.parametrize("name", TOLD)
def test_the_picture_of_an_object_tells_what_it_hangs_together_with(cluster: Cluster, name: str) -> None:
    assert str(cluster.diagram(name)) == TOLD[name].rstrip()


def test_a_limit_range_leads_to_the_pods_that_were_given_its_defaults() -> None:
    note = {"kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu request for container app"}
    limits = {"kind": "LimitRange", "metadata": {"name": "manners"}, "spec": {"limits": []}}
    given, other = (
        {"kind": "Pod", "metadata": {"name": "a", "annotations": note}},
        {"kind": "Pod", "metadata": {"name": "b"}},
    )
    drawn = graph(Past({each["metadata"]["name"]: each for each in (limits, given, other)}), "limits/manners")
    assert [(edge.tail, edge.word, edge.head) for edge in drawn.edges] == [
        ("LimitRange/manners", "defaults for", "Pod/a")
    ]


def test_no_kind_is_without_a_picture(cluster: Cluster) -> None:
    now = cluster.at(cluster.revision)
    for row in ROWS:
        if "list" in row.verbs and row.singular and row.storage != "events":
            for obj in now.list(row.group_resource)[:1]:
                where = obj["metadata"].get("namespace", "default")
                drawn = graph(now, f"{row.group_resource}/{obj['metadata']['name']}", namespace=where)
                assert obj["metadata"]["name"] in text(drawn)


def test_a_secret_tells_its_keys_and_never_what_is_in_them(cluster: Cluster) -> None:
    assert "aHVudGVyMg" not in (told := str(cluster.diagram("secret/password")))
    assert "hunter2" not in told


def test_what_may_not_be_read_is_left_out_and_what_was_asked_for_says_why() -> None:
    class Narrow:
        """Shows Services and nothing else."""

        def list(self, resource: str, namespace: str = "") -> list[make.Object]:
            if resource == "services":
                return [make.service()]
            raise StatusError(403, "Forbidden", f"{resource} is forbidden")

    reader: Snapshot = Narrow()
    assert text(graph(reader, "svc/web")).splitlines()[1:] == [
        "  Service web: type ClusterIP, address 10.96.14.7, port 80→80, selects app=web"
    ]
    with pytest.raises(StatusError, match="pods is forbidden"):
        graph(reader, "pod/web")


def test_of_many_objects_a_few_are_drawn_and_the_rest_is_a_number() -> None:
    tape = Tape()
    tape.write("create", {"kind": "PriorityClass", "metadata": {"name": "high"}, "value": 7})
    for number in range(10):
        pod = make.pod(f"web-{number}")
        tape.write("create", {**pod, "spec": {**pod["spec"], "priorityClassName": "high"}})
    drawn = graph(tape.at(tape.revision), "pc/high")
    assert [node.name for node in drawn.nodes] == ["high", *(f"web-{number}" for number in range(8)), "and 2 more"]


def test_an_autoscaler_is_drawn_with_what_it_scales_down_to_the_pods() -> None:
    tape = make.rollout(1)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    spec = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 9, "metrics": [metric]}
    meta = {"name": "web", "namespace": "default"}
    tape.write("create", {"kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec, "status": {}})
    assert text(graph(tape.at(tape.revision), "hpa/web")).splitlines()[1:4] == [
        "  HorizontalPodAutoscaler web: pods 2 to 9, goal cpu 50%",
        "    ─ scales → Deployment web: wanted 1, have 1, updated 1, ready 1",
        "      ─ owns → ReplicaSet web-5d4f8c7b9: v1, wanted 0, have 0, ready 0, image nginx:1.14.2",
    ]
