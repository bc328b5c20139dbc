"""Somebody outside the cluster, with a shell: a process in no pod.

It reaches what the cluster shows to the outside (node ports, the addresses of load balancers) and resolves no name of
the cluster, because its DNS server is another one.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from k8snb.client.controller import Context
from k8snb.clock import Clock, Timer
from k8snb.kubelet.images import table
from k8snb.kubelet.images.filesystem import Filesystem, Volume
from k8snb.kubelet.images.program import Image
from k8snb.kubelet.images.script import run_now
from k8snb.kubelet.runtime import Network
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

ADDRESS = "203.0.113.10"
_IMAGE = "docker.io/curlimages/curl"


class Visitor:
    """A process on a machine that belongs to no cluster (see `images.program.Process`)."""

    interactive = False
    hostname = "outside"
    working_directory = "/"
    memory_limit = 0
    cpu_limit = 0.0
    nameserver = ""

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock = clock
        self._network = network
        self.ip = ADDRESS
        self.image: Image = table.IMAGES[_IMAGE]
        self.version = self.image.version
        self.argv: Sequence[str] = ("curl",)
        self.env: Mapping[str, str] = {}
        self.files = Filesystem(Volume(), ())
        self.elapsed = 0.0

    def curl(self, words: str) -> str:
        """What `curl` prints, errors included."""
        try:
            argv = ["curl", *shlex.split(words)]
        except ValueError as error:
            return f"curl: {error}\n"
        self.elapsed = 0.0
        result = run_now(self, argv)
        return result.stderr + result.stdout

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now() + self.elapsed

    # -- the network -------------------------------------------------------------------------------

    def request(self, request: HTTPRequest) -> HTTPResponse:
        """Send an HTTP request to an address."""
        return self._network.request(replace(request, host=self.resolve(request.host)[0], source=self.ip))

    def tcp(self, host: str, port: int, data: str = "") -> str:
        """Open a TCP connection to an address."""
        return self._network.tcp(self.ip, self.resolve(host)[0], port, data)

    def resolve(self, name: str) -> Sequence[str]:
        """An address is known, a name is not."""
        if name.replace(".", "").isdigit():
            return (name,)
        raise NetworkError("not found", name)

    def alias(self, name: str) -> str:
        """No name is another word for one of the cluster."""
        return ""

    # -- what only a container has -----------------------------------------------------------------

    def log(self, text: str, stream: str = "stdout") -> None:
        """Nobody keeps it."""

    def listen(self, port: int) -> None:
        """It serves nobody."""

    def after(self, seconds: float, call: Callable[[], None], *, background: bool = True) -> Timer:
        """Make a call later."""
        return self._clock.call_later(seconds, call, background=background)

    def exit(self, code: int) -> None:
        """There is no container that would end."""

    def allocate(self, size: int) -> None:
        """Nobody counts."""

    def processes(self) -> Mapping[int, Sequence[str]]:
        """Itself."""
        return {1: self.argv}

    def kill(self, pid: int, signal: str) -> bool:
        """Nobody to send a signal to."""
        return False

    def cluster(self) -> Context:
        """It has no token."""
        raise NetworkError("refused")

    def at_end(self, call: Callable[[], None]) -> None:
        """It does not end."""
