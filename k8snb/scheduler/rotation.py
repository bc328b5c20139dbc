"""Looking at a part of the nodes only, and at another part next time (`percentageOfNodesToScore`).

In a large cluster a good node is good enough. From a hundred nodes on, the search ends when enough nodes fit, and the
next pod's begins where this one's ended. Nodes stand in an order in which zones take turns, so that every part has
nodes of every zone. Upstream: `schedule_one.go` (`numFeasibleNodesToFind`), `backend/cache/node_tree.go`.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.scheduler.nodeinfo import ZONE, NodeInfo

FEW = 100
"""So many nodes are always looked at, and at least so many have to fit before a search ends."""
LEAST_PERCENT = 5
REGION = "topology.kubernetes.io/region"


def enough(nodes: int, percentage: int) -> int:
    """How many of so many nodes have to fit before the search ends. 0 percent: the larger the cluster, the less."""
    if nodes < FEW:
        return nodes
    percent = percentage or max(50 - nodes // 125, LEAST_PERCENT)
    return max(nodes * percent // 100, FEW)


def by_turns(nodes: Iterable[NodeInfo]) -> list[NodeInfo]:
    """The nodes in an order in which zones take turns."""
    zones: dict[tuple[str, str], list[NodeInfo]] = {}
    for node in nodes:
        zones.setdefault((node.labels.get(REGION, ""), node.labels.get(ZONE, "")), []).append(node)
    longest = max(map(len, zones.values()), default=0)
    return [zone[index] for index in range(longest) for zone in zones.values() if index < len(zone)]
