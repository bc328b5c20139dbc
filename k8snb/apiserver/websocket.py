"""exec and attach over WebSocket: the channels of `v4` and `v5.channel.k8s.io`.

Every message starts with a byte that names its channel: 0 standard input, 1 output, 2 errors, 3 the outcome as a
`Status`, 4 the terminal's size, and in v5 255 to close a channel. Upstream: KEP-4006,
`apimachinery/pkg/util/httpstream/wsstream`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any, Protocol

import orjson
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from k8snb.apiserver.sessions import ERROR, MAX_STDIN_BYTES, STDIN, Session
from k8snb.typing import Object

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
CLOSE = 255
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


def negotiated(offered: str) -> str:
    """The subprotocol to speak; empty if there is none in common."""
    names = [each.strip() for each in offered.split(",")]
    return next((protocol for protocol in PROTOCOLS if protocol in names), "")


def acceptance(key: str) -> str:
    """What proves to the client that its key was understood (`Sec-WebSocket-Accept`)."""
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode("latin-1")).digest()).decode()


class WebSocketCarrier:
    """Carries a session on the messages of one connection."""

    def __init__(self, session: Session, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._session = session
        self._write = write
        self._close = close
        self._ws = Connection(ConnectionType.SERVER)
        self._message = bytearray()
        self._ended = False

    def begin(self) -> None:
        """The connection has been upgraded."""
        self._session.begin(self)

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        if self._ended:
            return
        try:
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._take(event)
        except (RemoteProtocolError, LocalProtocolError):
            self._end()

    def lost(self) -> None:
        """The connection is gone."""
        self._ended = True
        self._session.close()

    def _take(self, event: Any) -> None:
        if isinstance(event, Ping):
            self._write(self._ws.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._write(self._ws.send(event.response()))
            self._end()
        elif isinstance(event, BytesMessage | TextMessage):
            self._message += event.data.encode() if isinstance(event.data, str) else event.data
            if len(self._message) > MAX_STDIN_BYTES:
                self._end()
            elif event.message_finished:
                message, self._message = bytes(self._message), bytearray()
                self._deliver(message)

    def _deliver(self, message: bytes) -> None:
        channel, data = message[:1], message[1:]
        if channel == bytes([STDIN]):
            self._session.receive(data)
        elif channel == bytes([CLOSE]) and data[:1] == bytes([STDIN]):
            self._session.end_of_input()

    # -- what the session does ---------------------------------------------------------------------

    def send(self, channel: int, data: bytes) -> None:
        """Send output."""
        if not self._ended:
            self._write(self._ws.send(BytesMessage(data=bytes([channel]) + data)))

    def finish(self, status: Object) -> None:
        """Say how it ended, and end."""
        if not self._ended:
            self.send(ERROR, orjson.dumps(status))
            self._write(self._ws.send(CloseConnection(1000, "")))
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._session.close()
        self._close()


class Inner(Protocol):
    """What speaks inside a tunnel."""

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


class Tunnel:
    """Another protocol inside the binary messages of a WebSocket, which it gets whole."""

    def __init__(
        self,
        make: Callable[[Callable[[bytes], None]], Inner],
        write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> None:
        self._write = write
        self._close = close
        self._ws = Connection(ConnectionType.SERVER)
        self._message = bytearray()
        self._inner = make(self._send)

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        try:
            self._ws.receive_data(data)
            for event in self._ws.events():
                self._take(event)
        except (RemoteProtocolError, LocalProtocolError):
            self._close()

    def _take(self, event: Any) -> None:
        if isinstance(event, BytesMessage):
            self._message += event.data
            if len(self._message) > MAX_STDIN_BYTES:
                self._close()
            elif event.message_finished:
                message, self._message = bytes(self._message), bytearray()
                self._inner.receive(message)
        elif isinstance(event, Ping):
            self._write(self._ws.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._write(self._ws.send(event.response()))
            self._close()

    def _send(self, data: bytes) -> None:
        self._write(self._ws.send(BytesMessage(data=data)))

    def lost(self) -> None:
        """The connection is gone."""
        self._inner.lost()
