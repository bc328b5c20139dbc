"""A process in a container: what a program sees of the world, and what it leaves behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k8snb.client.controller import Context
from k8snb.clock import Timer
from k8snb.kubelet import sysctls
from k8snb.kubelet.hostnames import hosts_file, parsed
from k8snb.kubelet.images import table
from k8snb.kubelet.images.filesystem import Filesystem, Volume
from k8snb.kubelet.images.program import PID_STEP, Image, Killed, Program
from k8snb.kubelet.images.script import run_now
from k8snb.kubelet.runtime import ExecResult, LogOptions, RuntimeRefused
from k8snb.packet import HTTPRequest, HTTPResponse, NetworkError

if TYPE_CHECKING:
    from k8snb.kubelet.sandboxes import Container

LOG_LINES = 10_000
"""How many lines of a container's log are kept."""

NODE_MEMORY = 32 * 1024**3
TERMINATION_MESSAGE_PATH = "/dev/termination-log"
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_PAUSE = ("/pause",)
_LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}
_DIRECTORIES = (
    "bin", "data", "dev", "dev/shm", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp",
    "usr/bin", "usr/local", "var/cache", "var/lib", "var/log", "var/run", "var/tmp", "var/www",
)  # fmt: skip


class ContainerProcess:
    """The main process of a container, and what belongs to the container: its files, its log, its ports."""

    def __init__(self, container: Container) -> None:
        sandbox = container.sandbox
        config, surroundings = container.config, sandbox.config
        self.container = container
        self.image: Image = table.IMAGES[config.reference.name]
        self.version = table.version_of(self.image, config.reference.tag)
        self.hostname = sandbox.config.hostname
        self.ip = sandbox.ip
        self.env: Mapping[str, str] = self._environment(surroundings.environment(config.name))
        argv = table.command_line(self.image, config.command, config.args)
        self.argv: Sequence[str] = [expand(word, self.env) for word in argv]
        self.working_directory = config.working_directory or self.image.working_directory
        self.files = Filesystem(self._layer(), surroundings.mounts(config.name))
        self.ports: dict[int, None] = {}
        self.program: Program | None = None
        self.interactive = config.interactive
        self.elapsed = 0.0
        self.memory = 0
        self._frozen: float | None = None
        self._lines: deque[tuple[float, str, str]] = deque(maxlen=LOG_LINES)
        self._partial: dict[str, str] = {}
        self._timers: list[Timer] = []
        self._endings: list[Callable[[], None]] = []

    def _environment(self, given: Mapping[str, str]) -> Mapping[str, str]:
        return {**dict(self.image.env), "HOSTNAME": self.hostname, **given, "HOME": given.get("HOME", "/root")}

    def _layer(self) -> Volume:
        layer = Volume({**self.image.files, **self._generated()})
        layer.directories.update(dict.fromkeys(_DIRECTORIES))
        layer.directories[self.working_directory.strip("/")] = None
        return layer

    def _generated(self) -> dict[str, str]:
        """The files that the kubelet and the runtime write into every container."""
        pod = self.container.sandbox.config.pod
        namespace = pod["metadata"]["namespace"]
        search = f"{namespace}.svc.cluster.local svc.cluster.local cluster.local"
        return {
            "etc/hostname": f"{self.hostname}\n",
            "etc/hosts": hosts_file(pod, self.ip, self.hostname),
            "etc/resolv.conf": f"search {search}\nnameserver {self.nameserver}\noptions ndots:5\n",
            **sysctls.files(pod["spec"]),
        }

    def run(self) -> None:
        """Start the program, as of the moment when the container started."""
        found = self.image.program(self.argv)
        if found is None:
            return
        self._frozen = self.container.started_at
        self.program = found(self)
        self.memory = self.program.memory
        limit = self.memory_limit
        if limit and self.memory > limit:
            self._out_of_memory()
        else:
            self.program.start()
        self._frozen = None

    def cancel(self) -> None:
        """The process is gone: nothing that it was waiting for happens."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for call in self._endings:
            call()
        self._endings.clear()
        self.ports.clear()
        for stream, text in self._partial.items():
            self._lines.append((self.now, stream, text))
        self._partial.clear()

    # -- what a program asks -----------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._frozen if self._frozen is not None else self.container.sandbox.runtime.clock.now() + self.elapsed

    @property
    def memory_limit(self) -> int:
        """Bytes; 0 without a limit."""
        return self.container.config.memory_limit

    @property
    def cpu_limit(self) -> float:
        """Cores; 0 without a limit."""
        return self.container.config.cpu_limit

    @property
    def nameserver(self) -> str:
        """The address of the cluster's DNS."""
        return self.container.sandbox.runtime.network.nameserver

    def log(self, text: str, stream: str = "stdout") -> None:
        """Write to the container's output."""
        *lines, rest = (self._partial.pop(stream, "") + text).split("\n")
        now = self.now
        for line in lines:
            self._lines.append((now, stream, line))
        if rest:
            self._partial[stream] = rest

    def has(self, name: str) -> bool:
        """Whether the image has a command of that name."""
        base, image = name.rpartition("/")[2], self.image
        return image.runner is not None and (base in image.commands or base in image.tools)

    def listen(self, port: int) -> None:
        """Take a port of the pod."""
        if self.container.sandbox.taken(port):
            raise NetworkError("refused", f"{self.ip}:{port}")
        self.ports[port] = None

    def after(self, seconds: float, call: Callable[[], None], *, background: bool = True) -> Timer:
        """Make a call later, unless the process has ended by then."""
        timer = self.container.sandbox.runtime.clock.call_later(seconds, call, background=background)
        self._timers = [kept for kept in self._timers if kept.call is not None]
        self._timers.append(timer)
        return timer

    def exit(self, code: int) -> None:
        """End the process, and with it the container."""
        self.container.end(code)

    def allocate(self, size: int) -> None:
        """Use memory; over the limit the kernel kills the container."""
        self.memory = size
        self.container.sandbox.runtime.grown()
        if size > (self.memory_limit or NODE_MEMORY):
            self._out_of_memory()
            raise Killed

    def _out_of_memory(self) -> None:
        self.container.end(137, "OOMKilled")

    def _visible(self) -> Mapping[int, Container | None]:
        """The containers whose processes it sees, by number; None stands for the sandbox's own process."""
        sandbox, own = self.container.sandbox, _namespace(self.container)
        shared = bool(sandbox.config.pod["spec"].get("shareProcessNamespace"))
        running = [each for each in sandbox.containers if each.state == "running"]
        seen: list[Container | None] = [None] if shared else []
        seen += [each for each in running if shared or _namespace(each) == own]
        return {1 + PID_STEP * i: each for i, each in enumerate(seen or [self.container])}

    def processes(self) -> Mapping[int, Sequence[str]]:
        """The command lines of the processes that it sees, by number, but for commands run in a container later."""
        return {pid: _PAUSE if each is None else each.awake().argv for pid, each in self._visible().items()}

    def kill(self, pid: int, signal: str) -> bool:
        """Send a signal to a process that it sees. A signal from inside cannot kill the first one."""
        seen = self._visible()
        target = seen.get(pid)
        if target is not None and signal == "KILL" and pid > 1:
            target.end(137)
        elif target is not None and signal not in {"KILL", "STOP"}:
            target.awake().signal(signal)
        return pid in seen or pid == max(seen) + PID_STEP

    def signal(self, name: str) -> None:
        """Deliver a signal to the main process."""
        main = self.container.process
        if main is not None and main.program is not None and self.container.state == "running":
            main.program.signal(name)

    def request(self, request: HTTPRequest) -> HTTPResponse:
        """Send an HTTP request."""
        sandbox = self.container.sandbox
        host = self._known(request.host) or request.host
        if host in _LOCAL:
            return sandbox.http(request.port, replace(request, source="127.0.0.1"))
        if host != request.host:
            headers = {**request.headers, "host": request.authority}
            request = replace(request, host=host, headers=headers)
        return sandbox.runtime.network.request(replace(request, source=self.ip, node=self._node))

    def tcp(self, host: str, port: int, data: str = "") -> str:
        """Open a TCP connection."""
        sandbox = self.container.sandbox
        host = self._known(host) or host
        if host in _LOCAL:
            return sandbox.tcp(port, data, "127.0.0.1")
        return sandbox.runtime.network.tcp(self.ip, host, port, data, self._node)

    def resolve(self, name: str) -> Sequence[str]:
        """The addresses of a name."""
        if name in _LOCAL:
            return ["127.0.0.1"]
        known = self._known(name)
        if known:
            return [known]
        return self.container.sandbox.runtime.network.resolve(self.ip, name, self._node)

    @property
    def _node(self) -> str:
        """Where it runs."""
        return str(self.container.sandbox.config.pod["spec"]["nodeName"])

    def _known(self, name: str) -> str:
        """The address that `/etc/hosts` has for a name; empty if it has none. It is asked before any DNS server."""
        text = self.files.read("/etc/hosts") if name not in _LOCAL and self.files.is_file("/etc/hosts") else ""
        return parsed(text).get(name, ("", ""))[0]

    def alias(self, name: str) -> str:
        """The name that a name is only another word for; empty if it is none."""
        return self.container.sandbox.runtime.network.alias(self.ip, name, self._node)

    def cluster(self) -> Context:
        """A client of the API, as the account of the pod.

        It is let in by the token that the kubelet has mounted; the requests themselves go the way of all parts of this
        process, which say who they are.
        """
        pod, door = self.container.sandbox.config.pod, self.container.sandbox.runtime.door
        if door is None or not self.files.is_file(TOKEN_PATH):
            raise NetworkError("refused", TOKEN_PATH)
        namespace, account = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName") or "default"
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        context = door(f"system:serviceaccount:{namespace}:{account}", *groups)
        self.at_end(context.informers.stop)
        return context

    def at_end(self, call: Callable[[], None]) -> None:
        """Make a call when the process ends."""
        self._endings.append(call)

    # -- what the kubelet asks ---------------------------------------------------------------------

    def termination_message(self) -> str:
        """What the process left in its termination log."""
        volume, path, _ = self.files.place(TERMINATION_MESSAGE_PATH)
        return (volume.read(path) or "")[:4096]

    def last_lines(self, count: int = 80, limit: int = 2048) -> str:
        """The end of the log, as `FallbackToLogsOnError` takes it for a termination message."""
        return "".join(f"{line}\n" for _, _, line in list(self._lines)[-count:])[-limit:]

    def log_text(self, options: LogOptions) -> str:
        """The part of the log that is wanted."""
        lines = [entry for entry in self._lines if options.since is None or entry[0] >= options.since]
        lines += [(self.now, stream, text) for stream, text in self._partial.items()]
        if options.tail is not None:
            lines = lines[-options.tail :] if options.tail > 0 else []
        text = "".join(f"{_stamp(at) if options.timestamps else ''}{line}\n" for at, _, line in lines)
        return text if options.limit_bytes is None else text.encode()[: options.limit_bytes].decode(errors="ignore")

    def log_file(self) -> str:
        """The log as the file that the runtime writes: time, stream, `F` for a full line, and the line."""
        return "".join(f"{_stamp(at)}{stream} F {line}\n" for at, stream, line in self._lines)


