"""The client of the benchmarks: as little HTTP over TLS as there can be, so that the server is what is measured.

A `Client` keeps one connection and asks one thing after another; a `Watcher` keeps one watch and notes when each
line arrived.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httptools
import orjson
import yaml

Next = Callable[[], bytes | None]
"""The next request of a connection, as bytes; None when it is to end."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is and how it is spoken to."""

    host: str
    port: int
    context: ssl.SSLContext
    token: str

    @classmethod
    def of(cls, kubeconfig: Path) -> Target:
        """What a kubeconfig says."""
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        address = urlsplit(cluster["server"])
        context = ssl.create_default_context(cadata=ca)
        return cls(address.hostname or "", address.port or 443, context, config["users"][0]["user"]["token"])

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A request as bytes, with the headers that a Go client sends."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "User-Agent: k8snb-bench/v0.0.0 (linux/amd64)",
            "Accept: application/json",
            f"Authorization: Bearer {self.token}",
        ]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def connect(self, protocol: asyncio.Protocol) -> None:
        """Open a connection for a protocol."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: protocol, self.host, self.port, ssl=self.context)

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """One request on a connection of its own: the body of the answer. Raises RuntimeError for a refusal."""
        requests = iter([self.request(method, path, body)])
        client = Client(lambda: next(requests, None), keep=True)
        await self.connect(client)
        await client.done
        if client.codes.keys() - {200, 201}:
            raise RuntimeError(f"{method} {path}: {client.last.decode(errors='replace')}")
        return client.last


class Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, next_request: Next, *, keep: bool = False) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.codes: dict[int, int] = {}
        self.last = b""
        self._next = next_request
        self._keep = keep
        self._pieces: list[bytes] = []
        self._parser: Any = httptools.HttpResponseParser(self)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        request = self._next()
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """A piece of a body."""
        if self._keep:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        """An answer is there: ask again."""
        code = self._parser.get_status_code()
        self.codes[code] = self.codes.get(code, 0) + 1
        if self._keep:
            self.last, self._pieces = b"".join(self._pieces), []
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        if not self.done.done():
            self.done.set_result(None)


class Watcher(asyncio.Protocol):
    """One watch; `seen` is told every event, as bytes, and when it arrived."""

    def __init__(self, request: bytes, seen: Callable[[bytes, float], None]) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._seen = seen
        self._rest = b""
        self._parser: Any = httptools.HttpResponseParser(self)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the watch."""
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """A piece of the stream."""
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        """The watch stands."""
        code = self._parser.get_status_code()
        if code == 200:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(RuntimeError(f"the watch was answered with {code}"))

    def on_body(self, data: bytes) -> None:
        """Events, perhaps cut anywhere."""
        now = time.perf_counter()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._seen(line, now)

    def close(self) -> None:
        """End it."""
        self._transport.abort()


async def rate(target: Target, make: Callable[[int], Next], connections: int, seconds: float) -> float:
    """Requests per second over so many connections. `make` gives each connection what it asks; 2xx counts alone."""
    end = time.perf_counter() + seconds

    def until(ask: Next) -> Next:
        return lambda: ask() if time.perf_counter() < end else None

    clients = [Client(until(make(number))) for number in range(connections)]
    began = time.perf_counter()
    for client in clients:
        await target.connect(client)
    await asyncio.gather(*(client.done for client in clients))
    took = time.perf_counter() - began
    refused = sum(count for client in clients for code, count in client.codes.items() if code >= 300)
    if refused:
        raise RuntimeError(f"{refused} requests were refused")
    return sum(sum(client.codes.values()) for client in clients) / took


def revision_of(line: bytes) -> tuple[str, str, int]:
    """The type of a watch event, the name of its object and its revision."""
    event = orjson.loads(line)
    meta = event["object"]["metadata"]
    return event["type"], meta.get("name", ""), int(meta["resourceVersion"])
