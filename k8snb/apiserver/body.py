"""Request bodies: from bytes of any accepted media type to a typed object, or to the error that Go would give.

Upstream: `apiserver/pkg/endpoints/handlers/rest.go` and `runtime/serializer`. A body from inside the process is
already an object and passes through untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver.negotiation import body_media_type
from k8snb.apiserver.options import check_write, flag, number, validation_mode
from k8snb.apiserver.registry.strategy import Decode
from k8snb.errors import StatusError, bad_request
from k8snb.machinery import protobuf, schema
from k8snb.machinery.gotext import json_word
from k8snb.typing import Object, Resource
from k8snb.wire import Request

_SCHEME = 'scheme "pkg/api/legacyscheme/scheme.go:30"'
_TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
SHOWN_BYTES = 30
"""How much of a body that cannot be read an error shows."""


class Decoded:
    """A decoded body and the warnings that go back with the answer."""

    __slots__ = ("object", "warnings")

    def __init__(self, object: Object, warnings: tuple[str, ...] = ()) -> None:
        self.object = object
        self.warnings = warnings


def decode(request: Request, api_version: str, kind: str, decoder: Decode | None = None) -> Decoded:
    """The object in the body, checked against the schema of the expected kind.

    Raises BadRequest with the decoder's words, UnsupportedMediaType for an unknown media type.
    """
    check_write(request)
    if request.object is not None:
        return Decoded(request.object)
    media = body_media_type(request.headers.get("content-type", ""))
    value, duplicates = parse(request.body, media, kind)
    return typed(value, api_version, kind, validation_mode(request), duplicates, request.body, decoder)


def typed(
    value: Any,
    api_version: str,
    kind: str,
    mode: str,
    duplicates: list[str] | None = None,
    body: bytes = b"",
    decoder: Decode | None = None,
) -> Decoded:
    """A parsed body as an object of the expected kind, which may have a decoder of its own."""
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {_not_an_object(value)}", body)
    value = _identified(value, api_version, kind, body)
    if decoder is not None:
        custom, warnings = decoder(value, mode, duplicates or [])
        return Decoded(custom, tuple(warnings))
    obj, problems = schema.decode(value, api_version, kind, mode, duplicates=duplicates or [])
    return Decoded(obj, tuple(problems))


def _identified(value: dict[str, Any], api_version: str, kind: str, body: bytes) -> dict[str, Any]:
    given_kind = _word(value, "kind", kind, body) or kind
    given_version = _word(value, "apiVersion", kind, body) or api_version
    if given_version.count("/") > 1:
        raise _unrecognized(kind, f"unexpected GroupVersion string: {given_version}", body)
    if (given_kind, given_version) != (kind, api_version):
        raise _another(given_version, given_kind, api_version, kind)
    rest = {k: v for k, v in value.items() if k not in ("apiVersion", "kind")}
    return {"apiVersion": api_version, "kind": kind, **rest}


def _word(value: Mapping[str, Any], field: str, kind: str, body: bytes) -> str:
    given = value.get(field)
    if given is not None and not isinstance(given, str):
        raise _unrecognized(kind, _unmarshal(field, given), body)
    return given or ""


def _another(given_version: str, given_kind: str, api_version: str, kind: str) -> StatusError:
    """The refusal of an object of another kind or version."""
    version = given_version.rpartition("/")[2]
    lead = f'{given_kind} in version "{version}" cannot be handled as a {kind}'
    if schema.type_of(given_version, given_kind) is None:
        return bad_request(f'{lead}: no kind "{given_kind}" is registered for version "{given_version}" in {_SCHEME}')
    if given_kind != kind:
        there = f"({_internal(api_version)}.{kind})"
        return bad_request(f"{lead}: converting ({version}.{given_kind}) to {there}: unknown conversion")
    return bad_request(
        f"the API version in the data ({given_version}) does not match the expected API version ({api_version})"
    )


def _internal(api_version: str) -> str:
    group = api_version.rpartition("/")[0]
    return group.split(".")[0] if group else "core"


def _unmarshal(field: str, value: Any) -> str:
    where = f"Go struct field .{field} of type string"
    return f"couldn't get version/kind; json parse error: json: cannot unmarshal {json_word(value)} into {where}"


def _not_an_object(value: Any) -> str:
    return f"json: cannot unmarshal {json_word(value)} into Go value of type {_TYPE_META}"


def parse(body: bytes, media: str, kind: str) -> tuple[Any, list[str]]:
    """The value in a body of a media type, and the paths of fields that it holds twice."""
    try:
        if media == "application/json":
            return schema.parse_json(body)
        if media == "application/yaml":
            return schema.parse_yaml(body)
        return protobuf.decode(body), []
    except ValueError as error:
        lead = "couldn't get version/kind; json parse error: " if media == "application/json" else ""
        raise _unrecognized(kind, f"{lead}{error}", body) from None


def _unrecognized(kind: str, why: str, body: bytes) -> StatusError:
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({_shown(body)})")


def _shown(body: bytes) -> str:
    if not body:
        return "<empty>"
    head = body[:SHOWN_BYTES]
    text = head.decode("utf-8", "replace") if body[:1] == b"{" else head.hex()
    return f"{text} ..." if len(body) > SHOWN_BYTES else text


def delete_options(request: Request, resource: Resource) -> Object:
    """The options of a deletion, from the body or from the query."""
    if request.object is not None:
        return request.object
    check_write(request)
    query = request.query
    options: dict[str, Any] = {}
    if request.body.strip():
        media = body_media_type(request.headers.get("content-type", ""))
        value, duplicates = parse(request.body, media, "DeleteOptions")
        if isinstance(value, dict) and schema.type_of(str(value.get("apiVersion")), "DeleteOptions") is not None:
            value = {**value, "apiVersion": "v1"}
        options = dict(typed(value, "v1", "DeleteOptions", "Ignore", duplicates, request.body).object)
    seconds = number(query, "gracePeriodSeconds")
    if seconds is not None:
        options["gracePeriodSeconds"] = seconds
    if "orphanDependents" in query:
        options["orphanDependents"] = flag(query, "orphanDependents")
    if "propagationPolicy" in query:
        options["propagationPolicy"] = query["propagationPolicy"]
    return options
