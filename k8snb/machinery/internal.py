"""Objects as the API server's own types show them in messages.

Where a message quotes a whole struct, it is the internal one: Go's field names, every field in its place, `null` and
zero for what is not set. The types and the order of their fields are data (`internal.txt`); a field of the API is
found under the same name in whatever case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from k8snb.errors import Struct
from k8snb.typing import Object

_ZERO: Mapping[str, Any] = {"?": None, "!": False, "#": 0}
_HOST = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
"""What the API has beside a pod's security context and the internal type within it."""


class _Field(NamedTuple):
    name: str
    mark: str
    type: str


@cache
def _types() -> Mapping[str, Sequence[_Field]]:
    text = Path(__file__).with_suffix(".txt").read_text("utf-8")
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {type: [_field(word) for word in words] for type, *words in rows}


def _field(word: str) -> _Field:
    name, _, type = word.partition("=")
    mark = name[-1] if name[-1] in "?!#~" else ""
    return _Field(name.removesuffix(mark), mark, type)


def internal(type: str, obj: Object) -> Struct:
    """An object of the API as the internal type of that name."""
    given = {name.lower(): value for name, value in obj.items()}
    if type == "PodTemplateSpec":
        given |= {name.lower(): value for name, value in (obj.get("metadata") or {}).items()}
    if type == "PodSpec":
        given["securitycontext"] = _with_host(obj)
    shown = Struct()
    for field in _types()[type]:
        value = given.get(field.name.lower())
        if field.mark == "~":
            if value:
                shown[field.name] = value
        else:
            shown[field.name] = _shown(value, field)
    return shown


def _with_host(spec: Object) -> Object | None:
    context = spec.get("securityContext")
    host = {name: spec[name] for name in _HOST if spec.get(name) is not None}
    return context if context is None and not host else {**(context or {}), **host}


def _shown(value: Any, field: _Field) -> Any:
    if value is None:
        if field.type and not field.mark:
            return internal(field.type, {})
        return _ZERO.get(field.mark, "")
    if not field.type:
        return value
    if isinstance(value, Mapping):
        return internal(field.type, value)
    return [internal(field.type, item) for item in value]
