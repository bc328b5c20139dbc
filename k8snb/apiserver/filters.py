"""The filters that a request passes before its handler, as data: who sent it, what it is about, whether it may.

The table is what runs and what the book draws. A filter hands a request on to the next one and may change what comes
back. Upstream: `apiserver/pkg/server/config.go`, `DefaultBuildHandlerChain`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from k8snb.apiserver.access.authorizer import access_of
from k8snb.apiserver.access.impersonation import wanted_user
from k8snb.apiserver.access.node_restriction import check_status
from k8snb.apiserver.flow import Flow
from k8snb.apiserver.levels import NO_SEAT
from k8snb.apiserver.rendering import check_acceptable, render
from k8snb.errors import StatusError, internal, unauthorized
from k8snb.wire import Request, RequestInfo, Response

if TYPE_CHECKING:
    from k8snb.apiserver.server import APIServer

Handle = Callable[[Request], Response]


def _recover(server: APIServer, request: Request, then: Handle) -> Response:
    try:
        return then(request)
    except StatusError as error:
        return Response(error.code, error.status, headers=error.headers)
    except Exception as error:
        server.panics.append(error)
        answer = internal("this is a bug in the server; the request has changed nothing")
        return Response(answer.code, answer.status)


def _record(server: APIServer, request: Request, then: Handle) -> Response:
    try:
        response = then(request)
    except StatusError as error:
        server.trace.sent(request, error.code)
        raise
    server.trace.sent(request, response.code)
    return response


def _count(server: APIServer, request: Request, then: Handle) -> Response:
    try:
        response = then(request)
    except StatusError as error:
        server.metrics.count(request, error.code)
        raise
    server.metrics.count(request, response.code)
    return response


def _negotiate(server: APIServer, request: Request, then: Handle) -> Response:
    check_acceptable(request)
    return render(server.kinds, server.clock, server.history, request, then(request))


def _resolve(server: APIServer, request: Request, then: Handle) -> Response:
    if request.info is None:
        try:
            request.info = server.router.resolve(request)
        except StatusError:
            if request.user is not None:  # who may not ask is not told what there is
                server.require(request.user, request, RequestInfo("", None))
            raise
    return then(request)


def _authenticate(server: APIServer, request: Request, then: Handle) -> Response:
    if request.user is not None:
        if server.auditor is not None:
            server.auditor.notes_for(request)
        return then(request)
    verdict = server.authenticate.look(request)
    request.user = verdict.user
    if request.user is None:
        if server.auditor is not None:
            server.auditor.refused(request)
        raise unauthorized()
    if server.auditor is not None:
        server.auditor.notes_for(request)
    if request.notes is not None:
        for key, value in verdict.annotations.items():
            request.notes.annotate(key, value)
    response = then(request)
    if verdict.warnings:
        response.warnings = (*verdict.warnings, *response.warnings)
    return response


def _audit(server: APIServer, request: Request, then: Handle) -> Response:
    return then(request) if server.auditor is None else server.auditor.follow(request, then)


def _impersonate(server: APIServer, request: Request, then: Handle) -> Response:
    wanted = wanted_user(request.headers)
    if wanted is not None and request.user is not None and server.impersonator is not None:
        try:
            info = server.router.resolve(request)
        except StatusError:
            info = RequestInfo("", None)
        sender = request.user
        request.user = server.impersonator.become(sender, wanted, access_of(request, info))
        if request.notes is not None:
            request.notes.constraint = server.impersonator.way(sender)
    return then(request)


def _classify(server: APIServer, request: Request, then: Handle) -> Response:
    if request.user is None or request.info is None:
        return then(request)
    flow = server.flows.of(request.user, request.info, request.path)
    if flow is None:
        return then(request)
    level = flow.level
    if not level.enter():
        flow.tally.refuse(NO_SEAT)
        return too_many(flow)
    flow.tally.dispatched += 1
    try:
        return marked(request, then, flow)
    finally:
        level.leave()


def marked(request: Request, then: Handle, flow: Flow) -> Response:
    """The answer, with what it says of the flow that the request was in."""
    try:
        response = then(request)
    except StatusError as error:
        response = Response(error.code, error.status, headers=error.headers)
    response.headers = {**response.headers, **flow.headers} if response.headers else flow.headers
    return response


def too_many(flow: Flow) -> Response:
    """The answer to a request for which a level has no seat."""
    after = {"Retry-After": str(flow.level.retry.after), **flow.headers}
    body = b"Too many requests, please try again later.\n"
    return Response(429, body=body, content_type="text/plain; charset=utf-8", headers=after)


def _authorize(server: APIServer, request: Request, then: Handle) -> Response:
    if request.user is not None and request.info is not None:
        server.require(request.user, request, request.info)
        if server.authorizer is not None and request.info.subresource == "status":
            check_status(request.user, request.info, lambda namespace, name: server.read("pods", namespace, name))
    return then(request)


SEATING, AUDIT, LOG = "priority and fairness", "audit", "request log"
Filter: TypeAlias = "Callable[[APIServer, Request, Handle], Response]"

FILTERS: tuple[tuple[str, Filter], ...] = (
    ("panic recovery", _recover),
    (LOG, _record),
    ("metrics", _count),
    ("authentication", _authenticate),
    (AUDIT, _audit),
    ("impersonation", _impersonate),
    ("request info", _resolve),
    (SEATING, _classify),
    ("authorization", _authorize),
    ("content negotiation", _negotiate),
)
"""What every request passes, in order. Behind it stands the handler: decoding, defaulting, admission,
validation and storage for a write; storage or the watch cache for a read."""

ARRIVING = frozenset({"authentication", "impersonation", "request info"})
"""Filters that find out what a request is, before it is known whether it has to wait (`reception.py`)."""

ONLY_OUTSIDE = frozenset(name for name, _ in FILTERS) - {"panic recovery", LOG, AUDIT}
"""Filters that have nothing to do for a request from this process: it comes with its user, resolved and decoded.

It is authorized too, where its route is found (`_dispatch_granted`)."""


def compose(filters: Sequence[tuple[str, Filter]], server: APIServer, end: Handle) -> Handle:
    handle = end
    for _, each in reversed(filters):
        handle = _link(server, each, handle)
    return handle


def _link(server: APIServer, each: Filter, then: Handle) -> Handle:
    return lambda request: each(server, request, then)
