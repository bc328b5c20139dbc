"""The seams below the kubelet: the container runtime (CRI) and the pod network (CNI).

The kubelet knows nothing about containers but what it can ask of a `RuntimeService` and an `ImageService`,
the two services of the Container Runtime Interface; their methods have the CRI's names in Python's spelling.
A real call blocks until the work is done. Here nothing blocks: a call answers at once and says with
`seconds` how much virtual time the work takes, and the caller comes back then.

A `Network` gives pods addresses and carries requests between them. To the network a pod is an `Endpoint`:
it is asked who answers on a port only when a request arrives, so a listening server costs nothing until then.

Every call can be kept in a `CallLog`, from which a page draws what one pod makes the kubelet ask for.
Upstream: `cri-api/pkg/apis/runtime/v1/api.proto`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from k8snb.kubelet.images.filesystem import Mount
from k8snb.kubelet.images.program import Usage
from k8snb.kubelet.references import Reference
from k8snb.packet import Endpoint, HTTPRequest, HTTPResponse
from k8snb.typing import Object

RUNTIME_NAME = "containerd"
RUNTIME_VERSION = "2.2.1"
RUNTIME_API_VERSION = "v1"

SANDBOX_SECONDS = 0.5
"""How long a simulated sandbox takes, network included."""

START_SECONDS = 0.5
"""How long a simulated container takes from its creation until its process runs."""

_NOTHING: Mapping[str, str] = {}


# -- the network ---------------------------------------------------------------------------------------


class Network(Protocol):
    """What gives pods their addresses and carries what they send."""

    @property
    def nameserver(self) -> str:
        """The address of the cluster's DNS, as `/etc/resolv.conf` names it."""
        ...

    def attach(self, pod: Object, host_ip: str, endpoint: Endpoint) -> str:
        """Connect a pod (CNI ADD) and return its address: `host_ip` if the pod uses the host's network."""
        ...

    def detach(self, ip: str, endpoint: Endpoint) -> None:
        """Disconnect a pod (CNI DEL) and give its address back."""
        ...

    def problem(self, node: str) -> str:
        """Why no pod can be connected on a node, as the runtime says it; empty if pods can."""
        ...

    def request(self, request: HTTPRequest) -> HTTPResponse:
        """Send an HTTP request from `request.source`; raises NetworkError."""
        ...

    def tcp(self, source: str, host: str, port: int, data: str = "", node: str = "") -> str:
        """Open a TCP connection, say something and return what comes back; raises NetworkError."""
        ...

    def resolve(self, source: str, name: str, node: str = "") -> Sequence[str]:
        """The addresses of a name as the pod at `source` (on `node`) resolves it; raises NetworkError (`not found`)."""
        ...

    def alias(self, source: str, name: str, node: str = "") -> str:
        """The name that a name is only another word for (an ExternalName Service's); empty if it is none."""
        ...


# -- the runtime ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Pull:
    """What became of pulling an image: its reference, or the error; known after `seconds`."""

    seconds: float
    waited: float = 0.0
    """How much longer it took because another pull of the image was under way."""
    image_ref: str = ""
    size: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command in a container wrote and how it ended. `seconds` is how long it took, in virtual time."""

    stdout: str
    stderr: str
    exit_code: int
    seconds: float = 0.0


class RuntimeRefused(Exception):
    """The runtime refused; the message is containerd's."""


@dataclass(frozen=True, slots=True, eq=False)
class ContainerConfig:
    """What a container is to be, as far as every pod of a template shares it."""

    name: str
    reference: Reference
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_directory: str = ""
    memory_limit: int = 0
    """Bytes; 0 without a limit."""
    cpu_limit: float = 0.0
    """Cores; 0 without a limit."""
    stop_signal: str = ""
    interactive: bool = False
    """Whether standard input stays open."""
    target: str = ""
    """The container of the pod whose processes it sees, besides its own."""


class SandboxConfig(Protocol):
    """The pod that a sandbox is for, and what the kubelet prepares for its containers.

    Environment and mounts are asked for when a process first needs them.
    """

    @property
    def pod(self) -> Object:
        """The pod as the API has it."""
        ...

    @property
    def host_ip(self) -> str:
        """The node's address."""
        ...

    @property
    def hostname(self) -> str:
        """What the pod calls itself."""
        ...

    def environment(self, container: str) -> Mapping[str, str]:
        """The container's environment variables."""
        ...

    def mounts(self, container: str) -> Sequence[Mount]:
        """The volumes in the container's tree of files."""
        ...

    def exited(self, container: ContainerView) -> None:
        """A container of the pod has ended."""
        ...


class SandboxView(Protocol):
    """A pod's sandbox: the namespaces that its containers share."""

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        ...

    @property
    def ip(self) -> str:
        """The pod's address."""
        ...


