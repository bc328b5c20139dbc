"""What kubectl sends: one method per verb of the API, each a raw HTTP request as the real one sends it.

Every answer comes back as an object; a refusal is raised as `StatusError`. Warnings of the server are printed
once each, as the real one does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from k8snb.client.client import PATCH_TYPES, Client, refused
from k8snb.clock import Clock
from k8snb.errors import StatusError, Unreachable, quoted
from k8snb.kubectl.errors import CommandError, connection_refused
from k8snb.kubectl.exchange import Exchange
from k8snb.kubectl.identity import Identity
from k8snb.kubectl.klog import AGENT, log_lines, refusal_line
from k8snb.kubectl.output import Printed
from k8snb.kubectl.targets import Target
from k8snb.typing import Object, Resource
from k8snb.wire import Request, Response

AS_OBJECT = "application/json"
AS_TABLE = ",".join([*(f"application/json;as=Table;v={v};g=meta.k8s.io" for v in ("v1", "v1beta1")), AS_OBJECT])

Query = Mapping[str, str]
Wait = Callable[[Callable[[], bool], float], bool]
"""Lets time pass until a condition holds or some seconds are over, and says whether it holds."""

_NO_QUERY: Query = {}
_MISSING = 404
_LATE = "the server was unable to return a response in the time allotted, but may still be processing the request"
_PLACE = re.compile(r"/api(s/(?P<group>[^/]+))?/v[^/]+/(namespaces/[^/]+/(?=.))?(?P<what>.+)")
"""The path of a resource: its group, and what follows the namespace."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where requests go and as whom; `verbosity` says how much of it is told, `timeout` how long each may take."""

    identity: Callable[[], Identity]
    server: str
    verbosity: int = 0
    timeout: str = ""


