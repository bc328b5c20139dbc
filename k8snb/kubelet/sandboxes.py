"""What a simulated container runtime makes: sandboxes with an address, and containers in them.

A container whose program is idle (see `images.program`) is a record of a few fields until somebody looks at it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from k8snb.kubelet.images import table
from k8snb.kubelet.images.program import Image, Program, Usage
from k8snb.kubelet.process import ContainerProcess
from k8snb.kubelet.runtime import ContainerConfig, SandboxConfig
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

if TYPE_CHECKING:
    from k8snb.kubelet.containerd import SimulatedRuntime


def hexadecimal(text: str) -> str:
    """64 digits that are the same for the same text: an identifier without a lot being drawn."""
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=4096)
def launch(config: ContainerConfig) -> tuple[Image, type[Program] | None, bool, bool, str]:
    """How a container is run: its image, its program, whether that is idle, whether it heeds signals, its name."""
    image = table.IMAGES[config.reference.name]
    argv = table.command_line(image, config.command, config.args)
    program = image.program(argv)
    if program is None:
        return image, None, False, False, argv[0] if argv else ""
    return image, program, program.is_idle(argv), program.heeds_signals(argv), argv[0]


class Sandbox:
    """A pod's namespaces: one address, one set of ports, and the containers that share them."""

    __slots__ = ("config", "containers", "ip", "ready", "runtime")

    def __init__(self, runtime: SimulatedRuntime, config: SandboxConfig) -> None:
        self.runtime = runtime
        self.config = config
        self.ip = ""
        self.ready = True
        self.containers: tuple[Container, ...] = ()

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return hexadecimal(f"{self.config.pod['metadata']['uid']}/sandbox")

    def _listener(self, port: int) -> Program:
        for container in self.containers:
            if container.state == "running":
                process = container.awake()
                if port in process.ports and process.program is not None and container.state == "running":
                    return process.program
        raise NetworkError("refused", f"{self.ip}:{port}")

    def taken(self, port: int) -> bool:
        """Whether a process of the pod listens on the port; idle programs that nobody asked yet count."""
        others = [c for c in self.containers if c.state == "running" and c.process is not None]
        return any(port in c.process.ports for c in others if c.process is not None)

    def accepts(self, port: int) -> bool:
        """Whether a server listens on the port."""
        try:
            self._listener(port)
        except NetworkError:
            return False
        return True

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        """Let the server on the port answer."""
        return self._listener(port).http(port, request)

    def tcp(self, port: int, data: str, source: str) -> str:
        """Talk to the server on the port."""
        return self._listener(port).tcp(port, data, source)


class Container:
    """One container: a record, and a process once somebody needs it."""

    __slots__ = (
        "attempt", "config", "exit_code", "finished_at", "message", "process", "reason", "sandbox",
        "started_at", "state",
    )  # fmt: skip

    def __init__(self, sandbox: Sandbox, config: ContainerConfig, attempt: int) -> None:
        self.sandbox = sandbox
        self.config = config
        self.attempt = attempt
        self.state = "created"
        self.started_at = 0.0
        self.finished_at = 0.0
        self.exit_code = 0
        self.reason = ""
        self.message = ""
        self.process: ContainerProcess | None = None

    @property
    def id(self) -> str:
        """64 hexadecimal digits, a function of the pod, the name and the attempt: nothing to keep."""
        uid = self.sandbox.config.pod["metadata"]["uid"]
        return hexadecimal(f"{uid}/{self.config.name}/{self.attempt}")

    def awake(self) -> ContainerProcess:
        """The process; made now, as if it had run since the start, if nobody needed it before."""
        if self.process is None:
            self.process = ContainerProcess(self)
            self.process.run()
        return self.process

    def usage(self) -> Usage:
        """What it uses now."""
        program = self.awake().program
        return program.usage() if program is not None and self.state == "running" else Usage(0.0, 0)

    def written(self) -> int:
        """How many bytes it has written to its own layer of files."""
        return self.process.files.layer.written if self.process is not None else 0

    def last_lines(self) -> str:
        """The end of its log."""
        return self.process.last_lines() if self.process is not None else ""

    def end(self, code: int, reason: str = "", message: str = "") -> None:
        """The process is gone: keep how it ended and tell the kubelet."""
        if self.state == "exited":
            return
        self.state = "exited"
        self.finished_at = self.sandbox.runtime.clock.now()
        self.exit_code = code
        self.reason = reason or ("Completed" if code == 0 else "Error")
        self.message = message or (self.process.termination_message() if self.process is not None else "")
        if self.process is not None:
            self.process.cancel()
        self.sandbox.config.exited(self)
