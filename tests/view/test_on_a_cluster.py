"""Views of a cluster that really ran: the same on every run, and true to its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.view.scene import scene
from tests.browser import Visit, needs_chromium

LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.14.2"}]}}
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"replicas": 3, "selector": {"matchLabels": LABELS}, "template": TEMPLATE},
}
DOOR = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": LABELS, "ports": [{"port": 80}]},
}
NEWER = {"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.16.1"}]}}}}


def rolled_out() -> tuple[Cluster, int]:
    """A cluster after a rolling update, and the revision before it."""
    cluster = Cluster(nodes=3, seed=1)
    cluster.client.create("deployments.apps", WEB, "default")
    cluster.client.create("services", DOOR, "default")
    cluster.settle()
    before = cluster.revision
    cluster.client.patch("deployments.apps", "web", NEWER, "default", kind="strategic")
    cluster.settle()
    return cluster, before


def test_every_frame_is_what_the_cluster_was_at_that_revision() -> None:
    cluster, before = rolled_out()
    story = cluster.stepper("Rolling update", since=before)
    assert len(story) > 30
    assert all(frame.scene == scene(cluster.at(frame.revision)) for frame in story)


def test_the_components_appear_in_the_story_of_a_rollout() -> None:
    cluster, before = rolled_out()
    story = cluster.stepper("Rolling update", since=before)
    assert [frame.lane for frame in story][:3] == ["you", "deployment-controller", "replicaset-controller"]
    lanes = {frame.lane for frame in story}
    assert lanes >= {"scheduler", "kubelet", "endpointslice-controller"}
    assert all(frame.caption for frame in story if frame.lane != "you"), "every reconcile says what it wants"


def test_the_same_seed_gives_the_same_bytes() -> None:
    bundles = []
    for _run in range(2):
        cluster, before = rolled_out()
        views = (cluster.stepper(since=before), cluster.diagram("deploy/web", "svc/web"), cluster.chart("web"))
        bundles.append([view._repr_mimebundle_() for view in views])
    assert bundles[0] == bundles[1]


def test_a_story_about_a_pod_is_its_life() -> None:
    cluster, _before = rolled_out()
    name = cluster.client.list("pods", "default")[0]["metadata"]["name"]
    story = cluster.stepper(about=f"pod/{name}")
    states = list(dict.fromkeys(frame.scene[f"Pod/{name}"]["state"] for frame in story))
    assert states == ["pending", "starting", "ready"]


def test_the_chart_never_leaves_the_bounds_of_a_rollout() -> None:
    cluster, before = rolled_out()
    moments = cluster.chart("deployment/web", since=before).moments
    assert list(moments[0].values.values()) == [3, 0]
    assert list(moments[-1].values.values()) == [0, 3]
    assert all(3 <= sum(moment.values.values()) <= 4 for moment in moments)


def test_the_diagram_of_a_service_reaches_every_ready_pod() -> None:
    cluster, _before = rolled_out()
    told = str(cluster.diagram("service/web"))
    assert told.count("─ ready → ● Pod web-") == 3


@pytest.mark.browser
@needs_chromium
def test_the_browser_shows_the_clusters_history(browser: Any, tmp_path: Path) -> None:
    cluster, before = rolled_out()
    story = cluster.stepper("Rolling update", since=before)
    path = tmp_path / "page.html"
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>{story.html()}')
    with Visit(browser, path.as_uri()) as visit:
        visit.page.locator("k8snb-stepper section").focus()
        for frame in story:
            pods = {pod["metadata"]["name"] for pod in cluster.at(frame.revision).list("pods", "default")}
            labels = visit.page.locator("k8snb-stepper .chip").evaluate_all(
                "all => all.map(one => one.getAttribute('aria-label').split(', ')[0])"
            )
            assert set(labels) == pods
            assert f"@{frame.revision}" in visit.page.locator("k8snb-stepper .headline").inner_text()
            visit.page.keyboard.press("ArrowRight")
        assert visit.troubles == []


def test_a_node_is_drawn_with_its_lease_and_its_pods() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("run web --image=nginx")
    cluster.advance(12)
    [pod] = cluster.client.list("pods", "default")
    assert str(cluster.diagram("node/node-1")) == (
        "Node node-1, its lease, and the pods on the machine\n"
        "  Node node-1: Ready True, CPU 8, memory 32Gi, pods 110\n"
        "    ─ kept alive by → Lease node-1: holder node-1, renewed 00:00:10\n"
        f"    ─ runs → ● Pod web on node-1: Running, address {pod['status']['podIP']}, image nginx"
    )


def test_a_story_about_a_node_tells_who_changed_it() -> None:
    cluster = Cluster(nodes=1, seed=1)
    before = cluster.revision
    cluster.kubectl("cordon node-1")
    cluster.settle()
    actors = [frame.actor for frame in cluster.stepper(since=before, about="node/node-1")]
    assert actors == ["you", "node-controller"]