class Session:
    """The requests of one command. `wait` lets time pass; `clock` tells it; `door` says as whom and where to ask."""

    def __init__(self, client: Client, clock: Clock, wait: Wait, printed: Printed, door: Door) -> None:
        self.client = client
        self.clock = clock
        self.wait = wait
        self.scheme = client.scheme
        self.patience = float("inf")
        """How many seconds at most a command waits, whatever it was told."""
        self._printed = printed
        self._door = door
        self._warned: set[str] = set()

    # -- reading -----------------------------------------------------------------------------------

    def get(
        self, target: Target, query: Query = _NO_QUERY, *, subresource: str = "", accept: str = AS_OBJECT
    ) -> Object:
        """An object, or a Table of it."""
        return self.object("GET", _path(target, subresource), query, accept=accept)

    def find(
        self, target: Target, query: Query = _NO_QUERY, *, subresource: str = "", accept: str = AS_OBJECT
    ) -> Object:
        """An object that a command names. Where its namespace is not there either, it is that which is missing.

        Upstream: `cli-runtime/pkg/resource/visitor.go` (`Info.Get`).
        """
        try:
            return self.get(target, query, subresource=subresource, accept=accept)
        except StatusError as error:
            if error.code == _MISSING and target.namespace not in ("", "default"):
                self._check_namespace(target.namespace)
            raise

    def _check_namespace(self, name: str) -> None:
        try:
            self.object("GET", f"/api/v1/namespaces/{name}")
        except StatusError as error:
            if error.code == _MISSING:
                raise

    def collect(
        self, resource: Resource, namespace: str, query: Query = _NO_QUERY, *, accept: str = AS_OBJECT
    ) -> Object:
        """A list or Table; one that comes in chunks (`limit`) is put together."""
        path = resource.path(namespace)
        first = self.object("GET", path, query, accept=accept)
        key = "rows" if first.get("kind") == "Table" else "items"
        items = list(first.get(key) or ())
        more = (first.get("metadata") or {}).get("continue", "")
        while more:
            chunk = self.object("GET", path, {**query, "continue": more}, accept=accept)
            items += chunk.get(key) or ()
            more = (chunk.get("metadata") or {}).get("continue", "")
        return {**first, key: items}

    def items(self, resource: Resource, namespace: str, query: Query = _NO_QUERY) -> list[Object]:
        """The objects of a list, each with its kind."""
        found = self.collect(resource, namespace, query)
        return [{"kind": resource.kind, "apiVersion": resource.api_version, **item} for item in found["items"]]

    def watch(self, resource: Resource, namespace: str, query: Query, *, accept: str = AS_OBJECT) -> Any:
        """A stream of watch events."""
        response = self.send("GET", resource.path(namespace), {**query, "watch": "true"}, {"accept": accept})
        return response.stream

    # -- writing -----------------------------------------------------------------------------------

    def create(self, resource: Resource, namespace: str, obj: Object, query: Query = _NO_QUERY) -> Object:
        """Create an object."""
        return self.object("POST", resource.path(namespace), query, body=obj)

    def post(self, target: Target, subresource: str, obj: Object, query: Query = _NO_QUERY) -> Object:
        """Create a subresource: an eviction, a token."""
        return self.object("POST", _path(target, subresource), query, body=obj)

    def replace(self, target: Target, obj: Object, query: Query = _NO_QUERY, *, subresource: str = "") -> Object:
        """Replace an object."""
        return self.object("PUT", _path(target, subresource), query, body=obj)

    def patch(
        self, target: Target, kind: str, patch: Any, query: Query = _NO_QUERY, *, subresource: str = ""
    ) -> Object:
        """Change part of an object; `kind` is merge, json, strategic or apply."""
        return self.object("PATCH", _path(target, subresource), query, body=patch, content_type=PATCH_TYPES[kind])

    def delete(self, target: Target, options: Object, query: Query = _NO_QUERY) -> Object:
        """Delete an object."""
        return self.object("DELETE", target.path, query, body=options)

    # -- the wire ----------------------------------------------------------------------------------

    def object(
        self,
        method: str,
        path: str,
        query: Query = _NO_QUERY,
        *,
        body: Any = None,
        accept: str = AS_OBJECT,
        content_type: str = "application/json",
    ) -> Object:
        """Send a request and return the object that answers it."""
        headers = {"accept": accept}
        data = b""
        if body is not None:
            headers["content-type"] = content_type
            data = body if isinstance(body, bytes) else _encoded(method, body)
        response = self.send(method, path, query, headers, data)
        if response.object is not None:
            return response.object
        content: Object = json.loads(response.body)
        return content

    def send(
        self,
        method: str,
        path: str,
        query: Query = _NO_QUERY,
        headers: Query = _NO_QUERY,
        body: bytes = b"",
        *,
        bare: bool = False,
    ) -> Response:
        """Send a request and return the raw response; raises `StatusError` if the API refuses.

        Parameters without a value are left out, unless `bare` says that they are meant.
        """
        query = query if bare else {k: v for k, v in query.items() if v}
        if self._door.timeout and "timeout" not in query:
            query = {**query, "timeout": self._door.timeout}
        who = self._door.identity()
        headers = {**headers, **who.headers}
        user = self.client.user if who.own else None
        request = Request(method, path, query, {"user-agent": AGENT, **headers}, body, user=user)
        try:
            response = self.client.transport.handle(request)
        except Unreachable:
            raise CommandError(connection_refused(self._door.server.partition("://")[2]), plain=True) from None
        self._keep(Exchange(method, path, query, headers, body.decode(errors="replace"), response, self.clock.now()))
        for text in response.warnings:
            if text not in self._warned:
                self._warned.add(text)
                self._printed.err(f"Warning: {text}\n")
        if response.code >= 400:
            raise _refused(method, path, response)
        return response

    @property
    def warnings(self) -> int:
        """How many warnings the server has given."""
        return len(self._warned)

    def _keep(self, exchange: Exchange) -> None:
        self._printed.requests.append(exchange)
        if self._door.verbosity:
            self._printed.err(log_lines(exchange, self._door.verbosity, self._door.server))
            if exchange.code >= 400:
                self._printed.err(refusal_line(exchange, self._door.verbosity))


def _refused(method: str, path: str, response: Response) -> StatusError:
    """The error of an answer; what is no `Status` gets the words that client-go has for its code.

    Upstream: `apimachinery/pkg/api/errors` (`NewGenericServerResponse`).
    """
    try:
        error = refused(response)
    except ValueError:
        error = None
    if error is not None and "kind" in error.status:
        return error
    plain = response.body.decode(errors="replace").strip()
    reasons = {
        404: ("NotFound", "the server could not find the requested resource"),
        500: ("InternalError", f"an error on the server ({quoted(plain)}) has prevented the request from succeeding"),
        504: ("Timeout", _LATE),
    }
    found = _PLACE.fullmatch(path)
    if found is not None and response.code in (500, 504):
        plural, _slash, name = found["what"].partition("/")
        resource = f"{plural}.{found['group']}" if found["group"] else plural
        asked = " ".join(filter(None, (method.lower(), resource, name.partition("/")[0])))
        reason, words = reasons[response.code]
        return StatusError(response.code, reason, f"{words} ({asked})")
    reason, message = reasons.get(response.code, ("", plain or f"the server responded with {response.code}"))
    return StatusError(response.code, reason, message)


def _encoded(method: str, body: Any) -> bytes:
    """The body as Go encodes it: an object ends its line, a patch does not."""
    ending = 0 if method == "PATCH" else orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS | ending)


def _path(target: Target, subresource: str) -> str:
    return target.resource.path(target.namespace, target.name, subresource)


def drain(stream: Any) -> Iterator[Object]:
    """The events that a watch has ready."""
    while (event := stream.next()) is not None:
        yield event
