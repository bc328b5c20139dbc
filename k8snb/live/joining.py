"""Joining a live cluster: from what the reader wishes to a `LiveCluster` with a session of its own.

Before it is given to a page, what killed kernels have left there is cleaned away, and so is what an earlier `connect`
of this process has made.
"""

from __future__ import annotations

import weakref

from k8snb.i18n import _
from k8snb.live.cluster import LiveCluster
from k8snb.live.holders import token
from k8snb.live.opening import CannotConnect, Open, Wishes, open_context
from k8snb.live.session import Cleaned, Left, Now, clean, now, sessions
from k8snb.live.territory import Territory, home_of

_here: dict[str, weakref.ReferenceType[LiveCluster]] = {}
"""The live cluster of this process, by context."""


def join(wanted: Wishes) -> LiveCluster:
    """The live cluster that is wished for, with a session of its own."""
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
    home = wanted.namespace or home_of(session)
    return Territory(session, home, lent=bool(wanted.namespace), allowed=wanted.allow)


def sweep(opened: Open, *, every: bool = False) -> list[tuple[Left, Cleaned]]:
    """Clean up after the sessions that are over (or after every one); what came of it."""
    found = sessions(opened.client, opened.wishes.namespace)
    time = now(opened.client, opened.wishes.namespace) if found else Now(0.0, 0.0)
    return [(left, clean(opened.client, left.territory)) for left in found if every or left.is_over(time)]


def _not_allowed(opened: Open, missing: str) -> str:
    where, user = opened.wishes.namespace, opened.user
    if where:
        why = _("{user} may not do this in the namespace {where}: {missing}")
        return why.format(user=user, where=where, missing=missing)
    why = _("{user} may not have a namespace of their own here ({missing}); K8SNB_NAMESPACE names one that is lent")
    return why.format(user=user, missing=missing)
