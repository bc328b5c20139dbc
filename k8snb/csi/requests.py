"""What every call looks at first: whether what the specification requires was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snb.csi.calls import CallFailed
from k8snb.csi.messages import Message

_LONGEST_NAME = 128
_LONGEST_PATH = 4096


def need(request: Message, *fields: str) -> None:
    """Raises CallFailed (InvalidArgument) for a field that is missing or too long."""
    for field in fields:
        value = request.get(field)
        if not value:
            raise CallFailed("InvalidArgument", f"{field} is required")
        longest = _LONGEST_PATH if field.endswith("_path") else _LONGEST_NAME
        if isinstance(value, str) and len(value.encode()) > longest:
            raise CallFailed("InvalidArgument", f"{field} is longer than {longest} bytes")


def need_access(capability: Message) -> None:
    """Raises CallFailed (InvalidArgument) for a capability that says neither how nor by how many."""
    if "block" not in capability and "mount" not in capability:
        raise CallFailed("InvalidArgument", "the access type of volume_capability is required")
    if capability.get("access_mode", {}).get("mode", "UNKNOWN") == "UNKNOWN":
        raise CallFailed("InvalidArgument", "the access mode of volume_capability is required")


def page(request: Message, entries: Sequence[Any]) -> Message:
    """A part of a list, and the token of the next part; raises CallFailed (Aborted) for a token that is none."""
    token, most = request.get("starting_token", ""), request.get("max_entries", 0)
    if most < 0:
        raise CallFailed("InvalidArgument", "max_entries is negative")
    if token and not (token.isdigit() and int(token) <= len(entries)):
        raise CallFailed("Aborted", f"starting_token {token!r} is not valid")
    begin = int(token or 0)
    end = begin + most if most else len(entries)
    return {"entries": list(entries[begin:end]), "next_token": str(end) if end < len(entries) else ""}
