"""`connect`: the embedded cluster, unless the reader names a live one.

    cluster = connect(nodes=3, seed=1)

is `Cluster(nodes=3, seed=1)`. With `K8SNB_CONTEXT=kind-lab` in the environment it is the cluster of that context, and
what was to be made is left to whoever made that one. Nothing that a live cluster needs is imported before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from k8snb.cluster.cluster import Cluster
from k8snb.cluster.machines import NodeSpec

if TYPE_CHECKING:
    from k8snb.live.cluster import LiveCluster

CONTEXT = "K8SNB_CONTEXT"
"""The environment variable that names the context of a live cluster."""


def connect(
    nodes: int | Iterable[NodeSpec] = 3, seed: int = 1, *, context: str | None = None, **making: Any
) -> Cluster | LiveCluster:
    """The embedded cluster, made as `Cluster` makes it; or the live one of a context, if the reader names one.

    `context` is the one of the environment (`K8SNB_CONTEXT`) unless it is given; an empty one is the embedded cluster.
    Raises `CannotConnect` with a sentence where a live cluster is not touched.
    """
    wanted = os.environ.get(CONTEXT, "") if context is None else context
    shell = _notebook()
    if not wanted:
        if shell is not None and "k8snb.live.leavingout" in sys.modules:
            from k8snb.live.leavingout import restore

            restore(shell)
        return Cluster(nodes, seed, **making)
    from k8snb.live.joining import join
    from k8snb.live.leavingout import leave_out
    from k8snb.live.opening import wishes

    if shell is not None:
        leave_out(shell)
    return join(wishes(context=wanted))


def _notebook() -> Any:
    """The notebook's shell, if this is one."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()
