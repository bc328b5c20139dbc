"""What the API server asks of a node's kubelet: logs, exec and attach.

The request is checked here, where the pod is known; the answer comes from the kubelet of the pod's node. An exec
from another part of this process is answered at once with its outcome. One that came over a network asks for an
upgrade of its connection and gets a session (code 101), which whoever holds the connection carries on.

Upstream: `pkg/registry/core/pod/rest`, `pkg/registry/core/pod/strategy.go` (`LogLocation`, `streamLocation`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from k8snb.apiserver.following import LogStream
from k8snb.apiserver.forwarding import Forwarding, proxied, unreachable
from k8snb.apiserver.options import flag, number
from k8snb.apiserver.sessions import AttachSession, ExecSession, Shell, ShellSession, StreamOptions
from k8snb.clock import Clock, parse_time
from k8snb.errors import FieldError, StatusError, bad_request, field_forbidden, invalid_value, not_found
from k8snb.packet import Endpoint
from k8snb.typing import Object, Resource
from k8snb.wire import REPEATED, Request, Response

TEXT = "text/plain"
KUBELET_PORT = 10250


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`PodLogOptions`: what of a container's log to return. Times in seconds, limits in lines and bytes."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since_seconds: int | None = None
    since_time: str = ""
    tail_lines: int | None = None
    limit_bytes: int | None = None


class Usage(Protocol):
    """What a container uses just now."""

    @property
    def cpu_millicores(self) -> float: ...
    @property
    def memory_bytes(self) -> int: ...


class NodeAgent(Protocol):
    """The part of a kubelet's own API that the API server calls."""

    def logs(self, pod: Object, options: LogOptions) -> str:
        """The log of a container; raises StatusError where there is none."""
        ...

    def exec(self, pod: Object, container: str, command: Sequence[str], stdin: bytes) -> tuple[bytes, bytes, int]:
        """Run a command in a container: its output, its error output and its exit code."""
        ...

    def shell(self, pod: Object, container: str, command: Sequence[str]) -> Shell | None:
        """A shell to type into, or None if the command (without one: the container's own) is none."""
        ...

    def port_forward(self, pod: Object) -> Endpoint | None:
        """The pod's network, or None if it has none now."""
        ...

    def usage(self, pod: Object) -> Mapping[str, Usage]:
        """What each running container of the pod uses just now."""
        ...


Agents = Callable[[str], NodeAgent | None]
"""From a node's name to its kubelet, None where it cannot be reached."""

FindPod = Callable[[], Object | None]
"""The pod as it is now."""


