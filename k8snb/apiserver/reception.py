"""The way in for requests that can wait: from arrival over a seat to the answer.

`APIServer.handle` answers at once, which is right for whoever asks one thing after the other. Where many ask at the
same time they are received here: who sends a request and what it is about is found out first, then it takes its seats,
waits in a queue of its level or is refused. The rest of the chain runs when it has its seats, and it keeps them until
whoever serves it says that it has been served. `Line` is for a server of one thread: of all requests that have seats,
which one is served next. Upstream: `apiserver/pkg/server/filters/priority-and-fairness.go`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from k8snb.apiserver.filters import ARRIVING, SEATING, Handle, compose, marked, too_many
from k8snb.apiserver.flow import Flow, seats
from k8snb.apiserver.levels import Level, Ticket
from k8snb.errors import StatusError
from k8snb.wire import Request, Response

if TYPE_CHECKING:
    from k8snb.apiserver.server import APIServer

Answer = Callable[[Response], None]


class Visit:
    """One request that has been received."""

    __slots__ = ("flow", "request", "then", "ticket")

    def __init__(self, request: Request, flow: Flow, then: Answer) -> None:
        self.request = request
        self.flow = flow
        self.then = then
        self.ticket: Ticket


class Reception:
    """Receives requests for one server."""

    def __init__(self, server: APIServer) -> None:
        self._server = server
        self.compose()

    def compose(self) -> None:
        """Put the chains together of the filters that the server has now."""
        server = self._server
        filters = server.chains.filters
        rest = [each for each in filters if each[0] not in ARRIVING]
        before = [name for name, _ in rest].index(SEATING)
        self._find_out = compose([each for each in filters if each[0] in ARRIVING], server, lambda _: Response(200))
        self._seated = compose([*rest[:before], (SEATING, _mark), *rest[before + 1 :]], server, server.dispatch)
        self._refused = compose(rest[:before], server, self._too_many)

    def receive(self, request: Request, seated: Callable[[Visit], None], then: Answer) -> None:
        """Let a request in: `seated` is called once it has its seats, `then` if it gets none or needs none."""
        user = request.user
        try:
            self._find_out(request)
        except StatusError:
            request.user = user
            then(self._server.handle(request))
            return
        flow = self._flow(request)
        if flow is None:
            then(self._seated(request))
            return
        assert request.user is not None
        assert request.info is not None
        visit = Visit(request, flow, then)
        visit.ticket = Ticket(
            flow.tally,
            flow.name(request.user, request.info),
            seats(flow.level, request.info, request.query, self.stored(request)),
            lambda: seated(visit),
            lambda _: then(self._refused(request)),
        )
        flow.level.admit(visit.ticket)

    def serve(self, visit: Visit) -> Response:
        """The answer to a request that has its seats."""
        return self._seated(visit.request)

    def leave(self, visit: Visit) -> None:
        """A request has been served: others may have its seats."""
        visit.flow.level.release(visit.ticket)

    def _flow(self, request: Request) -> Flow | None:
        if request.user is None or request.info is None:
            return None
        return self._server.flows.of(request.user, request.info, request.path)

    def _too_many(self, request: Request) -> Response:
        flow = self._flow(request)
        assert flow is not None
        return too_many(flow)

    def stored(self, request: Request) -> int:
        """How many objects a list looks at."""
        info = request.info
        if info is None or info.resource is None or info.verb != "list":
            return 0
        bucket = self._server.kinds.of(info.resource).bucket
        return len(bucket.names(info.namespace)) if info.namespace else len(bucket)


def _mark(server: APIServer, request: Request, then: Handle) -> Response:
    """In the place of the filter that gives seats: the request has them already."""
    if request.user is None or request.info is None:
        return then(request)
    flow = server.flows.of(request.user, request.info, request.path)
    return marked(request, then, flow) if flow is not None else then(request)


class Line:
    """Requests that have seats and wait for the one thread that serves them.

    Whoever is exempt is served first. Else the levels have their turns so that each gets of the thread's time as much
    as it has seats, those that nobody asks for at the moment left out; at one level who came first is served first.
    """

    def __init__(self) -> None:
        self._waiting: dict[Level, deque[Visit]] = {}
        self._spent: dict[Level, float] = {}
        """How far each level is, in seconds of the thread for one seat."""
        self._now = 0.0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, visit: Visit) -> None:
        """A request has its seats."""
        level = visit.flow.level
        if level not in self._waiting:
            self._waiting[level] = deque()
            self._spent[level] = max(self._spent.get(level, 0.0), self._now)
        self._waiting[level].append(visit)

    def next(self) -> Visit | None:
        """The request to serve now."""
        if not self._waiting:
            return None
        level = min(self._waiting, key=self._turn)
        self._now = max(self._now, self._spent[level])
        line = self._waiting[level]
        visit = line.popleft()
        if not line:
            del self._waiting[level]
        return visit

    def charge(self, visit: Visit, seconds: float) -> None:
        """Serving a request has taken the thread so long."""
        level = visit.flow.level
        self._spent[level] = self._spent.get(level, 0.0) + seconds / max(level.plan.seats, 1)

    def _turn(self, level: Level) -> tuple[bool, float]:
        return level.plan.seats != math.inf, self._spent[level]