class ContainerView(Protocol):
    """The state of one container, as `ContainerStatus` reports it. Times are seconds since the epoch."""

    config: ContainerConfig
    attempt: int
    state: str
    """`created`, `running` or `exited`."""
    started_at: float
    finished_at: float
    exit_code: int
    reason: str
    message: str

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        ...

    def last_lines(self) -> str:
        """The end of its log, as a termination message takes it."""
        ...

    def usage(self) -> Usage:
        """What it uses just now."""
        ...

    def written(self) -> int:
        """How many bytes it has written to its own layer of files."""
        ...


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which part of a log is wanted. Times are seconds since the epoch, sizes bytes."""

    tail: int | None = None
    since: float | None = None
    timestamps: bool = False
    limit_bytes: int | None = None
    previous: bool = False


class RuntimeService(Protocol):
    """The part of the CRI that runs containers."""

    def run_pod_sandbox(self, config: SandboxConfig, handler: str = "") -> tuple[SandboxView, float]:
        """Make a pod's namespaces and connect it to the network; ready after so many seconds.

        `handler` names one of the runtime's configurations, the default one if empty; raises RuntimeRefused if there is
        none of that name.
        """
        ...

    def stop_pod_sandbox(self, sandbox: SandboxView) -> None:
        """Kill what still runs in it and disconnect it."""
        ...

    def remove_pod_sandbox(self, sandbox: SandboxView) -> None:
        """Forget it."""
        ...

    def create_container(self, sandbox: SandboxView, config: ContainerConfig, attempt: int) -> ContainerView:
        """Make a container from an image that is present."""
        ...

    def recall(self, config: SandboxConfig, container: ContainerConfig, attempt: int) -> ContainerView:
        """A container that ended with the machine: its name and number are on the disk, and nothing else of it."""
        ...

    def start_container(self, container: ContainerView) -> None:
        """Run its process; raises RuntimeRefused, and leaves it exited, if that cannot be run."""
        ...

    def stop_container(self, container: ContainerView, timeout: float) -> None:
        """Ask the process to end, and kill it `timeout` seconds later if it has not."""
        ...

    def update_container_resources(self, container: ContainerView, config: ContainerConfig) -> None:
        """Let a container run on with other limits."""
        ...

    def remove_container(self, container: ContainerView) -> None:
        """Forget an exited container and its log."""
        ...

    def exec_sync(self, container: ContainerView, command: Sequence[str], stdin: str, timeout: float) -> ExecResult:
        """Run a command in a container; raises RuntimeRefused if it cannot be run."""
        ...

    def shell(self, container: ContainerView, command: Sequence[str]) -> TypedShell | None:
        """A shell to type into: a new one, or without a command the container's own; None where there is none."""
        ...

    def port_forward(self, sandbox: SandboxView) -> Endpoint:
        """The pod's network, for those who connect to its ports."""
        ...

    def log_file(self, container: ContainerView) -> str:
        """The file that the container's log is written to."""
        ...

    def logs(self, container: ContainerView, options: LogOptions) -> str:
        """What the container wrote."""
        ...


class TypedShell(Protocol):
    """A shell that somebody types into."""

    ended: int | None
    """Its exit status, once it has ended."""

    @property
    def prompt(self) -> str:
        """What it shows when it waits for a line."""
        ...

    def feed(self, line: str) -> tuple[str, str]:
        """Do what a line says: its output and its errors."""
        ...

    def end(self) -> int:
        """No line will come any more: the exit status."""
        ...


class ImageService(Protocol):
    """The part of the CRI that looks after images."""

    def image_status(self, reference: Reference) -> str:
        """The image's reference by digest if it is present on the node, else nothing."""
        ...

    def preload(self, *references: Reference) -> None:
        """Let images be there without anybody having fetched them."""
        ...

    def pull_image(self, reference: Reference) -> Pull:
        """Fetch an image; it is present when the pull's seconds have passed."""
        ...

    def list_images(self) -> Sequence[Object]:
        """The images that are present, as a node's status lists them."""
        ...


class Runtime(RuntimeService, ImageService, Protocol):
    """A container runtime: both services. It calls `grown` when a process has taken memory."""

    grown: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Call:
    """One call across the seam: when, on which node, which method of the CRI, with what, answered how."""

    time: float
    node: str
    service: str
    method: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    seconds: float = 0.0
    """How long the work takes, in virtual time, if it is not done at once."""

    def __str__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self.request.items())
        return f"{self.service}.{self.method}({said})"


class CallLog:
    """The last calls, oldest first. It only listens while `enabled`."""

    def __init__(self, limit: int = 10_000, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self.calls: deque[Call] = deque(maxlen=limit)

    def of_pod(self, name: str) -> list[Call]:
        """The calls made for the pod of that name."""
        return [call for call in self.calls if call.request.get("pod") == name]
