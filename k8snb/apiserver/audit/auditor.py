"""Follows requests for the audit log: judges each by the policy and hands events to whoever keeps them.

A request has an event when it is received and one when it is done; one that lasts (a watch) has a third in between,
when its answer begins. What admission and authorization say on the way is in the request's notes. A server without a
policy has no auditor, and its chain no filter for one. Upstream: `apiserver/pkg/endpoints/filters/audit.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snb.apiserver.access.authorizer import access_of
from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.audit.event import HERE, event
from k8snb.apiserver.audit.policy import COMPLETE, PANIC, RECEIVED, STARTED, Policy, Ruling
from k8snb.apiserver.notes import Notes
from k8snb.clock import Clock
from k8snb.errors import StatusError
from k8snb.machinery.names import Lottery
from k8snb.typing import Object
from k8snb.wire import Request, RequestInfo, Response

HEADER = "Audit-Id"
_LASTING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
"""Subresources whose requests last."""

Keep = Callable[[Object], None]
Resolve = Callable[[Request], RequestInfo]
Address = Callable[[str], str]
Write = Callable[[str, Response | None], None]


class Auditor:
    """The audit log of one server. `keep` takes events; `address` is where a user of the cluster's own asks from."""

    def __init__(
        self, policy: Policy, keep: Keep, clock: Clock, lottery: Lottery, resolve: Resolve, address: Address
    ) -> None:
        self.policy = policy
        self._keep = keep
        self._clock = clock
        self._lottery = lottery
        self._resolve = resolve
        self._address = address

    def notes_for(self, request: Request) -> Notes:
        """The notes of a request that has just come, and whose sender has been found out."""
        notes: Notes | None = request.notes
        if notes is None:
            notes = request.notes = Notes(self._clock.now(), request.user)
        elif notes.sender is None:
            notes.sender = request.user
        return notes

    def judge(self, request: Request) -> tuple[Access, Ruling]:
        """What a request is about, and what the policy says of it."""
        notes = self.notes_for(request)
        info = request.info
        if info is None:
            try:
                info = self._resolve(request)
            except StatusError:
                info = RequestInfo("", None)
        access = access_of(request, info)
        return access, self.policy.judge(notes.sender, access)

    def follow(self, request: Request, then: Callable[[Request], Response]) -> Response:
        """Answer a request, and write its events."""
        notes = self.notes_for(request)
        access, ruling = self.judge(request)
        if ruling.level == "None":
            request.notes = notes if notes.keeps_steps else None
            return then(request)
        write = self._writer(request, notes, access, ruling)
        write(RECEIVED, None)
        try:
            response = then(request)
        except StatusError as error:
            response = Response(error.code, error.status, headers=error.headers)
        except Exception as error:
            write(PANIC, _panicked(error))
            raise
        self._done(access, response, write)
        response.headers = {**response.headers, HEADER: notes.uid}
        return response

    def _writer(self, request: Request, notes: Notes, access: Access, ruling: Ruling) -> Write:
        """What writes the events of a request, stage by stage."""
        if not notes.keeps_steps:
            notes.level = ruling.level
        notes.uid = request.headers.get("audit-id") or self._lottery.uid()
        source = self._address(request.user.name) if request.user is not None else HERE

        def write(stage: str, response: Response | None) -> None:
            if stage not in ruling.omitted:
                now = self._clock.now() if response is not None else notes.received
                about: Any = {"stage": stage, "now": now, "source": source, "response": response}
                self._keep(event(request, notes, access, ruling, **about))

        return write

    @staticmethod
    def _done(access: Access, response: Response, write: Write) -> None:
        """The answer is there; of a watch that means that it has begun."""
        if access.verb not in ("watch", "proxy") and access.subresource not in _LASTING:
            write(COMPLETE, response)
            return
        write(STARTED, response)
        when_closed = getattr(response.stream, "when_closed", None)
        if when_closed is None:
            write(COMPLETE, response)
        else:
            when_closed(lambda: write(COMPLETE, response))

    def subscribed(self, request: Request) -> Callable[[], None]:
        """A part of this process begins to watch; returns what says that it has ended."""
        notes = self.notes_for(request)
        access, ruling = self.judge(request)
        if ruling.level == "None":
            return lambda: None
        write = self._writer(request, notes, access, ruling)
        write(RECEIVED, None)
        write(STARTED, Response(200))
        return lambda: write(COMPLETE, Response(200))

    def refused(self, request: Request) -> None:
        """A request's credentials are wrong: nobody knows whose it is."""
        notes = self.notes_for(request)
        access, ruling = self.judge(request)
        if ruling.level == "None" or notes.uid:  # who may have to wait is looked at twice
            return
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        tried = [name for name in ("basic", "bearer") if name == scheme]
        why = f"attempted: {', '.join(tried)}" if tried else "no credentials provided"
        said = {"kind": "Status", "message": f"Authentication failed, {why}"}
        self._writer(request, notes, access, ruling)(STARTED, Response(401, said))


def _panicked(error: Exception) -> Response:
    said = {
        "kind": "Status",
        "status": "Failure",
        "message": f"APIServer panic'd: {error}",
        "reason": "InternalError",
    }
    return Response(500, said)
