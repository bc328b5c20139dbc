"""The exercises of the page on labels: each verdict names the step that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.lab import labels
from k8snb.lab.verdict import Verdict

SHOP = {
    "shop-web": "app=shop,tier=web,env=prod",
    "shop-test": "app=shop,tier=web,env=test",
    "blog": "app=blog,tier=web",
}


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=2, seed=1)
    for name, words in SHOP.items():
        cluster.kubectl(f"run {name} --image=nginx --labels={words}")
    cluster.settle()
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def front(cluster: Cluster, **selector: str) -> Verdict:
    ports = [{"port": 80}]
    service = {"kind": "Service", "metadata": {"name": "front"}, "spec": {"selector": selector, "ports": ports}}
    cluster.client.create("services", {"apiVersion": "v1", **service}, "default")
    cluster.settle()
    return labels.check_front(cluster)


def deployment(cluster: Cluster, name: str, replicas: int = 1, **words: str) -> None:
    spec: dict[str, Any] = {"replicas": replicas, "selector": {"matchLabels": words}}
    spec["template"] = {"metadata": {"labels": words}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    cluster.client.create("deployments.apps", obj, "default")


def canary(cluster: Cluster, replicas: int = 1, **words: str) -> Verdict:
    deployment(cluster, "my-app-deployment", 3, app="my-app")
    deployment(cluster, "my-app-canary", replicas, **words)
    cluster.kubectl("expose deployment my-app-deployment --name=my-app-service --port=80")
    cluster.settle()
    return labels.check_canary(cluster)


def test_pods_without_the_label_are_named(cluster: Cluster) -> None:
    assert missing(labels.check_release(cluster)) == "each of them says release=stable: look at shop-web"


def test_pods_that_should_not_have_the_label_are_named(cluster: Cluster) -> None:
    cluster.kubectl("label pods --all release=stable")
    assert missing(labels.check_release(cluster)) == "… and no other pod does: look at blog, shop-test"


def test_the_stable_ones_are_marked(cluster: Cluster) -> None:
    cluster.kubectl("label pods -l env=prod release=stable")
    assert labels.check_release(cluster)


def test_a_front_that_reads_the_blog_is_told_of_strangers(cluster: Cluster) -> None:
    assert missing(front(cluster, tier="web")) == "… and no other: strangers in its slices: 2"


def test_a_front_that_lost_its_own_pods_is_told(cluster: Cluster) -> None:
    assert missing(front(cluster, app="blog")).endswith("missing in its slices: 1")


@pytest.mark.parametrize("selector", [{"app": "shop", "env": "prod"}, {"env": "prod", "tier": "web"}])
def test_a_front_may_ask_in_any_way_that_catches_the_right_pods(cluster: Cluster, selector: dict[str, str]) -> None:
    assert front(cluster, **selector)


def test_a_canary_that_the_service_does_not_know_is_told(cluster: Cluster) -> None:
    assert missing(canary(cluster, app="canary")) == "my-app-service leads to it: its slices do not list it"


def test_a_canary_that_asks_for_the_same_word_is_told(cluster: Cluster) -> None:
    assert missing(canary(cluster, app="my-app")).endswith("both select {'app': 'my-app'}")


def test_one_canary_is_enough(cluster: Cluster) -> None:
    assert (
        missing(canary(cluster, 2, app="my-app", track="canary")) == "one pod of the canary is ready: their number is 2"
    )


def test_a_canary_sings(cluster: Cluster) -> None:
    assert canary(cluster, app="my-app", track="canary")
