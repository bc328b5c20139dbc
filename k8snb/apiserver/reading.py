"""get, list and watch.

A list without a resource version, or with "0", answers from the newest revision; a list in pages answers
every page from the revision of the first one, through the store's snapshots. Upstream:
`apiserver/pkg/storage/etcd3/store.go` and KEP-365 for paging.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson

from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.options import check_list, check_watch, flag, number
from k8snb.apiserver.selecting import Selection, selection
from k8snb.apiserver.watching import WatchStream, replay
from k8snb.clock import Clock
from k8snb.errors import StatusError, bad_request, expired, not_found
from k8snb.machinery.schema import parse_json
from k8snb.store.mvcc import Compacted, Store
from k8snb.typing import Object
from k8snb.wire import RequestInfo

Objects: TypeAlias = list[Object]
Place: TypeAlias = tuple[str, str]
Start: TypeAlias = Place | tuple[()]
"""Behind which object a list goes on; nothing for one that begins."""

WATCH_SECONDS = 1800
"""After how long the server ends a watch that names no time (kube-apiserver `--min-request-timeout`)."""

_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_LIST_EXPIRED = "The resourceVersion for the provided list is too old."
_NEWEST = -1
"""The revision in the token of a list that goes on from the newest state instead of the one it began with."""


class Reader:
    """The reading verbs of every kind."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, kind: Kind, info: RequestInfo, query: Mapping[str, str]) -> Object:
        """One object, as it is now; a client may say how new that must at least be."""
        if query:
            self._not_in_future(_version(query))
        namespace = info.namespace if kind.resource.namespaced else ""
        found = self._store.get(kind.bucket, namespace, info.name)
        if found is None:
            raise not_found(kind.resource, info.name)
        return kind.load(found)

    # -- list --------------------------------------------------------------------------------------

    def list(self, kind: Kind, info: RequestInfo, query: Mapping[str, str]) -> Object:
        """The selected objects, perhaps in pages, with the revision they are read at."""
        check_list(query)
        chosen = selection(kind, query)
        token = query.get("continue", "")
        revision, start = _resume(token, query, self._store) if token else (self._revision(query), ())
        objects = self._read(kind, info.namespace, chosen, revision, start)
        if start:
            objects = [obj for obj in objects if _place(obj) > start]
        if chosen.matches is not None:
            objects = [obj for obj in objects if chosen.matches(obj)]
        at = self._store.revision if revision is None else revision
        meta: dict[str, Any] = {"resourceVersion": str(at)}
        limit = 0 if _from_cache(query) else number(query, "limit") or 0
        if limit > 0 and len(objects) > limit:
            left = len(objects) - limit
            objects = objects[:limit]
            meta["continue"] = _token(at, _place(objects[-1]))
            if chosen.matches is None:
                meta["remainingItemCount"] = left
        resource = kind.resource
        items = [kind.load(obj) for obj in objects] if kind.converted else objects
        return {"kind": resource.listed_as, "apiVersion": resource.api_version, "metadata": meta, "items": items}

    def _read(self, kind: Kind, namespace: str, chosen: Selection, revision: int | None, start: Start) -> Objects:
        if chosen.name and revision is None:
            if kind.resource.namespaced and not namespace:
                spaces = list(kind.bucket.namespaces)
            else:
                spaces = [namespace if kind.resource.namespaced else ""]
            found = (self._store.get(kind.bucket, space, chosen.name) for space in sorted(spaces))
            return [obj for obj in found if obj is not None]
        try:
            return self._store.scan(kind.bucket, namespace if kind.resource.namespaced else "", revision)
        except Compacted:
            raise (_continue_expired(start) if start else expired(_LIST_EXPIRED)) from None

    def _revision(self, query: Mapping[str, str]) -> int | None:
        match = query.get("resourceVersionMatch", "")
        revision = _version(query)
        if not revision:
            return None
        self._not_in_future(revision)
        exact = match == "Exact" or (not match and query.get("limit") and not query.get("continue"))
        return revision if exact else None

    def _not_in_future(self, revision: int) -> None:
        if revision > self._store.revision:
            message = f"Too large resource version: {revision}, current: {self._store.revision}"
            cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            raise StatusError(504, "Timeout", f"Timeout: {message}", {"causes": [cause], "retryAfterSeconds": 1})

    # -- watch -------------------------------------------------------------------------------------

    def watch(self, kind: Kind, info: RequestInfo, query: Mapping[str, str]) -> WatchStream:
        """A stream of changes, from a resource version or from the state as it is."""
        check_watch(query)
        chosen = selection(kind, query)
        if info.name:
            chosen = _only(kind, chosen, info.name)
        since = _version(query)
        seconds = number(query, "timeoutSeconds")
        if since > self._store.revision:
            self._not_in_future(since)
        bookmarks = flag(query, "allowWatchBookmarks")
        lasts = float(max(seconds or 0, 0) or WATCH_SECONDS)
        stream = WatchStream(kind, chosen, self._clock, self._store, lasts, bookmarks=bookmarks)
        namespace = info.namespace if kind.resource.namespaced else ""
        initial = flag(query, "sendInitialEvents")
        if initial or ("sendInitialEvents" not in query and not since):
            for obj in self._store.scan(kind.bucket, namespace):
                if chosen.matches is None or chosen.matches(obj):
                    stream.put("ADDED", kind.load(obj))
            if initial and bookmarks:
                stream.bookmark(initial_end=True)
        elif since:
            replay(stream, kind, self._store, namespace, since)
        if not stream.closed:
            trigger = "" if namespace else chosen.exact.get("spec.nodeName", "")
            stream.follow(namespace, trigger)
        return stream


