"""Calls as they cross the socket: bytes there, and bytes or a code of gRPC back.

A record says who asked which part of the driver, and keeps the bytes; messages are read from them when somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8snb.csi.messages import Message, decode
from k8snb.errors import Answered

CODES = {
    "OK": 0,
    "InvalidArgument": 3,
    "NotFound": 5,
    "AlreadyExists": 6,
    "ResourceExhausted": 8,
    "FailedPrecondition": 9,
    "Aborted": 10,
    "OutOfRange": 11,
    "Unimplemented": 12,
}
"""gRPC's codes that a driver of disks has a use for, with their numbers."""


class CallFailed(Answered):
    """A call that the driver refused; the message is gRPC's."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {why}")
        self.code = code
        self.why = why


class Call(NamedTuple):
    """One call: when, who asked, which method of which service, on which node (none: the controller's part)."""

    at: float
    caller: str
    service: str
    method: str
    node: str
    sent: bytes
    returned: bytes = b""
    code: str = "OK"
    error: str = ""

    @property
    def request(self) -> Message:
        """What was asked."""
        return decode(f"{self.method}Request", self.sent)

    @property
    def response(self) -> Message:
        """What was answered; empty if the call was refused."""
        return decode(f"{self.method}Response", self.returned)

    @property
    def about(self) -> str:
        """The volume or snapshot that it is about, by identifier or name; empty if about none."""
        request = self.request
        return str(next((request[key] for key in _SUBJECTS if key in request), ""))

    def __str__(self) -> str:
        said = " ".join([self.about, *(f"{key}={value}" for key, value in self._more())])
        return f"{self.service}.{self.method} {said}{f' ✕ {self.error}' if self.error else ''}".rstrip()

    def _more(self) -> Sequence[tuple[str, Any]]:
        request = self.request
        more = {
            "size": request.get("capacity_range", {}).get("required_bytes"),
            "source": next(iter(next(iter(request.get("volume_content_source", {}).values()), {}).values()), None)
            or (request.get("source_volume_id") if "name" in request else None),
            "node": self.node or request.get("node_id"),
        }
        return [(key, value) for key, value in more.items() if value is not None and value != ""]


_SUBJECTS = ("name", "volume_id", "snapshot_id")


def methods(calls: Sequence[Call]) -> list[str]:
    """The names of calls, in order."""
    return [call.method for call in calls]
