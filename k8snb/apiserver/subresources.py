"""What is served below an object: scale, binding, eviction, log, exec and the like.

One table, `SUBRESOURCES`, says which handler answers for which resource, subresource and verb. `status` is not
in it: that is an ordinary update with the strategy's status rules. Logs and exec are asked of the kubelet of
the pod's node, as the real API server does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from k8snb.apiserver import body
from k8snb.apiserver.deleting import Remover
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.patching import patched
from k8snb.apiserver.routing import is_true
from k8snb.apiserver.writing import Writer
from k8snb.clock import Clock
from k8snb.errors import (
    StatusError,
    bad_request,
    conflict,
    invalid,
    invalid_value,
    method_not_supported,
    not_found,
    required,
)
from k8snb.machinery import selectors
from k8snb.machinery.objects import with_condition
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User


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


class NodeAgent(Protocol):
    """The part of a kubelet's own API that the API server calls."""

    def logs(self, pod: Object, options: LogOptions) -> str:
        """The log of a container; raises StatusError where there is none."""
        ...

    def exec(self, pod: Object, container: str, command: Sequence[str], stdin: bytes) -> tuple[bytes, bytes, int]:
        """Run a command in a container: its output, its error output and its exit code."""
        ...


Agents = Callable[[str], NodeAgent | None]
"""From a node's name to its kubelet, None where it cannot be reached."""


