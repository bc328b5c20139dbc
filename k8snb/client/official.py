"""The official Python client, in process: `kubernetes` over no socket at all.

The client sends everything through a urllib3 pool manager; ours hands the request to the API server and wraps
the answer in a real `urllib3.HTTPResponse`. A watch has no thread to wait in: when its reader asks for the next
line and there is none, `pump` lets virtual time pass until there is one, or until the watch ends.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from urllib3 import HTTPHeaderDict, HTTPResponse

from k8snb.client.client import Transport
from k8snb.wire import Request, Response, User

HOST = "https://k8snb.invalid"
"""A host that the request never reaches (RFC 2606)."""

Pump = Callable[[Callable[[], bool]], None]
"""Let time pass until the condition holds (or nothing more can happen)."""


class PoolManager:
    """What `urllib3.PoolManager` is to the official client."""

    def __init__(self, transport: Transport, user: User, pump: Pump) -> None:
        self._transport = transport
        self._user = user
        self._pump = pump

    def request(
        self,
        method: str,
        url: str,
        body: str | bytes | None = None,
        fields: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> HTTPResponse:
        """Send a request and return the response, not yet read."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        data = body.encode() if isinstance(body, str) else body or b""
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        lower.setdefault("accept", "application/json")
        response = self._transport.handle(Request(method, parts.path, query, lower, data, user=self._user))
        if response.stream is not None:
            return _respond(response, _Lines(response.stream, self._pump))
        content = response.body if response.object is None else orjson.dumps(response.object)
        return _respond(response, io.BytesIO(content))

    def clear(self) -> None:
        """Close connections: there are none."""


def _respond(response: Response, body: Any) -> HTTPResponse:
    headers = HTTPHeaderDict({"Content-Type": response.content_type})
    for text in response.warnings:
        headers.add("Warning", f'299 - "{text}"')
    return HTTPResponse(body=body, headers=headers, status=response.code, preload_content=False)


class _Lines(io.RawIOBase):
    """A watch as a file of lines. Reading waits, in virtual time."""

    def __init__(self, stream: Any, pump: Pump) -> None:
        self._stream = stream
        self._pump = pump

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next line; empty at the end of the watch."""
        event = self._stream.next()
        if event is None and not self._stream.closed:
            self._pump(lambda: bool(len(self._stream)) or self._stream.closed)
            event = self._stream.next()
        return b"" if event is None else orjson.dumps(event) + b"\n"

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        while line := self.read():
            yield line

    def close(self) -> None:
        self._stream.close()
        super().close()


def api_client(transport: Transport, user: User, pump: Pump) -> Any:
    """A `kubernetes.client.ApiClient` whose requests go to the transport as the user."""
    from kubernetes import client

    configuration = client.Configuration(host=HOST)
    made = client.ApiClient(configuration)
    made.rest_client.pool_manager = PoolManager(transport, user, pump)
    return made
