"""Request bodies: from bytes of any accepted media type to a typed object, or to the error that Go would give.

Upstream: `apiserver/pkg/endpoints/handlers/rest.go` and `runtime/serializer`. A body from inside the process is
already an object and passes through untouched.
"""

from __future__ import annotations

from typing import Any

import orjson

from k8snb.apiserver.negotiation import body_media_type
from k8snb.errors import StatusError, bad_request
from k8snb.machinery import protobuf, schema
from k8snb.machinery.gotext import json_word
from k8snb.typing import Object, Resource
from k8snb.wire import Request

_TYPE_META = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
SHOWN_BYTES = 30
"""How much of a body that cannot be read an error shows."""


class Decoded:
    """A decoded body and the warnings that go back with the answer."""

    __slots__ = ("object", "warnings")

    def __init__(self, object: Object, warnings: tuple[str, ...] = ()) -> None:
        self.object = object
        self.warnings = warnings


def decode(request: Request, api_version: str, kind: str) -> Decoded:
    """The object in the body, checked against the schema of the expected kind.

    Raises BadRequest with the decoder's words, UnsupportedMediaType for an unknown media type.
    """
    if request.object is not None:
        return Decoded(request.object)
    media = body_media_type(request.headers.get("content-type", ""))
    value, duplicates = parse(request.body, media, kind)
    return typed(value, api_version, kind, validation_mode(request), duplicates, request.body)


def typed(
    value: Any, api_version: str, kind: str, mode: str, duplicates: list[str] | None = None, body: bytes = b""
) -> Decoded:
    """A parsed body as an object of the expected kind."""
    if not isinstance(value, dict):
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {_not_an_object(value)}", body)
    value = _identified(value, api_version, kind, body)
    obj, problems = schema.decode(value, api_version, kind, mode, duplicates=duplicates or [])
    return Decoded(obj, tuple(problems))


def _identified(value: dict[str, Any], api_version: str, kind: str, body: bytes) -> dict[str, Any]:
    given_kind, given_version = value.get("kind"), value.get("apiVersion")
    if given_kind and not isinstance(given_kind, str):
        raise _unrecognized(kind, _unmarshal("kind", given_kind), body)
    if given_version and not isinstance(given_version, str):
        raise _unrecognized(kind, _unmarshal("apiVersion", given_version), body)
    if given_version and given_version != api_version:
        raise bad_request(
            f"the API version in the data ({given_version}) does not match the expected API version ({api_version})"
        )
    if given_kind and given_kind != kind:
        version = api_version.rpartition("/")[2]
        raise bad_request(
            f'{given_kind} in version "{version}" cannot be handled as a {kind}: '
            f"converting ({version}.{given_kind}) to ({_internal(api_version)}.{kind}): unknown conversion"
        )
    rest = {k: v for k, v in value.items() if k not in ("apiVersion", "kind")}
    return {"apiVersion": api_version, "kind": kind, **rest}


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


def validation_mode(request: Request) -> str:
    """The `fieldValidation` parameter: Strict, Warn (the default) or Ignore."""
    mode = request.query.get("fieldValidation", "") or "Warn"
    if mode not in ("Strict", "Warn", "Ignore"):
        raise _invalid_option(request, "fieldValidation", mode, ("Ignore", "Strict", "Warn"))
    return mode


def dry_run(request: Request) -> bool:
    """Whether the request only wants to know what would happen."""
    value = request.query.get("dryRun", "")
    if not value and request.object is not None and request.info is not None and request.info.verb == "delete":
        return bool(request.object.get("dryRun"))
    if value and value != "All":
        raise _invalid_option(request, "dryRun", [value], ("All",))
    return value == "All"


_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}


def _invalid_option(request: Request, field: str, value: Any, supported: tuple[str, ...]) -> StatusError:
    kind = _OPTIONS.get(request.method, "CreateOptions")
    names = ", ".join(f'"{name}"' for name in supported)
    shown = orjson.dumps(value).decode()
    body = f"Unsupported value: {shown}: supported values: {names}"
    details = {
        "group": "meta.k8s.io",
        "kind": kind,
        "causes": [{"reason": "FieldValueNotSupported", "message": body, "field": field}],
    }
    return StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {field}: {body}', details)


def delete_options(request: Request, resource: Resource) -> Object:
    """The options of a deletion, from the body or from the query."""
    if request.object is not None:
        return request.object
    query = request.query
    options: dict[str, Any] = {}
    if request.body.strip():
        media = body_media_type(request.headers.get("content-type", ""))
        value, duplicates = parse(request.body, media, "DeleteOptions")
        if isinstance(value, dict):
            value = {**value, "apiVersion": "v1"} if value.get("apiVersion") else value
        options = dict(typed(value, "v1", "DeleteOptions", "Ignore", duplicates, request.body).object)
    if "gracePeriodSeconds" in query:
        options["gracePeriodSeconds"] = _integer("gracePeriodSeconds", query["gracePeriodSeconds"])
    if "propagationPolicy" in query:
        options["propagationPolicy"] = query["propagationPolicy"]
    return options


def _integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
