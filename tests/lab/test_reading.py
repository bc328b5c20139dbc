"""What checks learn of an object's past, and that they take nothing for granted where it is forgotten."""

from __future__ import annotations

from k8snb import Cluster
from k8snb.lab.reading import began, versions
from k8snb.typing import Object


def is_red(obj: Object) -> bool:
    return bool(obj["data"]["colour"] == "red")


def test_the_past_of_an_object_begins_when_it_was_made_and_is_gone_once_it_is_compacted() -> None:
    cluster = Cluster(nodes=0, seed=1)
    for command in ("create configmap box --from-literal=colour=red", "delete configmap box"):
        cluster.kubectl(command)
    cluster.kubectl("create configmap box --from-literal=colour=blue")
    made = cluster.revision
    cluster.kubectl('patch configmap box -p \'{"data": {"colour": "red"}}\'')
    assert [each["data"]["colour"] for each in versions(cluster, "configmaps", "box")] == ["blue", "red"]
    assert (began(cluster, "configmaps", "box"), began(cluster, "configmaps", "box", is_red)) == (made, made + 1)
    assert began(cluster, "configmaps", "box", lambda obj: not is_red(obj)) is None
    cluster.store.compact(cluster.revision)
    assert (versions(cluster, "configmaps", "box"), began(cluster, "configmaps", "box")) == ([], None)
