"""The only module that opens a socket: HTTP/1.1 over TLS in front of `handle`.

One asyncio protocol per connection parses requests and writes answers; the work is done by `handle`, in the same
thread, between two turns of the event loop. A watch is fed by the store and written when it has something to
say; a client that does not read is not read from either, and cut off when too much has piled up for it, so it
costs the others nothing. Connections that are upgraded (exec, attach) are handed to their carrier.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl
from uuid import uuid4

import httptools

from k8snb.apiserver.access.authentication import certificate_user
from k8snb.apiserver.encoding import ENCODER
from k8snb.apiserver.host import Host, answer, start
from k8snb.apiserver.upgrading import Carrier, upgraded
from k8snb.errors import StatusError, bad_request, too_large
from k8snb.wire import REPEATED, Request, Response, User

MAX_BODY_BYTES = 3 * 1024 * 1024
MAX_DISCARDED_BYTES = 64 * 1024 * 1024
"""How much of a body that is too large is read, so that the client gets to read the refusal."""
MAX_HEADER_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 16 * 1024 * 1024
MAX_WAITING = 64
"""How many requests may wait behind a watch on the same connection."""
APART_BYTES = 32 * 1024
"""A body larger than this is not copied behind its head."""
HANDSHAKE_SECONDS = 10.0
"""How long a client may take to agree on TLS."""
IDLE_SECONDS = 120.0
"""How long a connection may take to send a whole request."""


class _Manner(NamedTuple):
    """How a client wants its answer: whether the connection goes on, and whether it speaks HTTP/1.0."""

    keep: bool
    old: bool

    def head(self, data: bytes) -> bytes:
        """The head of an answer in the client's version."""
        return data.replace(b"HTTP/1.1", b"HTTP/1.0", 1) if self.old else data


