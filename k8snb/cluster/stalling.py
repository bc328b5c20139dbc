"""Requests from outside that etcd does not answer: how long they hang, and what becomes of them.

A write hangs as long as etcd waits for a majority, a read as long as an API server works on any request. A write that
has reached a leader is in its log: it may be agreed on while the request hangs, or later, or be replaced by what
another leader has agreed on with the others. Without a leader nothing has been proposed, and the request begins when
there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from k8snb.apiserver.replicas import Balancer
from k8snb.apiserver.server import APIServer
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.etcd.ensemble import Ensemble
from k8snb.etcd.errors import READ_SECONDS, WRITE_SECONDS, leader_lost
from k8snb.etcd.gone import Gone
from k8snb.etcd.keyspace import Txn
from k8snb.wire import Request, Response, WatchEvent

_TOO_LATE = 504


class Stalled:
    """One request that hangs, with the answer that it gets if nothing changes."""

    def __init__(self, request: Request, response: Response, agreement: Ensemble | Gone, now: float) -> None:
        self.response = response
        self.asked: Txn | None = agreement.last
        """Its transaction, where that has reached a leader."""
        reads = response.code == _TOO_LATE
        heard = isinstance(agreement, Ensemble) and bool(agreement.reachable())
        self.until = now + (READ_SECONDS if reads else WRITE_SECONDS if heard else 0.0)
        """When its time is up; at once, where nobody is there to take a write."""
        self._request = request
        self._agreement = agreement

    def is_over(self, agrees: Callable[[], bool]) -> bool:
        """Whether it can be answered now; `agrees` says whether etcd can agree on something."""
        return agrees() if self.asked is None else self.asked.decided

    def answer(self, front: APIServer | Balancer, server: APIServer, *, agrees: bool) -> Response:
        """What becomes of it now that it can go on, or that its time is up."""
        asked = self.asked
        if asked is None:
            return front.handle(self._request) if agrees else self.response
        if asked.event is not None:
            return self._performed(asked.event, front, server)
        if asked.decided:
            return front.handle(self._request)
        return _answer(leader_lost()) if agrees else self.response

    def _performed(self, event: WatchEvent, front: APIServer | Balancer, server: APIServer) -> Response:
        """The answer to a request whose write was agreed on while it hung."""
        info = self._request.info or server.router.resolve(self._request)
        kind = server.kinds.of(info.resource) if info.resource is not None else None
        if kind is None or event.object["kind"] != kind.resource.kind:
            return front.handle(self._request)
        return Response(201 if info.verb == "create" else 200, kind.load(event.object))


class Patient(Protocol):
    """A cluster whose clients can wait by the clock."""

    clock: Clock
    going_on: list[Callable[[], None]]

    def agrees(self) -> bool: ...
    def attempt(self, request: Request) -> Response | Stalled: ...
    def finish(self, stalled: Stalled) -> Response: ...


def attend(cluster: Patient, request: Request, then: Callable[[Response], None]) -> None:
    """Answer a request when etcd agrees again, or when its time is up; at once, if it needs nothing of etcd."""
    tried = cluster.attempt(request)
    if isinstance(tried, Response):
        then(tried)
        return

    def finish() -> None:
        timer.cancel()
        cluster.going_on.remove(look)
        then(cluster.finish(tried))

    def look() -> None:
        if tried.is_over(cluster.agrees):
            finish()

    timer = cluster.clock.call_at(tried.until, finish, background=True)
    cluster.going_on.append(look)


def _answer(error: StatusError) -> Response:
    return Response(error.code, error.status)
