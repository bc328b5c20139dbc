"""The cluster that is asked: refusals leave it as it is, so that all tests have the same one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8snb import Cluster


@pytest.fixture(scope="package")
def populated() -> Cluster:
    """A cluster with one object of each kind that is asked about."""
    cluster = Cluster(nodes=1, seed=1)
    container = {"name": "web", "image": "nginx"}
    labels = {"app": "web"}
    cluster.client.create("configmaps", {"metadata": {"name": "present"}, "data": {"a": "b"}}, "default")
    for name, containers in (("one", [container]), ("two", [container, {**container, "name": "side"}])):
        cluster.client.create("pods", {"metadata": {"name": name}, "spec": {"containers": containers}}, "default")
    waiting = {"nodeSelector": {"no": "node"}, "containers": [container]}
    cluster.client.create("pods", {"metadata": {"name": "waiting"}, "spec": waiting}, "default")
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    cluster.client.create("deployments", {"metadata": {"name": "web"}, "spec": spec}, "default")
    cluster.settle()
    return cluster


@pytest.fixture
def cluster(populated: Cluster) -> Iterator[Cluster]:
    """The same; afterwards nothing has changed and nothing has gone wrong inside."""
    before = populated.revision
    yield populated
    assert populated.revision == before
    assert populated.server.panics == []
