"""What travels between a client and the API server, on any transport.

A request from outside arrives as method, path, headers and bytes. A request from inside the process
arrives already resolved (`info`) and already decoded (`object`, shared, not copied); the filter chain
behind `APIServer.handle` is the same for both. Answers carry an object; whoever writes to a socket
encodes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snb.typing import Object, Resource


@dataclass(frozen=True, slots=True, eq=False)
class User:
    """Who asks, as authentication found out. Identity is equality: what is decided for one is kept under it."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def info(self) -> Object:
        """The user as reviews, admission and the audit log show it (`authentication.k8s.io/v1`, UserInfo)."""
        info: dict[str, Any] = {"username": self.name}
        if self.uid:
            info["uid"] = self.uid
        if self.groups:
            info["groups"] = list(self.groups)
        if self.extra:
            info["extra"] = {key: list(values) for key, values in self.extra.items()}
        return info


class RequestInfo:
    """What a request is about: the words that authorization, admission and the trace use.

    `verb` is the API's verb (get, list, watch, create, update, patch, delete, deletecollection).
    `resource` is None for paths that are not resources; then `path` alone counts.
    """

    __slots__ = ("name", "namespace", "resource", "subresource", "verb")

    def __init__(
        self, verb: str, resource: Resource | None, namespace: str = "", name: str = "", subresource: str = ""
    ) -> None:
        self.verb = verb
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource


_METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}

_NOTHING: Mapping[str, Any] = {}
REPEATED = "\0"
"""Joins the values of a query parameter or header that is given several times and whose values may hold commas."""


class Request:
    """One request. Make it from `method` and `path` (outside) or from `info` (inside).

    `query` maps each parameter to its last value; `headers` has lower-case names.
    """

    __slots__ = ("_method", "_path", "body", "headers", "info", "notes", "object", "query", "user")

    def __init__(
        self,
        method: str = "",
        path: str = "",
        query: Mapping[str, str] = _NOTHING,
        headers: Mapping[str, str] = _NOTHING,
        body: bytes = b"",
        *,
        info: RequestInfo | None = None,
        object: Object | None = None,
        user: User | None = None,
    ) -> None:
        self._method = method
        self._path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.info = info
        self.object = object
        self.user = user
        self.notes: Any = None
        """What the API server notes of it on its way (`apiserver/notes.py`), where anybody wants to know."""

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return self._method or (_METHODS[self.info.verb] if self.info else "")

    @property
    def path(self) -> str:
        """The URL path without the query."""
        if self._path or self.info is None or self.info.resource is None:
            return self._path
        info = self.info
        name = "" if info.verb == "create" and not info.subresource else info.name
        return self.info.resource.path(info.namespace, name, info.subresource)

    def copy(self) -> Request:
        """The request as it came in: a server fills in what it finds out."""
        return Request(
            self._method if self.info is None else "",
            self._path if self.info is None else "",
            self.query,
            self.headers,
            self.body,
            info=self.info,
            object=self.object,
            user=self.user,
        )


class Response:
    """One answer. Exactly one of `object`, `body` and `stream` carries the content.

    `stream` is a live watch: an object with `next() -> Object | None`, `closed` and `close()`.
    """

    __slots__ = ("body", "code", "content_type", "headers", "object", "stream", "warnings")

    def __init__(
        self,
        code: int,
        object: Object | None = None,
        body: bytes = b"",
        content_type: str = "application/json",
        headers: Mapping[str, str] = _NOTHING,
        stream: Any = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.code = code
        self.object = object
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.stream = stream
        self.warnings = warnings

    def __repr__(self) -> str:
        return f"<Response {self.code} {self.content_type}>"


class WatchEvent:
    """One committed change: what a watch delivers, and what history is made of.

    `type` is ADDED, MODIFIED or DELETED. `previous` is the event before this one on the same object, so
    a chain of events is the history of an object; compaction cuts it. `superseded` is set when the object is
    modified again: whoever has both events waiting may pass over this one. `by` is what the API server notes of the
    author (`apiserver/ownership.py`).
    """

    __slots__ = ("by", "object", "previous", "revision", "superseded", "type")

    def __init__(self, revision: int, type: str, object: Object, previous: WatchEvent | None, by: Any = None) -> None:
        self.by = by
        self.revision = revision
        self.type = type
        self.object = object
        self.previous = previous
        self.superseded = False

    def __repr__(self) -> str:
        meta = self.object["metadata"]
        where = f"{meta['namespace']}/" if "namespace" in meta else ""
        return f"<{self.type} {self.object.get('kind', '')} {where}{meta['name']} @{self.revision}>"


def expired_watch() -> WatchEvent:
    """What a watch ends with when something of it was lost: 410 Gone. Whoever gets it has to list again."""
    status: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version",
        "reason": "Expired",
        "code": 410,
    }
    return WatchEvent(0, "ERROR", status, None)
