"""The audit log of a cluster: its events as data, newest last, and how they are read.

The log keeps the newest events; `tell`, if set, gets each as a line of JSON, as `--audit-log-path` writes them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import orjson
import yaml

from k8snb.apiserver.audit.auditor import Auditor
from k8snb.apiserver.audit.event import HERE
from k8snb.apiserver.audit.policy import Policy
from k8snb.i18n import _
from k8snb.machinery.jsontext import escaped
from k8snb.machinery.names import Lottery
from k8snb.typing import Object

KEPT = 10_000
_NODE = "system:node:"


class AuditLog(Sequence[Object]):
    """The events, oldest first. `events` narrows them down; as text it is a table."""

    def __init__(self, events: Sequence[Object] = ()) -> None:
        self._events: deque[Object] = deque(events, maxlen=KEPT)
        self.tell: Callable[[bytes], None] | None = None

    def keep(self, event: Object) -> None:
        """Take one more event."""
        self._events.append(event)
        if self.tell is not None:
            self.tell(escaped(orjson.dumps(event)) + b"\n")

    def of(self, user: str = "", *, verb: str = "", resource: str = "", stage: str = "") -> AuditLog:
        """Those events alone that are about a user, a verb, a resource, a stage."""

        def fits(event: Object) -> bool:
            reference = event.get("objectRef") or {}
            who = {event["user"].get("username"), (event.get("impersonatedUser") or {}).get("username")}
            pairs = ((verb, event["verb"]), (resource, reference.get("resource")), (stage, event["stage"]))
            return (not user or user in who) and all(not wanted or wanted == found for wanted, found in pairs)

        return AuditLog([event for event in self._events if fits(event)])

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._events)

    @overload
    def __getitem__(self, index: int) -> Object: ...

    @overload
    def __getitem__(self, index: slice) -> AuditLog: ...

    def __getitem__(self, index: int | slice) -> Object | AuditLog:
        return AuditLog(list(self._events)[index]) if isinstance(index, slice) else self._events[index]

    def __repr__(self) -> str:
        heads = [_("STAGE"), _("LEVEL"), _("USER"), _("VERB"), _("URI"), _("CODE"), _("DECISION")]
        rows = [heads, *(_row(event) for event in self._events)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)


def _row(event: Object) -> list[str]:
    sender, acting = event["user"].get("username", ""), (event.get("impersonatedUser") or {}).get("username")
    code = str((event.get("responseStatus") or {}).get("code", ""))
    decision = (event.get("annotations") or {}).get("authorization.k8s.io/decision", "")
    who = f"{sender} → {acting}" if acting else sender
    return [event["stage"], event["level"], who, event["verb"], event["requestURI"], code, decision]


def auditor(server: Any, policy: Object | str | None, log: AuditLog, lottery: Lottery) -> Auditor | None:
    """What writes a server's audit log by a policy (its YAML, or the object). Raises ValueError where it is none."""
    if policy is None:
        return None
    raw = yaml.safe_load(policy) if isinstance(policy, str) else policy

    def address(user: str) -> str:
        node = server.read("nodes", "", user.removeprefix(_NODE)) if user.startswith(_NODE) else None
        known = ((node or {}).get("status") or {}).get("addresses") or ()
        return next((str(each["address"]) for each in known if each["type"] == "InternalIP"), HERE)

    return Auditor(Policy(raw), log.keep, server.clock, lottery, server.router.resolve, address)
