"""A Kubernetes cluster in one Python process, and the views by which a book explains it.

This is the front door: what a notebook imports, and nothing more.

    from k8snb import Cluster

    cluster = Cluster(nodes=3, seed=1)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from k8snb.version import VERSION

if TYPE_CHECKING:
    from k8snb.client.controller import Controller
    from k8snb.client.faults import Faults
    from k8snb.cluster.cluster import Cluster
    from k8snb.cluster.machines import NodeSpec
    from k8snb.cluster.replicating import ControlPlane
    from k8snb.cluster.showing import diagram
    from k8snb.current import use
    from k8snb.errors import NeedsEmbedded, NeedsYes, StatusError
    from k8snb.live.connecting import connect
    from k8snb.live.opening import CannotConnect

__version__ = VERSION
__all__ = [
    "CannotConnect",
    "Cluster",
    "ControlPlane",
    "Controller",
    "Faults",
    "NeedsEmbedded",
    "NeedsYes",
    "NodeSpec",
    "StatusError",
    "__version__",
    "connect",
    "diagram",
    "load_ipython_extension",
    "use",
]

_WHERE = {
    "CannotConnect": "k8snb.live.opening",
    "Cluster": "k8snb.cluster.cluster",
    "ControlPlane": "k8snb.cluster.replicating",
    "Controller": "k8snb.client.controller",
    "Faults": "k8snb.client.faults",
    "NeedsEmbedded": "k8snb.errors",
    "NeedsYes": "k8snb.errors",
    "NodeSpec": "k8snb.cluster.machines",
    "StatusError": "k8snb.errors",
    "connect": "k8snb.live.connecting",
    "diagram": "k8snb.cluster.showing",
    "use": "k8snb.current",
}


def __getattr__(name: str) -> Any:
    """Names are imported when first asked for: whoever needs one part of the package does not pay for all."""
    if name not in _WHERE:
        raise AttributeError(f"module 'k8snb' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext k8snb`: the magics `%kubectl`, `%%kubectl`, `%%apply`, `%helm`, `%%helm` and `%curl`.

    Where the reader has named a live cluster, cells go on where that cannot follow.
    """
    from k8snb.helm import magic as helm
    from k8snb.kubectl import magic as kubectl

    kubectl.register(ipython)
    helm.register(ipython)
    if os.environ.get("K8SNB_CONTEXT"):  # before the cell that connects, of which the rest is to go on as well
        from k8snb.live.leavingout import leave_out

        leave_out(ipython)
