"""What is noted of a request on its way through the server: for its event in the audit log, and for whoever watches it.

Nothing is noted where nobody wants to know: a request then has no notes, and whoever would have something to say looks
at that and goes on. A `Witness` (`witness.py`) is notes that also keep every step.

Upstream: `apiserver/pkg/audit/context.go`.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.typing import Object
from k8snb.wire import User

LEVELS = ("None", "Metadata", "Request", "RequestResponse")
"""How much an audit event says, less first."""


class Notes:
    """The notes of one request. `received` is when it came, `sender` who sent it, before impersonation."""

    keeps_steps = False
    """Whether every step is wanted, not only what goes into an audit event."""

    def __init__(self, received: float, sender: User | None = None, level: str = "Metadata") -> None:
        self.received = received
        self.sender = sender
        self.constraint = ""
        """The way in which its sender may act as somebody else: `impersonate:user-info`."""
        self.level = level
        """The level of its event in the audit log."""
        self.annotations: dict[str, str] = {}
        self.uid = ""
        """Its mark: the audit ID."""

    def annotate(self, key: str, value: str, level: str = "Metadata") -> None:
        """Say something in the audit event, at this level and above; what has been said stays."""
        if LEVELS.index(self.level) >= LEVELS.index(level):
            self.annotations.setdefault(key, value)

    def authorized(self, allowed: bool, reason: str) -> None:
        """Whether the request is allowed, and why."""
        self.annotate("authorization.k8s.io/decision", "allow" if allowed else "forbid")
        self.annotate("authorization.k8s.io/reason", reason)

    def asked(self, who: str, phase: str, before: Object | None, call: Callable[[], Object | None]) -> Object | None:
        """Let a plugin answer: `call` gives the object as it leaves it, None as it was, or raises its refusal."""
        return call()

    def remark(self, who: str, before: Object | None, after: Object | None, said: str = "") -> None:
        """Somebody whom a plugin asked has answered: how the object was and is, and what was said."""


UNNOTED = Notes(0.0, level="None")
"""For requests that nothing is noted of."""