class Containers:
    """The subresources of a pod that its kubelet answers."""

    def __init__(self, agents: Agents, clock: Clock) -> None:
        self._agents = agents
        self._clock = clock

    def log(self, resource: Resource, find: FindPod, name: str, request: Request) -> Response:
        """The log of a container, as text; if it is to be followed, a stream of text."""
        options = log_options(name, request.query)
        pod = _present(find(), resource, name)
        options = replace(options, container=container_of(pod, options.container))
        agent = self._agent(pod)
        if agent is None and pod["spec"].get("nodeName"):
            meta, address = pod["metadata"], _kubelet_address(pod)
            url = f"https://{address}/containerLogs/{meta['namespace']}/{name}/{options.container}"
            raise StatusError(500, "", f'Get "{url}": dial tcp {address}: connect: connection refused')
        if agent is None:
            return Response(200, content_type=TEXT)
        text = agent.logs(pod, options)
        if not options.follow or options.previous:
            return Response(200, body=text.encode(), content_type=TEXT)
        whole = LogOptions(container=options.container, timestamps=options.timestamps)
        return Response(200, stream=self._follow(agent, pod, find, whole, text), content_type=TEXT)

    def port_forward(self, resource: Resource, find: FindPod, name: str, request: Request) -> Response:
        """Connect to the ports of a pod."""
        pod = _present(find(), resource, name)
        if not is_upgrade(request):
            raise bad_request("Upgrade request required")
        if self._agent(pod) is None and pod["spec"].get("nodeName"):
            raise _not_dialled(pod)
        endpoint = self._reach(pod)
        if endpoint is None:
            return _not_upgraded(f'pod not found ("{name}_{pod["metadata"]["namespace"]}")')
        return Response(101, stream=Forwarding(endpoint, name))

    def proxy(
        self, resource: Resource, pod: Object | None, name: str, port: str, path: str, request: Request
    ) -> Response:
        """Ask the program on a port of a pod over HTTP."""
        pod = _present(pod, resource, name)
        ports = [each for c in pod["spec"]["containers"] for each in c.get("ports") or ()]
        named = {each.get("name"): each["containerPort"] for each in ports}
        number = int(port) if port.isdigit() else named.get(port, 0 if port else next(iter(named.values()), 80))
        endpoint = self._reach(pod)
        if endpoint is None or not number:
            raise unreachable((pod.get("status") or {}).get("podIP", ""), number)
        return proxied(endpoint, number, path, request)

    def kubelet(self, node: Object) -> NodeAgent:
        """The kubelet of a node; raises InternalError where it cannot be reached."""
        agent = self._agents(node["metadata"]["name"])
        if agent is None:
            addresses = (node.get("status") or {}).get("addresses") or ()
            address = next((each["address"] for each in addresses if each["type"] == "InternalIP"), "")
            raise unreachable(address, KUBELET_PORT)
        return agent

    def _reach(self, pod: Object) -> Endpoint | None:
        agent = self._agent(pod)
        return None if agent is None else agent.port_forward(pod)

    def _follow(self, agent: NodeAgent, pod: Object, find: FindPod, whole: LogOptions, first: str = "") -> LogStream:
        return LogStream(
            self._clock, first, lambda: agent.logs(pod, whole), lambda: is_over(pod, find(), whole.container)
        )

    def exec(self, resource: Resource, find: FindPod, name: str, request: Request) -> Response:
        """Run a command."""
        pod, container, agent = self._target(resource, find, name, request)
        command = request.query["command"].split(REPEATED) if request.query.get("command") else []
        if not command:
            raise bad_request("you must specify at least 1 command for the container")
        options = StreamOptions.of(request.query)

        def run(stdin: bytes) -> tuple[bytes, bytes, int]:
            return agent.exec(pod, container, command, stdin)

        if is_upgrade(request) and not is_running(pod, container):
            return _not_upgraded(f'container not found ("{container}")')
        if is_upgrade(request):
            shell = agent.shell(pod, container, command) if options.stdin else None
            return Response(101, stream=ExecSession(options, run) if shell is None else ShellSession(options, shell))
        if "host" in request.headers:
            raise bad_request("Upgrade request required")
        stdout, stderr, code = run(request.body)
        texts = {"stdout": stdout.decode("utf-8", "replace"), "stderr": stderr.decode("utf-8", "replace")}
        return Response(200, {"kind": "ExecResult", "apiVersion": "k8snb/v1", **texts, "exitCode": code})

    def attach(self, resource: Resource, find: FindPod, name: str, request: Request) -> Response:
        """Type into a container's own shell, or show what the container writes from now on.

        A container that waits for somebody to attach shows what it has written before that, too.
        """
        pod, container, agent = self._target(resource, find, name, request)
        if not is_upgrade(request):
            raise bad_request("Upgrade request required")
        if not is_running(pod, container):
            meta = pod["metadata"]
            return _not_upgraded(f"container {container} not found in pod {meta['name']}_{meta['namespace']}")
        options, whole = StreamOptions.of(request.query), LogOptions(container=container)
        shell = agent.shell(pod, container, ()) if options.stdin else None
        if shell is not None:
            return Response(101, stream=ShellSession(options, shell, tells_code=False))
        spec = pod["spec"]
        every = (*spec["containers"], *(spec.get("ephemeralContainers") or ()))
        waits = any(each["name"] == container and each.get("stdin") for each in every)
        stream = self._follow(agent, pod, find, whole, agent.logs(pod, whole) if waits else "")
        return Response(101, stream=AttachSession(options, stream))

    def _target(self, resource: Resource, find: FindPod, name: str, request: Request) -> tuple[Object, str, NodeAgent]:
        pod = _present(find(), resource, name)
        container = container_of(pod, request.query.get("container", ""))
        agent = self._agent(pod)
        if agent is None and pod["spec"].get("nodeName"):
            raise _not_dialled(pod)
        if agent is None:
            raise bad_request(f"pod {name} does not have a host assigned")
        return pod, container, agent

    def _agent(self, pod: Object) -> NodeAgent | None:
        node = pod["spec"].get("nodeName", "")
        return self._agents(node) if node else None


