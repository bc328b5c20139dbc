"""ReplicationControllers: the ReplicaSet's controller, for the older kind."""

from __future__ import annotations

import pytest

from k8snb import Cluster

MANIFEST = """
apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  selector: {app: web}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
"""


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=2, seed=1)
    made.kubectl("run stray --image=nginx --labels=app=web")
    made.settle()
    made.kubectl("apply -f -", MANIFEST)
    made.settle()
    return made


def owners(cluster: Cluster) -> list[str]:
    pods = cluster.client.list("pods", "default", labels="app=web")
    return [f"{o['kind']}/{o['name']}" for pod in pods for o in pod["metadata"].get("ownerReferences") or ()]


def test_it_adopts_what_is_there_and_makes_the_rest(cluster: Cluster) -> None:
    assert owners(cluster) == ["ReplicationController/web"] * 2
    columns, web = (line.split() for line in cluster.kubectl("get rc").splitlines())
    assert (columns, web[:4]) == (["NAME", "DESIRED", "CURRENT", "READY", "AGE"], ["web", "2", "2", "2"])


def test_it_scales_and_replaces(cluster: Cluster) -> None:
    cluster.kubectl("scale rc web --replicas=3")
    cluster.settle()
    cluster.kubectl("delete pod stray")
    cluster.settle()
    status = cluster.client.get("replicationcontrollers", "web", "default")["status"]
    assert status == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "observedGeneration": 2,
    }


def test_it_speaks_as_the_replication_controller(cluster: Cluster) -> None:
    found = cluster.client.list("events", "default", fields="involvedObject.kind=ReplicationController")
    assert [(each["reason"], each["source"]["component"]) for each in found] == [
        ("SuccessfulCreate", "replication-controller")
    ]


def test_a_pod_that_no_longer_matches_is_released_and_replaced(cluster: Cluster) -> None:
    cluster.kubectl("label pod stray app=other --overwrite")
    cluster.settle()
    assert "ownerReferences" not in cluster.client.get("pods", "stray", "default")["metadata"]
    assert owners(cluster) == ["ReplicationController/web"] * 2


def test_its_pods_go_with_it(cluster: Cluster) -> None:
    cluster.kubectl("delete rc web")
    cluster.settle()
    assert cluster.client.list("pods", "default") == []
