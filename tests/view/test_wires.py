"""What the plugins said about a pod, how a node is wired, and a packet on the wires between two."""

from __future__ import annotations

import json

import pytest

from k8snb import Cluster
from k8snb.errors import StatusError


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=2, seed=1)
    for name, node in (("here", "node-1"), ("there", "node-2")):
        cluster.kubectl(f'run {name} --image=nginx --overrides={{"spec":{{"nodeName":"{node}"}}}}'.replace('"', '\\"'))
    cluster.settle()
    return cluster


def test_the_calls_of_a_pod_are_shown_as_the_plugins_heard_them(cluster: Cluster) -> None:
    calls = cluster.plugin_calls("pod/here")
    assert [(each.plugin, each.command, each.code) for each in calls] == [("bridge", "ADD", 0), ("portmap", "ADD", 0)]
    assert "K8S_POD_NAME=here" in calls[0].environment["CNI_ARGS"]
    assert json.loads(calls[1].stdin)["prevResult"]["ips"][0]["address"] == "10.244.0.2/24"
    assert "   CNI_IFNAME=eth0" in str(calls).splitlines()
    with pytest.raises(StatusError):
        cluster.plugin_calls("nosuch")


def test_the_diagram_leads_from_the_pod_over_pair_and_bridge_to_tunnel_and_card(cluster: Cluster) -> None:
    text = str(cluster.diagram("wiring/node-1"))
    steps = ["eth0 in Pod here", "other end of the pair", "port of", "routing table", "vxlan0", "wrapped in UDP 8472"]
    assert [step for step in steps if step not in text] == []
    assert sorted(steps, key=text.index) == steps


def test_a_packet_is_wrapped_between_nodes_or_sent_as_it_is(cluster: Cluster) -> None:
    told = {}
    for tunnel in (True, False):
        cluster.tunnel_pods(tunnel)
        story = cluster.packet("here", "http://10.244.1.2", wires=True)
        told[tunnel] = [frame.actor for frame in story]
        plain = [frame.actor for frame in cluster.packet("here", "http://10.244.1.2")]
        assert plain == ["pod here", "network", "pod there", "pod here"]
    ends = ["pod here", "kernel node-1"], ["kernel node-2", "pod there", "pod here"]
    assert told[True] == [*ends[0], "vxlan0 node-1", "network", "vxlan0 node-2", *ends[1]]
    assert told[False] == [*ends[0], "eth0 node-1", "network", *ends[1]]


def test_the_outer_headers_are_those_of_the_nodes_and_the_inner_stay(cluster: Cluster) -> None:
    cluster.tunnel_pods(True)
    wrap = next(f for f in cluster.packet("here", "http://10.244.1.2", wires=True) if f.actor == "vxlan0 node-1")
    changes = {change.path: change.after for change in wrap.acts[0].changes}
    assert changes["outer source"].startswith("172.18.0.2:")
    assert (changes["outer destination"], changes["VNI"]) == ("172.18.0.3:8472", "1")
    assert dict(wrap.observed) == {"inner source": "10.244.0.2", "inner destination": "10.244.1.2:80"}
