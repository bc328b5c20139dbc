"""The picture of a Service's rules on a node has every chain that they lead through, and ends at pods."""

from __future__ import annotations

from k8snb import Cluster
from k8snb.network.rules.iptables_proxier import chain_name

DRAWN = """\
Rules for default/web on node-1
  Stage KUBE-SERVICES
    ─ {ip}:80 → Stage {svc}
      ─ {ip}:80, not from 10.244.0.0/16 → Stage KUBE-MARK-MASQ
      ─ used in 10800 s → Stage {sep}
        ─ DNAT to {pod}:80 → ● Pod {name} on node-1: Running, address {pod}, image nginx
      ─→ Stage {sep} (above)"""


def test_a_service_is_drawn_as_the_chains_of_a_node() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.kubectl("expose deployment web --port=80 --session-affinity=ClientIP")
    cluster.settle()
    [pod] = cluster.client.list("pods", "default")
    ip = cluster.client.get("services", "web", "default")["spec"]["clusterIP"]
    address = pod["status"]["podIP"]
    svc, sep = (
        chain_name("KUBE-SVC-", "default/web", "tcp"),
        chain_name("KUBE-SEP-", "default/web", "tcp", f"{address}:80"),
    )
    names = {"ip": ip, "svc": f"{svc[:13]}…", "sep": f"{sep[:13]}…", "pod": address, "name": pod["metadata"]["name"]}
    assert str(cluster.rules("web", on="node-1")) == DRAWN.format(**names)


def test_what_is_for_the_node_itself_goes_on_to_the_node_ports() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.kubectl("expose deployment web --port=80 --type=NodePort")
    cluster.settle()
    edges = {(edge.tail, edge.word, edge.head) for edge in cluster.rules("web", on="node-1").graph.edges}
    assert ("KUBE-SERVICES", "to this node", "KUBE-NODEPORTS") in edges
