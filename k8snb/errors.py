"""API errors: each carries the `Status` object that the server answers with.

The constructors give the reasons, codes and wordings of apimachinery's `pkg/api/errors/errors.go`;
`FieldError` those of `pkg/util/validation/field/errors.go`. Nothing else in the package writes an
error body, so a message has one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.typing import Object, Resource

_TITLES = {
    "FieldValueNotFound": "Not found",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "FieldValueTypeInvalid": "Invalid value",
    "InternalError": "Internal error",
}
_WITHOUT_VALUE = {"FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong", "InternalError"}


OMITTED: Any = object()
"""In the place of a value that a message does not show."""


class Struct(dict[str, Any]):
    """A Go struct in a message: its fields keep their order, while the keys of a map are sorted."""


def quoted(value: Any) -> str:
    """A value as an error message shows it: strings quoted, everything else as compact JSON."""
    if isinstance(value, Struct):
        return f"{{{','.join(f'{quoted(name)}:{quoted(field)}' for name, field in value.items())}}}"
    if isinstance(value, list) and value and isinstance(value[0], Struct):
        return f"[{','.join(map(quoted, value))}]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One finding of validation: which field, what is wrong, and how to put it right."""

    reason: str
    field: str
    value: Any = None
    detail: str = ""

    @property
    def body(self) -> str:
        """The message without the field path: `Invalid value: "x": must be …`."""
        text = _TITLES[self.reason]
        if self.reason not in _WITHOUT_VALUE and self.value is not OMITTED:
            text += f": {quoted(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", field, value, detail)


def bad_field(field: str, detail: str) -> FieldError:
    """An invalid value that is too large, or too scattered, to be shown."""
    return FieldError("FieldValueInvalid", field, OMITTED, detail)


def required(field: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", field, "", detail)


def duplicate(field: str, value: Any, detail: str = "") -> FieldError:
    return FieldError("FieldValueDuplicate", field, value, detail)


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    names = ", ".join(quoted(name) for name in supported)
    return FieldError("FieldValueNotSupported", field, value, f"supported values: {names}")


def field_forbidden(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", field, "", detail)


def field_not_found(field: str, value: Any, detail: str = "") -> FieldError:
    return FieldError("FieldValueNotFound", field, value, detail)


def too_long(field: str, value: Any, limit: int) -> FieldError:
    return FieldError("FieldValueTooLong", field, value, f"may not be more than {limit} bytes")


def too_many(field: str, actual: int, limit: int) -> FieldError:
    noun = "items" if limit != 1 else "item"
    return FieldError("FieldValueTooMany", field, actual, f"must have at most {limit} {noun}")


class Answered(Exception):
    """Somebody was asked and said no, in words: a notebook shows the words, and not where in the program that was."""

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class StatusError(Answered):
    """The API refused. `status` is the `Status` object that goes over the wire."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
        }
        if reason:
            status["reason"] = reason
        if details is not None:
            status["details"] = details
        status["code"] = code
        self.status: Object = status

    @property
    def code(self) -> int:
        """The HTTP status code."""
        return int(self.status["code"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the answer: when to come again, where that is known."""
        seconds = (self.status.get("details") or {}).get("retryAfterSeconds")
        return {"Retry-After": str(seconds)} if seconds else {}

    @property
    def reason(self) -> str:
        """The machine-readable reason, e.g. `NotFound`; empty when there is none."""
        return str(self.status.get("reason", ""))

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.status["message"])


class Unreachable(StatusError):
    """No API server has answered, so there is no status but the one that clients make up."""

    def __init__(self, address: str) -> None:
        super().__init__(503, "ServiceUnavailable", f"dial tcp {address}: connect: connection refused")
        self.address = address


class LeftOut(Exception):
    """Something that is not done on this cluster, and why. Nothing is broken: a page says so and goes on."""


class Absent:
    """What stands for a value whose making was left out; to use it is to be left out as well."""

    def refuse(self, *_arguments: Any, **_options: Any) -> Any:
        """Raise `LeftOut`."""
        raise LeftOut(type(self).__doc__)


class NeedsEmbedded(LeftOut):
    """Only the embedded cluster can do this; a live one follows the wall clock and is not ours to take apart."""


class NeedsYes(LeftOut):
    """It would reach beyond what a notebook has made for itself in a live cluster, and nobody has said yes to that."""


def _details(resource: Resource | None, name: str, **more: Any) -> Object:
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if resource is not None:
        if resource.group:
            details["group"] = resource.group
        details["kind"] = resource.plural
    return {**details, **more}


def not_found(resource: Resource, name: str) -> StatusError:
    message = f'{resource.group_resource} "{name}" not found'
    return StatusError(404, "NotFound", message, _details(resource, name))


def path_not_found() -> StatusError:
    """No resource is served at the path."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Resource, name: str) -> StatusError:
    message = f'{resource.group_resource} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(resource, name))


def generated_name_conflict(resource: Resource, name: str) -> StatusError:
    why = "the server was not able to generate a unique name for the object"
    message = f'{resource.group_resource} "{name}" already exists, {why}'
    return StatusError(409, "AlreadyExists", message, _details(resource, name, retryAfterSeconds=1))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(resource: Resource, name: str, why: str = MODIFIED) -> StatusError:
    message = f'Operation cannot be fulfilled on {resource.group_resource} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, errors: Sequence[FieldError]) -> StatusError:
    """Validation found something: every finding becomes a cause with its field path."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    message = f'{resource.kind}{"." + resource.group if resource.group else ""} "{name}" is invalid: {listed}'
    causes = [{"reason": e.reason, "message": e.body, "field": e.field} for e in errors]
    details: dict[str, Any] = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details.update(kind=resource.kind, causes=causes)
    return StatusError(422, "Invalid", message, details)


def forbidden(resource: Resource, name: str, why: str) -> StatusError:
    named = f'{resource.group_resource} "{name}" is forbidden' if name else f"{resource.group_resource} is forbidden"
    return StatusError(403, "Forbidden", f"{named}: {why}", _details(resource, name))


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> StatusError:
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def unsupported_media_type(supported: Iterable[str]) -> StatusError:
    names = ", ".join(supported)
    message = f"the body of the request was in an unknown format - accepted media types include: {names}"
    return StatusError(415, "UnsupportedMediaType", message)


def not_acceptable(supported: Iterable[str]) -> StatusError:
    names = ", ".join(supported)
    message = f"only the following media types are accepted: {names}"
    return StatusError(406, "NotAcceptable", message)


def too_large(message: str) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", message)


def expired(message: str) -> StatusError:
    """The revision asked for has been compacted (410 Gone)."""
    return StatusError(410, "Expired", message)


def too_many_requests(message: str, retry_after: int = 0, causes: Sequence[Object] = ()) -> StatusError:
    details: dict[str, Any] = {"causes": list(causes)} if causes else {}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    return StatusError(429, "TooManyRequests", message, details)


def internal(message: str) -> StatusError:
    causes = [{"message": message}]
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", {"causes": causes})


def unavailable(message: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", message)


def timeout(message: str) -> StatusError:
    return StatusError(504, "Timeout", message)


class NotData(ValueError):
    """Something in a cluster's past that is not data, so that nobody can be told of it; says what."""
