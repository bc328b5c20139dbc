"""What travels on the pod network: requests and answers between programs in pods, and how they fail.

To the network a pod is an `Endpoint`: it is asked who answers on a port only when a request arrives, so a
listening server costs nothing until then. Kubelets and the network both speak in these terms and know
nothing else of each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One HTTP request inside the cluster. `path` includes the query; header names are lower case."""

    method: str
    host: str
    port: int
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    scheme: str = "http"
    source: str = ""
    """The address the server sees the request come from."""
    server_name: str = ""
    """The name that a client of TLS says it wants to talk to (SNI); empty if it dialled an address."""
    node: str = ""
    """The node that the sender is on, for where several have its address."""

    @property
    def authority(self) -> str:
        """What the request is for: its `Host` header, or what was dialled."""
        usual = self.port == (443 if self.scheme == "https" else 80)
        return self.headers.get("host") or (self.host if usual else f"{self.host}:{self.port}")


@dataclass(frozen=True, slots=True)
class Step:
    """What a program on the way did with a request and why, for readers."""

    text: str
    saw: Sequence[tuple[str, str]] = ()
    """What it looked at: labels and values."""
    objects: Sequence[str] = ()
    """The objects of the API that it rests on: `Ingress/my-app-ingress`."""
    node: str = ""
    """Where the request is then, if this step moves it."""
    actor: str = ""
    """Who does it; empty for the program that was asked."""
    act: tuple[str, str] = ("", "")
    """What is done, as a verb and its object: `show certificate`."""


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """The answer, and how many seconds of virtual time it took."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    certificate: str = ""
    """What a server of TLS shows of itself, as PEM; empty where nobody looks."""
    steps: Sequence[Step] = ()
    """What programs on the way decided."""
    stream: EventStream | None = None
    """What comes after the head little by little, where the answer is a watch."""


class EventStream:
    """What a server sends little by little: events of a watch, each as an object or as a line of bytes.

    `on_ready`, if set, is called whenever something becomes available or the stream closes.
    """

    def __init__(self) -> None:
        self.closed = False
        self.on_ready: Callable[[], None] | None = None
        self._waiting: deque[Any] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Any) -> None:
        """Send one event."""
        self._waiting.append(event)
        self._ready()

    def next(self) -> Any:
        """The next event, None if there is none yet."""
        return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """End it, on either side."""
        if not self.closed:
            self.closed = True
            self._ready()

    def _ready(self) -> None:
        if self.on_ready is not None:
            self.on_ready()


class NetworkError(Exception):
    """A connection that did not come about.

    `kind` is `refused` (nobody listens), `timeout` (nobody answers), `unreachable` (no route) or `not found`
    (the name does not resolve). Every program words it in its own way.
    """

    def __init__(self, kind: str, address: str = "", seconds: float = 0.0) -> None:
        super().__init__(f"{kind}: {address}")
        self.kind = kind
        self.address = address
        self.seconds = seconds


class Unanswered(NetworkError):
    """No DNS server has said whether there is such a name. Most programs word it as if there were none.

    `seconds` is how long the resolver waited for one; none where the question was refused at once.
    """

    def __init__(self, name: str, seconds: float = 0.0) -> None:
        super().__init__("not found", name, seconds)


class Endpoint(Protocol):
    """A pod as its network sees it: one address, and servers behind its ports."""

    @property
    def ip(self) -> str:
        """The pod's address; empty while it has none."""
        ...

    def accepts(self, port: int) -> bool:
        """Whether a server listens on the TCP port."""
        ...

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        """Let the server on the port answer; raises NetworkError (`refused`) if there is none."""
        ...

    def tcp(self, port: int, data: str, source: str) -> str:
        """Send text to the server on the port and return what it says; raises NetworkError."""
        ...
