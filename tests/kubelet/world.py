"""Small worlds for these tests: a network without a cluster, a runtime without a kubelet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.clock import VirtualClock
from k8snb.kubelet.containerd import SimulatedRuntime
from k8snb.kubelet.images.filesystem import Mount
from k8snb.kubelet.references import parse
from k8snb.kubelet.runtime import CallLog, ContainerConfig, ContainerView, ExecResult
from k8snb.kubelet.sandboxes import Container, Sandbox
from k8snb.packet import Endpoint, HTTPRequest, HTTPResponse, NetworkError
from k8snb.typing import Object


class TinyNetwork:
    """Addresses in order of arrival; names are what a test says they are."""

    nameserver = "10.96.0.10"

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.names: dict[str, str] = {}
        self._count = 1

    def problem(self, node: str) -> str:
        return ""

    def attach(self, pod: Object, host_ip: str, endpoint: Endpoint) -> str:
        if pod["spec"].get("hostNetwork"):
            return host_ip
        self._count += 1
        ip = f"10.244.{self._count // 256}.{self._count % 256}"
        self.endpoints[ip] = endpoint
        return ip

    def detach(self, ip: str, endpoint: Endpoint) -> None:
        self.endpoints.pop(ip, None)

    def _endpoint(self, source: str, host: str, port: int) -> Endpoint:
        ip = self.resolve(source, host)[0]
        if ip not in self.endpoints:
            raise NetworkError("timeout", f"{ip}:{port}", 130.0)
        return self.endpoints[ip]

    def request(self, request: HTTPRequest) -> HTTPResponse:
        return self._endpoint(request.source, request.host, request.port).http(request.port, request)

    def tcp(self, source: str, host: str, port: int, data: str = "", node: str = "") -> str:
        return self._endpoint(source, host, port).tcp(port, data, source)

    def resolve(self, source: str, name: str, node: str = "") -> Sequence[str]:
        if name[:1].isdigit():
            return [name]
        if name not in self.names:
            raise NetworkError("not found", name)
        return [self.names[name]]

    def alias(self, source: str, name: str, node: str = "") -> str:
        return ""


class Bare:
    """A sandbox without a kubelet: what a test gives, and the containers that ended."""

    host_ip = "10.0.0.1"

    def __init__(self, pod: Object, env: Mapping[str, str], mounts: Sequence[Mount]) -> None:
        self.pod = pod
        self.hostname = pod["metadata"]["name"]
        self.env = env
        self.volumes = mounts
        self.ended: list[ContainerView] = []

    def environment(self, container: str) -> Mapping[str, str]:
        return self.env

    def mounts(self, container: str) -> Sequence[Mount]:
        return self.volumes

    def exited(self, container: ContainerView) -> None:
        self.ended.append(container)


class World:
    """A clock, a network and one node's runtime, and containers run with one line each."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.network = TinyNetwork()
        self.calls = CallLog()
        self.runtime = SimulatedRuntime("node-1", self.clock, self.network, self.calls)
        self._pods = 0

    def sandbox(self, *, env: Mapping[str, str] = {}, mounts: Sequence[Mount] = ()) -> Sandbox:
        self._pods += 1
        meta = {"name": f"pod-{self._pods}", "namespace": "default", "uid": f"uid-{self._pods}"}
        pod = {"metadata": meta, "spec": {"nodeName": "node-1"}}
        return self.runtime.run_pod_sandbox(Bare(pod, env, mounts))[0]

    def run(
        self,
        image: str,
        *command: str,
        args: Sequence[str] = (),
        sandbox: Sandbox | None = None,
        env: Mapping[str, str] = {},
        mounts: Sequence[Mount] = (),
        memory: int = 0,
    ) -> Container:
        home = sandbox or self.sandbox(env=env, mounts=mounts)
        name = f"c{len(home.containers)}"
        config = ContainerConfig(name, parse(image), tuple(command), tuple(args), memory_limit=memory)
        container = self.runtime.create_container(home, config, 0)
        self.runtime.start_container(container)
        return container

    def sh(self, script: str, image: str = "busybox", **options: object) -> Container:
        return self.run(image, "sh", "-c", script, **options)  # type: ignore[arg-type]

    def exec(self, container: Container, *command: str, stdin: str = "") -> ExecResult:
        return self.runtime.exec_sync(container, command, stdin, 3600.0)

    def pass_time(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while (due := self.clock.next_due()) is not None and due <= end:
            self.clock.advance_to(due)
            self.clock.fire_due()
        self.clock.advance_to(end)


def log(container: Container) -> str:
    """All that a container wrote."""
    return "".join(f"{line}\n" for _, _, line in container.awake()._lines)
