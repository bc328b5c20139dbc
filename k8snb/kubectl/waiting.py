"""Waiting for the cluster: following a watch while time passes.

There is no terminal in which to press Control-C, so a command that would watch for ever ends by itself: when
nothing has changed for `QUIET_SECONDS`, or after `--request-timeout`. The time is the cluster's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.session import Session, drain
from k8snb.kubectl.targets import Target
from k8snb.machinery.durations import parse_duration
from k8snb.typing import Object

QUIET_SECONDS = 60.0
FOREVER_SECONDS = 7 * 24 * 3600.0
"""What kubectl takes for ever: a week."""

Seen = Callable[[str, Object], bool]
"""Takes in an event's type and object; True ends the waiting."""


def request_timeout(call: Call) -> float:
    """How long a request may take, in seconds; 0 for as long as it needs."""
    text = call.flags.text("request-timeout")
    try:
        return float(text) if text.isdigit() else parse_duration(text)
    except ValueError:
        raise CommandError(f"Invalid timeout value: {text}") from None


def follow(call: Call, stream: Any, take: Callable[[str, Object], None]) -> None:
    """Hand every event of a watch to `take` until nothing happens any more."""
    session = call.session
    limit = request_timeout(call)
    deadline = session.clock.now() + (limit or FOREVER_SECONDS)
    while True:
        for event in drain(stream):
            if event["type"] == "ERROR":
                raise_status(event["object"])
            take(event["type"], event["object"])
        left = deadline - session.clock.now()
        if stream.closed or left <= 0:
            break
        session.wait(lambda: bool(len(stream)) or stream.closed, left if limit else min(left, QUIET_SECONDS))
        if not len(stream):
            break
    stream.close()


def until(
    session: Session, target: Target, seen: Seen, seconds: float, missing: Callable[[], bool] = lambda: False
) -> bool:
    """Watch one object until `seen` says that it is as wanted; False if the time is up first.

    The object as it is counts as its first event; if it is not there, `missing` says whether that is as wanted.
    """
    query = {"fieldSelector": f"metadata.name={target.name}"}
    current = session.collect(target.resource, target.namespace, query)
    items = current["items"]
    if any(seen("ADDED", item) for item in items) or (not items and missing()):
        return True
    since = current["metadata"]["resourceVersion"]
    stream = session.watch(target.resource, target.namespace, {**query, "resourceVersion": since})
    try:
        return session.wait(lambda: any(seen(event["type"], event["object"]) for event in drain(stream)), seconds)
    finally:
        stream.close()


def raise_status(status: Object) -> None:
    """Raise the error that a watch brought."""
    error = StatusError(int(status.get("code", 500)), str(status.get("reason", "")), str(status.get("message", "")))
    error.status = status
    raise error
