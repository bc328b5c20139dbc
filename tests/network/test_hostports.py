"""Ports of nodes that lead to pods: the rules that portmap writes, and packets that follow them."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.cni.plugins.portmap import chain_of
from k8snb.network.rules.hostports import beside
from k8snb.network.rules.iptables import Tables
from k8snb.network.wiring import sandbox_of

OUTSIDE = "192.0.2.7"


def pod(name: str, node: str, port: int, **more: Any) -> dict[str, Any]:
    ports = [{"containerPort": 80, "hostPort": port, **more}]
    spec = {"nodeName": node, "containers": [{"name": "web", "image": "nginx", "ports": ports}]}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=2)
    cluster.client.create("pods", pod("web", "node-1", 8080), "default")
    cluster.client.create("pods", pod("other", "node-2", 8080, hostIP="127.0.0.1"), "default")
    cluster.settle()
    return cluster


def address(cluster: Cluster, node: str) -> str:
    found: str = cluster.client.get("nodes", node)["status"]["addresses"][0]["address"]
    return found


def ip(cluster: Cluster, name: str) -> str:
    found: str = cluster.client.get("pods", name, "default")["status"]["podIP"]
    return found


def test_a_packet_to_the_port_of_a_node_reaches_the_pod(cluster: Cluster) -> None:
    at = address(cluster, "node-1")
    outside = cluster.network.connect(OUTSIDE, at, 8080)
    assert (outside.ip, outside.port, outside.endpoint is not None) == (ip(cluster, "web"), 80, True)
    assert outside.hops[1].text == f"port 8080 of node-1 leads to {outside.ip}"
    assert "CNI-HOSTPORT-DNAT → CNI-DN-" in dict(outside.hops[1].saw)["rules"]
    assert cluster.network.connect(OUTSIDE, at, 8081).error is not None
    assert cluster.network.connect(OUTSIDE, address(cluster, "node-2"), 8080).error is not None


def test_what_comes_from_pods_of_the_node_is_masqueraded(cluster: Cluster) -> None:
    own = ip(cluster, "web")
    home = cluster.network.connect(own, address(cluster, "node-1"), 8080)
    assert (home.ip, home.source) == (own, address(cluster, "node-1"))
    outside = cluster.proxy("node-1").walk(OUTSIDE, f"{address(cluster, 'node-1')}:8080")
    assert outside.outcome == f"ACCEPT to {own}:80"


def test_the_rules_are_printed_as_those_of_the_plugin(cluster: Cluster) -> None:
    found = cluster.client.get("pods", "web", "default")
    chain, container = chain_of("pods", sandbox_of(found)), sandbox_of(found)
    lines = [line for line in cluster.proxy("node-1").iptables_save().splitlines() if "CNI-" in line]
    assert lines[-9:] == [
        "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        "-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        '-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ',
        f"-A {chain} -s 10.244.0.0/24 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK",
        f"-A {chain} -s 127.0.0.1/32 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK",
        f"-A {chain} -p tcp -m tcp --dport 8080 -j DNAT --to-destination {ip(cluster, 'web')}:80",
        f'-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"pods\\" id: \\"{container}\\""'
        f" -m multiport --dports 8080 -j {chain}",
        "-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE",
        '-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000',
    ]


def test_they_are_those_that_the_called_plugins_write(cluster: Cluster) -> None:
    wiring = cluster.network.addresses.wiring
    for node in ("node-1", "node-2"):
        noted, called = wiring.filter(node), wiring.machine(node).host.filter
        assert noted is not None
        assert beside(Tables(), noted) == beside(Tables(), called)


def test_nftables_has_them_in_a_table_of_their_own(cluster: Cluster) -> None:
    containers = [sandbox_of(cluster.client.get("pods", name, "default")) for name in ("web", "other")]
    listed = [cluster.proxy(node).nft().partition("table ip cni_hostport ")[2] for node in ("node-1", "node-2")]
    own = ip(cluster, "web")
    assert [line.strip() for line in listed[0].splitlines() if line.strip(" \t}")][1:] == [
        'comment "CNI portmap plugin"',
        "chain hostports {",
        f'tcp dport 8080 dnat to {own}:80 comment "{containers[0]}"',
        "chain hostip_hostports {",
        "chain hostports_all {",
        "jump hostip_hostports",
        "jump hostports",
        "chain prerouting {",
        "type nat hook prerouting priority dstnat; policy accept;",
        "fib daddr type local jump hostports_all",
        "chain output {",
        "type nat hook output priority -100; policy accept;",
        "fib daddr type local jump hostports_all",
        "chain masquerading {",
        "type nat hook postrouting priority srcnat; policy accept;",
        f'ip saddr {own} ip daddr {own} masquerade comment "{containers[0]}"',
        f'ip saddr 127.0.0.1 ip daddr {own} masquerade comment "{containers[0]}"',
    ]
    assert f"ip daddr 127.0.0.1 tcp dport 8080 dnat to {ip(cluster, 'other')}:80" in listed[1]
    assert "cni_hostport" not in Cluster(nodes=1).proxy("node-1").nft()


def test_both_backends_send_a_packet_the_same_way_but_for_neighbours(cluster: Cluster) -> None:
    """Only iptables masquerades what other pods of the node send."""
    at, own = f"{address(cluster, 'node-1')}:8080", ip(cluster, "web")
    proxy = cluster.proxy("node-1")
    callers = (OUTSIDE, own, "127.0.0.1", "10.244.0.99")
    walks = {mode: [proxy.walk(each, at, mode=mode).outcome for each in callers] for mode in ("iptables", "nftables")}
    assert walks["nftables"] == [f"ACCEPT to {own}:80" + end for end in ("", ", masqueraded", ", masqueraded", "")]
    assert walks["iptables"] == [*walks["nftables"][:3], f"ACCEPT to {own}:80, masqueraded"]
    passed = proxy.walk(OUTSIDE, at, mode="nftables")
    assert {"hostports_all", "hostports"} <= set(passed.chains)
    assert proxy.walk(OUTSIDE, "192.0.2.1:8080", mode="nftables").outcome == "ACCEPT to 192.0.2.1:8080"


def test_they_go_with_the_pod_and_plugins_that_are_called_write_them_too() -> None:
    cluster = Cluster(nodes=1)
    cluster.client.create("pods", pod("web", "node-1", 8080), "default")
    cluster.settle()
    cluster.configure_cni("node-1", cluster.cni_config("node-1").replace('"mtu": 1450', '"mtu": 1400'))
    at = address(cluster, "node-1")
    assert cluster.network.connect(OUTSIDE, at, 8080).error is None
    cluster.kubectl("delete pod web")
    assert cluster.network.connect(OUTSIDE, at, 8080).error is not None
    cluster.client.create("pods", pod("again", "node-1", 8080), "default")
    cluster.settle()
    assert cluster.network.connect(OUTSIDE, at, 8080).ip == ip(cluster, "again")
    assert f"tcp dport 8080 dnat to {ip(cluster, 'again')}:80" in cluster.proxy("node-1").nft()