class Connection(asyncio.Protocol):
    """One client connection; requests are answered one after the other."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_bytes = self._head_bytes = 0
        self._in_headers = True
        self._body = bytearray()
        self._discarded = 0
        self._refusal: StatusError | None = None
        self._stream: Any = None
        self._asking = False
        """Whether a request waits for its answer."""
        self._carrier: Carrier | None = None
        self._waiting: list[tuple[Request, _Manner]] = []
        self._manner = _Manner(keep=True, old=False)
        """How the stream that is being written is to end."""
        self._idle: asyncio.TimerHandle | None = None
        self._user: User | None = None
        """Whom the client's certificate stands for, if it has one."""
        self._answered = 0

    # -- asyncio -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast(asyncio.Transport, transport)
        secured = transport.get_extra_info("ssl_object")
        certificate = secured.getpeercert(binary_form=True) if secured is not None else None
        if certificate:
            self._user = certificate_user(certificate)
        self._watch_idle()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of what the connection was upgraded to."""
        if self._carrier is not None:
            self._carrier.receive(data)
            self._host.nudge()
            return
        self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(bad_request("the request is not valid HTTP/1.1"))
        else:
            if self._in_headers and self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(_headers_too_large())

    def _upgraded(self, rest: bytes) -> None:
        """The request asked for an upgrade; if it got none, the next one follows."""
        if self._carrier is None:
            self._parser = httptools.HttpRequestParser(self)
        if rest and self._transport is not None and not self._transport.is_closing():
            self.data_received(rest)

    def pause_writing(self) -> None:
        """The client does not read: read nothing from it either."""
        if self._transport is not None and self._carrier is None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        if self._stream is not None:
            self._stream.on_ready = None
            self._stream.close()
            self._stream = None
        if self._carrier is not None:
            self._carrier.lost()
        if self._idle is not None:
            self._idle.cancel()
        self._transport = None

    def _watch_idle(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._give_up, self._answered)

    def _give_up(self, answered: int) -> None:
        """Abort if no request has come since; a timer for each request would cost more than the request."""
        if self._transport is None:
            return
        if self._stream is None and self._carrier is None and self._answered == answered:
            self._transport.abort()
        else:
            self._watch_idle()

    # -- httptools ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url, self._headers, self._header_bytes, self._head_bytes = b"", {}, 0, 0
        self._body, self._discarded = bytearray(), 0
        self._refusal, self._in_headers = None, True

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; one that comes several times is one list."""
        self._head_bytes += len(name) + len(value)
        key, text = _header_name(name), value.decode("latin-1")
        between = REPEATED if key.startswith("impersonate-") else ", "
        self._headers[key] = f"{self._headers[key]}{between}{text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is complete, the body follows; who asks first hears at once whether to send it."""
        self._in_headers = False
        if self._head_bytes > MAX_HEADER_BYTES:
            self._refusal = _headers_too_large()
        elif self._headers.get("expect", "").lower() == "100-continue":
            length = self._headers.get("content-length", "")
            if length.isdecimal() and int(length) > MAX_BODY_BYTES:
                self._refusal = _body_too_large()
            elif self._transport is not None and not self._transport.is_closing():
                self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
        if self._refusal is not None and self._stream is None and not self._asking:
            self._refuse(self._refusal)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self._refusal is None and len(self._body) + len(data) > MAX_BODY_BYTES:
            self._refusal = _body_too_large()
            self._body = bytearray()
        if self._refusal is None:
            self._body += data
            return
        self._discarded += len(data)
        if self._discarded > MAX_DISCARDED_BYTES and self._transport is not None:
            self._transport.abort()

    def on_message_complete(self) -> None:
        """A whole request is there."""
        self._in_headers = True
        self._header_bytes = 0
        self._answered += 1
        manner = _Manner(bool(self._parser.should_keep_alive()), self._parser.get_http_version() == "1.0")
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif self._stream is None and not self._asking:
            self._serve(self._request(), manner)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append((self._request(), manner))
        elif self._transport is not None:
            self._transport.abort()

    def _request(self) -> Request:
        path, _, query = self._url.decode("latin-1").partition("?")
        parameters = _parameters(query) if query else {}
        method = self._parser.get_method().decode()
        return Request(method, path, parameters, self._headers, bytes(self._body), user=self._user)

    # -- answering ---------------------------------------------------------------------------------

    def _serve(self, request: Request, manner: _Manner) -> None:
        self._asking = True
        self._host.ask(request, lambda response: self._answer(request, response, manner))

    def _answer(self, request: Request, response: Response, manner: _Manner) -> None:
        self._asking = False
        self._host.nudge()
        if self._transport is None:
            if response.stream is not None:
                response.stream.close()
        elif response.code == 101:
            self._upgrade(request, response)
        elif response.stream is not None:
            self._begin_stream(request, response, manner)
        else:
            kept = ("Connection: keep-alive",) if manner.old and manner.keep else ()
            marks = (*_audit_id(request, response), *kept)
            head, body = answer(request, response, close=not manner.keep, more=marks)
            self._write(manner.head(head), body)
            self._go_on(manner)

    def _go_on(self, manner: _Manner) -> None:
        """After an answer: the next request, or the end of the connection."""
        if not manner.keep:
            self._close()
        elif self._waiting:
            self._serve(*self._waiting.pop(0))

    def _refuse(self, error: StatusError) -> None:
        self._write(*answer(None, Response(error.code, error.status), close=True))
        self._close()

    def _close(self) -> None:
        """End the connection after what is still to be sent."""
        if self._transport is not None:
            self._host.when_kept(self._transport.close)

    def _write(self, data: bytes, body: bytes = b"") -> None:
        self._host.when_kept(lambda: self._send(data, body))

    def _send(self, data: bytes, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if len(body) > APART_BYTES:
            self._transport.writelines((data, body))
        else:
            self._transport.write(data + body if body else data)

    # -- watches and logs that are followed --------------------------------------------------------

    def _begin_stream(self, request: Request, response: Response, manner: _Manner) -> None:
        """Chunks for whoever knows them; HTTP/1.0 gets the lines as they are, up to the end of the connection."""
        self._stream = response.stream
        self._manner = manner = manner._replace(keep=manner.keep and not manner.old)
        lines = [*_audit_id(request, response)]
        if not manner.old:
            lines.append("Transfer-Encoding: chunked")
        if not manner.keep:
            lines.append("Connection: close")
        self._write(manner.head(start(response, lines)))
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
            line = event if isinstance(event, bytes) else ENCODER.event(event)
            chunks.append(line if self._manner.old else b"%x\r\n%b\r\n" % (len(line), line))
        if chunks:
            self._write(b"".join(chunks))
        if self._transport is not None and self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._transport.abort()
        elif self._stream.closed and not len(self._stream):
            self._stream.on_ready = None
            self._stream = None
            self._end_stream()

    def _end_stream(self) -> None:
        if not self._manner.old:
            self._write(b"0\r\n\r\n")
        self._go_on(self._manner)

    # -- upgrades ----------------------------------------------------------------------------------

    def _upgrade(self, request: Request, response: Response) -> None:
        """Hand the connection to what carries the session."""
        assert self._transport is not None
        self._carrier = upgraded(response.stream, request, self._write, self._close)
        if self._carrier is None:
            response.stream.close()
            self._refuse(bad_request("unable to upgrade: no protocol in common"))


def _headers_too_large() -> StatusError:
    return StatusError(431, "RequestHeaderFieldsTooLarge", "the request headers are too large")


def _body_too_large() -> StatusError:
    return too_large(f"Request entity is too large: limit is {MAX_BODY_BYTES}")


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        known = found.get(name)
        found[name] = f"{known}{REPEATED}{value}" if known is not None and name == "command" else value
    return found


_AUDIT_LEAD = str(uuid4())[:24]
_AUDIT_NUMBERS = count(1)


def _audit_id(request: Request, response: Response) -> tuple[str, ...]:
    """The header by which an answer can be found in the logs: the client's own mark, or a new one.

    An answer that is in the audit log has it already.
    """
    if "Audit-Id" in response.headers:
        return ()
    given = request.headers.get("audit-id")
    return (f"Audit-Id: {given[:64]}" if given else f"Audit-Id: {_AUDIT_LEAD}{next(_AUDIT_NUMBERS):012x}",)


@lru_cache(maxsize=1024)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


async def listen(host: Host, port: int, context: ssl.SSLContext | None, address: str = "127.0.0.1") -> asyncio.Server:
    """Serve on a loopback address; port 0 takes a free one."""
    patience = HANDSHAKE_SECONDS if context is not None else None
    return await asyncio.get_running_loop().create_server(
        lambda: Connection(host), address, port, ssl=context, ssl_handshake_timeout=patience
    )