def is_upgrade(request: Request) -> bool:
    """Whether the client wants to go on with another protocol on the same connection."""
    return "upgrade" in request.headers.get("connection", "").lower() and bool(request.headers.get("upgrade"))


def _present(pod: Object | None, resource: Resource, name: str) -> Object:
    if pod is None:
        raise not_found(resource, name)
    return pod


def container_of(pod: Object, asked: str) -> str:
    """The container that is meant; raises BadRequest where that is not clear."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [c["name"] for c in spec["containers"]]
    init = [c["name"] for c in spec.get("initContainers") or ()]
    ephemeral = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if asked:
        if asked not in (*names, *init, *ephemeral):
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(names) == 1:
        return str(names[0])
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
    if init:
        message += f" or one of the init containers: [{' '.join(init)}]"
    if ephemeral:
        message += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
    raise bad_request(message)


def is_running(pod: Object, container: str) -> bool:
    """Whether the pod shows the container as running."""
    return "running" in _status(pod, container).get("state", {})


def _kubelet_address(pod: Object) -> str:
    """Where the kubelet of a pod's machine would answer."""
    return f"{(pod.get('status') or {}).get('hostIP') or pod['spec']['nodeName']}:{KUBELET_PORT}"


def _not_dialled(pod: Object) -> StatusError:
    """What is said when the kubelet does not answer and the connection was to be upgraded."""
    refused = f"dial tcp {_kubelet_address(pod)}: connect: connection refused"
    return StatusError(500, "", f"error dialing backend: {refused}")


def _not_upgraded(why: str) -> Response:
    """What a kubelet says when there is nothing to connect to; clients put `unable to upgrade connection: ` first."""
    return Response(404, body=why.encode(), content_type=TEXT)


def is_over(pod: Object, now: Object | None, container: str) -> bool:
    """Whether the run of the container that the pod showed has ended since."""
    if now is None or now["metadata"]["uid"] != pod["metadata"]["uid"]:
        return True
    before, after = _status(pod, container), _status(now, container)
    return "running" not in after.get("state", {}) or (
        bool(before.get("containerID")) and before["containerID"] != after.get("containerID")
    )


def _status(pod: Object, container: str) -> Object:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for each in status.get(field) or ():
            if each["name"] == container:
                return each  # type: ignore[no-any-return]
    return {}


# -- the options of a log ------------------------------------------------------------------------------


def log_options(pod: str, query: Mapping[str, str]) -> LogOptions:
    """The options in a query. Raises BadRequest or Invalid in the API's words."""
    options = LogOptions(
        container=query.get("container", ""),
        follow=flag(query, "follow"),
        previous=flag(query, "previous"),
        timestamps=flag(query, "timestamps"),
        since_seconds=number(query, "sinceSeconds"),
        since_time=query.get("sinceTime", ""),
        tail_lines=number(query, "tailLines"),
        limit_bytes=number(query, "limitBytes"),
    )
    _check_time(options.since_time)
    errors = list(_errors(options))
    if errors:
        raise _invalid(pod, errors)
    return options


def _check_time(text: str) -> None:
    try:
        if text:
            parse_time(text)
    except ValueError:
        why = f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}" as "2006"'
        raise bad_request(why) from None


def _errors(options: LogOptions) -> list[FieldError]:
    found = []
    if options.tail_lines is not None and options.tail_lines < 0:
        found.append(invalid_value("tailLines", options.tail_lines, "must be greater than or equal to 0"))
    if options.limit_bytes is not None and options.limit_bytes < 1:
        found.append(invalid_value("limitBytes", options.limit_bytes, "must be greater than 0"))
    if options.since_seconds is not None and options.since_time:
        found.append(field_forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    elif options.since_seconds is not None and options.since_seconds < 1:
        found.append(invalid_value("sinceSeconds", options.since_seconds, "must be greater than 0"))
    return found


def _invalid(pod: str, errors: Sequence[FieldError]) -> StatusError:
    texts = [str(error) if error.field else f"<nil>: {error.body}" for error in errors]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    causes = [{"reason": e.reason, "message": e.body, "field": e.field or "<nil>"} for e in errors]
    details = {"name": pod, "kind": "PodLogOptions", "causes": causes}
    return StatusError(422, "Invalid", f'PodLogOptions "{pod}" is invalid: {listed}', details)
