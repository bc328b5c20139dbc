"""Port-forward over WebSocket as clients did it before the tunnel, and many still do: two channels for each port.

The ports are in the query. Channel 0 carries the bytes of the first one and channel 1 what went wrong with it, channels
2 and 3 those of the second one, and so on; the first message of each channel is the number of its port. One request is
one connection to each port. Upstream: `kubelet/pkg/cri/streaming/portforward/websocket.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8snb.apiserver.forwarding import Forwarding, Pipe, failure
from k8snb.packet import NetworkError

PROTOCOLS = ("v4.channel.k8s.io", "")
"""The subprotocols; a client that names none means the same."""
PIECE_BYTES = 32 * 1024
"""How much of an answer goes in one message."""


def ports(query: str) -> list[int]:
    """The ports in a query parameter; empty if it names none, or some that cannot be."""
    words = [each.strip() for each in query.split(",")]
    numbers = [int(each) for each in words if each.isdecimal()]
    return numbers if len(numbers) == len(words) and all(0 < each < 65536 for each in numbers) else []


class PortChannels:
    """Carries one connection to each of some ports."""

    def __init__(
        self,
        forwarding: Forwarding,
        numbers: Sequence[int],
        send: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> None:
        self._forwarding = forwarding
        self._send = send
        self._close = close
        self._pipes = {2 * at: (Pipe(forwarding.endpoint, port), port) for at, port in enumerate(numbers)}
        for channel, (_, port) in self._pipes.items():
            for each in (channel, channel + 1):
                send(bytes([each]) + port.to_bytes(2, "little"))
        for channel, (_, port) in [*self._pipes.items()]:
            if not forwarding.endpoint.accepts(port):
                self._fail(channel, port)

    def receive(self, data: bytes) -> None:
        """Take in a message: bytes for one of the ports."""
        if not data or data[0] not in self._pipes:
            return
        channel = data[0]
        pipe, port = self._pipes[channel]
        try:
            answer = pipe.feed(data[1:])
        except NetworkError:
            self._fail(channel, port)
            return
        for at in range(0, len(answer), PIECE_BYTES):
            self._send(bytes([channel]) + answer[at : at + PIECE_BYTES])

    def _fail(self, channel: int, port: int) -> None:
        """Nobody listens there: say so, and end where no connection is left."""
        del self._pipes[channel]
        self._send(bytes([channel + 1]) + failure(port, self._forwarding.pod))
        if not self._pipes:
            self._close()

    def lost(self) -> None:
        """The connection is gone."""
        self._pipes.clear()
