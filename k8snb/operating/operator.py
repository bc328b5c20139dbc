"""An operator as a process of a cluster: the real kopf, with an event loop and a wire of this process.

Each start gives it a loop, a session and a memory of its own. It acts as its service account, over a line that `stop`
cuts. Nothing of it is kept for a fork but what to run: whoever repeats the past runs it again, and it does the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import aiohttp
import kopf
from kopf._cogs.clients import events
from kopf._cogs.structs import credentials
from kopf._core.actions import application, progression
from kopf._core.engines import peering
from kopf._core.intents import registries

from k8snb.client.client import Client
from k8snb.client.controller import Context
from k8snb.client.process import Process
from k8snb.clock import rfc3339
from k8snb.i18n import _
from k8snb.operating.eventloop import EventLoop
from k8snb.operating.instants import follow_the_clock
from k8snb.operating.recording import Listener, Memories, Recorder, choose, is_lasting
from k8snb.operating.wire import SERVER, Connector
from k8snb.wire import Request, Response

RESTART_SECONDS = 10.0
"""After how long one that has failed begins anew."""
IDLE_SECONDS = 0.1
"""How long kopf keeps the task of an object to which nothing happens; its own 5 seconds would have to be waited for."""
_ZEALOUS = ("startup/cleanup activities",)
"""kopf's task that calls cleanup handlers when everything ends; who is killed does not."""

follow_the_clock(application, events, progression)


def _log_of_running() -> Any:
    return getattr(asyncio._get_running_loop(), "log", None)


_logger = logging.getLogger("kopf")
_logger.addHandler(Listener(_log_of_running))
if _logger.level == logging.NOTSET:
    _logger.setLevel(logging.INFO)


@dataclass(frozen=True)
class Order:
    """What to run: handlers in a registry or in a file, under a name, as an account, for some namespaces or all."""

    program: kopf.OperatorRegistry | str | PathLike[str]
    name: str
    namespace: str
    account: str
    namespaces: tuple[str, ...] = ()

    def registry(self) -> kopf.OperatorRegistry:
        """The handlers; a file is read anew, as `kopf run FILE` does."""
        if isinstance(self.program, registries.OperatorRegistry):
            return self.program
        path = Path(fspath(self.program))
        former, own = registries.get_default_registry(), registries.SmartOperatorRegistry()
        registries.set_default_registry(own)
        try:
            exec(compile(path.read_text(), str(path), "exec"), {"__name__": path.stem, "__file__": str(path)})
        finally:
            registries.set_default_registry(former)
        return own


class _Events(EventLoop):
    """An event loop that knows who listens to what is logged in it."""

    log: Any = None


class Operator:
    """A process that runs an operator; `order` says which."""

    def __init__(self, context: Context, order: Order) -> None:
        self.name = order.name
        self.order = order
        self.restarts = 0
        """How often it has failed and been started again."""
        account = f"system:serviceaccount:{order.namespace}:{order.account}"
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{order.namespace}")
        self._process = Process(context, account, *groups)
        self._context = context
        self._recorder = Recorder(context.trace, order.name, lambda: rfc3339(context.clock.now()))
        self._events: _Events | None = None
        self._stop: asyncio.Event | None = None
        self.start()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.running

    @property
    def user(self) -> str:
        """Who its requests are from."""
        return self._process.user.name

    @property
    def log(self) -> list[str]:
        """What it has logged, line by line, since it was run first."""
        return list(self._recorder.lines)

    @property
    def said(self) -> list[str]:
        """The lines that its own handlers have logged, without kopf's."""
        return list(self._recorder.said)

    @property
    def reconciles(self) -> int:
        """How many of its turns the trace has kept in which it sent something."""
        return sum(1 for span in self._context.trace.spans if span.component == self.name)

    def start(self) -> None:
        """Start the process; its memory is empty."""
        if self.running:
            return
        own = self._process.start()
        self._events = loop = _Events(own.loop, own.clock, is_lasting)  # type: ignore[abstract]
        loop.log, loop.when_idle = self._recorder.log, self._recorder.finish
        main = loop.create_task(self._run(own.client, loop), name=self.name)
        main.add_done_callback(lambda task: self._ended(task, loop))

    async def _run(self, client: Client, loop: EventLoop) -> None:
        self._stop = asyncio.Event()
        connector = Connector(_Recorded(client, self._recorder), client.user, loop)
        async with aiohttp.ClientSession(SERVER, connector=connector) as session:
            await self._operate(session, self._stop)

    async def _operate(self, session: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        where = self.order.namespace
        info = credentials.AiohttpSession(server=SERVER, aiohttp_session=session, default_namespace=where)
        await kopf.operator(
            registry=self.order.registry(),
            settings=_settings(),
            lifecycle=choose,  # type: ignore[arg-type]
            memories=Memories(),
            identity=peering.Identity(self.name),
            standalone=True,
            clusterwide=not self.order.namespaces,
            namespaces=self.order.namespaces,
            vault=credentials.Vault({"cluster": info}),
            memo=kopf.Memo(api=session),
            stop_flag=stop,
        )

    def _ended(self, task: asyncio.Task[None], loop: EventLoop) -> None:
        """It has come to its end: it was asked to, or it has failed and is started again."""
        if loop is not self._events or loop.is_closed():
            return
        failed = None if task.cancelled() else task.exception()
        asked = self._stop is not None and self._stop.is_set()
        loop.call_soon(self.stop)
        if not asked:
            self._recorder.lines.append(_("the operator has ended: {why}").format(why=failed or _("cancelled")))
            self._context.clock.call_later(RESTART_SECONDS, self._again)

    def _again(self) -> None:
        if not self.running:
            self.restarts += 1
            self.start()

    def stop(self) -> None:
        """Kill the process wherever it is: nothing is heard or sent any more, and all that it knew is forgotten."""
        if self._events is None:
            return
        events, self._events, self._stop = self._events, None, None
        self._process.stop()
        events.log = None
        events.kill(_ZEALOUS)
        self._recorder.finish()

    def release(self) -> None:
        """Ask it to end, as SIGTERM does: it finishes what it has begun and calls its cleanup handlers."""
        if self._stop is not None:
            self._stop.set()

    def __repr__(self) -> str:
        state = _("running") if self.running else _("down")
        return f"{self.name}: {state}, as {self.user}"


class _Recorded:
    """The line of an operator, on which everything is recorded."""

    def __init__(self, client: Client, recorder: Recorder) -> None:
        self._line, self._recorder = client.transport, recorder
        self.subscribe = client.transport.subscribe

    def handle(self, request: Request) -> Response:
        return self._recorder.record(request, self._line.handle)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.process.ultimate_exiting_timeout = None  # it would end the reader's own process
    return settings


def namespaces_of(names: str | Collection[str]) -> tuple[str, ...]:
    """Names of namespaces, from one or several."""
    return (names,) if isinstance(names, str) and names else tuple(names)