def _only(kind: Kind, chosen: Selection, name: str) -> Selection:
    named = selection(kind, {"fieldSelector": f"metadata.name={name}"})
    both = (named.matches, chosen.matches)
    return Selection(lambda obj: all(match is None or match(obj) for match in both), {**chosen.exact, **named.exact})


def _place(obj: Object) -> Place:
    """Where an object stands in a list."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def _from_cache(query: Mapping[str, str]) -> bool:
    """Whether any state will do; then a list is not cut into pages (`cacher`, `shouldDelegateList`)."""
    return query.get("resourceVersion") == "0" and not query.get("continue")


def _continue_expired(start: Place) -> StatusError:
    """The refusal of an old token, with one that goes on from the newest state."""
    error = expired(_CONTINUE_EXPIRED)
    error.status = {**error.status, "metadata": {"continue": _token(_NEWEST, start)}}
    return error


def _token(revision: int, start: Place) -> str:
    content = orjson.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": "/".join(start)})
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _resume(token: str, query: Mapping[str, str], store: Store) -> tuple[int | None, Place]:
    """The revision and the place at which a token goes on. Upstream: `apiserver/pkg/storage/continue.go`."""
    try:
        revision, start = _read_token(token)
    except ValueError as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None
    if query.get("resourceVersion", "") not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")
    if revision > store.revision:
        raise bad_request("invalid continue token: continue key is not valid: its revision has not happened yet")
    return (None if revision < 0 else revision), start


def _read_token(token: str) -> tuple[int, Place]:
    """What a token says. Raises ValueError with what is wrong with it."""
    at = next((at for at, letter in enumerate(token) if letter not in _BASE64), len(token))
    if at < len(token) or len(token) % 4 == 1:
        raise ValueError(f"illegal base64 data at input byte {at}")
    text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    value, _ = parse_json(text) if text else ({}, [])
    if not isinstance(value, dict) or value.get("v") != "meta.k8s.io/v1":
        version = value.get("v", "") if isinstance(value, dict) else ""
        raise ValueError(f"server does not recognize this encoded version {version}")
    revision, start = value.get("rv", 0), value.get("start", "")
    if not isinstance(revision, int) or revision == 0:
        raise ValueError("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    if not isinstance(start, str) or not start:
        raise ValueError("encoded start key empty (version meta.k8s.io/v1)")
    namespace, slash, name = start.partition("/")
    if not slash or "/" in name or ".." in (namespace, name):
        raise ValueError(start)
    return revision, (namespace, name)


def _version(query: Mapping[str, str]) -> int:
    """The resource version in a query; 0 where there is none."""
    text = query.get("resourceVersion", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**64:
        why = "value out of range" if text.isascii() and text.isdigit() else "invalid syntax"
        message = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": {why}'
        raise bad_request(message)
    return int(text)
