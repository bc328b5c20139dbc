"""SPDY/3.1 as Kubernetes uses it: several streams over one upgraded connection, server side.

kubectl before 1.30, and newer ones where a WebSocket is refused, run commands over this. `Spdy` turns bytes into
streams and back and knows nothing of what they are for; `SpdyCarrier` carries a session of the remote command
protocol on them. There is no flow control and no priority: `moby/spdystream`, which is at the other end, has none.

Frames: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from k8snb.apiserver.sessions import ERROR, RESIZE, STDERR, STDIN, STDOUT, Session
from k8snb.typing import Object

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS = 1, 2, 3, 4, 6, 7, 8
FIN = 1
INVALID_STREAM, REFUSED_STREAM = 2, 3
MAX_HEADER_BYTES = 64 * 1024
FRAME_BYTES = 32 * 1024
"""How much a frame carries; its length has 24 bits."""

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status"
)
_PHRASES = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(struct.pack(">I", len(w)) + w.encode() for w in (*_WORDS.split(), *_PHRASES)) + _TAIL.encode()
"""What both sides' compressors know beforehand (section 2.6.10.1)."""


class ProtocolError(Exception):
    """The other side does not speak SPDY."""


class Streams(Protocol):
    """Who hears of what happens on a connection."""

    def opened(self, stream: int, headers: Mapping[str, str]) -> None:
        """The client has opened a stream."""
        ...

    def arrived(self, stream: int, data: bytes) -> None:
        """Data has arrived on a stream."""
        ...

    def ended(self, stream: int) -> None:
        """The client will send nothing more on a stream."""
        ...


class Spdy:
    """One connection: `receive` takes bytes in, `write` sends them out."""

    def __init__(self, write: Callable[[bytes], None], streams: Streams) -> None:
        self._write = write
        self._streams = streams
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def receive(self, data: bytes) -> None:
        """Take bytes in. Raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            first, second = struct.unpack_from(">II", self._buffer)
            flags, size = second >> 24, second & 0xFFFFFF
            if len(self._buffer) < 8 + size:
                return
            payload = bytes(self._buffer[8 : 8 + size])
            del self._buffer[: 8 + size]
            if first >> 31:
                self._control(first >> 16 & 0x7FFF, first & 0xFFFF, flags, payload)
            else:
                self._data(first, flags, payload)

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Send data on a stream, in as many frames as it takes; `end` closes our side of it."""
        last = max(len(data) - 1, 0) // FRAME_BYTES * FRAME_BYTES
        for at in range(0, last + 1, FRAME_BYTES):
            piece = data[at : at + FRAME_BYTES]
            flags = FIN if end and at == last else 0
            self._write(struct.pack(">II", stream, flags << 24 | len(piece)) + piece)

    def reset(self, stream: int, status: int) -> None:
        """Refuse a stream."""
        self._frame(RST_STREAM, struct.pack(">II", stream, status))

    def _frame(self, kind: int, payload: bytes, flags: int = 0) -> None:
        self._write(struct.pack(">HHI", 0x8003, kind, flags << 24 | len(payload)) + payload)

    def _data(self, stream: int, flags: int, payload: bytes) -> None:
        if payload:
            self._streams.arrived(stream, payload)
        if flags & FIN:
            self._streams.ended(stream)

    def _control(self, version: int, kind: int, flags: int, payload: bytes) -> None:
        if version != 3:
            raise ProtocolError(f"SPDY version {version}")
        try:
            if kind == SYN_STREAM:
                self._opened(flags, payload)
            elif kind == PING:
                (number,) = struct.unpack(">I", payload)
                if number % 2:
                    self._frame(PING, payload)
            elif kind == RST_STREAM:
                self._streams.ended(struct.unpack_from(">I", payload)[0])
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise ProtocolError(str(error)) from None

    def _opened(self, flags: int, payload: bytes) -> None:
        (stream,) = struct.unpack_from(">I", payload)
        headers = self._headers(payload[10:])
        self._frame(SYN_REPLY, struct.pack(">I", stream) + self._packed({}))
        self._streams.opened(stream, headers)
        if flags & FIN:
            self._streams.ended(stream)

    def _headers(self, block: bytes) -> dict[str, str]:
        text = self._inflate.decompress(block, MAX_HEADER_BYTES)
        (count,) = struct.unpack_from(">I", text)
        at, found = 4, {}
        for _ in range(count):
            pair = []
            for _ in range(2):
                (size,) = struct.unpack_from(">I", text, at)
                if at + 4 + size > len(text):
                    raise ProtocolError("a header ends too early")
                pair.append(text[at + 4 : at + 4 + size].decode())
                at += 4 + size
            found[pair[0].lower()] = pair[1]
        return found

    def _packed(self, headers: Mapping[str, str]) -> bytes:
        block = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for part in (name.encode(), value.encode()):
                block += struct.pack(">I", len(part)) + part
        return self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


VERSIONS = ("v4.channel.k8s.io",)
_TYPES = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}


def negotiated(offered: str) -> str:
    """The version of the remote command protocol to speak; empty if there is none in common."""
    names = [each.strip() for each in offered.split(",")]
    return next((version for version in VERSIONS if version in names), "")


class SpdyCarrier:
    """Carries a session on streams that the client opens, one for each channel."""

    def __init__(self, session: Session, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._session = session
        self._close = close
        self._spdy = Spdy(write, self)
        self._streams: dict[int, int] = {}
        options = session.options
        wanted = {ERROR: True, STDIN: options.stdin, STDOUT: options.stdout}
        wanted[STDERR], wanted[RESIZE] = options.stderr and not options.tty, options.tty
        self._missing = {channel for channel, there in wanted.items() if there}
        self._ended = False

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        try:
            self._spdy.receive(data)
        except ProtocolError:
            self._session.close()
            self._close()

    def lost(self) -> None:
        """The connection is gone."""
        self._session.close()

    # -- what the client does ----------------------------------------------------------------------

    def opened(self, stream: int, headers: Mapping[str, str]) -> None:
        """One of the channels."""
        channel = _TYPES.get(headers.get("streamtype", ""))
        if channel is None or channel in self._streams:
            self._spdy.reset(stream, REFUSED_STREAM)
            return
        self._streams[channel] = stream
        waiting = bool(self._missing)
        self._missing.discard(channel)
        if waiting and not self._missing:
            self._session.begin(self)

    def arrived(self, stream: int, data: bytes) -> None:
        """Standard input, or the size of a terminal, which changes nothing."""
        if stream == self._streams.get(STDIN):
            self._session.receive(data)

    def ended(self, stream: int) -> None:
        """The end of standard input, perhaps."""
        if stream == self._streams.get(STDIN):
            self._session.end_of_input()

    # -- what the session does ---------------------------------------------------------------------

    def send(self, channel: int, data: bytes) -> None:
        """Send output."""
        if channel in self._streams:
            self._spdy.send(self._streams[channel], data)

    def finish(self, status: Object) -> None:
        """Say how it ended and close every stream; the client then closes the connection."""
        self._spdy.send(self._streams[ERROR], orjson.dumps(status), end=True)
        for channel in (STDOUT, STDERR, STDIN, RESIZE):
            if channel in self._streams:
                self._spdy.send(self._streams[channel], b"", end=True)
