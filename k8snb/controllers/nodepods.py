"""The pods of a node. The index is made when a node is first in trouble: until then it would cost and serve nobody."""

from __future__ import annotations

from k8snb.client.informer import Informer
from k8snb.typing import Object

NODE_INDEX = "node"


def node_of(pod: Object) -> tuple[str, ...]:
    """The node that a pod is bound to, as index values."""
    name = pod["spec"].get("nodeName")
    return (name,) if name else ()


def pods_on(informer: Informer, node: str) -> list[Object]:
    """The pods that are bound to a node."""
    informer.add_index(NODE_INDEX, node_of)
    return informer.by_index(NODE_INDEX, node)
