"""The only module that opens a socket: HTTP/1.1 over TLS in front of `handle`.

One asyncio protocol per connection parses requests and writes answers; the work is done by `handle`, in the same
thread, between two turns of the event loop. A watch is fed by the store and written when it has something to
say; a client that does not read is cut off when too much has piled up for it, so it costs the others nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httptools
import orjson

from k8snb.apiserver.host import Host, encoded
from k8snb.apiserver.websocket import WebSocketExec, is_upgrade
from k8snb.errors import StatusError, bad_request, too_large
from k8snb.wire import Request, Response

MAX_BODY_BYTES = 3 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 16 * 1024 * 1024
IDLE_SECONDS = 120.0
"""How long a connection may take to send a whole request."""
FOLLOW_SECONDS = 0.2
"""How often a log that is followed is looked at."""

_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    410: "Gone",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_REPEATED = "\0"
"""Joins the values of a query parameter that is given several times (`command` of exec)."""


class Connection(asyncio.Protocol):
    """One client connection; requests are answered one after the other."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._body = bytearray()
        self._refusal: StatusError | None = None
        self._stream: Any = None
        self._upgraded: WebSocketExec | None = None
        self._waiting: list[tuple[Request, bool]] = []
        self._follow: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None

    # -- asyncio -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._watch_idle()

    def data_received(self, data: bytes) -> None:
        if self._upgraded is not None:
            self._upgraded.receive(data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            self._answer(Response(400, bad_request("the request is not valid HTTP/1.1").status), close=True)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream is not None:
            self._stream.on_ready = None
            self._stream.close()
            self._stream = None
        for timer in (self._follow, self._idle):
            if timer is not None:
                timer.cancel()
        self._transport = None

    def _watch_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self._stream is None and self._upgraded is None and self._follow is None and self._transport is not None:
            self._transport.abort()

    # -- httptools ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url, self._headers, self._header_bytes = b"", {}, 0
        self._body = bytearray()
        self._refusal = None

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._count(len(name) + len(value))

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES and self._refusal is None:
            self._refusal = StatusError(431, "RequestHeaderFieldsTooLarge", "the request headers are too large")

    def on_body(self, data: bytes) -> None:
        if len(self._body) + len(data) > MAX_BODY_BYTES:
            self._refusal = too_large(f"Request entity is too large: limit is {MAX_BODY_BYTES}")
            return
        self._body += data

    def on_message_complete(self) -> None:
        self._watch_idle()
        keep = bool(self._parser.should_keep_alive())
        if self._refusal is not None:
            self._answer(Response(self._refusal.code, self._refusal.status), close=True)
            return
        request = self._request()
        if self._stream is not None:
            self._waiting.append((request, keep))
        else:
            self._serve(request, keep)

    def _request(self) -> Request:
        path, _, query = self._url.decode("latin-1").partition("?")
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            known = parameters.get(name)
            parameters[name] = f"{known}{_REPEATED}{value}" if known is not None and name == "command" else value
        method = self._parser.get_method().decode()
        return Request(method, path, parameters, self._headers, bytes(self._body))

    # -- answering ---------------------------------------------------------------------------------

    def _serve(self, request: Request, keep: bool) -> None:
        if is_upgrade(request) and self._transport is not None:
            self._upgraded = WebSocketExec(self._host, request, self._transport)
            return
        response = self._host.handle(request)
        self._host.nudge()
        if response.stream is not None:
            self._begin_stream(response)
        elif request.path.endswith("/log") and request.query.get("follow") == "true" and response.code == 200:
            self._begin_follow(request, response)
        else:
            self._answer(response, close=not keep, head=request.method == "HEAD")

    def _answer(self, response: Response, *, close: bool = False, head: bool = False) -> None:
        body = encoded(response)
        lines = _head(response, close)
        lines.append(f"Content-Length: {len(body)}")
        self._write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + (b"" if head else body))
        if close and self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._transport.abort()

    # -- watches -----------------------------------------------------------------------------------

    def _begin_stream(self, response: Response) -> None:
        self._stream = response.stream
        lines = [*_head(response, False), "Transfer-Encoding: chunked"]
        self._write("\r\n".join(lines).encode() + b"\r\n\r\n")
        self._stream.on_ready = self._stream_ready
        self._drain()

    def _stream_ready(self) -> None:
        if len(self._stream) <= 1 or self._stream.closed:
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        if self._stream is None:
            return
        chunks = []
        while (event := self._stream.next()) is not None:
            line = orjson.dumps(event) + b"\n"
            chunks.append(b"%x\r\n%b\r\n" % (len(line), line))
        if chunks:
            self._write(b"".join(chunks))
        if self._stream is not None and self._stream.closed and not len(self._stream):
            self._stream.on_ready = None
            self._stream = None
            self._end_chunks()

    def _end_chunks(self) -> None:
        self._write(b"0\r\n\r\n")
        waiting, self._waiting = self._waiting, []
        for request, keep in waiting:
            self._serve(request, keep)

    # -- logs that are followed --------------------------------------------------------------------

    def _begin_follow(self, request: Request, response: Response) -> None:
        lines = [*_head(response, False), "Transfer-Encoding: chunked"]
        self._write("\r\n".join(lines).encode() + b"\r\n\r\n")
        self._chunk(response.body)
        plain = Request("GET", request.path, {**request.query, "follow": "false", "tailLines": ""}, request.headers)
        whole = self._host.handle(_again(plain))
        self._look(plain, len(whole.body))

    def _chunk(self, data: bytes) -> None:
        if data:
            self._write(b"%x\r\n%b\r\n" % (len(data), data))

    def _look(self, plain: Request, seen: int) -> None:
        if self._transport is None:
            return
        response = self._host.handle(_again(plain))
        if response.code != 200 or len(response.body) < seen:
            self._follow = None
            self._end_chunks()
            return
        self._chunk(response.body[seen:])
        if _finished(self._host, plain):
            self._follow = None
            self._end_chunks()
            return
        loop = asyncio.get_running_loop()
        self._follow = loop.call_later(FOLLOW_SECONDS, self._look, plain, len(response.body))


def _again(request: Request) -> Request:
    return Request(request.method, request.path, request.query, request.headers)


def _finished(host: Host, log: Request) -> bool:
    """Whether the container whose log this is has ended for good."""
    pod = host.handle(Request("GET", log.path.rpartition("/")[0], {}, log.headers)).object or {}
    return (pod.get("status") or {}).get("phase") in (None, "Succeeded", "Failed")


def _head(response: Response, close: bool) -> list[str]:
    reason = _REASONS.get(response.code, "Unknown")
    lines = [f"HTTP/1.1 {response.code} {reason}", f"Content-Type: {response.content_type}"]
    lines.append("Cache-Control: no-cache, private")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f'Warning: 299 - "{_escaped(text)}"' for text in response.warnings]
    if close:
        lines.append("Connection: close")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")


async def listen(host: Host, port: int, context: ssl.SSLContext | None, address: str = "127.0.0.1") -> asyncio.Server:
    """Serve on a loopback address; port 0 takes a free one."""
    make: Callable[[], Connection] = lambda: Connection(host)  # noqa: E731
    return await asyncio.get_running_loop().create_server(make, address, port, ssl=context)
