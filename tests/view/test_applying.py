"""`kubectl apply`, step by step: what the client sent, what the server decided, what was stored."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.apiserver.filters import FILTERS
from k8snb.view.stepper import Stepper

SETTINGS = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: blue}}"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1)


def acts(story: Stepper) -> list[str]:
    return [act.sentence.partition("?")[0] for frame in story for act in frame.acts]


def test_a_new_object_is_looked_for_created_and_stored(cluster: Cluster) -> None:
    assert acts(cluster.applying(SETTINGS)) == [
        "read file",
        "send GET /api/v1/namespaces/default/configmaps/settings",
        "answer 404",
        "send POST /api/v1/namespaces/default/configmaps",
        "make ConfigMap settings",
        "put /registry/configmaps/default/settings",
        "answer 201",
    ]
    assert cluster.client.get("configmaps", "settings", "default")["data"] == {"colour": "blue"}


def test_the_filters_are_those_that_the_server_has(cluster: Cluster) -> None:
    told = [frame.caption.partition(":")[0] for frame in cluster.applying(SETTINGS) if frame.actor == "kube-apiserver"]
    assert [name for name, _filter in FILTERS if name in told] == [
        "authentication",
        "request info",
        "authorization",
        "content negotiation",
    ]


def test_the_store_has_the_object_at_the_revision_that_is_told(cluster: Cluster) -> None:
    story = cluster.applying(SETTINGS)
    [stored] = [frame for frame in story if frame.actor == "etcd"]
    found = cluster.client.get("configmaps", "settings", "default")
    assert stored.revision == int(found["metadata"]["resourceVersion"])
    assert list(stored.scene) == ["ConfigMap/settings"]


def test_a_change_is_sent_as_a_patch_and_told_as_what_it_changes(cluster: Cluster) -> None:
    cluster.applying(SETTINGS)
    story = cluster.applying(SETTINGS.replace("blue", "green"))
    [made] = [act for frame in story for act in frame.acts if act.verb == "make"]
    assert "data.colour: blue → green" in map(str, made.changes)


def test_what_is_unchanged_is_not_sent(cluster: Cluster) -> None:
    cluster.applying(SETTINGS)
    story = cluster.applying(SETTINGS)
    assert acts(story)[-2:] == ["send GET /api/v1/namespaces/default/configmaps/settings", "answer 200"]
    assert story[-1].caption == "configmap/settings unchanged"


def test_a_conflict_is_where_the_story_ends(cluster: Cluster) -> None:
    cluster.applying(SETTINGS, "--server-side --field-manager=one")
    story = cluster.applying(SETTINGS.replace("blue", "red"), "--server-side --field-manager=two")
    assert story[-2].error == 'Apply failed with 1 conflict: conflict with "one": .data.colour'
    assert all(frame.actor != "etcd" for frame in story)
