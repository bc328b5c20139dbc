"""`connect`: the embedded cluster, unless the reader names a live one.

    cluster = connect(nodes=3, seed=1)

is `Cluster(nodes=3, seed=1)`. With `K8SNB_CONTEXT=kind-lab` in the environment it is the cluster of that context, and
what was to be made is left to whoever made that one. Before it is given to a page, what killed kernels have left
there is cleaned away, and so is what an earlier `connect` of this process has made.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from k8snb.clock import WallClock
from k8snb.cluster import Cluster
from k8snb.i18n import _
from k8snb.live.holders import token
from k8snb.live.leavingout import leave_out, restore
from k8snb.live.opening import CannotConnect, Open, Wishes, open_context, wishes
from k8snb.live.session import Cleaned, Left, clean, sessions
from k8snb.live.territory import Territory
from k8snb.machines import NodeSpec

if TYPE_CHECKING:
    from k8snb.livecluster import LiveCluster

_here: dict[str, weakref.ReferenceType[LiveCluster]] = {}
"""The live cluster of this process, by context."""


def connect(
    nodes: int | Iterable[NodeSpec] = 3, seed: int = 1, *, context: str | None = None, **making: Any
) -> Cluster | LiveCluster:
    """The embedded cluster, made as `Cluster` makes it; or the live one of a context, if the reader names one.

    `context` is the one of the environment (`K8SNB_CONTEXT`) unless it is given; an empty one is the embedded cluster.
    Raises `CannotConnect` with a sentence where a live cluster is not touched.
    """
    wanted = wishes(context=context)
    _tell_notebook(live=bool(wanted.context))
    return join(wanted) if wanted.context else Cluster(nodes, seed, **making)


def _tell_notebook(*, live: bool) -> None:
    """Let the cells of a notebook, if this is one, go on where a live cluster cannot follow."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None:
        (leave_out if live else restore)(shell)


def join(wanted: Wishes) -> LiveCluster:
    """The live cluster that is wished for, with a session of its own."""
    from k8snb.livecluster import LiveCluster

    before = _here.pop(wanted.context, None)
    earlier = before() if before is not None else None
    if earlier is not None:
        earlier.close()
    opened = open_context(wanted)
    missing = opened.home_missing
    if missing:
        raise CannotConnect(_not_allowed(opened, ", ".join(map(str, missing))))
    sweep(opened)
    cluster = LiveCluster(opened, territory(wanted))
    _here[wanted.context] = weakref.ref(cluster)
    return cluster


def territory(wanted: Wishes) -> Territory:
    """What a new session will have."""
    session = token()
    home = wanted.namespace or f"k8snb-{session}"
    return Territory(session, home, lent=bool(wanted.namespace), allowed=wanted.allow)


def sweep(opened: Open, *, every: bool = False) -> list[tuple[Left, Cleaned]]:
    """Clean up after the sessions that are over (or after every one); what came of it."""
    now = WallClock().now()
    found = sessions(opened.client, opened.wishes.namespace)
    return [(left, clean(opened.client, left.territory)) for left in found if every or left.is_over(now)]


def _not_allowed(opened: Open, missing: str) -> str:
    where, user = opened.wishes.namespace, opened.user
    if where:
        why = _("{user} may not do this in the namespace {where}: {missing}")
        return why.format(user=user, where=where, missing=missing)
    why = _("{user} may not have a namespace of their own here ({missing}); K8SNB_NAMESPACE names one that is lent")
    return why.format(user=user, missing=missing)
