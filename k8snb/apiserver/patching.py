"""PATCH bodies: four media types, one result, the object as it would be after the patch.

The patched document goes through the same typed decoding as any body, so an unknown field in a patch is
found the same way. Upstream: `apiserver/pkg/endpoints/handlers/patch.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.apiserver import body
from k8snb.apiserver.body import Decoded
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.negotiation import patch_kind
from k8snb.errors import bad_request
from k8snb.machinery import patch, schema
from k8snb.typing import Object
from k8snb.wire import Request


def patched(kind: Kind, old: Object, request: Request) -> Decoded:
    """The object `old` with the patch of the request applied, decoded strictly or not as it asks."""
    how = patch_kind(request.headers.get("content-type", ""))
    resource = kind.resource
    value = _document(request)
    if how == "json":
        result: Any = patch.json_patch(old, value)
    elif how == "merge":
        result = patch.merge_patch(old, _mapping(value))
    else:
        result = patch.strategic_merge_patch(old, _mapping(value), resource.api_version, resource.kind)
    return body.typed(result, resource.api_version, resource.kind, body.validation_mode(request))


def _document(request: Request) -> Any:
    if request.object is not None:
        return request.object
    try:
        return schema.parse_json(request.body)[0]
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal patch into Go value of type map[string]interface {}")
    return value
