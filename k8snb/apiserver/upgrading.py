"""From a request for an upgrade to what speaks on the connection from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from k8snb.apiserver import port_channels, spdy, websocket
from k8snb.apiserver.forwarding import PROTOCOL, TUNNEL, Forwarder, Forwarding
from k8snb.apiserver.host import switching
from k8snb.wire import Request

Write = Callable[[bytes], None]
Close = Callable[[], None]


class Carrier(Protocol):
    """What speaks on an upgraded connection."""

    def receive(self, data: bytes) -> None:
        """Take in what the client sent."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


def upgraded(session: Any, request: Request, write: Write, close: Close) -> Carrier | None:
    """Answer the request and return what carries the session; None if no protocol is in common."""
    wanted = request.headers["upgrade"].lower()
    if wanted == "websocket":
        return _websocket(session, request, write, close)
    if wanted != "spdy/3.1":
        return None
    offered = request.headers.get("x-stream-protocol-version", "")
    if isinstance(session, Forwarding):
        version = PROTOCOL if PROTOCOL in _words(offered) else ""
    else:
        version = spdy.negotiated(offered)
    if not version:
        return None
    write(switching("SPDY/3.1", [f"X-Stream-Protocol-Version: {version}"]))
    if isinstance(session, Forwarding):
        return Forwarder(session, write, close)
    return spdy.SpdyCarrier(session, write, close)


def _websocket(session: Any, request: Request, write: Write, close: Close) -> Carrier | None:
    if "sec-websocket-key" not in request.headers:
        return None
    offered = request.headers.get("sec-websocket-protocol", "")
    if isinstance(session, Forwarding):
        return _forwarded(session, request, _words(offered), write, close)
    protocol = websocket.negotiated(offered)
    if not protocol:
        return None
    _accept(request, protocol, write)
    carrier = websocket.WebSocketCarrier(session, write, close)
    carrier.begin()
    return carrier


def _forwarded(session: Forwarding, request: Request, offered: list[str], write: Write, close: Close) -> Carrier | None:
    """The connections of a port-forward: in a tunnel, or in two channels for each port that the query names."""
    numbers = port_channels.ports(request.query.get("ports", ""))
    if TUNNEL in offered:
        _accept(request, TUNNEL, write)
        return websocket.Tunnel(lambda send: Forwarder(session, send, close), write, close)
    protocol = next((each for each in offered if each in port_channels.PROTOCOLS), None)
    if protocol is None or not numbers:
        return None
    _accept(request, protocol, write)
    return websocket.Tunnel(lambda send: port_channels.PortChannels(session, numbers, send, close), write, close)


def _accept(request: Request, protocol: str, write: Write) -> None:
    accept = websocket.acceptance(request.headers["sec-websocket-key"])
    spoken = [f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []
    write(switching("websocket", [f"Sec-WebSocket-Accept: {accept}", *spoken]))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]
