"""Connections into pods: port-forward, and the proxies of pods and services.

A client's bytes become requests of the simulated network, and its answers become bytes again. What looks like HTTP
is HTTP; anything else is handed over as text. Each connection of a port-forward is a pair of SPDY streams, one for
the data and one for what went wrong. Upstream: KEP-4006, `kubelet/pkg/cri/streaming/portforward`,
`pkg/registry/core/pod/strategy.go` (`ResourceLocation`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from k8snb.apiserver.spdy import INVALID_STREAM, ProtocolError, Spdy
from k8snb.errors import StatusError, unavailable
from k8snb.packet import Endpoint, HTTPRequest, HTTPResponse, NetworkError
from k8snb.wire import Request, Response

PROTOCOL = "portforward.k8s.io"
TUNNEL = f"SPDY/3.1+{PROTOCOL}"
MAX_BUFFERED_BYTES = 4 * 1024 * 1024
_START = re.compile(rb"([A-Z]{3,7}) (\S+) HTTP/1\.[01]\r\n")
_LOCAL = "127.0.0.1"


class Pipe:
    """One connection to a port of a pod."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self._endpoint = endpoint
        self._port = port
        self._buffer = b""

    def feed(self, data: bytes) -> bytes:
        """What the program answers to these bytes and those before. Raises NetworkError."""
        if not self._endpoint.accepts(self._port):
            raise NetworkError("refused", f"{_LOCAL}:{self._port}")
        self._buffer = (self._buffer + data)[-MAX_BUFFERED_BYTES:]
        answers = b""
        while self._buffer:
            start = _START.match(self._buffer)
            if start is None:
                return answers + self._talk()
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            headers = _headers(head)
            size = int(length) if (length := headers.get("content-length", "0")).isdigit() else 0
            if not found or len(rest) < size:
                break
            self._buffer = rest[size:]
            answers += self._ask(start, headers, rest[:size])
        return answers

    def _talk(self) -> bytes:
        if b"\n" not in self._buffer and self._buffer.isupper():
            return b""
        text, self._buffer = self._buffer.decode("utf-8", "replace"), b""
        return self._endpoint.tcp(self._port, text, _LOCAL).encode()

    def _ask(self, start: re.Match[bytes], headers: Mapping[str, str], body: bytes) -> bytes:
        method, path = start[1].decode(), start[2].decode("latin-1")
        text = body.decode("utf-8", "replace")
        host = headers.get("host", "localhost").partition(":")[0]
        request = HTTPRequest(method, host, self._port, path, headers, text, source=_LOCAL)
        return _encoded(self._endpoint.http(self._port, request), head=method == "HEAD")


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _encoded(response: HTTPResponse, *, head: bool) -> bytes:
    body = response.body.encode()
    lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items() if name.lower() != "content-length"]
    start = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1", "replace")
    return start if head else start + body


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


# -- port-forward --------------------------------------------------------------------------------------


class Forwarding:
    """What an upgraded port-forward request is about: the pod to connect to."""

    def __init__(self, endpoint: Endpoint, pod: str) -> None:
        self.endpoint = endpoint
        self.pod = pod

    def close(self) -> None:
        """Nothing is open yet."""


class Forwarder:
    """Carries the connections of a port-forward: SPDY streams in pairs, each pair with a request ID and a port."""

    def __init__(self, forwarding: Forwarding, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._forwarding = forwarding
        self._close = close
        self._spdy = Spdy(write, self)
        self._errors: dict[str, int] = {}
        self._pipes: dict[int, tuple[Pipe, str, int]] = {}

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        try:
            self._spdy.receive(data)
        except ProtocolError:
            self._close()

    def lost(self) -> None:
        """The connection is gone."""
        self._pipes.clear()

    def opened(self, stream: int, headers: Mapping[str, str]) -> None:
        """One half of a connection."""
        number, port = headers.get("requestid", ""), headers.get("port", "")
        if not port.isdigit() or headers.get("streamtype") not in ("data", "error"):
            self._spdy.reset(stream, INVALID_STREAM)
        elif headers["streamtype"] == "error":
            self._errors[number] = stream
        else:
            self._pipes[stream] = Pipe(self._forwarding.endpoint, int(port)), number, int(port)

    def arrived(self, stream: int, data: bytes) -> None:
        """Bytes for the pod."""
        if stream not in self._pipes:
            return
        pipe, number, port = self._pipes[stream]
        try:
            answer = pipe.feed(data)
        except NetworkError:
            self._fail(stream, number, port)
            return
        if answer:
            self._spdy.send(stream, answer)

    def _fail(self, stream: int, number: str, port: int) -> None:
        del self._pipes[stream]
        if number in self._errors:
            self._spdy.send(self._errors.pop(number), failure(port, self._forwarding.pod), end=True)
        self._spdy.send(stream, b"", end=True)

    def ended(self, stream: int) -> None:
        """The client sends nothing more on a stream."""
        if self._pipes.pop(stream, None) is not None:
            self._spdy.send(stream, b"", end=True)


def failure(port: int, pod: str) -> bytes:
    """What a client is told of a port at which nobody listens."""
    return (
        f"error forwarding port {port} to pod {pod}, uid : failed to connect to localhost:{port} "
        f"inside namespace: IPv4: dial tcp4 {_LOCAL}:{port}: connect: connection refused"
    ).encode()


# -- proxies -------------------------------------------------------------------------------------------


def split(name: str) -> tuple[str, str]:
    """The name and the port in `[scheme:]name[:port]`; the scheme makes no difference here."""
    parts = name.split(":")
    if len(parts) == 3:
        parts = parts[1:]
    return parts[0], parts[1] if len(parts) > 1 else ""


def proxied(endpoint: Endpoint, port: int, path: str, request: Request) -> Response:
    """The answer of the program on a port of a pod. Raises ServiceUnavailable where nobody answers."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    headers = {k: v for k, v in request.headers.items() if k != "authorization"}
    body = request.body.decode("utf-8", "replace")
    asked = HTTPRequest(request.method, endpoint.ip, port, f"/{path}{query}", headers, body)
    try:
        answer = endpoint.http(port, asked)
    except NetworkError:
        raise unreachable(endpoint.ip, port) from None
    given = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status, body=answer.body.encode(), content_type=given.get("content-type", "text/plain"))


def unreachable(ip: str, port: int) -> StatusError:
    """Nobody listens there."""
    return unavailable(f"error trying to reach service: dial tcp {ip}:{port}: connect: connection refused")
