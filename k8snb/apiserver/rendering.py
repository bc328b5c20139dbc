"""Answers in the shape that the client accepts: the objects, a Table of them, or their metadata alone.

Runs only for requests from outside, which also see who manages which fields (but not in a Table); a part in the same
process gets the object itself.
"""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.kinds import Kind, Kinds
from k8snb.apiserver.negotiation import ANSWERS, JSON, PROTOBUF, RESOURCE_VIEWS, Accepted, View, negotiate
from k8snb.apiserver.ownership import History
from k8snb.apiserver.printing import partial, partial_list, table
from k8snb.clock import Clock
from k8snb.errors import StatusError, bad_request, invalid_value, not_acceptable
from k8snb.machinery import protobuf
from k8snb.machinery.wireformat import ProtobufError
from k8snb.typing import Object, Resource
from k8snb.wire import Request, Response


def render(kinds: Kinds, clock: Clock, history: History, request: Request, response: Response) -> Response:
    """The response in the negotiated form. Raises NotAcceptable where there is none."""
    info = request.info
    if info is None or info.resource is None or (response.object is None and response.stream is None):
        return response
    if response.code == 101 or response.content_type != JSON:
        return response
    try:
        return _rendered(kinds.of(info.resource), info.resource, clock, history, request, response)
    except StatusError:
        if response.stream is not None:
            response.stream.close()
        raise


def _rendered(
    kind: Kind, resource: Resource, clock: Clock, history: History, request: Request, response: Response
) -> Response:
    watching = response.stream is not None
    accepted = negotiate(request.headers.get("accept", ""), RESOURCE_VIEWS, watch=watching, protobuf=True)
    if accepted.kind == "Table":
        _check_included(request.query.get("includeObject", ""))
    if response.object is not None and response.object.get("kind") != "Status":
        obj = response.object if accepted.kind == "Table" else _managed(history, kind, response.object)
        response.object = _view(accepted, resource, obj, clock, request)
    elif watching:
        if accepted.kind != "Table":
            response.stream.shown = lambda obj: history.shown(kind, obj)
        if accepted.kind:
            response.stream = _RenderedStream(response.stream, accepted, resource, clock, request)
    response.content_type = accepted.content_type
    if watching and accepted.media_type == PROTOBUF:
        if not protobuf.known(resource.api_version, resource.kind):
            raise not_acceptable([f"{JSON};stream=watch"])
        response.content_type = f"{PROTOBUF};stream=watch"
        response.stream = _BinaryStream(response.stream)
    if accepted.media_type == PROTOBUF and response.object is not None:
        response.body, response.object = _as_protobuf(response.object), None
    return response


def check_acceptable(request: Request) -> None:
    """Raise NotAcceptable before a write whose answer could not be given in any form that the client takes."""
    info = request.info
    if info is None or info.resource is None or info.subresource not in ("", "status") or request.method == "GET":
        return
    accepted = negotiate(request.headers.get("accept", ""), RESOURCE_VIEWS, protobuf=True)
    if accepted.media_type == PROTOBUF and not protobuf.known(info.resource.api_version, info.resource.kind):
        raise not_acceptable(ANSWERS)


def _as_protobuf(obj: Object) -> bytes:
    """An object or a list as protobuf. Raises NotAcceptable for a kind that has no numbers for its fields."""
    try:
        return protobuf.encode(obj)
    except ProtobufError:
        raise not_acceptable(ANSWERS) from None


def _managed(history: History, kind: Kind, obj: Object) -> Object:
    """The object, or the objects of a list, with their managed fields."""
    said = obj.get("kind")
    if said == kind.resource.kind:
        meta = obj.get("metadata") or {}
        stored = (
            "name" in meta and str(meta.get("resourceVersion", "")).isdecimal()
        )  # a review is answered with the metadata it came with
        return history.shown(kind, obj) if stored and "managedFields" not in meta else obj
    if said == f"{kind.resource.kind}List":
        return {**obj, "items": history.all_shown(kind, obj["items"])}
    return obj


def _check_included(included: str) -> None:
    """Raise BadRequest for a table whose rows would carry something that there is not."""
    if included not in ("", "None", "Metadata", "Object"):
        why = invalid_value("includeObject", included, "must be 'Metadata', 'Object', 'None', or empty")
        raise bad_request(f"Unable to convert to Table as requested: {why}")


def _view(accepted: Accepted, resource: Resource, obj: Object, clock: Clock, request: Request) -> Object:
    if not accepted.kind:
        return obj
    items = obj["items"] if "items" in obj and str(obj.get("kind", "")).endswith("List") else None
    if accepted.kind == "Table":
        shown = _table(resource, obj, items, clock, request)
    else:
        shown = partial(obj) if items is None else partial_list(items, obj["metadata"])
    return shown if accepted.view is None or accepted.view.version == "v1" else _in_version(shown, accepted.view)


def _in_version(shown: Object, view: View) -> Object:
    """A table or metadata in an older version of the same shape."""
    version = f"{view.group}/{view.version}"
    rows = shown.get("rows")
    if rows:
        partials = [_partial_in(row["object"], version) for row in rows]
        shown = {**shown, "rows": [{**row, "object": each} for row, each in zip(rows, partials, strict=True)]}
    elif "items" in shown:
        shown = {**shown, "items": [{**item, "apiVersion": version} for item in shown["items"]]}
    return {**shown, "apiVersion": version}


def _table(resource: Resource, obj: Object, items: list[Object] | None, clock: Clock, request: Request) -> Object:
    meta = obj.get("metadata") or {}
    rest: dict[str, Any] = {k: meta[k] for k in ("continue", "remainingItemCount") if items is not None and k in meta}
    return table(
        resource,
        [obj] if items is None else items,
        clock.now(),
        resource_version=str(meta.get("resourceVersion", "")),
        include_object=request.query.get("includeObject", "") or "Metadata",
        list_meta=rest,
    )


def _partial_in(obj: Object | None, version: str) -> Object | None:
    return {**obj, "apiVersion": version} if obj and obj.get("kind") == "PartialObjectMetadata" else obj


class _Stream:
    """A watch whose events are changed on their way to the reader."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "on_ready":
            self._stream.on_ready = value
        else:
            super().__setattr__(name, value)

    def __len__(self) -> int:
        return len(self._stream)


class _BinaryStream(_Stream):
    """A watch as frames of protobuf."""

    def next(self) -> bytes | None:
        """The next frame."""
        event = self._stream.next()
        return None if event is None else protobuf.encode_event(event["type"], event["object"])


class _RenderedStream(_Stream):
    """A watch whose objects are shown as another kind."""

    def __init__(self, stream: Any, accepted: Accepted, resource: Resource, clock: Clock, request: Request) -> None:
        super().__init__(stream)
        self._accepted = accepted
        self._resource = resource
        self._clock = clock
        self._request = request
        self._first = True

    def next(self) -> Object | None:
        """The next event with its object in the accepted form."""
        event = self._stream.next()
        if event is None or event["type"] == "ERROR":
            return event  # type: ignore[no-any-return]
        shown = _view(self._accepted, self._resource, event["object"], self._clock, self._request)
        if self._accepted.kind == "Table":
            if event["type"] == "BOOKMARK":
                return event  # type: ignore[no-any-return]
            if not self._first:
                shown = {**shown, "columnDefinitions": None}
            self._first = False
        return {"type": event["type"], "object": shown}
