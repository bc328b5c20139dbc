"""PATCH bodies: four media types, one result, the object as it would be after the patch.

The patched document goes through the same typed decoding as any body, so an unknown field in a patch is
found the same way; what is wrong is then said of the patch (`patch: Invalid value: …`), because the document is
the server's own. Upstream: `apiserver/pkg/endpoints/handlers/patch.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from k8snb.apiserver import body
from k8snb.apiserver.body import Decoded
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.negotiation import PATCHES, patch_kind
from k8snb.apiserver.options import check_write, validation_mode
from k8snb.apiserver.registry.strategy import Decode
from k8snb.errors import StatusError, bad_request, invalid_value, unsupported_media_type
from k8snb.machinery import patch, schema
from k8snb.machinery.gotext import go_text, json_word
from k8snb.typing import Object
from k8snb.wire import Request

_GO_MAP = "map[string]interface {}"
_OPERATION_TYPE = "handlers.jsonPatchOp"
_OPERATION = frozenset({"op", "path", "from", "value"})
_REFUSED = re.compile(r"^[A-Za-z]+ in version \"[^\"]*\" cannot be handled as a [A-Za-z]+: (.*)$", re.S)
_MISMATCH = re.compile(r"^json: cannot unmarshal (\w+)(?: \S+)? into .* of type (\S+)$", re.S)


def patched(kind: Kind, old: Object, request: Request) -> Decoded:
    """The object `old` with the patch of the request applied, decoded strictly or not as it asks."""
    return patched_as(kind.resource.api_version, kind.resource.kind, old, request, kind.strategy.decode)


def patched_as(api_version: str, kind: str, old: Object, request: Request, decoder: Decode | None = None) -> Decoded:
    """The same for an object of any kind, such as the Scale of a Deployment."""
    how = patch_kind(request.headers.get("content-type", ""))
    if how == "strategic" and decoder is not None:
        raise unsupported_media_type(each for each, name in PATCHES.items() if name != "strategic")
    check_write(request, apply=how == "apply")
    mode = validation_mode(request)
    given, problems = _document(how, request)
    if how == "json":
        if mode != "Ignore":
            _check_operations(given)
        result: Any = patch.json_patch(old, given)
        problems = [f"json patch {problem}" for problem in [*problems, *_strange(given)]]
    elif how == "merge":
        result = patch.merge_patch(old, _mapping(how, given))
    else:
        result = patch.strategic_merge_patch(old, _mapping(how, given), api_version, kind)
    if request.object is not None and how == "merge":  # a part of the cluster; its objects are typed by construction
        return Decoded(result)
    try:
        return body.typed(result, api_version, kind, mode, problems, decoder=decoder)
    except StatusError as error:
        raise _invalid(how, given, result, error) from None


def _document(how: str, request: Request) -> tuple[Any, list[str]]:
    """What the body says, and the fields that it says twice."""
    if request.object is not None:
        return request.object, []
    try:
        return schema.parse_json(request.body)
    except ValueError as error:
        raise _unreadable(how, str(error)) from None


def _unreadable(how: str, why: str) -> StatusError:
    return bad_request(why if how == "strategic" else f"error decoding patch: {why}")


def _mapping(how: str, value: Any) -> Mapping[str, Any]:
    if value is None and how == "merge":
        raise bad_request("Invalid JSON Patch")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _unreadable(how, f"json: cannot unmarshal {json_word(value)} into Go value of type {_GO_MAP}")
    return value


def _check_operations(given: Any) -> None:
    """Raise BadRequest unless it is a list of operations, as the decoder of `[]jsonPatchOp` would."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise _mismatch(given, f"Go value of type []{_OPERATION_TYPE}")
    for each in given:
        if not isinstance(each, Mapping):
            raise _mismatch(each, f"Go value of type {_OPERATION_TYPE}")
        for key in ("op", "path", "from"):
            if not isinstance(each.get(key, ""), str):
                raise _mismatch(each[key], f"Go struct field jsonPatchOp.{key} of type string")


def _mismatch(value: Any, target: str) -> StatusError:
    return _unreadable("json", f"json: cannot unmarshal {json_word(value)} into {target}")


def _strange(operations: Any) -> list[str]:
    """The fields of JSON patch operations that mean nothing."""
    listed = enumerate(operations)
    return [f'unknown field "[{i}].{key}"' for i, each in listed for key in sorted(each) if key not in _OPERATION]


def _invalid(how: str, given: Any, result: Any, error: StatusError) -> StatusError:
    """The refusal of a patched document as upstream words it: by the patch, which belongs to no kind."""
    found = _REFUSED.match(error.message)
    why = found[1] if found else error.message
    if how == "strategic":
        shown, why = go_text(given or {}), _converted(why)
    else:
        shown = orjson.dumps(result, option=orjson.OPT_SORT_KEYS).decode()
    finding = invalid_value("patch", shown, why)
    causes = [{"reason": finding.reason, "message": finding.body, "field": finding.field}]
    return StatusError(422, "Invalid", f' "" is invalid: {finding}', {"causes": causes})


def _converted(why: str) -> str:
    """A mismatch of types in the words of the converter that takes the place of the JSON decoder here."""
    found = _MISMATCH.match(why)
    if found is None:
        return why
    word, wanted = found.groups()
    given = {"number": "int64", "object": "map", "array": "slice"}.get(word, word)
    if wanted.startswith("map["):
        return f"cannot restore map from {given}"
    if wanted.startswith("[]"):
        return f"cannot restore slice from {given}"
    if "." in wanted:
        return f"cannot restore struct from: {given}"
    if given == "int64" and wanted == "string":
        return "cannot convert int64 to string"
    return f"unrecognized type: {wanted}"
