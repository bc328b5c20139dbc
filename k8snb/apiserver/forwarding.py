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

from k8snb.apiserver.bootstrap import SERVER_ADDRESS
from k8snb.apiserver.spdy import INVALID_STREAM, ProtocolError, Spdy
from k8snb.errors import StatusError, unavailable
from k8snb.packet import Endpoint, HTTPRequest, HTTPResponse, NetworkError
from k8snb.wire import Request, Response

PROTOCOL = "portforward.k8s.io"
TUNNEL = f"SPDY/3.1+{PROTOCOL}"
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 16 * 1024
_START = re.compile(rb"([A-Z]{3,7}) (\S+) HTTP/1\.[01]\r\n")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]*\r\n")
_LAST_CHUNK = b"0\r\n\r\n"
_LOCAL = "127.0.0.1"


class Pipe:
    """One connection to a port of a pod. What arrives is looked at once, however many pieces it comes in."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self._endpoint = endpoint
        self._port = port
        self._buffer = bytearray()
        self._asked: _Head | None = None
        """The head of the request whose body is still on its way."""

    def feed(self, data: bytes) -> bytes:
        """What the program answers to these bytes and those before. Raises NetworkError."""
        if not self._endpoint.accepts(self._port):
            raise NetworkError("refused", f"{_LOCAL}:{self._port}")
        self._buffer += data
        answers = []
        while self._buffer or self._asked is not None:
            if self._asked is None:
                if not self._is_http():
                    answers.append(self._talk())
                    break
                self._asked = self._head()
                if self._asked is not None and self._asked.waits and not self._buffer:
                    answers.append(_CONTINUE)
            body = self._asked.body(self._buffer) if self._asked is not None else None
            if self._asked is None or body is None:
                break
            answers.append(self._ask(self._asked, body))
            self._asked = None
        if len(self._buffer) > MAX_BUFFERED_BYTES:
            raise NetworkError("reset", f"{_LOCAL}:{self._port}")
        return b"".join(answers)

    def _is_http(self) -> bool:
        return _START.match(self._buffer[:MAX_LINE_BYTES]) is not None

    def _head(self) -> _Head | None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        self._buffer = rest
        return _Head(bytes(head))

    def _talk(self) -> bytes:
        if b"\n" not in self._buffer and self._buffer.isupper():
            return b""
        text, self._buffer = self._buffer.decode("utf-8", "replace"), bytearray()
        return self._endpoint.tcp(self._port, text, _LOCAL).encode()

    def _ask(self, head: _Head, body: bytes) -> bytes:
        host = head.headers.get("host", "localhost").partition(":")[0]
        text = body.decode("utf-8", "replace")
        request = HTTPRequest(head.method, host, self._port, head.path, head.headers, text, source=_LOCAL)
        return _encoded(self._endpoint.http(self._port, request), head=head.method == "HEAD")


class _Head:
    """The head of a request, and how its body is told."""

    def __init__(self, head: bytes) -> None:
        method, path, _ = head.partition(b"\r\n")[0].split(b" ", 2)
        self.method, self.path = method.decode(), path.decode("latin-1")
        self.headers = _headers(head)
        length = self.headers.get("content-length", "0")
        self._size = int(length) if length.isdigit() else 0
        self._chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.waits = self.headers.get("expect", "").lower() == "100-continue"
        """Whether the client sends the body only when it is told to."""

    def body(self, buffer: bytearray) -> bytes | None:
        """Take the body off what has arrived; None if it is not complete."""
        if self._chunked:
            return self._chunks(buffer)
        if len(buffer) < self._size:
            return None
        found = bytes(buffer[: self._size])
        del buffer[: self._size]
        return found

    @staticmethod
    def _chunks(buffer: bytearray) -> bytes | None:
        if not buffer.endswith(_LAST_CHUNK):
            return None
        found, at = [], 0
        while (start := _CHUNK.match(buffer, at)) is not None:
            size = int(start[1], 16)
            found.append(bytes(buffer[start.end() : start.end() + size]))
            at = start.end() + size + 2
            if not size:
                del buffer[:at]
                return b"".join(found)
        return None


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
    asked = HTTPRequest(request.method, endpoint.ip, port, f"/{path}{query}", headers, body, source=SERVER_ADDRESS)
    try:
        answer = endpoint.http(port, asked)
    except NetworkError:
        raise unreachable(endpoint.ip, port) from None
    given = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status, body=answer.body.encode(), content_type=given.get("content-type", "text/plain"))


def unreachable(ip: str, port: int) -> StatusError:
    """Nobody listens there."""
    return unavailable(f"error trying to reach service: dial tcp {ip}:{port}: connect: connection refused")
