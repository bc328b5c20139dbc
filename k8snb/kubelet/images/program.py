"""What an image is, and what a program in it can do.

An `Image` is a row of a table: its real name, its size, its entrypoint and environment, the files in it, and
the programs it can run. A `Program` is the simulated executable: it starts, may listen on ports, answers
requests, writes logs, reacts to signals and ends. All it knows of the world is its `Process`: files,
environment, clock, network, log.

A program whose class says that it is *idle* does nothing until asked (a web server, a `pause`): its object is
made when the first request, `exec` or look at its logs needs it, and behaves as if it had run since its
container started. So a thousand web servers cost what one costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from k8snb.client.controller import Context
from k8snb.kubelet.images.filesystem import Filesystem
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

SIGNAL_NUMBERS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15, "WINCH": 28}
MEBIBYTE = 1024 * 1024

PID_STEP = 6
"""How far apart the numbers of the processes are that a container sees."""


class Killed(Exception):
    """The process is no more: nothing of what it was doing goes on."""


class Cancellable(Protocol):
    """A call that is due, and can be taken back."""

    def cancel(self) -> None: ...


class Process(Protocol):
    """The world as one running process sees it."""

    argv: Sequence[str]
    env: Mapping[str, str]
    files: Filesystem
    hostname: str
    working_directory: str
    ip: str
    image: Image
    version: str
    """The version that the image's tag names."""
    interactive: bool
    """Whether its standard input stays open for somebody to type."""
    elapsed: float
    """Seconds by which a command that runs at once is ahead of the clock."""

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    @property
    def memory_limit(self) -> int:
        """Bytes the container may use; 0 when it is not limited."""
        ...

    @property
    def cpu_limit(self) -> float:
        """Cores the container may use; 0 when it is not limited."""
        ...

    @property
    def nameserver(self) -> str:
        """The address of the DNS server that names are resolved with; empty without a network."""
        ...

    def log(self, text: str, stream: str = "stdout") -> None:
        """Write to the container's standard output or error; a line is kept once it is complete."""
        ...

    def listen(self, port: int) -> None:
        """Take a TCP port of the pod; raises NetworkError (`refused`) if another process has it."""
        ...

    def after(self, seconds: float, call: Callable[[], None], *, background: bool = True) -> Cancellable:
        """Make a call later, unless the process has ended by then."""
        ...

    def exit(self, code: int) -> None:
        """End the process, and with it the container."""
        ...

    def allocate(self, size: int) -> None:
        """Use that many bytes of memory; the kernel kills the container if that is over its limit."""
        ...

    def processes(self) -> Mapping[int, Sequence[str]]:
        """The command lines of the processes that it sees, by number, but for commands run in a container later."""
        ...

    def kill(self, pid: int, signal: str) -> bool:
        """Send a signal to a process of the container; False if there is no such process."""
        ...

    def request(self, request: HTTPRequest) -> HTTPResponse:
        """Send an HTTP request; `localhost` is the pod itself. Raises NetworkError."""
        ...

    def tcp(self, host: str, port: int, data: str = "") -> str:
        """Open a TCP connection, say something and return what comes back; raises NetworkError."""
        ...

    def resolve(self, name: str) -> Sequence[str]:
        """The addresses of a name; raises NetworkError (`not found`)."""
        ...

    def alias(self, name: str) -> str:
        """The name that a name is only another word for; empty if it is none."""
        ...

    def cluster(self) -> Context:
        """A client of the API with informers of its own, as the pod's account; raises NetworkError without a token."""
        ...

    def at_end(self, call: Callable[[], None]) -> None:
        """Make a call when the process ends, however that comes about."""
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container uses just now: CPU in thousandths of a core, memory in bytes."""

    cpu_millicores: float
    memory_bytes: int


class Program:
    """A simulated executable. Subclasses say what it does; this one runs for ever and does nothing."""

    idle: ClassVar[bool] = True
    """Whether it does nothing observable until somebody asks (see above)."""

    stop_seconds: ClassVar[float] = 0.02
    """How long it takes to end after a signal that it heeds: an idle daemon needs some twenty milliseconds."""

    memory: ClassVar[int] = 4 * MEBIBYTE
    """Bytes it needs to run at all."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def start(self) -> None:
        """Begin: write the start-up log, take the ports."""

    def signal(self, name: str) -> None:
        """A signal other than KILL arrives (`TERM`, `QUIT` …). By default the program ends well."""
        if name in {"TERM", "QUIT", "INT", self.process.image.stop_signal}:
            self.process.after(self.stop_seconds, lambda: self.process.exit(0), background=False)

    def http(self, port: int, request: HTTPRequest) -> HTTPResponse:
        """Answer an HTTP request."""
        raise NetworkError("refused")

    def tcp(self, port: int, data: str, source: str) -> str:
        """Answer what a client says on a plain connection."""
        return ""

    def usage(self) -> Usage:
        """What it uses now."""
        return Usage(1.0, self.memory)

    @classmethod
    def is_idle(cls, argv: Sequence[str]) -> bool:
        """Whether it is idle when run with these arguments."""
        return cls.idle

    @classmethod
    def heeds_signals(cls, argv: Sequence[str]) -> bool:
        """Whether, idle, it ends well on a signal. The first process of a container ignores what it does not handle."""
        return True


@dataclass(frozen=True, eq=False)
class Image:
    """One repository, as every known tag of it behaves."""

    name: str
    """In full: `docker.io/library/nginx`."""
    size: int
    """Bytes that a pull transfers."""
    programs: Mapping[str, type[Program]]
    """The programs by the name that runs them; the base name of a path counts."""
    large: Mapping[str, Callable[[], type[Program]]] = field(default_factory=dict)
    """Further programs, which bring much along: each is imported when it is first run."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = (("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),)
    files: Mapping[str, str] = field(default_factory=dict)
    runner: type[Program] | None = None
    """The program that runs `commands` and scripts."""
    commands: frozenset[str] = frozenset()
    """The shell commands that exist in it besides its programs; none means that it has no shell."""
    tools: Mapping[str, Any] = field(default_factory=dict)
    """Commands of its own (`redis-cli`, `nginx -s`), as the shell's commands are."""
    shell: str = ""
    """How its shell words an error: `busybox`, `dash`, or empty."""
    stop_signal: str = "TERM"
    user: int = 0
    working_directory: str = "/"
    version: str = "1.0"
    tags: frozenset[str] = frozenset()
    """Tags that it has besides those that look like a version or are usual everywhere."""

    def program(self, argv: Sequence[str]) -> type[Program] | None:
        """The program that a command line runs, or None if there is no such executable."""
        if not argv:
            return None
        name = argv[0].rpartition("/")[2]
        if name in self.large:
            return self.large[name]()
        found = self.programs.get(name)
        return self.runner if found is None and (name in self.commands or name in self.tools) else found
