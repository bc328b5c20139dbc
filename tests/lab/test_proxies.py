"""The exercises of the page on kube-proxy: each verdict names the step that is missing."""

from __future__ import annotations

import pytest

from k8snb import Cluster
from k8snb.lab import proxies
from k8snb.lab.verdict import Verdict


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=3")
    cluster.kubectl("expose deployment web --port=80")
    cluster.settle()
    return cluster


def missing(verdict: Verdict) -> str:
    assert not verdict
    return f"{verdict.claims[-1].sentence}: {verdict.claims[-1].missing}"


def test_a_stale_node_is_not_betrayed_and_has_to_be_brought_back(cluster: Cluster) -> None:
    assert proxies.check_caught_up(cluster)
    proxies.upset(cluster)
    elsewhere = "every node sends to them, and nowhere else: nodes that send elsewhere: 1"
    assert missing(proxies.check_caught_up(cluster)) == elsewhere
    cluster.stop("kube-proxy", on="node-1")
    cluster.start("kube-proxy", on=proxies.STALE)
    assert missing(proxies.check_caught_up(cluster)) == "kube-proxy runs everywhere: stopped: 1"
    cluster.start("kube-proxy", on="node-1")
    assert proxies.check_caught_up(cluster)


def test_a_fence_keeps_strangers_out_and_lets_guests_in(cluster: Cluster) -> None:
    assert missing(proxies.check_fenced(cluster)).startswith("there is a Service shop")
    cluster.kubectl("expose deployment web --name=shop --port=80")
    assert missing(proxies.check_fenced(cluster)) == "it is meant for a load balancer: type is ClusterIP"
    change(cluster, {"spec": {"type": "LoadBalancer"}})
    assert missing(proxies.check_fenced(cluster)) == "which has an address: status.loadBalancer is empty"
    cluster.client.patch(
        "services",
        "shop",
        {"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}},
        "default",
        kind="merge",
        subresource="status",
    )
    cluster.settle()
    assert missing(proxies.check_fenced(cluster)) == "and drop what comes from 203.0.113.10: the verdict is ACCEPT"
    change(cluster, {"spec": {"loadBalancerSourceRanges": ["198.51.100.0/24"]}})
    assert missing(proxies.check_fenced(cluster)) == "the rules let 192.0.2.7 in: the verdict is DROP"
    change(cluster, {"spec": {"loadBalancerSourceRanges": ["192.0.2.0/24"]}})
    assert proxies.check_fenced(cluster)


def change(cluster: Cluster, patch: dict[str, object]) -> None:
    cluster.client.patch("services", "shop", patch, "default", kind="merge")
    cluster.settle()
