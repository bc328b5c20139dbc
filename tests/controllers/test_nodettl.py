"""For how long kubelets may use what they have fetched."""

from __future__ import annotations

from k8snb.cluster.cluster import Cluster
from k8snb.controllers.nodettl import ANNOTATION


def told(cluster: Cluster) -> list[str]:
    return [node["metadata"]["annotations"][ANNOTATION] for node in cluster.client.list("nodes")]


def test_in_a_small_cluster_a_kubelet_asks_every_time() -> None:
    assert told(Cluster(nodes=3)) == ["0", "0", "0"]


def test_the_node_that_makes_a_cluster_large_is_the_first_to_hear_of_it() -> None:
    cluster = Cluster(nodes=100)
    cluster.add_node("late")
    cluster.settle()
    assert sorted(set(told(cluster))) == ["0", "15"]
    assert cluster.client.get("nodes", "late")["metadata"]["annotations"][ANNOTATION] == "15"


def test_the_others_hear_of_it_with_their_next_status() -> None:
    cluster = Cluster(nodes=101)
    cluster.advance(301)
    assert set(told(cluster)) == {"15"}


def test_a_step_is_taken_back_only_well_below_where_it_was_taken() -> None:
    cluster = Cluster(nodes=101)
    for number in range(1, 12):
        cluster.client.delete("nodes", f"node-{number}")
    cluster.client.patch("nodes", "node-90", {"metadata": {"labels": {"a": "b"}}})
    cluster.settle()
    assert cluster.client.get("nodes", "node-90")["metadata"]["annotations"][ANNOTATION] == "15"
    cluster.client.delete("nodes", "node-12")
    cluster.client.patch("nodes", "node-90", {"metadata": {"labels": {"a": "c"}}})
    cluster.settle()
    assert cluster.client.get("nodes", "node-90")["metadata"]["annotations"][ANNOTATION] == "0"


def test_an_annotation_that_somebody_changed_is_put_right() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.patch("nodes", "node-1", {"metadata": {"annotations": {ANNOTATION: "7"}}})
    cluster.settle()
    assert told(cluster) == ["0"]
