"""Probes: is the container started, alive, ready?

A probe asks every `periodSeconds`, first `initialDelaySeconds` after the container's start. So many failures or
successes in a row as its thresholds say make a result; the result of a startup or liveness probe may kill the
container, that of a readiness probe makes it ready or not. Until the first result the cluster counts as
unsettled; from then on probing is housekeeping. Upstream: `pkg/kubelet/prober`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from k8snb.kubelet.pool import Probed
from k8snb.kubelet.runtime import RuntimeRefused
from k8snb.packet import HTTPRequest, NetworkError
from k8snb.typing import Object, ObjectKey

if TYPE_CHECKING:
    from k8snb.kubelet.container import ContainerUnit
    from k8snb.kubelet.kubelet import Kubelet

AGENT = "kube-probe/1.36"
_TITLES = {"startup": "Startup", "liveness": "Liveness", "readiness": "Readiness"}


class Result(NamedTuple):
    """One answer: whether the probe succeeded, and what to say if it did not."""

    success: bool
    output: str = ""


class Probe:
    """One probe of one running container."""

    __slots__ = ("epoch", "kind", "last", "run", "settled", "spec", "unit")

    def __init__(self, unit: ContainerUnit, kind: str, spec: Object) -> None:
        self.unit = unit
        self.kind = kind
        self.spec = spec
        self.epoch = 0
        self.last: bool | None = None
        self.run = 0
        """How many times in a row the last answer was given."""
        self.settled = False
        """Whether there has been a result."""

    @property
    def host(self) -> Kubelet:
        """The kubelet."""
        return self.unit.worker.kubelet

    @property
    def key(self) -> ObjectKey:
        """The pod's key."""
        return self.unit.worker.key

    def begin(self) -> None:
        """Make the first appointment; liveness and readiness wait for the startup probe."""
        if (self.kind == "startup") == self.unit.started:
            return
        assert self.unit.container is not None
        since = self.host.clock.now() - self.unit.container.started_at
        self._later(max(float(self.spec.get("initialDelaySeconds", 0)) - since, 0.0))

    def stop(self) -> None:
        """Forget the next appointment."""
        self.epoch += 1

    def _later(self, seconds: float) -> None:
        self.host.pool.later(seconds, self, "probe", background=self.settled)

    def deliver(self, event: str) -> None:
        """Ask once, and act on the result if there is one."""
        unit = self.unit
        result = check(self.spec, unit)
        if not result.success:
            unit.tell("Warning", "Unhealthy", f"{_TITLES[self.kind]} probe failed: {result.output}")
        if self.host.pool.tracing:
            self.host.pool.probed.append(self._told(result))
        self.run = self.run + 1 if self.last == result.success else 1
        self.last = result.success
        threshold = self.spec.get("successThreshold", 1) if result.success else self.spec.get("failureThreshold", 3)
        if self.run >= int(threshold):
            self.settled = True
            self._act(result.success)
        if unit.state == "Running" and not (self.kind == "startup" and unit.started):
            self._later(float(self.spec.get("periodSeconds", 10)))
        unit.worker.fire("container changed")

    def _told(self, result: Result) -> Probed:
        unit, period = self.unit, float(self.spec.get("periodSeconds", 10))
        now, name = self.host.clock.now(), unit.plan.name
        return Probed(now, unit.worker.uid, name, unit.attempt, self.kind, result.success, result.output, period)

    def _act(self, success: bool) -> None:
        unit = self.unit
        if self.kind == "readiness":
            unit.ready = success
        elif not success:
            grace = self.spec.get("terminationGracePeriodSeconds")
            seconds = None if grace is None else float(grace)
            message = f"Container {unit.plan.name} failed {self.kind} probe"
            if unit.plan.policy == "Never":
                unit.stop_because(message, seconds)
            else:
                unit.replace(f"{message}, will be restarted", seconds)
        elif self.kind == "startup" and not unit.started:
            unit.startup_done()


def check(spec: Object, unit: ContainerUnit) -> Result:
    """Ask a container once."""
    if "exec" in spec:
        return _exec(spec, unit)
    if "httpGet" in spec:
        return _http(spec, unit)
    if "tcpSocket" in spec:
        return _tcp(spec["tcpSocket"], unit)
    return _grpc(spec["grpc"], spec, unit)


def port_number(port: object, container: Object) -> int:
    """A port by its number or by its name in the container's list."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return int(port) if isinstance(port, str) and port.isdigit() else 0


def _timeout(spec: Object) -> float:
    return float(spec.get("timeoutSeconds", 1))


def _exec(spec: Object, unit: ContainerUnit) -> Result:
    assert unit.container is not None
    command = spec["exec"].get("command") or ()
    timeout = _timeout(spec)
    try:
        result = unit.host.runtime.exec_sync(unit.container, command, "", timeout)
    except RuntimeRefused as error:
        return Result(False, f"{error}")
    if result.seconds > timeout or (result.exit_code == 124 and result.seconds >= timeout):
        return Result(False, f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s')
    return Result(result.exit_code == 0, result.stdout + result.stderr)


def _http(spec: Object, unit: ContainerUnit) -> Result:
    action = spec["httpGet"]
    scheme = str(action.get("scheme", "HTTP")).lower()
    host = action.get("host") or unit.worker.ip
    port = port_number(action.get("port"), unit.plan.spec)
    path = action.get("path") or "/"
    path = path if path.startswith("/") else f"/{path}"
    headers = {"user-agent": AGENT, "accept": "*/*"}
    headers |= {header["name"].lower(): header["value"] for header in action.get("httpHeaders") or ()}
    request = HTTPRequest("GET", host, port, path, headers, scheme=scheme, source=unit.host.address)
    url = f"{scheme}://{host}:{port}{path}"
    too_long = f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    try:
        response = unit.host.network.request(request)
    except NetworkError as error:
        return Result(False, too_long if error.kind == "timeout" else f'Get "{url}": {_dial(host, port, error)}')
    if response.seconds > _timeout(spec):
        return Result(False, too_long)
    if 200 <= response.status < 400:
        return Result(True)
    return Result(False, f"HTTP probe failed with statuscode: {response.status}")


def _dial(host: str, port: int, error: NetworkError) -> str:
    if error.kind == "not found":
        return f"dial tcp: lookup {host}: no such host"
    if error.kind == "timeout":
        return f"dial tcp {host}:{port}: i/o timeout"
    why = "connection refused" if error.kind == "refused" else "no route to host"
    return f"dial tcp {host}:{port}: connect: {why}"


def _tcp(action: Object, unit: ContainerUnit) -> Result:
    host = action.get("host") or unit.worker.ip
    port = port_number(action.get("port"), unit.plan.spec)
    try:
        unit.host.network.tcp(unit.host.address, host, port)
    except NetworkError as error:
        return Result(False, _dial(host, port, error))
    return Result(True)


def _grpc(action: Object, spec: Object, unit: ContainerUnit) -> Result:
    host, port = unit.worker.ip, int(action.get("port", 0))
    try:
        unit.host.network.tcp(unit.host.address, host, port)
    except NetworkError as error:
        within = f"{_timeout(spec):g}s"
        why = f'connection error: desc = "transport: Error while dialing: {_dial(host, port, error)}"'
        return Result(False, f'timeout: failed to connect service "{host}:{port}" within {within}: {why}')
    return Result(True)
