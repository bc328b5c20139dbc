"""PATCH with `application/apply-patch+yaml`: server-side apply.

The body is what somebody wants to be so, as YAML. It is merged into the object that is there, or makes a new one;
fields that others own are not changed unless forced. What comes out passes the same way into the store as any write.

Upstream: `apiserver/pkg/endpoints/handlers/patch.go` (`applyPatcher`) and
`apimachinery/pkg/util/managedfields/internal/structuredmerge.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from k8snb.apiserver import body
from k8snb.apiserver.authors import Authors
from k8snb.apiserver.identity import check_identity
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.options import check_write, flag, validation_mode
from k8snb.apiserver.ownership import Known
from k8snb.apiserver.registry.strategy import Decode
from k8snb.apiserver.resetting import ONLY, reset_fields
from k8snb.apiserver.writing import Writer
from k8snb.errors import StatusError, bad_request, conflict, not_found
from k8snb.machinery import schema
from k8snb.machinery.gotext import json_word
from k8snb.machinery.managed import applying
from k8snb.machinery.managed.checking import problems
from k8snb.machinery.managed.managers import NOBODY, Owners, from_scale, of_scale
from k8snb.machinery.managed.sets import EMPTY, FieldSet
from k8snb.machinery.managed.shapes import Shape, shape_of
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response, User

Require = Callable[[User, Request, RequestInfo], object]
"""Raises Forbidden where a user may not send a request of the kind."""

SCALE = ("autoscaling/v1", "Scale")


class _Wanted(NamedTuple):
    """The body of an apply, and what is said of it besides."""

    object: Object
    warnings: tuple[str, ...]


class Applier:
    """Applies objects, their status, and the scale of what has one."""

    def __init__(self, store: Store, writer: Writer, authors: Authors, require: Require) -> None:
        self._require = require
        self._store = store
        self._writer = writer
        self._authors = authors

    def apply(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Make an object agree with what the request says; make it if it is not there."""
        check_write(request, apply=True)
        old = self._store.get(kind.bucket, info.namespace if kind.resource.namespaced else "", info.name)
        if old is None and info.subresource:
            raise not_found(kind.resource, info.name)
        wanted = _wanted(request, (kind.resource.api_version, kind.resource.kind), info)
        live = kind.load(old) if old is not None else _nothing(kind)
        owners = self._authors.history.live(kind, old) if old is not None else NOBODY
        reset = reset_fields(kind.resource, info.subresource)
        found = self._applied(kind, info, request, live, wanted.object, kind.served, owners, reset)
        if old is None:
            return self._made(kind, info, request, found, wanted.warnings)
        new = kind.save(_typed(found.object, kind.resource.api_version, kind.resource.kind, kind.strategy.decode))
        check_identity(kind, info, new)
        return self._writer.replace(kind, info, request, old, new, wanted.warnings, Known(found.owners))

    def _made(
        self, kind: Kind, info: RequestInfo, request: Request, found: applying.Applied, warnings: tuple[str, ...]
    ) -> Response:
        new = _typed(found.object, kind.resource.api_version, kind.resource.kind, kind.strategy.decode)
        check_identity(kind, info, new)
        meta = new["metadata"]
        if meta.get("uid"):
            why = f"uid mismatch: the provided object specified uid {meta['uid']}, and no existing object was found"
            raise conflict(kind.resource, info.name, why)
        plain = {**new, "metadata": {name: value for name, value in meta.items() if name != "resourceVersion"}}
        making = RequestInfo("create", info.resource, info.namespace, info.name)
        if request.user is not None:
            self._require(request.user, request, making)
        return self._writer.make(kind, making, request, plain, warnings, found.owners)

    def scale(self, kind: Kind, info: RequestInfo, request: Request, old: Object, seen: Object) -> tuple[Object, Known]:
        """Apply a Scale; `seen` is that of the object. Returns the new one, and what is to be kept of the author."""
        check_write(request, apply=True)
        wanted = _wanted(request, SCALE, info)
        owners = self._authors.history.live(kind, old)
        found = self._applied(kind, info, request, seen, wanted.object, shape_of(*SCALE), of_scale(owners), EMPTY)
        by = Known(from_scale(owners, found.owners, kind.resource.api_version))
        return _typed(found.object, *SCALE), by

    def _applied(
        self,
        kind: Kind,
        info: RequestInfo,
        request: Request,
        live: Object,
        wanted: Object,
        shape: Shape,
        owners: Owners,
        reset: FieldSet,
    ) -> applying.Applied:
        _check(wanted, live, info, shape, first=not owners and "uid" in live["metadata"])
        writer = self._authors.writer(kind.resource, info, request)._replace(api_version=wanted["apiVersion"])
        force, only = flag(request.query, "force"), ONLY.get(info.subresource, ())
        try:
            return applying.applied(live, wanted, shape, owners, writer, force=force, reset=reset, only=only)
        except applying.Conflicts as error:
            raise StatusError(409, "Conflict", str(error), {"causes": error.causes}) from None


def _nothing(kind: Kind) -> Object:
    resource = kind.resource
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {}}


def _wanted(request: Request, expected: tuple[str, str], info: RequestInfo) -> _Wanted:
    """The body as an object of the expected version and kind."""
    duplicates: list[str] = []
    value: Any = request.object
    if value is None:
        try:
            value, duplicates = schema.parse_yaml(request.body)
        except ValueError as error:
            raise bad_request(f"error decoding YAML: {error}") from None
    if not isinstance(value, Mapping):
        word = json_word(value)
        why = f"json: cannot unmarshal {word} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding YAML: {why}")
    _check_kind(value, expected)
    mode = validation_mode(request)
    if duplicates and mode == "Strict":
        raise bad_request(f"error strict decoding YAML: {'; '.join(duplicates)}")
    meta = value.get("metadata")
    if isinstance(meta, Mapping) and meta.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    if meta is None:
        value = {name: inner for name, inner in value.items() if name != "metadata"}
    elif isinstance(meta, Mapping) and "managedFields" in meta:
        value = {**value, "metadata": {k: v for k, v in meta.items() if k != "managedFields"}}
    return _Wanted(value, tuple(duplicates) if mode == "Warn" else ())


def _check_kind(value: Mapping[str, Any], expected: tuple[str, str]) -> None:
    version, kind = str(value.get("apiVersion") or ""), str(value.get("kind") or "")
    if (version, kind) != expected:
        raise bad_request(f"invalid object type: {_versioned(version, kind)}")


def _versioned(version: str, kind: str) -> str:
    """A version and kind as Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`."""
    return f"{version if '/' in version else f'/{version}'}, Kind={kind}"


def _check(wanted: Object, live: Object, info: RequestInfo, shape: Shape, *, first: bool) -> None:
    """Raise where an object does not fit its schema: what is applied, or (before anybody owns it) what is there."""
    what = _versioned(wanted["apiVersion"], wanted["kind"])
    if first and (why := problems(live, shape)):
        there = f"{info.namespace}/{info.name}; {what}"
        lead = "failed to create manager for existing fields: failed to convert new object"
        raise StatusError(500, "", f"{lead} ({there}) to smd typed: {why}")
    if why := problems(wanted, shape):
        meta = wanted.get("metadata")
        named = meta if isinstance(meta, Mapping) else {}
        there = f"{named.get('namespace', '')}/{named.get('name', '')}; {what}"
        raise StatusError(500, "", f"failed to create typed patch object ({there}): {why}")


def _typed(obj: Object, api_version: str, kind: str, decoder: Decode | None = None) -> Object:
    return body.typed(dict(obj), api_version, kind, "Ignore", decoder=decoder).object
