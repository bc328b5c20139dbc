"""What kubectl sends: one method per verb of the API, each a raw HTTP request as the real one sends it.

Every answer comes back as an object; a refusal is raised as `StatusError`. Warnings of the server are printed
once each, as the real one does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson

from k8snb.client.client import PATCH_TYPES, Client, refused
from k8snb.clock import Clock
from k8snb.kubectl.output import Printed
from k8snb.kubectl.printing.gojson import json_text
from k8snb.kubectl.targets import Target
from k8snb.typing import Object, Resource
from k8snb.wire import Response

AS_OBJECT = "application/json"
AS_TABLE = ",".join([*(f"application/json;as=Table;v={v};g=meta.k8s.io" for v in ("v1", "v1beta1")), AS_OBJECT])

Query = Mapping[str, str]
Wait = Callable[[Callable[[], bool], float], bool]
"""Lets time pass until a condition holds or some seconds are over, and says whether it holds."""

_NO_QUERY: Query = {}
_TELLS_REQUESTS, _TELLS_BODIES = 6, 8


class Session:
    """The requests of one command. `wait` lets time pass; `clock` tells it.

    From `verbosity` 6 on every request is printed, from 8 on also what went and came with it.
    """

    def __init__(self, client: Client, clock: Clock, wait: Wait, printed: Printed, verbosity: int = 0) -> None:
        self.client = client
        self.clock = clock
        self.wait = wait
        self.scheme = client.scheme
        self._printed = printed
        self._verbosity = verbosity
        self._warned: set[str] = set()

    # -- reading -----------------------------------------------------------------------------------

    def get(
        self, target: Target, query: Query = _NO_QUERY, *, subresource: str = "", accept: str = AS_OBJECT
    ) -> Object:
        """An object, or a Table of it."""
        return self.object("GET", _path(target, subresource), query, accept=accept)

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
            data = body if isinstance(body, bytes) else orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        response = self.send(method, path, query, headers, data)
        if response.object is not None:
            return response.object
        content: Object = json.loads(response.body)
        return content

    def send(
        self, method: str, path: str, query: Query = _NO_QUERY, headers: Query = _NO_QUERY, body: bytes = b""
    ) -> Response:
        """Send a request and return the raw response; raises `StatusError` if the API refuses."""
        query = {k: v for k, v in query.items() if v}
        response = self.client.request(method, path, query, headers, body)
        if self._verbosity >= _TELLS_REQUESTS:
            self._tell(method, path, query, body, response)
        for text in response.warnings:
            if text not in self._warned:
                self._warned.add(text)
                self._printed.err(f"Warning: {text}\n")
        if response.code >= 400:
            raise refused(response)
        return response

    def _tell(self, method: str, path: str, query: Query, body: bytes, response: Response) -> None:
        url = path + ("?" + urlencode(query) if query else "")
        self._printed.err(f"{method} {url} {response.code} {HTTPStatus(response.code).phrase}\n")
        if self._verbosity >= _TELLS_BODIES and body:
            self._printed.err(f"Request Body: {body.decode()}\n")
        if self._verbosity >= _TELLS_BODIES and response.stream is None:
            text = response.body.decode() if response.object is None else json_text(response.object, ordered=False)
            self._printed.err(f"Response Body: {text}\n")


def _path(target: Target, subresource: str) -> str:
    return target.resource.path(target.namespace, target.name, subresource)


def drain(stream: Any) -> Iterator[Object]:
    """The events that a watch has ready."""
    while (event := stream.next()) is not None:
        yield event
