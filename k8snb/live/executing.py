"""A command in a container of a live cluster: over a WebSocket, to its end, and back as one answer.

The answer has the form that an embedded cluster gives (`stdout`, `stderr`, `exitCode`), so kubectl need not know which
one it asks. Upstream: `apimachinery/pkg/util/remotecommand` (the channels; the fifth version can end the input).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from k8snb.errors import StatusError, Unreachable, internal, timeout
from k8snb.i18n import _
from k8snb.wire import REPEATED, Request, Response

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def execute(api: Any, request: Request, headers: Mapping[str, str], seconds: float) -> Response:
    """Run the command that a request names, for at most so many seconds."""
    from kubernetes.stream import ws_client
    from websocket import WebSocketBadStatusException, WebSocketException

    pairs = [(name, each) for name, value in request.query.items() for each in value.split(REPEATED)]
    untyped: Any = ws_client
    url = untyped.get_websocket_url(f"{api.configuration.host.rstrip('/')}{request.path}?{urlencode(pairs)}")
    try:
        session = untyped.WSClient(api.configuration, url, dict(headers), capture_all=False, binary=True)
        if request.query.get("stdin") == "true":
            if request.body:
                session.write_channel(_STDIN, request.body)
            session.close_channel(_STDIN)
        session.run_forever(timeout=seconds)
        if session.is_open():
            session.close()
            error = timeout(_("the command has not ended within {seconds:g} seconds").format(seconds=seconds))
            return Response(error.code, error.status)
        texts = [session.read_channel(each).decode(errors="replace") for each in (_STDOUT, _STDERR)]
        return Response(200, {"stdout": texts[0], "stderr": texts[1], "exitCode": session.returncode})
    except WebSocketBadStatusException as refused:
        return _refused(int(refused.status_code), refused.resp_body or b"")
    except (ConnectionRefusedError, TimeoutError):
        raise Unreachable(api.configuration.host.partition("://")[2]) from None
    except (WebSocketException, OSError, ValueError, KeyError, TypeError):
        error = internal(_("the connection to the container broke"))
        return Response(error.code, error.status)


def _refused(code: int, body: bytes) -> Response:
    """The answer of a server that did not open the connection: its `Status`, if it sent one."""
    try:
        status = orjson.loads(body)
    except ValueError:
        status = StatusError(code, "", body.decode(errors="replace").strip()).status
    return Response(code, status)
