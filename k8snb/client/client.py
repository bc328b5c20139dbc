"""A small client of the Kubernetes API, the one that the cluster's own parts use.

In process a request is handed over already resolved and already decoded, so nothing is encoded and
objects are shared by reference. Behind the transport stands the same `handle` that serves the network, with
every filter, admission plugin and validation rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from k8snb.client.outbox import Outbox
from k8snb.errors import StatusError
from k8snb.machinery.recorded import RecordedEvent
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, Response, User, WatchEvent

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}

_NO_QUERY: Mapping[str, str] = {}
_ANY_STATE: Mapping[str, str] = {"resourceVersion": "0"}
Deliver = Callable[[WatchEvent], None]


class Transport(Protocol):
    """What carries a request to an API server and brings the answer."""

    def handle(self, request: Request) -> Response: ...

    def subscribe(self, request: Request, deliver: Deliver) -> Callable[[], None]:
        """Deliver every matching event after the list that an informer made; returns what stops it."""
        ...


class Express(Protocol):
    """The short way to an API server in this process, for the requests of which there are most.

    Each method is what the requests of its user would come to, or None if they have to be sent; `create` may make
    fewer than asked for.
    """

    def create(self, user: User, pod: Object, namespace: str, count: int) -> list[Object]: ...

    def put_status(self, user: User, pod: Object, status: Object, but: Deliver | None = None) -> Object | None: ...

    def bind(self, user: User, pod: Object, node: str) -> Object | None: ...


class Client:
    """Requests of one user.

    Resources are named by any word the scheme knows: `pods`, `deploy`, `leases.coordination.k8s.io`.
    Every method raises `StatusError` with the server's `Status` when the API refuses.
    """

    def __init__(
        self,
        transport: Transport,
        scheme: Scheme,
        user: User,
        outbox: Outbox | None = None,
        express: Express | None = None,
    ) -> None:
        self.transport = transport
        self.scheme = scheme
        self.user = user
        self.outbox = outbox
        self.express = express
        self._resources: dict[str, Resource] = {}

    def resource(self, word: str) -> Resource:
        """The resource that a word names."""
        found = self._resources.get(word)
        if found is None:
            found = self.scheme.find(word)
            if found is None:
                raise LookupError(f'the server doesn\'t have a resource type "{word}"')
            self._resources[word] = found
        return found

    # -- reading -----------------------------------------------------------------------------------

    def get(self, resource: str, name: str, namespace: str = "", *, subresource: str = "") -> Object:
        """The object of that name."""
        return self._send(RequestInfo("get", self.resource(resource), namespace, name, subresource))

    def find(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """The object of that name, or None if there is none."""
        try:
            return self.get(resource, name, namespace)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    def list(self, resource: str, namespace: str = "", *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a namespace (of all, if none is given) that the selectors match, in key order."""
        return list(self.list_object(resource, namespace, labels=labels, fields=fields)["items"])

    def list_object(self, resource: str, namespace: str = "", *, labels: str = "", fields: str = "") -> Object:
        """The list itself, with its metadata."""
        query = {k: v for k, v in (("labelSelector", labels), ("fieldSelector", fields)) if v}
        return self._send(RequestInfo("list", self.resource(resource), namespace), query=query)

    def list_cached(self, resource: str, *, fields: str = "") -> Object:
        """A list of which any state will do, as an informer begins with one: the API server's cache answers it."""
        query = {"resourceVersion": "0", "fieldSelector": fields} if fields else _ANY_STATE
        return self._send(RequestInfo("list", self.resource(resource)), query=query)

    def watch(
        self, resource: str, namespace: str = "", *, labels: str = "", fields: str = "", since: int | None = None
    ) -> Any:
        """A live stream of watch events: `next()` gives `{"type", "object"}` or None, `close()` ends it."""
        query = {k: v for k, v in (("labelSelector", labels), ("fieldSelector", fields)) if v}
        if since is not None:
            query["resourceVersion"] = str(since)
        info = RequestInfo("watch", self.resource(resource), namespace)
        return self._respond(Request(info=info, query={**query, "watch": "true"}, user=self.user)).stream

    # -- writing -----------------------------------------------------------------------------------

    def create(self, resource: str, obj: Object, namespace: str = "") -> Object:
        """Create an object; the namespace is the given one or the object's own."""
        meta = obj["metadata"]
        where = namespace or meta.get("namespace", "")
        return self._send(RequestInfo("create", self.resource(resource), where, meta.get("name", "")), obj)

    def create_pods(self, pod: Object, namespace: str, count: int) -> Iterator[Object | StatusError]:
        """Create as many pods of one template: each of them, or why it was refused.

        They are made at one go where there is an outbox, because what is said of them then comes later in any case.
        """
        while count and self.express is not None:
            made = self.express.create(self.user, pod, namespace, count if self.outbox is not None else 1)
            yield from made
            count -= len(made)
            if not made:
                break
        for _ in range(count):
            try:
                yield self.create("pods", pod, namespace)
            except StatusError as refusal:
                yield refusal

    def put_pod_status(self, pod: Object, status: Object) -> Object:
        """Replace the status of a pod."""
        put = self.express.put_status(self.user, pod, status) if self.express is not None else None
        return put if put is not None else self.update_status("pods", {**pod, "status": status})

    def bind(self, pod: Object, node: str) -> None:
        """Give a pod its node."""
        if self.express is not None and self.express.bind(self.user, pod, node) is not None:
            return
        meta = pod["metadata"]
        named = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
        target = {"kind": "Node", "name": node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": named, "target": target}
        self.post("pods", meta["name"], binding, meta["namespace"], subresource="binding")

    def record(self, event: RecordedEvent) -> None:
        """Create an event: at once, or with the next batch if there is an outbox."""
        if self.outbox is not None:
            self.outbox.put(self.user, event)
        else:
            self._send(RequestInfo("create", self.resource("events"), event.shape.namespace, event.name), event)

    def update(self, resource: str, obj: Object, *, subresource: str = "") -> Object:
        """Replace an object. Its `resourceVersion`, where present, must be the current one."""
        meta = obj["metadata"]
        info = RequestInfo("update", self.resource(resource), meta.get("namespace", ""), meta["name"], subresource)
        return self._send(info, obj)

    def update_status(self, resource: str, obj: Object) -> Object:
        """Replace an object's status."""
        meta = obj["metadata"]
        info = RequestInfo("update", self.resource(resource), meta.get("namespace", ""), meta["name"], "status")
        return self._send(info, obj)

    def patch(
        self,
        resource: str,
        name: str,
        patch: Object | Sequence[Object],
        namespace: str = "",
        *,
        kind: str = "merge",
        subresource: str = "",
        query: Mapping[str, str] = _NO_QUERY,
    ) -> Object:
        """Change part of an object. `kind` is `merge`, `json`, `strategic` or `apply`."""
        request = Request(
            info=RequestInfo("patch", self.resource(resource), namespace, name, subresource),
            query=query,
            headers={"content-type": PATCH_TYPES[kind]},
            object=patch,  # type: ignore[arg-type]
            user=self.user,
        )
        return _content(self._respond(request))

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        propagation: str = "",
        grace: int | None = None,
        uid: str = "",
        resource_version: str = "",
    ) -> Object:
        """Delete an object.

        `propagation` is `Background`, `Foreground` or `Orphan`; `grace` is in seconds; `uid` and
        `resource_version` are preconditions.
        """
        preconditions = {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v}
        options = {"propagationPolicy": propagation, "gracePeriodSeconds": grace, "preconditions": preconditions}
        body = {k: v for k, v in options.items() if v or v == 0}
        info = RequestInfo("delete", self.resource(resource), namespace, name)
        return self._send(info, {"kind": "DeleteOptions", "apiVersion": "v1", **body})

    def post(self, resource: str, name: str, obj: Object, namespace: str = "", *, subresource: str) -> Object:
        """Create a subresource of an object: a binding, an eviction, a token."""
        return self._send(RequestInfo("create", self.resource(resource), namespace, name, subresource), obj)

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = _NO_QUERY,
        headers: Mapping[str, str] = _NO_QUERY,
        body: bytes = b"",
    ) -> Response:
        """Send a raw request, as it would come over the network, and return the raw response."""
        return self.transport.handle(Request(method, path, query, headers, body, user=self.user))

    # -- the wire ----------------------------------------------------------------------------------

    def _send(self, info: RequestInfo, obj: Object | None = None, query: Mapping[str, str] = _NO_QUERY) -> Object:
        response = self.transport.handle(Request(info=info, object=obj, query=query, user=self.user))
        if response.code >= 400:
            raise refused(response)
        return response.object if response.object is not None else _content(response)

    def _respond(self, request: Request) -> Response:
        response = self.transport.handle(request)
        if response.code >= 400:
            raise refused(response)
        return response


def _content(response: Response) -> Object:
    if response.object is not None:
        return response.object
    content: Object = json.loads(response.body)
    return content


def refused(response: Response) -> StatusError:
    """The error that a response with a `Status` body stands for."""
    status = _content(response)
    error = StatusError(response.code, str(status.get("reason", "")), str(status.get("message", "")))
    error.status = status
    return error
