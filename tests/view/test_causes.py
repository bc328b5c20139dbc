"""What came of a command, and why an object is as it is: whole traces, as `causes.txt` has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError

GOLDEN = Path(__file__).with_name("causes.txt")
"""Written anew by `python -m tests.view.test_causes`; read the difference."""

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: nginx}]}
"""


def told(cluster: Cluster) -> str:
    """The traces of a short life."""
    traces = []
    begun = cluster.revision
    cluster.kubectl("create service clusterip web --tcp=80")
    cluster.kubectl("apply -f -", WEB)
    cluster.settle()
    pod = cluster.client.list("pods", "default")[0]["metadata"]["name"]
    traces += [cluster.consequences(since=begun), cluster.causes(f"pod/{pod}"), cluster.causes("endpoints/web")]
    traces += [cluster.causes(f"pod/{pod}", revision=cluster.revision - 15)]
    scaled = cluster.revision
    cluster.kubectl("scale deployment web --replicas=1")
    cluster.settle()
    traces += [cluster.consequences("deployment/web", since=scaled, events=False)]
    lost = cluster.client.list("pods", "default")[0]
    cluster.stop_kubelet(lost["spec"]["nodeName"])
    cluster.advance(400)
    traces += [cluster.causes(f"pod/{lost['metadata']['name']}")]
    deleted = cluster.revision
    cluster.kubectl("delete deployment web")
    cluster.settle()
    traces += [cluster.consequences(since=deleted)]
    return "\n\n".join(map(str, traces)) + "\n"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster(2, seed=1)


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> str:
    return told(cluster)


def test_a_life_is_told_from_cause_to_consequence(story: str) -> None:
    assert story == GOLDEN.read_text()


def test_the_story_of_a_trace_goes_through_the_api_server_into_the_store_and_on_to_those_who_look(
    cluster: Cluster, story: str
) -> None:
    frames = cluster.consequences("deployment/web", events=False).stepper()
    ways = [[(act.by or frame.actor, act.to) for act in frame.acts] for frame in frames.frames[:3]]
    assert ways == [
        [("you", "API server"), ("API server", "etcd"), ("API server", "deployment-controller")],
        [("deployment-controller", "API server"), ("API server", "etcd"), ("API server", "replicaset-controller")],
        [("deployment-controller", "API server"), ("API server", "etcd")],
    ]
    assert {frame.actor for frame in frames.frames} == {
        *("you", "deployment-controller", "replicaset-controller", "scheduler", "kubelet node-1", "kubelet node-2"),
        *("endpointslice-controller", "endpoint-controller", "generic-garbage-collector"),
    }


def test_a_fork_has_the_same_causes(cluster: Cluster, story: str) -> None:
    assert str(cluster.fork().consequences()) == str(cluster.consequences())


def test_what_is_not_there_or_not_on_record_is_said(cluster: Cluster, story: str) -> None:
    with pytest.raises(StatusError, match='pods "nothing" not found'):
        cluster.causes("pod/nothing")
    with pytest.raises(ValueError, match="revision 1 is not on record any more"):
        cluster.causes("clusterrole/admin")


if __name__ == "__main__":
    GOLDEN.write_text(told(Cluster(2, seed=1)))
