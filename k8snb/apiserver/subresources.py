"""What is served below an object: scale, binding, eviction, log, exec and the like.

One table, `SUBRESOURCES`, says which handler answers for which resource, subresource and verb. `status` is not
in it: that is an ordinary update with the strategy's status rules. Logs and exec are asked of the kubelet of
the pod's node, as the real API server does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.apiserver import body
from k8snb.apiserver.admission.chain import Attributes, Chain
from k8snb.apiserver.applying import Applier
from k8snb.apiserver.authors import Authors
from k8snb.apiserver.backends import backend_of
from k8snb.apiserver.bound_statuses import BoundStatuses
from k8snb.apiserver.connecting import CONNECTIONS, connect_options, query_of
from k8snb.apiserver.containers import Agents, Containers, FindPod
from k8snb.apiserver.deleting import Remover
from k8snb.apiserver.evictions import Evictions
from k8snb.apiserver.forwarding import split
from k8snb.apiserver.identity import check_identity
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.kubeletport import KubeletPort
from k8snb.apiserver.negotiation import patch_kind
from k8snb.apiserver.options import dry_run
from k8snb.apiserver.ownership import Known
from k8snb.apiserver.patching import patched_as
from k8snb.apiserver.writing import Writer
from k8snb.clock import Clock
from k8snb.errors import (
    StatusError,
    bad_request,
    conflict,
    invalid,
    invalid_value,
    method_not_allowed,
    not_found,
    not_supported,
    path_not_found,
    required,
)
from k8snb.machinery import selectors
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User

_ANYBODY = User("system:anonymous", ("system:unauthenticated",))


class Subresources:
    """The handlers of everything below an object."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        admission: Chain,
        writer: Writer,
        remover: Remover,
        agents: Agents,
        authors: Authors,
        applier: Applier,
    ) -> None:
        self._bound_statuses = BoundStatuses(clock)
        self._authors = authors
        self._applier = applier
        self._store = store
        self._clock = clock
        self._admission = admission
        self._writer = writer
        self._remover = remover
        self._evictions = Evictions(store, clock, admission, writer, remover)
        self._containers = Containers(agents, clock)

    def handle(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Answer a request for a subresource other than `status`."""
        resource = kind.resource
        key = (resource.plural, info.subresource.partition("/")[0])
        handler = SUBRESOURCES.get((*key, info.verb)) or SUBRESOURCES.get(("*", key[1], info.verb))
        if handler is None or key[1] not in resource.subresources:
            raise method_not_allowed() if key[1] in resource.subresources else path_not_found()
        if key[1] in CONNECTIONS and self._admission.configured:
            warnings = self._connects(kind, info, request)
            response = handler(self, kind, info, request)
            response.warnings = (*warnings, *response.warnings)
            return response
        return handler(self, kind, info, request)

    def _connects(self, kind: Kind, info: RequestInfo, request: Request) -> tuple[str, ...]:
        """Ask webhooks and policies about a connection; what they change of its options holds. Returns warnings."""
        below, _, path = info.subresource.partition("/")
        name = split(info.name)[0] if below == "proxy" else info.name
        options = connect_options(kind.resource, below, path, request.query)
        where = (kind.resource, info.namespace, name, below)
        asked = Attributes("CONNECT", *where, options, None, request.user or _ANYBODY, False, notes=request.notes)
        changed = self._admission.decide(asked)
        if changed is not None and changed is not options:
            request.query = query_of(changed)
        return self._admission.warnings()

    def _object(self, kind: Kind, info: RequestInfo) -> Object:
        found = self._store.get(kind.bucket, info.namespace if kind.resource.namespaced else "", info.name)
        if found is None:
            raise not_found(kind.resource, info.name)
        return kind.current(found)

    # -- scale -------------------------------------------------------------------------------------

    def get_scale(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return Response(200, _scale(kind, self._object(kind, info)))

    def put_scale(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        new = body.decode(request, "autoscaling/v1", "Scale").object
        check_identity(kind, info, new)
        return self._rescale(kind, info, request, self._object(kind, info), new)

    def _admit_scale(self, kind: Kind, info: RequestInfo, request: Request, old: Object, new: Object) -> Object:
        """A Scale as webhooks and policies leave it. Raises StatusError."""
        meta = {**(new.get("metadata") or {}), "name": info.name}
        shown = {"kind": "Scale", "apiVersion": "autoscaling/v1", **new, "metadata": meta}
        where = (kind.resource, info.namespace, info.name, "scale")
        asker = (request.user or _ANYBODY, dry_run(request), request.query, request.notes)
        asked = Attributes("UPDATE", *where, shown, _scale(kind, old), *asker)
        return self._admission.decide(asked) or new

    def patch_scale(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        old = self._object(kind, info)
        if patch_kind(request.headers.get("content-type", "")) == "apply":
            new, by = self._applier.scale(kind, info, request, old, _scale(kind, old))
            return self._rescale(kind, info, request, old, new, by)
        new = patched_as("autoscaling/v1", "Scale", _scale(kind, old), request).object
        return self._rescale(kind, info, request, old, new)

    def _rescale(
        self, kind: Kind, info: RequestInfo, request: Request, old: Object, new: Object, by: Known | None = None
    ) -> Response:
        if self._admission.configured:
            new = self._admit_scale(kind, info, request, old, new)
        warnings = self._admission.warnings()
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
        scaling = kind.strategy.scaling
        if scaling is not None:
            scaled = scaling.scaled(old, replicas)
        else:
            scaled = {**old, "spec": {**old["spec"], "replicas": replicas}}
        plain = RequestInfo("update", info.resource, info.namespace, info.name)
        by = by or self._authors.scaling(kind, info, request, old, replicas)
        response = self._writer.replace(kind, plain, request, old, scaled, by=by, admitted=True)
        assert response.object is not None
        return Response(200, _scale(kind, response.object), warnings=warnings)

    # -- binding and eviction ----------------------------------------------------------------------

    def bind(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Assign a pod to a node, once and for all."""
        binding = request.object or body.decode(request, "v1", "Binding").object
        pod = self._object(kind, info)
        target = binding.get("target") or {}
        node = target.get("name", "")
        if (binding.get("metadata") or {}).get("name", info.name) != info.name:
            raise bad_request("name in URL does not match name in Binding object")
        if target.get("kind", "Node") not in ("", "Node"):
            errors = [not_supported("target.kind", target["kind"], ["Node", "<empty>"])]
            raise invalid(kind.resource, info.name, errors)
        if not node:
            raise invalid(kind.resource, info.name, [required("target.name")])
        where = (kind.resource, info.namespace, info.name, "binding")
        asker = (request.user or _ANYBODY, False, request.query, request.notes)
        asked = Attributes("CREATE", *where, binding, None, *asker)
        binding = self._admission.decide(asked) or binding
        node = (binding.get("target") or {}).get("name", node)
        warnings = self._admission.warnings()
        spec, meta = pod["spec"], pod["metadata"]
        if "deletionTimestamp" in meta:
            raise conflict(kind.resource, info.name, f"pod {info.name} is being deleted, cannot be assigned to a host")
        if spec.get("nodeName"):
            why = f'pod {info.name} is already assigned to node "{spec["nodeName"]}"'
            raise conflict(kind.resource, info.name, why)
        if spec.get("schedulingGates"):
            raise conflict(kind.resource, info.name, f"pod {info.name} has non-empty .spec.schedulingGates")
        bound = self._bound(pod, node, binding.get("metadata") or {})
        self._writer.commit(kind, pod, bound)
        return Response(201, _SUCCESS, warnings=warnings)

    def _bound(self, pod: Object, node: str, given: Mapping[str, Any]) -> Object:
        meta = pod["metadata"]
        status = self._bound_statuses.after(pod.get("status") or {}, meta.get("generation"))
        bound = {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": status}
        added: dict[str, Any] = {}
        if given.get("labels"):
            added["labels"] = {**given["labels"], **(meta.get("labels") or {})}
        if given.get("annotations"):
            added["annotations"] = {**(meta.get("annotations") or {}), **given["annotations"]}
        if added:
            bound["metadata"] = {**meta, **added}
        return bound

    def evict(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Delete a pod if its disruption budgets allow it."""
        return self._evictions.evict(kind, info, request)

    # -- finalizers, ephemeral containers, resize ----------------------------------------------------

    def get_object(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return Response(200, kind.load(self._object(kind, info)))

    def write_part(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Update the part of the object that the subresource stands for (the strategy knows which)."""
        if info.verb != "patch":
            return self._writer.update(kind, info, request)
        applies = patch_kind(request.headers.get("content-type", "")) == "apply"
        return (self._applier.apply if applies else self._writer.patch)(kind, info, request)

    # -- what the kubelet answers ------------------------------------------------------------------

    def log(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return self._containers.log(kind.resource, self._finder(kind, info), info.name, request)

    def exec(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return self._containers.exec(kind.resource, self._finder(kind, info), info.name, request)

    def attach(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return self._containers.attach(kind.resource, self._finder(kind, info), info.name, request)

    def port_forward(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        return self._containers.port_forward(kind.resource, self._finder(kind, info), info.name, request)

    def proxy_pod(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Pass a request on to a pod: `pods/web:80/proxy/path`."""
        name, port = split(info.name)
        pod = self._store.get(kind.bucket, info.namespace, name)
        path = info.subresource.partition("/")[2]
        return self._containers.proxy(kind.resource, pod, name, port, path, request)

    def proxy_service(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Pass a request on to one of the pods behind a service: `services/web:80/proxy/path`."""
        name, port = split(info.name)
        service = self._store.get(kind.bucket, info.namespace, name)
        if service is None:
            raise not_found(kind.resource, name)
        found = backend_of(service, port, lambda word, space: self._store.scan(self._store.bucket(word), space))
        pod = self._store.get(self._store.bucket("pods"), info.namespace, found.pod)
        path = info.subresource.partition("/")[2]
        return self._containers.proxy(kind.resource, pod, name, str(found.port), path, request)

    def proxy_node(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Ask a kubelet itself: `nodes/node-1/proxy/healthz`."""
        name = split(info.name)[0]
        node = self._store.get(kind.bucket, "", name)
        if node is None:
            raise not_found(kind.resource, name)
        pods = (pod for pod in self._store.scan(self._store.bucket("pods")) if pod["spec"].get("nodeName") == name)
        agent = self._containers.kubelet(node)
        path, accept = info.subresource.partition("/")[2], request.headers.get("accept", "")
        return KubeletPort(node, pods, agent, self._clock).answer(path, accept)

    def _finder(self, kind: Kind, info: RequestInfo) -> FindPod:
        return lambda: self._store.get(kind.bucket, info.namespace, info.name)


_SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _scale(kind: Kind, obj: Object) -> Object:
    if kind.strategy.scaling is not None:
        return kind.strategy.scaling.show(obj)
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


_ANY_VERB = ("get", "create", "update", "patch", "delete")
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
    ("pods", "attach", "create"): Subresources.attach,
    ("pods", "portforward", "create"): Subresources.port_forward,
    ("pods", "portforward", "get"): Subresources.port_forward,
    **{("pods", "proxy", verb): Subresources.proxy_pod for verb in _ANY_VERB},
    **{("services", "proxy", verb): Subresources.proxy_service for verb in _ANY_VERB},
    **{("nodes", "proxy", verb): Subresources.proxy_node for verb in _ANY_VERB},
    ("pods", "attach", "get"): Subresources.attach,
    ("pods", "ephemeralcontainers", "get"): Subresources.get_object,
    ("pods", "ephemeralcontainers", "patch"): Subresources.write_part,
    ("pods", "ephemeralcontainers", "update"): Subresources.write_part,
    ("pods", "resize", "get"): Subresources.get_object,
    ("pods", "resize", "patch"): Subresources.write_part,
    ("pods", "resize", "update"): Subresources.write_part,
    ("namespaces", "finalize", "update"): Subresources.write_part,
    ("certificatesigningrequests", "approval", "get"): Subresources.get_object,
    ("certificatesigningrequests", "approval", "patch"): Subresources.write_part,
    ("certificatesigningrequests", "approval", "update"): Subresources.write_part,
}
