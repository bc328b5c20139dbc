"""aiohttp over no socket: a connector whose connections end at the API server of this process.

aiohttp writes the bytes of HTTP/1.1 to a transport and parses the bytes that come back; both are done as ever. Only the
transport is ours: it reads the request, hands it to `Transport.handle` as its user's, and answers. A watch is answered
in chunks, each a moment (`LATENCY`) after what it tells has happened, since two programs that undo each other's work
would otherwise do so for ever at one moment of virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import aiohttp
import orjson
from aiohttp.client_proto import ResponseHandler

from k8snb.client.client import Transport
from k8snb.client.faults import LATENCY
from k8snb.client.process import Dead
from k8snb.errors import Unreachable
from k8snb.operating.eventloop import EventLoop
from k8snb.wire import Request, Response, User

SERVER = "https://kubernetes.default.svc"
"""Where programs in a cluster find its API."""

_END_OF_HEAD = b"\r\n\r\n"


class Connector(aiohttp.BaseConnector):
    """Connections of one user to the API server in this process."""

    def __init__(self, transport: Transport, user: User, loop: EventLoop) -> None:
        super().__init__(limit=0, loop=loop)
        self._events = loop
        self._open: dict[Connection, None] = {}
        self._way, self._user = transport, user

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:
        protocol: ResponseHandler = self._factory()
        connection = Connection(protocol, self._answer, self._events, self._closed_one)
        self._open[connection] = None
        protocol.connection_made(connection)
        return protocol

    def _answer(self, request: Request) -> Response:
        self._events.yield_turn()
        request.user = self._user
        return self._way.handle(request)

    def _closed_one(self, connection: Connection) -> None:
        self._open.pop(connection, None)

    def cut(self) -> None:
        """Close every connection; nothing comes or goes any more."""
        for connection in [*self._open]:
            connection.abort()


class Connection(asyncio.Transport):
    """One connection as aiohttp's protocol sees it, with the server at its other end."""

    def __init__(
        self,
        protocol: ResponseHandler,
        answer: Callable[[Request], Response],
        loop: EventLoop,
        closed: Callable[[Connection], None],
    ) -> None:
        super().__init__()
        self._protocol = protocol
        self._answer = answer
        self._loop = loop
        self._when_closed = closed
        self._received = bytearray()
        self._stream: Any = None
        self._closing = False

    # -- what the client does ------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Bytes of a request."""
        self._received += data
        found = _request(self._received)
        if found is not None:
            self._received.clear()
            self._serve(found)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Hang up."""
        self._hang_up(None)

    def abort(self) -> None:
        """Hang up at once."""
        self._hang_up(ConnectionResetError("the connection was reset"))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        """What comes is small and may pile up."""

    def resume_reading(self) -> None:
        """It was never paused."""

    def is_reading(self) -> bool:
        return not self._closing

    # -- what the server does ------------------------------------------------------------------------

    def _serve(self, request: Request) -> None:
        try:
            response = self._answer(request)
        except (Unreachable, Dead) as error:
            self._hang_up(ConnectionRefusedError(str(error)))
            return
        if response.stream is None:
            body = response.body if response.object is None else orjson.dumps(response.object)
            self._send(_head(response, f"Content-Length: {len(body)}") + body)
            return
        self._stream = response.stream
        self._send(_head(response, "Transfer-Encoding: chunked"))
        self._stream.on_ready = self._news
        self._drain()

    def _news(self) -> None:
        """Something has happened, which the client learns a moment later."""
        self._loop.call_later(LATENCY, self._drain)

    def _drain(self) -> None:
        stream = self._stream
        if stream is None:
            return
        chunks = []
        while (event := stream.next()) is not None:
            line = event if isinstance(event, bytes) else orjson.dumps(event) + b"\n"
            chunks.append(b"%x\r\n%b\r\n" % (len(line), line))
        if stream.closed:
            self._stream = None
            chunks.append(b"0\r\n\r\n")
        if chunks:
            self._send(b"".join(chunks))

    def _send(self, data: bytes) -> None:
        self._loop.call_soon(self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def _hang_up(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._when_closed(self)
        if self._stream is not None:
            self._stream.on_ready = None
            self._stream.close()
            self._stream = None
        self._loop.call_soon(self._protocol.connection_lost, error)


def _request(data: bytearray) -> Request | None:
    """The request in these bytes, if it is complete."""
    end = data.find(_END_OF_HEAD)
    if end < 0:
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    body = bytes(data[end + len(_END_OF_HEAD) :])
    if len(body) < int(headers.get("content-length", "0")):
        return None
    method, target, _version = first.split(" ")
    path, _mark, query = target.partition("?")
    return Request(method, unquote(path), dict(parse_qsl(query, keep_blank_values=True)), headers, body)


def _head(response: Response, *lines: str) -> bytes:
    own = [f"Content-Type: {response.content_type}", *(f"{name}: {value}" for name, value in response.headers.items())]
    told = [f'Warning: 299 - "{text}"' for text in response.warnings]
    first = f"HTTP/1.1 {response.code} {HTTPStatus(response.code).phrase}"
    return "\r\n".join([first, *own, *told, *lines, "", ""]).encode()
