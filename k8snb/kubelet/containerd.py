"""A simulated container runtime: sandboxes, containers, images, and the calls of the CRI on them.

Durations are constants without jitter, so that pods which are bound together become ready together; a pull
takes as long as the image is large. What it makes are `sandboxes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from k8snb.client.controller import Context
from k8snb.clock import Clock
from k8snb.kubelet.images import table
from k8snb.kubelet.images.interactive import ShellSession, is_typed_into
from k8snb.kubelet.process import ExecProcess
from k8snb.kubelet.references import Reference
from k8snb.kubelet.runtime import (
    SANDBOX_SECONDS,
    Call,
    CallLog,
    ContainerConfig,
    ContainerView,
    ExecResult,
    LogOptions,
    Network,
    Pull,
    RuntimeRefused,
    SandboxConfig,
    SandboxView,
)
from k8snb.kubelet.sandboxes import Container, Sandbox, launch
from k8snb.typing import Object

PULL_SECONDS = 0.6
"""What a pull takes besides the transfer: names, tokens, manifests."""

PULL_BYTES_PER_SECOND = 40_000_000.0

CHECK_SECONDS = 0.4
"""A pull of what is present already: the registry is asked for the digest, and nothing is transferred."""

DEFAULT_HANDLERS = ("runc",)
"""The configurations that a runtime has out of the box."""

REFUSED_SECONDS = 1.0
"""How long it takes until a registry has refused."""


class SimulatedRuntime:
    """The runtime of one node."""

    def __init__(
        self,
        node: str,
        clock: Clock,
        network: Network,
        calls: CallLog | None = None,
        handlers: Sequence[str] = DEFAULT_HANDLERS,
        door: Callable[..., Context] | None = None,
    ) -> None:
        self.node = node
        self.door = door
        """Lets programs in pods in to the API: from the name and the groups of a user to a context."""
        self.handlers = handlers
        self.clock = clock
        self.network = network
        self.calls = calls or CallLog(enabled=False)
        self.grown: Callable[[], None] = lambda: None
        """Called when a process has taken memory that it did not begin with."""
        self._images: dict[Reference, float] = {}

    def _record(
        self, service: str, method: str, request: Mapping[str, Any], response: Mapping[str, Any], seconds: float = 0.0
    ) -> None:
        self.calls.calls.append(Call(self.clock.now(), self.node, service, method, request, response, seconds))

    # -- sandboxes ---------------------------------------------------------------------------------

    def run_pod_sandbox(self, config: SandboxConfig, handler: str = "") -> tuple[Sandbox, float]:
        """Make the namespaces and connect the pod; it is ready after so many seconds."""
        if handler and handler not in self.handlers:
            why = f'failed to get sandbox runtime: no runtime for "{handler}" is configured'
            raise RuntimeRefused(f"rpc error: code = Unknown desc = {why}")
        sandbox = Sandbox(self, config)
        sandbox.ip = self.network.attach(config.pod, config.host_ip, sandbox)
        if self.calls.enabled:
            request = {**_pod(config.pod), "runtime_handler": handler} if handler else _pod(config.pod)
            response = {"pod_sandbox_id": sandbox.id, "ip": sandbox.ip}
            self._record("RuntimeService", "RunPodSandbox", request, response, SANDBOX_SECONDS)
        return sandbox, SANDBOX_SECONDS

    def stop_pod_sandbox(self, sandbox: SandboxView) -> None:
        """Kill what still runs and disconnect the pod."""
        assert isinstance(sandbox, Sandbox)
        for container in sandbox.containers:
            if container.state == "running":
                container.end(137)
        if sandbox.ready:
            sandbox.ready = False
            self.network.detach(sandbox.ip, sandbox)
        if self.calls.enabled:
            self._record("RuntimeService", "StopPodSandbox", _of(sandbox), {})

    def remove_pod_sandbox(self, sandbox: SandboxView) -> None:
        """Forget the sandbox and its containers."""
        assert isinstance(sandbox, Sandbox)
        if self.calls.enabled:
            self._record("RuntimeService", "RemovePodSandbox", _of(sandbox), {})
        sandbox.containers = ()

    # -- containers --------------------------------------------------------------------------------

    def create_container(self, sandbox: SandboxView, config: ContainerConfig, attempt: int) -> Container:
        """Make a container."""
        assert isinstance(sandbox, Sandbox)
        container = Container(sandbox, config, attempt)
        sandbox.containers += (container,)
        if self.calls.enabled:
            request = {**_of(sandbox), "container": config.name, "image": str(config.reference), "attempt": attempt}
            self._record("RuntimeService", "CreateContainer", request, {"container_id": container.id})
        return container

    def recall(self, config: SandboxConfig, container: ContainerConfig, attempt: int) -> Container:
        """A container that ended with the machine."""
        found = Container(Sandbox(self, config), container, attempt)
        found.state = "exited"
        return found

    def start_container(self, container: ContainerView) -> None:
        """Run its process."""
        assert isinstance(container, Container)
        if self.calls.enabled:
            self._record("RuntimeService", "StartContainer", _of(container.sandbox, container), {})
        _, program, idle, _, name = launch(container.config)
        if program is None:
            self._cannot_start(container, name)
        container.state = "running"
        container.started_at = self.clock.now()
        if not idle or len(container.sandbox.containers) > 1:
            container.awake()

    def _cannot_start(self, container: Container, name: str) -> None:
        why = f'exec: "{name}": executable file not found in $PATH'
        if "/" in name:
            why = f'exec: "{name}": stat {name}: no such file or directory'
        message = (
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
            f"runc create failed: unable to start container process: error during container init: {why}: unknown"
        )
        container.state, container.exit_code, container.reason = "exited", 128, "StartError"
        container.message, container.finished_at = message, self.clock.now()
        raise RuntimeRefused(message)

    def stop_container(self, container: ContainerView, timeout: float) -> None:
        """Send the stop signal; kill the process `timeout` seconds later if it still runs."""
        assert isinstance(container, Container)
        if self.calls.enabled:
            self._record(
                "RuntimeService", "StopContainer", {**_of(container.sandbox, container), "timeout": timeout}, {}
            )
        if container.state != "running":
            return
        if timeout <= 0:
            container.end(137)
            return
        image, program, _, heeds, _ = launch(container.config)
        if container.process is not None:
            container.process.after(timeout, lambda: container.end(137), background=False)
            container.process.signal(container.config.stop_signal or image.stop_signal)
        elif program is not None and heeds:
            self.clock.call_later(program.stop_seconds, lambda: container.end(0))
        else:
            self.clock.call_later(timeout, lambda: container.end(137))

    def update_container_resources(self, container: ContainerView, config: ContainerConfig) -> None:
        """Let it run on with other limits; 0 is none."""
        assert isinstance(container, Container)
        container.config = config
        if self.calls.enabled:
            request = {**_of(container.sandbox, container), "cpu": config.cpu_limit, "memory": config.memory_limit}
            self._record("RuntimeService", "UpdateContainerResources", request, {})

    def remove_container(self, container: ContainerView) -> None:
        """Forget an exited container."""
        assert isinstance(container, Container)
        if self.calls.enabled:
            self._record("RuntimeService", "RemoveContainer", _of(container.sandbox, container), {})
        container.sandbox.containers = tuple(each for each in container.sandbox.containers if each is not container)

    def exec_sync(
        self, container: ContainerView, command: Sequence[str], stdin: str = "", timeout: float = 3600.0
    ) -> ExecResult:
        """Run a command in a container."""
        assert isinstance(container, Container)
        if self.calls.enabled:
            request = {**_of(container.sandbox, container), "cmd": list(command)}
            self._record("RuntimeService", "ExecSync", request, {})
        if container.state != "running":
            raise RuntimeRefused(f"container is in CONTAINER_{container.state.upper()} state")
        return ExecProcess(container, command).result(stdin, timeout)

    def shell(self, container: ContainerView, command: Sequence[str]) -> ShellSession | None:
        """A shell to type into: a new one, or without a command the container's own; None where there is none."""
        assert isinstance(container, Container)
        main = container.awake()
        argv = list(command) or main.argv
        if container.state != "running" or not is_typed_into(argv) or not (command or main.interactive):
            return None
        if not main.has(argv[0]):
            return None
        return ShellSession(ExecProcess(container, argv), argv[0], main=None if command else main)

    def port_forward(self, sandbox: SandboxView) -> Sandbox:
        """The pod's network."""
        assert isinstance(sandbox, Sandbox)
        if self.calls.enabled:
            self._record("RuntimeService", "PortForward", _of(sandbox), {})
        return sandbox

    def logs(self, container: ContainerView, options: LogOptions) -> str:
        """What the container wrote."""
        assert isinstance(container, Container)
        return container.awake().log_text(options) if container.started_at else ""

    def log_file(self, container: ContainerView) -> str:
        """The file that the container's log is written to."""
        assert isinstance(container, Container)
        return container.awake().log_file() if container.started_at else ""

    # -- images ------------------------------------------------------------------------------------

    def image_status(self, reference: Reference) -> str:
        """The image's reference by digest if it is present."""
        present = self._images.get(reference, float("inf")) <= self.clock.now()
        found = table.image_ref(reference) if present else ""
        if self.calls.enabled:
            self._record("ImageService", "ImageStatus", {"image": str(reference)}, {"image_ref": found})
        return found

    def pull_image(self, reference: Reference) -> Pull:
        """Fetch an image; a pull of it that is under way already serves this one too."""
        pull = self._pull(reference)
        if self.calls.enabled:
            response = {"error": pull.error} if pull.error else {"image_ref": pull.image_ref}
            self._record("ImageService", "PullImage", {"image": str(reference)}, response, pull.seconds)
        return pull

    def _pull(self, reference: Reference) -> Pull:
        error = table.refusal(reference)
        if error:
            return Pull(REFUSED_SECONDS, error=error)
        now = self.clock.now()
        present = self._images.get(reference)
        if present is not None:
            return _pulled(reference, max(present - now, CHECK_SECONDS))
        pull = _pulled(reference, None)
        self._images[reference] = now + pull.seconds
        return pull

    def preload(self, *references: Reference) -> None:
        """Put images on the node, as a machine image that carries them does."""
        for reference in references:
            self._images[reference] = 0.0

    def list_images(self) -> list[Object]:
        """The images that are present, largest first, as a node's status lists them."""
        now = self.clock.now()
        present = [reference for reference, since in self._images.items() if since <= now]
        rows = [{"names": [table.image_ref(r), str(r)], "sizeBytes": table.IMAGES[r.name].size} for r in present]
        return sorted(rows, key=lambda row: (-int(str(row["sizeBytes"])), str(row["names"])))


@lru_cache(maxsize=1024)
def _pulled(reference: Reference, seconds: float | None) -> Pull:
    """A pull that succeeds after so many seconds, or after as many as a new one takes."""
    size = table.IMAGES[reference.name].size
    if seconds is None:
        seconds = round(PULL_SECONDS + size / PULL_BYTES_PER_SECOND, 3)
    return Pull(seconds, image_ref=table.image_ref(reference), size=size)


def _pod(pod: Object) -> dict[str, Any]:
    meta = pod["metadata"]
    return {"pod": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}


def _of(sandbox: Sandbox, container: Container | None = None) -> dict[str, Any]:
    named: dict[str, Any] = {"pod": sandbox.config.pod["metadata"]["name"], "pod_sandbox_id": sandbox.id}
    return {**named, "container": container.config.name, "container_id": container.id} if container else named
