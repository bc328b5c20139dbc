"""The exercises of the page on CNI: each verdict names the step that is missing."""

from __future__ import annotations

import json

import pytest

from k8snb import Cluster
from k8snb.lab import wires
from tests.book.conftest import ROOT
from tests.lab.repairs import missing


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=3, seed=1)
    cluster.kubectl("apply -f -", (ROOT / "manifests" / "architecture" / "wires.yaml").read_text())
    cluster.settle()
    return cluster


def run(cluster: Cluster, name: str, node: str) -> None:
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "nginx"}]}
    meta = {"name": name, "namespace": "default"}
    cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    cluster.advance(10)


def test_a_link_is_added_to_the_chain_behind_the_one_that_makes_the_interface(cluster: Cluster) -> None:
    found = json.loads(cluster.cni_config("node-1"))
    tuning = {"type": "tuning", "mtu": 1400}
    cluster.configure_cni("node-1", {**found, "plugins": [tuning, *found["plugins"]]})
    assert missing(wires.check_tuned(cluster)).startswith("it comes after the plugin that makes the interface")
    cluster.configure_cni("node-1", {**found, "plugins": [*found["plugins"], {**tuning, "mtu": 1300}]})
    run(cluster, "tuned", "node-1")
    assert missing(wires.check_tuned(cluster)) == "its interface carries packets of 1400 bytes: its MTU is 1300"
    cluster.client.delete("pods", "tuned", "default", grace=0)
    cluster.configure_cni("node-1", {**found, "plugins": [*found["plugins"], tuning]})
    run(cluster, "tuned", "node-1")
    assert wires.check_tuned(cluster)


def test_two_pods_reach_each_other_when_both_nodes_have_routes(cluster: Cluster) -> None:
    for node, cidr in (("node-1", "10.244.1.0/24"), ("node-2", "10.244.0.0/24")):
        cluster.ip(node, f"route del {cidr}")
    assert missing(wires.check_reached(cluster)) == "node-1 has a route to 10.244.1.2: only the default route"
    cluster.ip("node-1", "route add 10.244.1.0/24 via 10.244.1.0 dev vxlan0 onlink")
    assert missing(wires.check_reached(cluster)).startswith("node-2 has a route to 10.244.0.2")
    cluster.ip("node-2", "route add 10.244.0.0/24 via 10.244.0.0 dev vxlan0 onlink")
    assert wires.check_reached(cluster)


def test_a_node_is_ready_when_its_list_can_be_read_and_a_pod_has_got_an_address(cluster: Cluster) -> None:
    kept = cluster.cni_config("node-3")
    cluster.configure_cni("node-3", kept.replace(",", ""))
    assert missing(wires.check_ready(cluster)).startswith("there is a list of plugins on node-3")
    cluster.advance(15)
    cluster.configure_cni("node-3", kept)
    assert missing(wires.check_ready(cluster)).startswith("node-3 is Ready")
    cluster.advance(15)
    assert missing(wires.check_ready(cluster)).startswith("a pod on it is Ready")
    run(cluster, "proof", "node-3")
    assert wires.check_ready(cluster)
