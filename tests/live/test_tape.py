"""The history of a live cluster: what watches bring, put in order, each version with its presumable author."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from k8snb import Cluster, connect
from k8snb.live.authorship import author
from k8snb.live.cluster import LiveCluster
from k8snb.live.resting import under_way
from k8snb.live.tape import Tape
from k8snb.machinery.scheme import Scheme
from k8snb.view.scene import identity
from tests.live.door import Door, Fault

SCHEME = Scheme()


@pytest.fixture
def notebook(live: Door) -> Iterator[LiveCluster]:
    with connect() as found:
        assert isinstance(found, LiveCluster)
        yield found


def pod(version: int, managers: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    meta = {"name": "web", "namespace": "a", "uid": "u", "resourceVersion": str(version)}
    return {"kind": "Pod", "metadata": {**meta, **({"managedFields": managers} if managers else {})}, **more}


def entry(manager: str, time: str = "1", subresource: str = "") -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Update",
        "time": time,
        **({"subresource": subresource} if subresource else {}),
    }


def test_the_author_of_a_version_is_whose_fields_changed() -> None:
    made = pod(1, [entry("kubectl-run")])
    bound = pod(2, [entry("kubectl-run")], spec={"nodeName": "n"})
    runs = pod(3, [entry("kubectl-run"), entry("kubelet", "2", "status")], spec={"nodeName": "n"}, status={"a": 1})
    later = pod(4, [entry("kubectl-run"), entry("kubelet", "2", "status")], spec={"nodeName": "n"}, status={"a": 2})
    ends = {**later, "metadata": {**later["metadata"], "deletionTimestamp": "now"}}
    assert [
        author("Pod", None, made),
        author("Pod", made, bound),
        author("Pod", bound, runs),
        author("Pod", runs, later),
        author("Pod", later, ends),
        author("Pod", ends, ends, gone=True),
    ] == [
        ("kubernetes-admin", "create", ""),
        ("system:kube-scheduler", "create", "binding"),
        ("system:node:n", "update", "status"),
        ("system:node:n", "update", "status"),
        ("kubernetes-admin", "delete", ""),
        ("system:node:n", "delete", ""),
    ]


def test_a_moment_is_what_was_there_at_a_revision() -> None:
    tape, row = Tape(SCHEME, 1), SCHEME.find("pods")
    assert row is not None
    seen = ("ADDED", pod(1)), ("MODIFIED", pod(5, phase="b")), ("MODIFIED", pod(3, phase="a")), ("DELETED", pod(7))
    for kind, obj in seen:
        tape.take(row, kind, obj, 0.0)
    shown = [[obj.get("phase") for obj in tape.at(n).list("pods", "a")] for n in (0, 1, 4, 5, 6, 7)]
    assert shown == [[], [None], [None], ["b"], ["b"], []]
    assert [sent.revision for sent in tape.requests] == [5, 7]


def test_a_stepper_tells_who_did_what(notebook: LiveCluster) -> None:
    before = notebook.revision
    notebook.kubectl("create deployment web --image=nginx")
    notebook.settle()
    told = notebook.stepper("Begin", since=before, about="deployment/web")
    acts = [(frame.actor, each.sentence.partition("web-")[0]) for frame in told for each in frame.acts]
    assert acts[0] == ("you", "create Deployment web")
    others = {("deployment-controller", "create ReplicaSet "), ("replicaset-controller", "create Pod ")}
    assert {*others, ("scheduler", "bind Pod ")} < set(acts)
    assert [frame.time for frame in told] == sorted(frame.time for frame in told)
    assert told[-1].scene[identity(notebook.client.list("pods", "default")[0])]["state"] == "ready"
    assert "Deployment web" in str(notebook.gantt("deployment/web"))


def test_a_watch_that_breaks_goes_on_where_it_was(notebook: LiveCluster, live: Door) -> None:
    before = notebook.revision
    for watch in notebook._following._watches:
        watch.stream.close()
    notebook.kubectl("create configmap one")
    notebook.kubectl("create configmap two")
    notebook.kubectl("delete configmap one")
    assert {obj["metadata"]["name"] for obj in notebook.at(notebook.revision).list("configmaps", notebook.home)} >= {
        "two"
    }
    notebook.settle()
    told = notebook.stepper(since=before)
    assert [act.sentence for frame in told for act in frame.acts] == [
        "create ConfigMap one", "create ConfigMap two", "delete ConfigMap one",
    ]  # fmt: skip


def test_what_happened_while_nothing_was_seen_is_noticed_afterwards(notebook: LiveCluster, live: Door) -> None:
    """410 Gone: everything is listed anew, and the difference counts."""
    notebook.kubectl("create configmap one")
    notebook._catch_up()
    for watch in notebook._following._watches:
        watch.stream.close()
    live.cluster.kubectl(f"delete configmap one -n {notebook.home}")
    live.cluster.kubectl(f"create configmap two -n {notebook.home}")
    live.faults.append(Fault(r"GET .*/configmaps\?watch", 410, b"too old"))
    names = {obj["metadata"]["name"] for obj in notebook.at(notebook.revision).list("configmaps", notebook.home)}
    assert names == {"two", "kube-root-ca.crt"}


def test_what_is_under_way_is_read_from_the_objects() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.kubectl("run typo --image=ngnix")
    cluster.kubectl('run big --image=nginx --overrides=\'{"spec": {"nodeSelector": {"a": "b"}}}\'')
    resources = ("pods", "deployments.apps", "replicasets.apps")

    def busy() -> list[str]:
        return under_way({each: cluster.client.list(each, "default") for each in resources})

    assert {name.partition("-")[0] for name in busy()} == {"deployments.apps/web", "pods/typo", "pods/big"}
    cluster.advance(15)
    assert busy() == []