def _namespace(container: Container) -> str:
    """Whose processes a container sees: its own, or those of the container that it looks at."""
    return container.config.target or container.config.name


class ExecProcess(ContainerProcess):
    """A further process in a running container: the same files, network and log, its own arguments."""

    def __init__(self, container: Container, argv: Sequence[str]) -> None:
        main = container.awake()
        self.__dict__.update(main.__dict__)
        self.argv = main.argv
        self.command = list(argv)
        self.interactive = False
        self.elapsed = 0.0

    def result(self, stdin: str, timeout: float) -> ExecResult:
        """Run the command to its end."""
        name = self.command[0] if self.command else ""
        if not self.has(name):
            missing = f"stat {name}: no such file or directory" if "/" in name else "executable file not found in $PATH"
            why = f'exec: "{name}": {missing}: unknown'
            raise RuntimeRefused(
                f'failed to exec in container: failed to start exec "{self.container.id}": OCI runtime exec failed: '
                f"exec failed: unable to start container process: {why}"
            )
        return run_now(self, self.command, stdin, timeout)


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by the variable's value where it is set; `$$` stands for one dollar sign.

    Upstream: `third_party/forked/golang/expansion`.
    """
    if "$" not in text:
        return text
    pieces: list[str] = []
    at = 0
    while (mark := text.find("$", at)) >= 0 and mark + 1 < len(text):
        pieces.append(text[at:mark])
        at = mark + 2
        if text[mark + 1] == "$":
            pieces.append("$")
        elif text[mark + 1] == "(" and (end := text.find(")", mark)) > 0:
            name = text[mark + 2 : end]
            pieces.append(env.get(name, f"$({name})"))
            at = end + 1
        else:
            pieces.append(text[mark : mark + 2])
    return "".join(pieces) + text[at:]


def _stamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond * 1000:09}Z "
