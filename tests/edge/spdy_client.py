"""The other end of a SPDY connection: what moby/spdystream does, in a few lines."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apiserver.spdy import DICTIONARY, FIN, PING, SYN_REPLY, SYN_STREAM


class Client:
    """Opens streams and takes note of what comes back; `make` makes the server's side."""

    def __init__(self, make: Callable[[Callable[[bytes], None], Callable[[], None]], Any]) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._received = bytearray()
        self.closed = False
        self.replies: list[int] = []
        self.data: dict[int, bytes] = {}
        self.ended: list[int] = []
        self.pongs: list[int] = []
        self.carrier = make(self.take, self.close)

    def close(self) -> None:
        self.closed = True

    def send(self, *frames: bytes) -> None:
        """Send frames, a byte at a time: a connection may cut anywhere."""
        for byte in b"".join(frames):
            self.carrier.receive(bytes([byte]))

    def opening(self, stream: int, headers: Mapping[str, str]) -> bytes:
        """The frame that opens a stream."""
        block = struct.pack(">I", len(headers))
        for name, value in headers.items():
            block += struct.pack(">I", len(name)) + name.encode() + struct.pack(">I", len(value)) + value.encode()
        packed = self._deflate.compress(block) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(SYN_STREAM, struct.pack(">IIH", stream, 0, 0) + packed)

    def take(self, frames: bytes) -> None:
        """What the server sent."""
        self._received += frames
        while len(self._received) >= 8:
            first, second = struct.unpack_from(">II", self._received)
            size = second & 0xFFFFFF
            payload = bytes(self._received[8 : 8 + size])
            del self._received[: 8 + size]
            if not first >> 31:
                self.data[first] = self.data.get(first, b"") + payload
                if second >> 24 & FIN:
                    self.ended.append(first)
            elif first & 0xFFFF == PING:
                self.pongs.append(struct.unpack(">I", payload)[0])
            elif first & 0xFFFF == SYN_REPLY:
                self.replies.append(struct.unpack_from(">I", payload)[0])
                assert self._inflate.decompress(payload[4:]) == struct.pack(">I", 0)


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">HHI", 0x8003, kind, flags << 24 | len(payload)) + payload


def data(stream: int, payload: bytes, *, end: bool = False) -> bytes:
    return struct.pack(">II", stream, end << 24 | len(payload)) + payload