class Subresources:
    """The handlers of everything below an object."""

    def __init__(self, store: Store, clock: Clock, writer: Writer, remover: Remover, agents: Agents) -> None:
        self._store = store
        self._clock = clock
        self._writer = writer
        self._remover = remover
        self._agents = agents

    def handle(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Answer a request for a subresource other than `status`."""
        resource = kind.resource
        key = (resource.plural, info.subresource.partition("/")[0])
        handler = SUBRESOURCES.get((*key, info.verb)) or SUBRESOURCES.get(("*", key[1], info.verb))
        if handler is None or key[1] not in resource.subresources:
            if key[1] in resource.subresources:
                raise method_not_supported(resource, info.verb)
            raise StatusError(404, "NotFound", "the server could not find the requested resource", {})
        return handler(self, kind, info, request)

    def _object(self, kind: Kind, info: RequestInfo) -> Object:
        found = self._store.get(kind.bucket, info.namespace if kind.resource.namespaced else "", info.name)
        if found is None:
            raise not_found(kind.resource, info.name)
        return found

    # -- scale -------------------------------------------------------------------------------------

    def get_scale(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return Response(200, _scale(self._object(kind, info)))

    def put_scale(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        new = body.decode(request, "autoscaling/v1", "Scale").object
        return self._rescale(kind, info, request, self._object(kind, info), new)

    def patch_scale(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        old = self._object(kind, info)
        scale_kind = _ScaleKind(kind)
        new = patched(scale_kind, _scale(old), request).object  # type: ignore[arg-type]
        return self._rescale(kind, info, request, old, new)

    def _rescale(self, kind: Kind, info: RequestInfo, request: Request, old: Object, new: Object) -> Response:
        replicas = (new.get("spec") or {}).get("replicas", 0)
        if replicas < 0:
            errors = [invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")]
            raise StatusError(
                422,
                "Invalid",
                f'Scale.autoscaling "{info.name}" is invalid: {errors[0]}',
                {
                    "name": info.name,
                    "group": "autoscaling",
                    "kind": "Scale",
                    "causes": [{"reason": errors[0].reason, "message": errors[0].body, "field": errors[0].field}],
                },
            )
        version = (new.get("metadata") or {}).get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(kind.resource, info.name)
        scaled = {**old, "spec": {**old["spec"], "replicas": replicas}}
        plain = RequestInfo("update", info.resource, info.namespace, info.name)
        response = self._writer.replace(kind, plain, request, old, scaled)
        assert response.object is not None
        return Response(200, _scale(response.object))

    # -- binding and eviction ----------------------------------------------------------------------

    def bind(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Assign a pod to a node, once and for all."""
        binding = request.object or body.decode(request, "v1", "Binding").object
        pod = self._object(kind, info)
        target = binding.get("target") or {}
        node = target.get("name", "")
        if not node or target.get("kind", "Node") not in ("", "Node"):
            raise invalid(kind.resource, info.name, [required("target.name")])
        spec, meta = pod["spec"], pod["metadata"]
        if "deletionTimestamp" in meta:
            raise conflict(kind.resource, info.name, f"pod {info.name} is being deleted, cannot be assigned to a host")
        if spec.get("nodeName"):
            raise conflict(kind.resource, info.name, f"pod {info.name} is already assigned to node \"{spec['nodeName']}\"")
        if spec.get("schedulingGates"):
            raise conflict(kind.resource, info.name, f"pod {info.name} has non-empty .spec.schedulingGates")
        bound = self._bound(pod, node, binding.get("metadata") or {})
        self._writer.commit(kind, pod, bound)
        return Response(201, _SUCCESS)

    def _bound(self, pod: Object, node: str, given: Mapping[str, Any]) -> Object:
        meta, status = pod["metadata"], pod.get("status") or {}
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        scheduled["lastTransitionTime"] = self._clock.timestamp()
        generation = meta.get("generation")
        if generation is not None:
            scheduled["observedGeneration"] = generation
        conditions = with_condition(status.get("conditions") or (), scheduled)
        bound = {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": {**status, "conditions": conditions}}
        added = {k: {**(meta.get(k) or {}), **given[k]} for k in ("labels", "annotations") if given.get(k)}
        if added:
            bound["metadata"] = {**meta, **added}
        return bound

    def evict(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Delete a pod if its disruption budgets allow it."""
        eviction = body.decode(request, "policy/v1", "Eviction").object
        options = eviction.get("deleteOptions") or {}
        plain = RequestInfo("delete", info.resource, info.namespace, info.name)
        user = request.user or User("system:anonymous")
        self._remover.remove(kind, plain, options, user, body.dry_run(request))
        return Response(201, _SUCCESS)

    # -- namespaces, ephemeral containers, resize --------------------------------------------------

    def finalize(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Change the finalizers of a namespace; without any, a deleted namespace goes."""
        new = body.decode(request, "v1", "Namespace").object
        old = self._object(kind, info)
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        spec = {k: v for k, v in old["spec"].items() if k != "finalizers"}
        if finalizers:
            spec["finalizers"] = finalizers
        return Response(200, self._writer.commit(kind, old, {**old, "spec": spec}))

    def get_object(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return Response(200, kind.load(self._object(kind, info)))

    def write_part(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Update the part of the object that the subresource stands for (the strategy knows which)."""
        return self._writer.patch(kind, info, request) if info.verb == "patch" else self._writer.update(kind, info, request)

    # -- what the kubelet answers ------------------------------------------------------------------

    def log(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """The log of a container, as text."""
        pod = self._object(kind, info)
        options = _log_options(request.query)
        container = options.container or _only_container(pod)
        agent = self._agent(pod)
        if agent is None:
            return Response(200, body=b"", content_type="text/plain")
        options = LogOptions(**{**{f: getattr(options, f) for f in LogOptions.__slots__}, "container": container})
        return Response(200, body=agent.logs(pod, options).encode(), content_type="text/plain")

    def exec(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Run a command; in process the answer holds the outcome, on the network the listener streams it."""
        outcome = self.run(kind, info, request.query.get("container", ""), _commands(request), request.body)
        stdout, stderr, code = outcome
        content = {"stdout": stdout.decode("utf-8", "replace"), "stderr": stderr.decode("utf-8", "replace"), "exitCode": code}
        return Response(200, {"kind": "ExecResult", "apiVersion": "k8snb/v1", **content})

    def run(
        self, kind: Kind, info: RequestInfo, container: str, command: Sequence[str], stdin: bytes
    ) -> tuple[bytes, bytes, int]:
        """Run a command in a container of a pod."""
        pod = self._object(kind, info)
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            phase = pod["status"]["phase"]
            raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
        name = container or _only_container(pod)
        agent = self._agent(pod)
        if agent is None:
            raise bad_request(f"pod {info.name} does not have a host assigned")
        if not command:
            raise bad_request("you must specify at least 1 command for the container")
        return agent.exec(pod, name, command, stdin)

    def _agent(self, pod: Object) -> NodeAgent | None:
        node = pod["spec"].get("nodeName", "")
        return self._agents(node) if node else None


class _ScaleKind:
    """Stands in for a kind where a Scale is patched."""

    class resource:
        api_version = "autoscaling/v1"
        kind = "Scale"

    def __init__(self, kind: Kind) -> None:
        self.kind = kind


_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _scale(obj: Object) -> Object:
    meta, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    shown: dict[str, Any] = {"replicas": status.get("replicas", 0)}
    selector = spec.get("selector")
    if selector:
        plain = obj["kind"] == "ReplicationController"
        shown["selector"] = str(selectors.of_set(selector) if plain else selectors.of_object(selector))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {k: meta[k] for k in _COPIED if k in meta},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": shown,
    }


def _only_container(pod: Object) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [c["name"] for c in spec["containers"]]
    default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if default in names:
        return str(default)
    if len(names) == 1:
        return str(names[0])
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
    init = [c["name"] for c in spec.get("initContainers") or ()]
    if init:
        message += f" or one of the init containers: [{' '.join(init)}]"
    raise bad_request(message)


def _log_options(query: Mapping[str, str]) -> LogOptions:
    def number(name: str, least: int) -> int | None:
        text = query.get(name, "")
        if not text:
            return None
        try:
            value = int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
        if value < least:
            detail = "must be greater than 0" if least else "must be greater than or equal to 0"
            text = f'PodLogOptions "" is invalid: {name}: Invalid value: {value}: {detail}'
            cause = {"reason": "FieldValueInvalid", "message": f"Invalid value: {value}: {detail}", "field": name}
            raise StatusError(422, "Invalid", text, {"kind": "PodLogOptions", "causes": [cause]})
        return value

    return LogOptions(
        container=query.get("container", ""),
        follow=is_true(query.get("follow", "")),
        previous=is_true(query.get("previous", "")),
        timestamps=is_true(query.get("timestamps", "")),
        since_seconds=number("sinceSeconds", 1),
        since_time=query.get("sinceTime", ""),
        tail_lines=number("tailLines", 0),
        limit_bytes=number("limitBytes", 1),
    )


def _commands(request: Request) -> Sequence[str]:
    return request.query.get("command", "").split("\0") if request.query.get("command") else ()


Handler = Callable[[Subresources, Kind, RequestInfo, Request], Response]

SUBRESOURCES: Mapping[tuple[str, str, str], Handler] = {
    ("*", "scale", "get"): Subresources.get_scale,
    ("*", "scale", "update"): Subresources.put_scale,
    ("*", "scale", "patch"): Subresources.patch_scale,
    ("pods", "binding", "create"): Subresources.bind,
    ("pods", "eviction", "create"): Subresources.evict,
    ("pods", "log", "get"): Subresources.log,
    ("pods", "exec", "create"): Subresources.exec,
    ("pods", "exec", "get"): Subresources.exec,
    ("pods", "ephemeralcontainers", "get"): Subresources.get_object,
    ("pods", "ephemeralcontainers", "patch"): Subresources.write_part,
    ("pods", "ephemeralcontainers", "update"): Subresources.write_part,
    ("pods", "resize", "get"): Subresources.get_object,
    ("pods", "resize", "patch"): Subresources.write_part,
    ("pods", "resize", "update"): Subresources.write_part,
    ("namespaces", "finalize", "update"): Subresources.finalize,
}
