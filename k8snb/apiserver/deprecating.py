"""Kinds that are on their way out: whoever asks for one is warned, and the audit log and the metrics have it.

Upstream: `apiserver/pkg/endpoints/installer.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from k8snb.apiserver.authors import is_outside
from k8snb.apiserver.kinds import Kind
from k8snb.wire import Request, RequestInfo, Response

Handler: TypeAlias = Callable[[Kind, RequestInfo, Request], Response]


def warned(handler: Handler, warning: str, asked: Callable[[RequestInfo], None]) -> Handler:
    """The handler, its answers with a warning if there is one. `asked` is told of requests from outside."""
    if not warning:
        return handler

    def handle(kind: Kind, info: RequestInfo, request: Request) -> Response:
        if request.notes is not None:
            request.notes.annotate("k8s.io/deprecated", "true")
        if is_outside(request):
            asked(info)
        response = handler(kind, info, request)
        response.warnings = (warning, *response.warnings)
        return response

    return handle
