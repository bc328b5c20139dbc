"""How pods are wired: plugins give the addresses that pods have and refuse what cannot be, and routes carry packets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster
from k8snb.cni.runtime import FailedPlugin
from k8snb.network.ipam import Exhausted, Range
from k8snb.network.wiring import Machine
from tests.network.town import Town


def pod(number: int) -> dict[str, Any]:
    meta = {"name": f"p-{number}", "namespace": "default", "uid": f"uid-{number}"}
    return {"metadata": meta, "spec": {"nodeName": "n", "containers": [{"name": "c"}]}}


@given(st.lists(st.integers(0, 9), max_size=40))
def test_what_is_noted_and_what_the_plugins_answer_are_the_same_address(story: list[int]) -> None:
    """Numbers below 6 add a pod, the others remove one; the range is so small that it is sometimes full."""
    noted, called = Range("10.0.0.0/29"), Machine("n", "172.18.0.2", "10.0.0.0/29")
    held: list[str] = []
    for number, action in enumerate(story):
        if action < 6:
            try:
                given = noted.take()
            except Exhausted as full:
                with pytest.raises(FailedPlugin, match=re.escape(f'plugin type="bridge" failed (add): {full}')):
                    called.connect(pod(number))
                continue
            assert called.connect(pod(number)) == given
            held.append(given)
        elif held:
            address = held.pop(action % len(held))
            noted.give_back(address)
            called.disconnect(address)
    assert len(called.host.namespaces) == len(held) + 1


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(nodes=2, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=5")
    cluster.settle()
    return cluster


def small(cluster: Cluster, node: str, last: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.cni_config(node))
    found["plugins"][0]["ipam"]["ranges"][0][0]["rangeEnd"] = last
    return found


def events(cluster: Cluster, reason: str) -> list[str]:
    found = cluster.client.list("events", "default", fields=f"reason={reason}")
    return list(dict.fromkeys(each["message"] for each in found))


def test_a_node_shows_the_bridge_and_a_pod_its_end_of_the_pair(cluster: Cluster) -> None:
    [first, *_rest] = cluster.client.list("pods", "default", fields="spec.nodeName=node-1")
    address = first["status"]["podIP"]
    assert f"    inet {address}/24" in cluster.ip("node-1", "addr", address).splitlines()
    assert cluster.ip("node-1", "route", address).splitlines() == [
        "default via 10.244.0.1 dev eth0", f"10.244.0.0/24 dev eth0 proto kernel scope link src {address}"
    ]  # fmt: skip
    assert cluster.ip("node-1", "route").splitlines()[-1] == "10.244.1.0/24 via 10.244.1.0 dev vxlan0 onlink"
    cluster.tunnel_pods(False)
    assert cluster.ip("node-1", "route").splitlines()[-1] == "10.244.1.0/24 via 172.18.0.3 dev eth0"
    assert "vxlan0" not in cluster.ip("node-1", "link")


def test_looking_changes_nothing_and_a_fork_sees_the_same(cluster: Cluster) -> None:
    twin = cluster.fork()
    before = cluster.ip("node-2", "addr")
    for each in (cluster, twin):
        each.kubectl("scale deployment web --replicas=8")
        each.settle()
    addresses = [[pod["status"]["podIP"] for pod in each.client.list("pods", "default")] for each in (cluster, twin)]
    assert addresses[0] == addresses[1]
    assert cluster.ip("node-2", "addr") == twin.ip("node-2", "addr") != before


def test_an_exhausted_range_keeps_pods_waiting_until_there_is_room(cluster: Cluster) -> None:
    cluster.configure_cni("node-1", small(cluster, "node-1", "10.244.0.4"))
    cluster.configure_cni("node-2", small(cluster, "node-2", "10.244.1.4"))
    cluster.kubectl("scale deployment web --replicas=7")
    cluster.settle()
    waiting = [pod for pod in cluster.client.list("pods", "default") if pod["status"]["phase"] == "Pending"]
    [told] = {message.partition(": plugin")[2] for message in events(cluster, "FailedCreatePodSandBox")}
    assert told.startswith(' type="bridge" failed (add): failed to allocate for range 0: no IP addresses available in ')
    assert len(waiting) == 1
    assert "ContainerCreating" in cluster.kubectl("get pods")
    cluster.configure_cni("node-1", small(cluster, "node-1", "10.244.0.9"))
    cluster.configure_cni("node-2", small(cluster, "node-2", "10.244.1.9"))
    cluster.advance(130)
    assert {pod["status"]["phase"] for pod in cluster.client.list("pods", "default")} == {"Running"}


def test_without_a_configuration_a_node_is_not_ready_and_its_pods_go_on(cluster: Cluster) -> None:
    kept = cluster.cni_config("node-1")
    cluster.configure_cni("node-1", None)
    cluster.advance(15)
    node = cluster.client.get("nodes", "node-1")
    ready = node["status"]["conditions"][-1]
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "False",
        "KubeletNotReady",
        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
        "message:Network plugin returns error: cni plugin not initialized",
    )
    assert "node.kubernetes.io/not-ready" in {taint["key"] for taint in node["spec"]["taints"]}
    pinned = {
        "nodeName": "node-1",
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "nginx"}],
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pinned", "namespace": "default"}, "spec": pinned}
    cluster.client.create("pods", body)
    cluster.advance(5)
    assert events(cluster, "NetworkNotReady") == [f"network is not ready: {ready['message']}"]
    cluster.configure_cni("node-1", kept)
    cluster.advance(15)
    assert cluster.client.get("nodes", "node-1")["status"]["conditions"][-1]["status"] == "True"
    cluster.advance(60)
    assert cluster.client.get("pods", "pinned", "default")["status"]["phase"] == "Running"


@pytest.mark.parametrize("text", ["{", '{"name": "pods", "cniVersion": "9.9.9", "plugins": [{"type": "bridge"}]}'])
def test_a_configuration_that_cannot_be_read_is_none(cluster: Cluster, text: str) -> None:
    cluster.configure_cni("node-1", text)
    assert cluster.network.problem("node-1") == "cni plugin not initialized"


def test_a_plugin_that_is_missing_or_not_well_is_what_the_network_says(cluster: Cluster) -> None:
    found = json.loads(cluster.cni_config("node-1"))
    cluster.configure_cni("node-1", {**found, "plugins": [{"type": "calico"}]})
    problem = 'plugin type="calico" failed (status): failed to find plugin "calico" in path [/opt/cni/bin]'
    assert cluster.network.problem("node-1") == problem


@pytest.mark.parametrize("there", [True, False])
def test_a_missing_route_loses_packets_on_the_way_there_or_back(town: Town, there: bool) -> None:
    here, other = town.pod("here", "node-1"), town.pod("other", "node-2")
    cluster, network = town.cluster, town.cluster.network
    assert network.connect(here, other, 9376).error is None
    node, cidr = ("node-1", "10.244.1.0/24") if there else ("node-2", "10.244.0.0/24")
    cluster.ip(node, f"route del {cidr}")
    failed = network.connect(here, other, 9376)
    assert (failed.error is not None and failed.error.kind) == "timeout"
    assert "no route to" in failed.hops[-1].text if there else "no route back" in failed.hops[-1].text
    assert network.connect(here, town.pod("near", "node-1"), 9376).error is None
    assert cluster.ip(node, f"route del {cidr}") == "RTNETLINK answers: No such process"
    via = cidr.partition("/")[0]
    cluster.ip(node, f"route add {cidr} via {via} dev vxlan0 onlink")
    assert network.connect(here, other, 9376).error is None


def test_a_pod_whose_plugins_give_no_address_or_have_gone_is_cleared_away_all_the_same(cluster: Cluster) -> None:
    found = json.loads(cluster.cni_config("node-1"))
    bare = {"type": "bridge", "bridge": "cni0"}
    for plugin, told in ((bare, "failed to find network info for sandbox"), ({"type": "calico"}, 'plugin "calico"')):
        cluster.configure_cni("node-1", {**found, "cniVersion": "1.0.0", "plugins": [plugin]})
        cluster.kubectl("scale deployment web --replicas=9")
        cluster.settle()
        assert any(told in message for message in events(cluster, "FailedCreatePodSandBox"))
        cluster.kubectl("scale deployment web --replicas=0")
        cluster.advance(5)
        assert cluster.client.list("pods", "default") == []
    cluster.configure_cni("node-1", found)
    cluster.kubectl("scale deployment web --replicas=4")
    cluster.settle()
    assert {pod["status"]["phase"] for pod in cluster.client.list("pods", "default")} == {"Running"}
