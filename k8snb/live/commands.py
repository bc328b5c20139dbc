"""`python -m k8snb live check|clean`: what would be possible in a live cluster, and the end of what is left there."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from k8snb.clock import stopwatch
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.live.contexts import refusal
from k8snb.live.joining import sweep
from k8snb.live.opening import Open, Wishes, find_context, open_context
from k8snb.live.rights import NEEDED, USEFUL, WIDE, Right
from k8snb.live.session import Left, gone, now, sessions
from k8snb.machinery.objects import is_deleting

GONE_SECONDS = 60.0
"""How long somebody waits for what has been deleted to be gone."""


def check(wanted: Wishes) -> Iterator[str]:
    """What would be possible, line by line. It writes nothing."""
    context = find_context(wanted.context)
    yield _("context    {context}").format(context=context)
    why = refusal(context._replace(namespace=wanted.namespace or context.namespace), wanted.trust)
    verdict = _("no: {why}").format(why=why) if why else _("nothing speaks against it")
    yield _("safe       {verdict}").format(verdict=verdict)
    if why:
        return
    opened = open_context(wanted)
    yield _("server     Kubernetes {version}").format(version=opened.version)
    yield _("you        {user}").format(user=opened.user)
    yield from _home(opened)
    place = wanted.namespace or "k8snb-0"
    yield from _rights(opened, place)
    yield _("yes to     {kinds}").format(kinds=", ".join(sorted(wanted.allow)) or _("nothing of the whole cluster"))
    left = sessions(opened.client, wanted.namespace)
    time = now(opened.client, wanted.namespace)
    for each in left:
        state = _("over") if each.is_over(time) else _("in use")
        yield _("session    {session}: {state}: {what}").format(session=each.territory.session, state=state, what=each)


def _home(opened: Open) -> Iterator[str]:
    missing = ", ".join(map(str, opened.home_missing))
    lent = opened.wishes.namespace
    home = _("the namespace {name}, lent").format(name=lent) if lent else _("a namespace of its own")
    if missing:
        home = _("none: not allowed: {missing}").format(missing=missing)
    yield _("home       {home}").format(home=home)


def _rights(opened: Open, place: str) -> Iterator[str]:
    """A table of rights: those in the home, then those in the whole cluster."""
    lacking = {*opened.rights.missing((*NEEDED, *USEFUL), place)}
    wide = {*opened.rights.missing(WIDE)}
    yield from _table(_("in its home"), (*NEEDED, *USEFUL), lacking)
    yield from _table(_("in the cluster"), WIDE, wide)


def _table(title: str, rights: tuple[Right, ...], lacking: set[Right]) -> Iterator[str]:
    yield f"{title}:"
    for right in rights:
        yield f"  {'–' if right in lacking else '✓'} {right!s:<46} {_(right.use)}"


def clean(wanted: Wishes, *, every: bool = False, wait: bool = True) -> Iterator[str]:
    """Delete what sessions that are over have left (or every session's), and say what it was."""
    opened = open_context(wanted)
    done = sweep(opened, every=every)
    for left, came in done:
        what = ", ".join(came.gone) or _("nothing")
        yield _("session {session}: deleted {what}").format(session=left.territory.session, what=what)
        yield from (_("  kept {what}").format(what=each) for each in came.kept)
    if not done:
        yield _("nothing is left that nobody uses")
        return
    lefts = [left for left, came in done if not came.kept]
    if wait and not _wait(opened, lefts):
        yield _("the cluster is still at it: namespaces end when everything in them has ended")
        for left in lefts:
            yield from (f"  {each}" for each in _held(opened, left))


def _wait(opened: Open, lefts: list[Left]) -> bool:
    deadline = stopwatch() + GONE_SECONDS
    while stopwatch() < deadline:
        if all(_gone(opened, left) for left in lefts):
            return True
        threading.Event().wait(0.2)
    return False


def _held(opened: Open, left: Left) -> Iterator[str]:
    """What of a session is deleted and stays, because a finalizer holds it; whose that is has to take it away."""
    client, home = opened.client, left.territory.home
    rows = {row.group_resource: row for row in client.scheme if {"list", "delete"} <= set(row.verbs)}
    for resource, row in rows.items():
        try:
            found = client.list(resource, home if row.namespaced else "")
        except StatusError:
            continue  # not allowed, or not served
        for obj in found:
            meta = obj["metadata"]
            if meta.get("finalizers") and is_deleting(obj) and (row.namespaced or left.territory.has(obj)):
                names = ", ".join(meta["finalizers"])
                told = _("{what} waits for its finalizers: {names}")
                yield told.format(what=f"{resource}/{meta['name']}", names=names)


def _gone(opened: Open, left: Left) -> bool:
    try:
        return gone(opened.client, left.territory)
    except StatusError:
        return False
