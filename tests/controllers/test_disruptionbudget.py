"""Disruption budgets: what they allow, and what an eviction takes of that."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.errors import StatusError
from k8snb.typing import Object
from tests.controllers.world import deployment


def budget(**spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def guarded(replicas: int = 3, **spec: Any) -> Cluster:
    cluster = Cluster(2, seed=1, debug=True)
    cluster.client.create("deployments", deployment(replicas=replicas))
    cluster.settle()
    cluster.client.create("poddisruptionbudgets", budget(**spec))
    cluster.settle()
    return cluster


def status(cluster: Cluster) -> dict[str, Any]:
    found = dict(cluster.client.get("poddisruptionbudgets", "web", "default")["status"])
    found["reason"] = found.pop("conditions")[0]["reason"]
    return found


def pods(cluster: Cluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.client.list("pods", "default", labels="app=web")]


def evict(cluster: Cluster, name: str) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    cluster.client.post("pods", name, eviction, "default", subresource="eviction")


@pytest.mark.parametrize(
    ("spec", "allowed", "desired"),
    [
        ({"minAvailable": 2}, 1, 2),
        ({"minAvailable": "50%"}, 1, 2),
        ({"maxUnavailable": 2}, 2, 1),
        ({"maxUnavailable": "1%"}, 1, 2),
        ({"minAvailable": 3}, 0, 3),
    ],
)
def test_a_budget_says_how_many_pods_it_can_spare(spec: dict[str, Any], allowed: int, desired: int) -> None:
    assert status(guarded(**spec)) == {
        "observedGeneration": 1,
        "disruptionsAllowed": allowed,
        "currentHealthy": 3,
        "desiredHealthy": desired,
        "expectedPods": 3,
        "reason": "SufficientPods" if allowed else "InsufficientPods",
    }


def test_an_eviction_takes_what_the_budget_allows_and_the_next_one_waits() -> None:
    cluster = guarded(minAvailable=2)
    first, second, _ = pods(cluster)
    evict(cluster, first)
    marked = cluster.client.get("pods", first, "default")
    assert [c["reason"] for c in marked["status"]["conditions"] if c["type"] == "DisruptionTarget"] == [
        "EvictionByEvictionAPI"
    ]
    with pytest.raises(StatusError) as refused:
        evict(cluster, second)
    assert refused.value.status["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert (refused.value.code, refused.value.status["details"]["causes"]) == (
        429,
        [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget web needs 2 healthy pods and has 3 currently",
            }
        ],
    )
    cluster.settle()
    assert (status(cluster)["disruptionsAllowed"], first in pods(cluster), len(pods(cluster))) == (1, False, 3)


def test_a_budget_that_nobody_has_counted_yet_allows_nothing() -> None:
    cluster = Cluster(1, seed=1)
    cluster.client.create("deployments", deployment(replicas=1))
    cluster.settle()
    cluster.client.create("poddisruptionbudgets", budget(minAvailable=0))
    with pytest.raises(StatusError) as refused:
        evict(cluster, pods(cluster)[0])
    assert refused.value.status["details"] == {
        "causes": [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget web is still being processed by the server.",
            }
        ],
        "retryAfterSeconds": 10,
    }


def test_two_budgets_for_one_pod_are_more_than_an_eviction_can_ask() -> None:
    cluster = guarded(minAvailable=1)
    other = budget(minAvailable=1)
    cluster.client.create("poddisruptionbudgets", {**other, "metadata": {**other["metadata"], "name": "more"}})
    cluster.settle()
    with pytest.raises(StatusError, match="more than one PodDisruptionBudget") as refused:
        evict(cluster, pods(cluster)[0])
    assert refused.value.code == 500


def test_pods_without_a_controller_cannot_be_counted_in_percent() -> None:
    cluster = Cluster(1, seed=1)
    container = {"name": "a", "image": "nginx"}
    meta = {"name": "solo", "namespace": "default", "labels": {"app": "web"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    cluster.client.create("pods", pod)
    cluster.client.create("poddisruptionbudgets", budget(maxUnavailable=1))
    cluster.settle()
    assert status(cluster)["disruptionsAllowed"] == 0
    told = [event["reason"] for event in cluster.client.list("events", "default") if event["type"] == "Warning"]
    assert "UnmanagedPods" in told
