"""ImageLocality: likes nodes that have the pod's images already, the more so the larger they are.

An image counts with its size times the share of nodes that have it, so that not every pod goes to the one node
that happened to pull the image first.
"""

from __future__ import annotations

from k8snb.scheduler.cache import Cache
from k8snb.scheduler.framework import MAX_NODE_SCORE, CycleState
from k8snb.scheduler.nodeinfo import NodeInfo
from k8snb.scheduler.podinfo import CLASSES
from k8snb.typing import Object

_MB = 1024 * 1024
LEAST = 23 * _MB
"""Images of less than this in sum score nothing."""
MOST = 1000 * _MB
"""Images of more than this per container score no more."""


class ImageLocality:
    name = "ImageLocality"
    local = False

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def score(self, state: CycleState, pod: Object, node: NodeInfo) -> int:
        pod_class = CLASSES.of(pod["spec"])
        total = sum(self.weight(image) for image in pod_class.images if image in node.images)
        return locality(total, pod_class.image_count)

    def weight(self, image: str) -> int:
        """The bytes an image counts with: its size times the share of the nodes that have it."""
        state = self._cache.images.get(image)
        return int(state.size * (state.nodes / len(self._cache))) if state is not None and len(self._cache) else 0


def locality(total: int, containers: int) -> int:
    """The score of a node on which a pod's images weigh `total`."""
    most = MOST * containers
    return MAX_NODE_SCORE * (min(max(total, LEAST), most) - LEAST) // (most - LEAST)
