"""Requests to API servers outside the cluster: aggregated APIs behind a Service that is an `ExternalName`.

An answer comes as a whole, but a watch is a stream that goes on as long as both sides want; a thread of its own reads
it and hands each line to the event loop. Upstream: `kube-aggregator/pkg/apiserver/handler_proxy.go`.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import threading
from contextlib import suppress

from k8snb.packet import EventStream, HTTPRequest, HTTPResponse
from k8snb.serving.outside import LATE, MAX_ANSWER_BYTES, secured

SECONDS = 60.0
_OWN = ("accept-encoding", "connection", "content-length", "host", "upgrade")
"""Headers that are about the connection of the client, not about its request."""


class Piped(EventStream):
    """A watch that somebody outside sends: its lines as they come."""

    def __init__(self, answer: http.client.HTTPResponse, connection: ssl.SSLSocket) -> None:
        super().__init__()
        self._answer = answer
        self._connection = connection

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand every line to the event loop from now on."""
        threading.Thread(target=self._pump, args=(loop,), daemon=True).start()

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the event loop is gone: nobody listens any more
            with suppress(OSError, ValueError, http.client.HTTPException):
                for line in self._answer:
                    loop.call_soon_threadsafe(self.put, line)
            loop.call_soon_threadsafe(self.close)

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        super().close()


def relay(request: HTTPRequest, bundle: bytes | None, watches: bool) -> HTTPResponse:
    """What the server answers. `bundle` is whom to trust, None for whoever it is.

    Raises OSError, with a message as Go has it.
    """
    try:
        connection = secured(request.host, request.port, bundle, SECONDS, request.server_name)
        asked = http.client.HTTPConnection(request.host, request.port)
        asked.sock = connection
        headers = {name: value for name, value in request.headers.items() if name not in _OWN}
        asked.request(request.method, request.path, request.body.encode(), {**headers, "host": request.server_name})
        answer = asked.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if watches and answer.status == 200:
            connection.settimeout(None)
            return HTTPResponse(answer.status, headers=found, stream=Piped(answer, connection))
        with connection:
            return HTTPResponse(answer.status, answer.read(MAX_ANSWER_BYTES).decode("utf-8", "replace"), found)
    except TimeoutError:
        raise OSError(LATE) from None
    except (http.client.HTTPException, ConnectionError):
        raise OSError("EOF") from None
