"""The chains of one server, made of the filters that have something to do.

Requests from outside pass all filters. Those of parts of this process are resolved, decoded and come with their user,
so for them few are left; they are authorized where their route is found. Without an audit policy nobody passes the
filter for it, and without a trace there is no request log for parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k8snb.apiserver.filters import AUDIT, FILTERS, LOG, ONLY_OUTSIDE, Filter, Handle, compose
from k8snb.wire import Request, Response

if TYPE_CHECKING:
    from k8snb.apiserver.server import APIServer


class Chains:
    """The two ways through the filters: for requests from `outside` and from `inside`. `granted` ends the latter."""

    outside: Handle
    inside: Handle

    def __init__(self, server: APIServer, granted: Handle) -> None:
        self._server = server
        self._granted = granted
        self.compose()

    @property
    def filters(self) -> Sequence[tuple[str, Filter]]:
        """The filters that have something to do for requests from outside."""
        return FILTERS if self._server.auditor is not None else [each for each in FILTERS if each[0] != AUDIT]

    def compose(self) -> None:
        """Put the chains together anew."""
        server = self._server
        self.outside = compose(self.filters, server, server.dispatch)
        idle = ONLY_OUTSIDE if server.trace.enabled else {*ONLY_OUTSIDE, LOG}
        end = self._granted if server.auditor is None else self._noted
        self.inside = compose([each for each in self.filters if each[0] not in idle], server, end)

    def _noted(self, request: Request) -> Response:
        """The end of the way inside where it is to be known why a request is allowed."""
        assert request.user is not None
        assert request.info is not None
        self._server.require(request.user, request, request.info)
        return self._server.dispatch(request)
