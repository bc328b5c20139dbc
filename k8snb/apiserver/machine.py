"""A machine of the control plane on the network: what programs in pods reach at `https://kubernetes.default.svc`.

A program sends its token in a header, like any client; who it is and what it may do is decided as for everybody.
What goes on for ever (a watch, a log that is followed) is answered with what there is so far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qsl

import orjson

from k8snb.apiserver.host import encoded
from k8snb.apiserver.negotiation import wants_pretty
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError
from k8snb.wire import Request, Response


class Server(Protocol):
    """An API server, one of several or the only one, or another component that listens."""

    @property
    def running(self) -> bool: ...

    def handle(self, request: Request) -> Response: ...


class Machine:
    """An endpoint whose `servers` answer, each on its port (see `packet.Endpoint`)."""

    def __init__(self, ip: str, servers: Mapping[int, Server]) -> None:
        self._servers = servers
        self.ip = ip

    def accepts(self, port: int) -> bool:
        """Whether anybody listens on the port."""
        return port in self._servers and self._servers[port].running

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        """Answer a request; one without TLS is told so."""
        if request.scheme != "https":
            return HTTPResponse(400, "Client sent an HTTP request to an HTTPS server.\n")
        path, _, text = request.path.partition("?")
        query = dict(parse_qsl(text, keep_blank_values=True))
        headers = {**request.headers}
        if request.body:
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        asked = Request(request.method, path, query, headers, request.body.encode())
        response = self._servers[port].handle(asked)
        pretty = wants_pretty(query, headers.get("user-agent", ""))
        body = _text(response, pretty=pretty)
        found = {"content-type": response.content_type, "content-length": str(len(body.encode()))}
        return HTTPResponse(response.code, "" if request.method == "HEAD" else body, {**found, **response.headers})

    def tcp(self, port: int, data: str, source: str) -> str:
        """Somebody knocks without saying anything in HTTP."""
        if not self.accepts(port):
            raise NetworkError("refused", f"{self.ip}:{port}")
        return ""


def _text(response: Response, *, pretty: bool) -> str:
    stream = response.stream
    if stream is None:
        return encoded(response, pretty=pretty).decode("utf-8", "replace")
    lines = []
    while (event := stream.next()) is not None:
        lines.append(event if isinstance(event, bytes) else orjson.dumps(event) + b"\n")
    stream.close()
    return b"".join(lines).decode("utf-8", "replace")
