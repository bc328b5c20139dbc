"""Query parameters: how they are read, and what they must not say.

Upstream: `apimachinery/pkg/apis/meta/v1/validation`, `meta/internalversion/validation` and `pkg/runtime/conversion.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from k8snb.errors import (
    FieldError,
    StatusError,
    bad_request,
    field_forbidden,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from k8snb.wire import Request

MODES = ("", "Ignore", "Strict", "Warn")
MANAGER_BYTES = 128
_WRITES = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_DIGITS = re.compile(r"[+-]?[0-9]+")
_MOST = 2**63


def flag(query: Mapping[str, str], name: str) -> bool:
    """A boolean parameter. One that is there is true, even when empty, unless it says `false` or `0`."""
    return name in query and query[name].lower() not in ("false", "0")


def number(query: Mapping[str, str], name: str) -> int | None:
    """A whole number of 64 bits, None where it is not given. Raises BadRequest."""
    text = query.get(name, "")
    if not text:
        return None
    if not _DIGITS.fullmatch(text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    value = int(text)
    if not -_MOST <= value < _MOST:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    return value


def invalid_options(kind: str, errors: Sequence[FieldError]) -> StatusError:
    """The refusal of options: 422, with a cause for every finding."""
    texts = [str(error) for error in errors]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    causes = [{"reason": e.reason, "message": e.body, "field": e.field} for e in errors]
    details = {"group": "meta.k8s.io", "kind": kind, "causes": causes}
    return StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {listed}', details)


# -- writing -------------------------------------------------------------------------------------------


def check_write(request: Request, *, apply: bool = False) -> None:
    """Raise Invalid if the parameters of a request that writes make no sense."""
    if not request.query and not apply:
        return
    kind = _WRITES.get(request.method, "CreateOptions")
    errors = [*_force(kind, request.query, apply=apply)]
    if kind != "DeleteOptions":
        errors += _manager(request.query.get("fieldManager", ""))
    value = request.query.get("dryRun", "")
    if value and value != "All":
        errors.append(not_supported("dryRun", [value], ["All"]))
    mode = request.query.get("fieldValidation", "")
    if mode not in MODES and kind != "DeleteOptions":
        errors.append(not_supported("fieldValidation", mode, MODES))
    if errors:
        raise invalid_options(kind, errors)


def _force(kind: str, query: Mapping[str, str], *, apply: bool) -> Iterator[FieldError]:
    if apply and not query.get("fieldManager"):
        yield required("fieldManager", "is required for apply patch")
    if not apply and kind == "PatchOptions" and "force" in query:
        yield field_forbidden("force", "may not be specified for non-apply patch")


def _manager(name: str) -> Iterator[FieldError]:
    if len(name.encode()) > MANAGER_BYTES:
        yield too_long("fieldManager", name, MANAGER_BYTES)
    for position, character in enumerate(name):
        if not character.isprintable():
            where = f"invalid character U+{ord(character):04X} (at position {position})"
            yield invalid_value("fieldManager", name, where)


def dry_run(request: Request) -> bool:
    """Whether the request only wants to know what would happen."""
    if request.object is not None and request.info is not None and request.info.verb == "delete":
        return bool(request.object.get("dryRun") or request.query.get("dryRun"))
    return request.query.get("dryRun", "") == "All"


def validation_mode(request: Request) -> str:
    """The `fieldValidation` parameter: Strict, Warn (the default) or Ignore."""
    return request.query.get("fieldValidation", "") or "Warn"


# -- reading -------------------------------------------------------------------------------------------

_MATCH = "resourceVersionMatch"


def check_list(query: Mapping[str, str]) -> None:
    """Raise Invalid if the parameters of a list make no sense together, BadRequest if its time limit is no number."""
    if "timeoutSeconds" in query:
        number(query, "timeoutSeconds")
    match = query.get(_MATCH, "")
    if not match and "sendInitialEvents" not in query:
        return
    errors = [*_list_match(query, match)] if match else []
    if "sendInitialEvents" in query:
        errors.append(field_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if errors:
        raise invalid_options("ListOptions", errors)


def _list_match(query: Mapping[str, str], match: str) -> Iterator[FieldError]:
    version = query.get("resourceVersion", "")
    if not version:
        yield field_forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided")
    if query.get("continue"):
        yield field_forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
    if match not in ("Exact", "NotOlderThan"):
        yield not_supported(_MATCH, match, ["Exact", "NotOlderThan", ""])
    if match == "Exact" and version == "0":
        yield field_forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"')


def check_watch(query: Mapping[str, str]) -> None:
    """Raise Invalid if the parameters of a watch make no sense together."""
    match = query.get(_MATCH, "")
    if not match and "sendInitialEvents" not in query:
        return
    errors = list(_watch_match(query, match))
    if errors:
        raise invalid_options("ListOptions", errors)


def _watch_match(query: Mapping[str, str], match: str) -> Iterator[FieldError]:
    if "sendInitialEvents" in query and match != "NotOlderThan":
        yield field_forbidden(_MATCH, f"sendInitialEvents requires setting {_MATCH} to NotOlderThan")
    if match and "sendInitialEvents" not in query:
        yield field_forbidden(_MATCH, f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided")
    if match not in ("", "NotOlderThan"):
        yield not_supported(_MATCH, match, ["NotOlderThan"])
    if match and query.get("continue"):
        yield field_forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
