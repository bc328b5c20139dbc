"""A client that speaks bytes: one connection to a listener in the same event loop, without TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import orjson

from k8snb import Cluster
from k8snb.apiserver.listener import listen
from k8snb.clock import WallClock
from k8snb.serving.served import Served

TOKEN = "secret"
SECONDS = 10.0
"""How long an answer may take before a test fails instead of hanging."""


class Reply(NamedTuple):
    """One HTTP answer."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def object(self) -> dict[str, object]:
        """The JSON in the body."""
        found: dict[str, object] = orjson.loads(self.body)
        return found


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes | str) -> None:
        """Send bytes as they are."""
        self.writer.write(data.encode() if isinstance(data, str) else data)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> None:
        """Send a request with the right token, unless another `authorization` is given."""
        given = {"host": "x", "authorization": f"Bearer {TOKEN}", "content-length": str(len(body))}
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def head(self) -> Reply:
        """The head of the next answer."""
        text = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), SECONDS)).decode()
        first, *lines = text.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Reply(int(first.split()[1]), headers, b"")

    async def reply(self) -> Reply:
        """The next answer, whole."""
        code, headers, _ = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            return Reply(code, headers, b"".join([chunk async for chunk in self.chunks()]))
        size = int(headers.get("content-length", "0"))
        return Reply(code, headers, await asyncio.wait_for(self.reader.readexactly(size), SECONDS))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of an answer, as they come."""
        while size := int(await asyncio.wait_for(self.reader.readline(), SECONDS), 16):
            yield (await asyncio.wait_for(self.reader.readexactly(size + 2), SECONDS))[:-2]
        await self.reader.readline()

    async def at_end(self) -> bool:
        """Whether the server has closed the connection; waits until it does."""
        return await asyncio.wait_for(self.reader.read(), SECONDS) == b""


Open = Callable[[], Awaitable[Wire]]


@asynccontextmanager
async def listening(cluster: Cluster) -> AsyncIterator[Open]:
    """A listener in front of a cluster; gives what opens a connection to it."""
    served = Served(cluster, TOKEN)
    server = await listen(served, 0, None)
    host, port = server.sockets[0].getsockname()[:2]
    wires: list[Wire] = []

    async def connect() -> Wire:
        wires.append(Wire(*await asyncio.open_connection(host, port)))
        return wires[-1]

    served.nudge()
    try:
        yield connect
    finally:
        for wire in wires:
            wire.writer.close()
        server.close()


def fast_cluster(nodes: int = 1) -> Cluster:
    """A cluster that follows the wall clock, fifty times as fast."""
    return Cluster(nodes=nodes, seed=1, clock=WallClock(50.0), journal=False)
