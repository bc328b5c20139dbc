"""The official Python client, in process: `kubernetes` over no socket at all.

The client sends everything through a urllib3 pool manager; ours hands the request to the API server and wraps
the answer in a real `urllib3.HTTPResponse`. A watch has no thread to wait in: when its reader asks for the next
line and there is none, `pump` lets virtual time pass until there is one, or until the watch ends.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from urllib3 import HTTPHeaderDict, HTTPResponse, HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError

from k8snb.client.client import Transport
from k8snb.errors import Unreachable
from k8snb.wire import Request, Response, User

HOST = "https://k8snb.invalid"
"""A host that the request never reaches (RFC 2606)."""

STDOUT, STDERR = 1, 2

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
        query = _query(parts.query)
        data = body.encode() if isinstance(body, str) else body or b""
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        lower.setdefault("accept", "application/json")
        try:
            response = self._transport.handle(Request(method, parts.path, query, lower, data, user=self._user))
        except Unreachable as error:
            pool = HTTPSConnectionPool(parts.hostname or "", parts.port)
            raise MaxRetryError(pool, parts.path, NewConnectionError(pool, error.message)) from None  # type: ignore[arg-type]
        if response.stream is not None:
            return _respond(response, _Lines(response.stream, self._pump))
        content = response.body if response.object is None else orjson.dumps(response.object)
        return _respond(response, io.BytesIO(content))

    def clear(self) -> None:
        """Close connections: there are none."""


def _query(text: str) -> dict[str, str]:
    """A query as the server wants it: the words of a command joined into one value."""
    pairs = parse_qsl(text, keep_blank_values=True)
    words = [value for name, value in pairs if name == "command"]
    return {**dict(pairs), **({"command": "\0".join(words)} if words else {})}


def _respond(response: Response, body: Any) -> HTTPResponse:
    headers = HTTPHeaderDict({"Content-Type": response.content_type})
    for text in response.warnings:
        headers.add("Warning", f'299 - "{text}"')
    reason = HTTPStatus(response.code).phrase
    return HTTPResponse(body=body, headers=headers, status=response.code, reason=reason, preload_content=False)


class _Lines(io.RawIOBase):
    """A watch, or a log that is followed, as a file of lines. Reading waits, in virtual time.

    It is closed once it has ended, because that is how urllib3 knows.
    """

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
        if event is None:
            self.close()
            return b""
        return event if isinstance(event, bytes) else orjson.dumps(event) + b"\n"

    def __iter__(self) -> Iterator[bytes]:
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
    made.rest_client.pool_manager = PoolManager(transport, user, pump)  # type: ignore[assignment]
    return made


class Finished:
    """A command that has run, with what `kubernetes.stream.ws_client.WSClient` offers once it has."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self._channels = {STDOUT: str(result["stdout"]), STDERR: str(result["stderr"])}
        self.returncode = int(result["exitCode"])

    def is_open(self) -> bool:
        """Whether it still runs: no."""
        return False

    def read_channel(self, channel: int, timeout: float | None = None) -> str:
        """What is left of a channel."""
        return self._channels.pop(channel, "")

    def read_stdout(self, timeout: float | None = None) -> str:
        """What is left of the output."""
        return self.read_channel(STDOUT)

    def read_stderr(self, timeout: float | None = None) -> str:
        """What is left of the error output."""
        return self.read_channel(STDERR)

    def read_all(self) -> str:
        """What is left of both."""
        return self.read_stdout() + self.read_stderr()

    def close(self) -> None:
        """Nothing is open."""


def stream(api_method: Any, *args: Any, stdin_text: str = "", _preload_content: bool = True, **kwargs: Any) -> Any:
    """`kubernetes.stream.stream` where there is no socket: run a command in a container and return what it writes.

    `stdin_text` is what the command reads. With `_preload_content=False` the result is a `Finished`, which
    knows the exit code. Raises `ApiException` as the original does.
    """
    from kubernetes.client.exceptions import ApiException

    client = api_method.__self__.api_client
    previous = client.call_api

    def call_api(method: str, url: str, header_params: Any = None, *rest: Any, **options: Any) -> Any:
        response = client.rest_client.pool_manager.request("POST", url, body=stdin_text, headers=header_params)
        if response.status != 200:
            raise ApiException(http_resp=response, body=response.data.decode())
        done = Finished(orjson.loads(response.data))
        return SimpleNamespace(response=done, status=response.status)

    try:
        client.call_api = call_api
        done = api_method(*args, _preload_content=False, **kwargs)
    finally:
        client.call_api = previous
    return done.read_all() if _preload_content else done
