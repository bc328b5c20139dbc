"""A namespace that was lent: others live there, and feel nothing of what a notebook does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8snb import NeedsYes, connect
from k8snb.live.cluster import LiveCluster
from tests.live.door import Door


@pytest.fixture
def lent(live: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveCluster]:
    with live.lock:
        live.cluster.kubectl("create namespace lab")
        live.cluster.settle()
    live.cluster.kubectl("create configmap theirs --from-literal=a=b -n lab")
    live.cluster.kubectl("create deployment theirs --image=nginx -n lab")
    live.cluster.kubectl("run alone --image=nginx -n lab --labels=app=solo")
    monkeypatch.setenv("K8SNB_NAMESPACE", "lab")
    with connect() as notebook:
        assert isinstance(notebook, LiveCluster)
        yield notebook
    live.cluster.kubectl("delete namespace lab")


def test_in_a_namespace_that_is_lent_only_its_own_is_changed_and_deleted(lent: LiveCluster, live: Door) -> None:
    before = live.objects()
    lent.kubectl("create deployment web --image=nginx")
    lent.settle()
    [pod] = lent.client.list("pods", "default", labels="app=web")
    assert "deleted" in lent.kubectl(f"delete pod {pod['metadata']['name']} --wait=false")
    [other] = lent.client.list("pods", "default", labels="app=theirs")
    for command in (
        f"delete pod {other['metadata']['name']}",
        "delete configmap theirs",
        "scale deployment theirs --replicas=0",
        "annotate configmap theirs a=b",
    ):
        assert "it is not of this notebook" in lent.kubectl(command)
    assert "it would lose the label" in lent.kubectl("label deployment web k8snb/session-")
    with pytest.raises(NeedsYes):
        lent.client.request("DELETE", "/api/v1/namespaces/default/configmaps")
    lent.close()
    assert live.objects() == before


def test_what_is_about_everybody_in_the_namespace_needs_a_yes(lent: LiveCluster, live: Door) -> None:
    policy = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none}, spec: {podSelector: {}}}"
    said = (
        "create networkpolicies.networking.k8s.io is about everything in the namespace lab; K8SNB_ALLOW=networkpolicies"
    )
    assert said in lent.kubectl("apply -f -", policy)
    assert "K8SNB_ALLOW=resourcequotas" in lent.kubectl("create quota small --hard=pods=1")
    lent._guard.territory.allowed = frozenset({"networkpolicies"})
    assert "created" in lent.kubectl("apply -f -", policy)


REPLICAS = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: solo}}
  template: {metadata: {labels: {app: solo}}, spec: {containers: [{name: web, image: nginx}]}}
"""


def test_nobody_elses_pod_is_adopted(lent: LiveCluster, live: Door) -> None:
    assert "it would adopt the pod alone, which is not of this notebook" in lent.kubectl("apply -f -", REPLICAS)
    assert "created" in lent.kubectl("apply -f -", REPLICAS.replace("app: solo", "app: mine"))


def test_what_leaves_its_owner_is_found_and_deleted_all_the_same(lent: LiveCluster, live: Door) -> None:
    before = live.objects()
    lent.kubectl("create deployment shop --image=nginx")
    lent.settle()
    [pod] = lent.client.list("pods", "default", labels="app=shop")
    assert "labeled" in lent.kubectl(f"label pod {pod['metadata']['name']} app=debug pod-template-hash- --overwrite")
    lent.settle()
    assert lent.client.get("pods", pod["metadata"]["name"], "default")["metadata"].get("ownerReferences") is None
    said = "what it leaves behind would not be found in the end"
    assert said in lent.kubectl("delete deployment shop --cascade=orphan")
    lent.close()
    assert live.objects() == before


def test_a_lease_that_somebody_has_scribbled_on_stops_nobody(lent: LiveCluster, live: Door) -> None:
    name = f"k8snb-{lent._session.territory.session}"
    scribbled = {"metadata": {"annotations": {"k8snb/made": "{{"}}, "spec": {"holderIdentity": "x/99999999999999/y"}}
    live.cluster.client.patch("leases", name, scribbled, "lab")
    with connect() as another:
        assert isinstance(another, LiveCluster)
        assert another.home == "lab"
