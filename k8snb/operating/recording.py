"""What an operator does, as spans of the trace: which change it was told of, what it compared, what it sent.

kopf handles each object in a task of its own, and several at once. So what a request belongs to is in the context of
the task (`SCOPE`). It is set where kopf takes up an event (its memory of the object is asked for), gets to know more
where kopf picks the handlers to call, and is another one in the task of a timer or daemon. A span begins with the first
request of a scope and ends when the event loop has nothing to do; what goes on after a sleep is another span, which a
timer caused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kopf
from kopf._core.actions import lifecycles
from kopf._core.reactor import inventory

from k8snb.machinery.objects import key_of, revision_of
from k8snb.trace import Span, Trace
from k8snb.typing import Object, ObjectKey
from k8snb.wire import Request, Response

_KOPF = str(Path(kopf.__file__).parent)
_OF_KOPF = ("event", "handler")
_OWN_TASKS = "runner of "
"""What kopf calls the tasks of timers and daemons, which last as long as their object."""


@dataclass(eq=False)
class Scope:
    """What a task is busy with."""

    key: ObjectKey
    cause: int = 0
    lasting: bool = False
    observed: dict[str, Any] = field(default_factory=dict)
    compared: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    span: Span | None = None


SCOPE: ContextVar[Scope | None] = ContextVar("what the operator is busy with", default=None)


def is_lasting(callback: Callable[..., object]) -> bool:
    """Whether nobody waits for what is set for later: only for what the handling of an object waits for, somebody does.

    Time limits of requests, watches that are renewed, timers and daemons go on for ever.
    """
    maker = callback.__module__.partition(".")[0]
    if maker in ("aiohttp", "k8snb"):
        return maker == "aiohttp"
    scope = scope_of_task()
    return scope is None or scope.lasting


def scope_of_task() -> Scope | None:
    """What the task that runs is busy with; a timer or daemon gets a scope of its own when this is asked first."""
    scope = SCOPE.get()
    if scope is None or scope.lasting:
        return scope
    task = asyncio.current_task()
    name = task.get_name() if task is not None else ""
    if name.startswith(_OWN_TASKS):
        scope = Scope(scope.key, lasting=True, observed={"handler": name.removeprefix(_OWN_TASKS)})
        SCOPE.set(scope)
    return scope


class Memories(inventory.ResourceMemories):
    """kopf's memory of objects. It is asked first whenever something has happened to one."""

    async def recall(self, raw_body: Any, **options: Any) -> inventory.ResourceMemory:
        """The memory of an object; from here on its task is busy with this version."""
        SCOPE.set(Scope(key_of(raw_body), revision_of(raw_body)))
        return await super().recall(raw_body, **options)


def choose(handlers: Sequence[Any], **cause: Any) -> Collection[Any]:
    """kopf's own choice of the handlers to call next, noted with what has led to it."""
    chosen = lifecycles.get_default_lifecycle()(handlers, **cause)
    scope = SCOPE.get()
    if scope is not None and chosen:
        scope.observed["event"] = str(cause["reason"].value) if "reason" in cause else ""
        scope.observed["handler"] = ", ".join(handler.id for handler in chosen)
        scope.compared = {".".join(path): (old, new) for _op, path, old, new in cause.get("diff", ()) if path}
    return chosen


class Recorder:
    """Writes the spans of one operator.

    A handler that logs with `extra={"observed": {name: value}, "compared": {name: (is, should_be)}}` has that in its
    span, too.
    """

    def __init__(self, trace: Trace, component: str, clock: Callable[[], str]) -> None:
        self.lines: list[str] = []
        """What the operator has logged."""
        self.said: list[str] = []
        """What of it its own handlers have said."""
        self._trace = trace
        self._component = component
        self._clock = clock
        self._open: dict[Scope, None] = {}

    def record(self, request: Request, handle: Callable[[Request], Response]) -> Response:
        """Send a request within the span of who sends it."""
        scope, trace = scope_of_task(), self._trace
        former, trace.current = trace.current, self._span(scope) if scope is not None else None
        try:
            return handle(request)
        finally:
            trace.current = former

    def _span(self, scope: Scope) -> Span:
        if scope.span is None:
            scope.span = self._trace.begin(self._component, scope.key, scope.cause)
            self._open[scope] = None
        return scope.span

    def finish(self) -> None:
        """End what has been begun: nothing more can happen before something else does."""
        for scope in self._open:
            assert scope.span is not None
            scope.span.observed, scope.span.compared = dict(scope.observed), scope.compared
            scope.span.wanted = "; ".join(scope.said)
            self._trace.end(scope.span)
            scope.span, scope.cause, scope.said, scope.compared = None, 0, [], {}
            scope.observed = {name: scope.observed[name] for name in _OF_KOPF if name in scope.observed}
        self._open.clear()

    def log(self, record: logging.LogRecord) -> None:
        """Keep a line of the log; what a handler says is what its span wanted."""
        scope = scope_of_task()
        text = record.getMessage()
        if scope is not None and not record.pathname.startswith(_KOPF):
            scope.said.append(text)
            scope.observed |= getattr(record, "observed", {})
            scope.compared |= getattr(record, "compared", {})
            self.said.append(f"{self._clock()} {text}")
        about: Object = getattr(record, "k8s_ref", None) or {}
        where = f"[{about.get('namespace', '')}/{about['name']}] ".replace("[/", "[") if "name" in about else ""
        self.lines.append(f"{self._clock()} {record.levelname:8}{where}{text}")
        if record.exc_info and record.exc_info[1] is not None:
            self.lines.append(f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}")


class Listener(logging.Handler):
    """Takes what kopf logs in the event loop that runs, and hands it to the operator to whom that belongs."""

    def __init__(self, running: Callable[[], Callable[[logging.LogRecord], None] | None]) -> None:
        super().__init__()
        self._running = running

    def emit(self, record: logging.LogRecord) -> None:
        log = self._running()
        if log is not None:
            log(record)
