"""POST from the control plane to a URL: a function of this process, a program on the pod network, a server outside.

Whoever is not found in one place is looked for in the next. What goes wrong is said in the words of Go's HTTP client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import urlsplit

import orjson

from k8snb.network.dns import is_address
from k8snb.network.fabric import Fabric
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

Function: TypeAlias = Callable[[dict[str, Any]], Any]
"""A server in this process: what it is sent → what it answers."""
Remote: TypeAlias = Callable[[str, bytes | None, bytes, float], HTTPResponse]
"""(URL, caBundle, body, seconds) → the answer. Raises OSError, with a message as Go's client has it. Without a bundle
(None) whoever answers is believed; an empty one trusts whom the machine trusts."""


@runtime_checkable
class Remembering(Protocol):
    """What remembers answers for a past that is lived through again."""

    def begin(self) -> Remote:
        """The same from the beginning."""
        ...


JSON = {"content-type": "application/json"}
LATE = "context deadline exceeded"
_ERRNO = {"refused": "connect: connection refused", "unreachable": "connect: no route to host"}


class Functions(dict[str, Function]):
    """Servers in this process, by URL. They are in no journal, so it is remembered whether there ever were any."""

    ever = False

    def __setitem__(self, url: str, function: Function) -> None:
        self.ever = True
        super().__setitem__(url, function)


class Posting:
    """Sends requests from the address `source`."""

    def __init__(self, network: Fabric, source: str, functions: Mapping[str, Function]) -> None:
        self._network = network
        self._source = source
        self._functions = functions
        self.remote: Remote | None = None
        """Reaches servers outside, if anybody does."""

    def __call__(self, url: str, body: bytes, seconds: float, bundle: bytes | None) -> HTTPResponse:
        """The answer to a POST. Raises OSError."""
        function = self.function(url)
        if function is not None:
            try:
                return HTTPResponse(200, orjson.dumps(function(orjson.loads(body))).decode())
            except Exception as error:  # whatever it is, to its caller it is an end without an answer
                raise OSError("EOF") from error
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = HTTPRequest("POST", host, port, path, JSON, body.decode(), parts.scheme, self._source)
        try:
            response = self._network.request(request)
        except NetworkError as error:
            if self.remote is not None and self._leads_outside(host, error):
                return self.remote(url, bundle, body, seconds)
            raise OSError(dialled(error, host, port)) from None
        if response.seconds > seconds:
            raise OSError(f"{LATE} (Client.Timeout exceeded while awaiting headers)")
        return response

    def _leads_outside(self, host: str, error: NetworkError) -> bool:
        """Whether nobody in the cluster was meant: by its name, or by an address that none of them has."""
        if is_address(host) or host == "localhost":
            return not self._network.may_have("127.0.0.1" if host == "localhost" else host)
        return error.kind in ("not found", "unreachable")

    def function(self, url: str) -> Function | None:
        """The function of this process that answers at a URL."""
        return self._functions.get(url) or self._functions.get(url.replace(":443/", "/"))


def dialled(error: NetworkError, address: str, port: int) -> str:
    """Why there is no connection."""
    if error.kind == "not found":
        return f"dial tcp: lookup {address}: no such host"
    return f"dial tcp {address}:{port}: {_ERRNO[error.kind]}" if error.kind in _ERRNO else LATE
