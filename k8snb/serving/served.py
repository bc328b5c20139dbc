"""`python -m k8snb serve`: the same cluster, on the wall clock and behind a TLS socket.

One thread does everything. Requests are answered as they come; between them the parts take their turns, a few
milliseconds at a time, and when all is quiet the process sleeps until the next timer is due. Certificates, a token
and the kubeconfig are made anew at every start and die with it, unless the cluster is kept in a file.

What is kept is kept before anybody hears of it. Whatever is to be sent, an answer or a watch event, waits while there
is something that is not in the file; at the end of the round of the event loop all of it is committed at once, and then
all of it is sent. So the more clients there are, the more writes share one commit.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from k8snb.apiserver import encryption
from k8snb.apiserver.listener import listen
from k8snb.apiserver.reception import Line, Visit
from k8snb.clock import WallClock
from k8snb.cluster.cluster import ADMIN, Cluster
from k8snb.cluster.datafile import DataFile, open_file
from k8snb.cluster.stalling import attend
from k8snb.collector import SELDOM
from k8snb.i18n import _
from k8snb.packet import HTTPRequest, HTTPResponse
from k8snb.scheduler.configuration import BadConfiguration
from k8snb.serving.console import listen_to
from k8snb.serving.credentials import FreshKeys
from k8snb.serving.kubeconfig import CannotServe, kubeconfig, write_kubeconfig
from k8snb.serving.outside import CALLERS, Errands, calls_out
from k8snb.serving.relaying import SECONDS, Piped, relay
from k8snb.store.ledger import CannotKeep, CannotOpen
from k8snb.typing import Object
from k8snb.wire import Request, Response

SLICE_SECONDS = 0.005
"""How long the parts may take turns before requests are looked at again."""


class Served:
    """A cluster that follows the wall clock and answers on a socket (the `Host` of a listener)."""

    def __init__(self, cluster: Cluster, token: str, now: Callable[[], float] = time.monotonic) -> None:
        self.cluster = cluster
        self.clock = cluster.clock
        self._handle: asyncio.Handle | None = None
        self._time = now
        self._errands = Errands(cluster.server)
        self._goes_out: bool | None = None
        self._away = False
        """Whether a turn is under way, and perhaps waits for an answer from outside."""
        self._quiet = False
        self._began: float | None = None
        """When the first request of this round of the event loop came; None before."""
        self._line = Line()
        self._held: list[Callable[[], None]] = []
        """What waits to be sent until everything that it may speak of is kept."""
        self.failed: Callable[[Exception], None] = _complain
        """Told when nothing can be kept any more: then nobody is answered any more either."""
        cluster.reach_outside(self._errands.call)
        cluster.server.aggregator.relay = self._relay
        for word in CALLERS:
            cluster.store.watch(cluster.store.bucket(word), lambda _: self._look_again())
        cluster.server.authenticate.accept(token, ADMIN)

    def _relay(self, request: HTTPRequest, bundle: bytes | None, watches: bool) -> HTTPResponse:
        """Pass a request on to an API server outside."""
        answer = self._errands.wait(SECONDS, lambda: relay(request, bundle, watches))
        if isinstance(answer.stream, Piped):
            answer.stream.begin(asyncio.get_running_loop())
        return answer

    def ask(self, request: Request, then: Callable[[Response], None]) -> None:
        """Answer a request: at once, or where many ask at the same time when it has its turn."""
        now = self._time()
        if self._began is None:
            self._began = now
        server = self.cluster.server
        if not self.cluster.agrees():
            attend(self.cluster, request, then)
            self.nudge()
        elif self._line or server.flows.hold or now - self._began > SLICE_SECONDS or self.goes_out:
            server.reception.receive(request, self._seated, then)
        else:
            then(server.handle(request))

    def _seated(self, visit: Visit) -> None:
        """A request has its seats, and waits for this thread."""
        if not self._line:
            asyncio.get_running_loop().call_soon(self._serve)
        self._line.add(visit)

    def _serve(self) -> None:
        """Serve those who have seats for a while; between two whiles those that have just come join them."""
        until = self._time() + SLICE_SECONDS
        reception = self.cluster.server.reception
        began = self._time()
        while (visit := self._line.next()) is not None:
            if self.goes_out:
                self._errands.run(partial(reception.serve, visit), partial(self._served, visit))
            else:
                self._served(visit, reception.serve(visit))
            ended = self._time()
            self._line.charge(visit, ended - began)
            began = ended
            if ended > until:
                break
        if self._line:
            asyncio.get_running_loop().call_soon(self._serve)

    def _served(self, visit: Visit, response: Response) -> None:
        self.cluster.server.reception.leave(visit)
        visit.then(response)

    @property
    def goes_out(self) -> bool:
        """Whether anything may have to wait for a webhook outside the cluster."""
        if self._goes_out is None:
            store = self.cluster.store
            extended = bool(self.cluster.scheduler.configuration.extenders)
            self._goes_out = extended or any(calls_out(obj) for word in CALLERS for obj in store.bucket(word).objects())
        return self._goes_out

    def _look_again(self) -> None:
        self._goes_out = None

    def when_kept(self, send: Callable[[], None]) -> None:
        """Send something once everything that has been written is in the file; at once where there is none."""
        keeper = self.cluster.keeper
        if keeper is None or not (self._held or keeper.dirty):
            send()
            return
        if not self._held:
            asyncio.get_running_loop().call_soon(self._keep)
        self._held.append(send)

    def _keep(self) -> None:
        """Commit what has been written, and send what waits for that."""
        keeper = self.cluster.keeper
        if keeper is None:
            return
        try:
            keeper.keep()
        except Exception as error:
            self.failed(error)
            return
        held, self._held = self._held, []
        for send in held:
            send()

    def nudge(self) -> None:
        """Give the parts their turns as soon as the event loop is free."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_soon(self._turns)

    def _turn(self) -> bool:
        """One turn; False if all is quiet. While one waits for an answer from outside, no other is given."""
        if not self.goes_out:
            return self._given()
        self._away, self._quiet = True, False
        self._errands.run(self._given, self._back)
        return not self._quiet

    def _back(self, more: bool) -> None:
        self._away, self._quiet = False, not more
        if more:
            self.nudge()

    def _given(self) -> bool:
        """Give a turn. A part that fails loses it, as a crashed process would; the others go on."""
        try:
            return self.cluster.loop.turn()
        except Exception:
            traceback.print_exc()
            return True

    def _turns(self) -> None:
        self._handle = self._began = None
        loop = asyncio.get_running_loop()
        until = loop.time() + SLICE_SECONDS
        while not self._away:
            if not self._turn():
                self._sleep(loop)
                break
            if loop.time() > until:
                self._handle = loop.call_soon(self._turns)
                break
        self._keep()

    def _sleep(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self.clock.next_due()
        if due is not None:
            self._handle = loop.call_later(max(0.0, (due - self.clock.now()) / self.clock.speed), self._turns)


def _complain(error: Exception) -> None:
    raise error


def _collect_seldom() -> None:
    """Look for cycles seldom: what a cluster holds stays, and going through it costs more than it finds."""
    gc.freeze()
    gc.set_threshold(*SELDOM)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run until it is done, on uvloop's event loop where that is installed: it carries more requests per second."""
    if find_spec("uvloop") is not None:
        import_module("uvloop").run(main)
    else:
        asyncio.run(main)


class Extras(NamedTuple):
    """What a served cluster has besides: a cloud, a storage driver of that name, encryption as a file says."""

    cloud: bool = False
    driver: str = ""
    encryption: Path | None = None
    certificate: bool = False
    """Whether the kubeconfig has a client certificate, as kubeadm's has, instead of a token."""
    control_planes: int = 1
    """On how many machines the control plane runs; with none, nobody elects a leader."""
    scheduler: Path | None = None
    """A file with a KubeSchedulerConfiguration."""
    audit_policy: Path | None = None
    audit_log: str = ""
    """Where the audit log goes, `-` for the standard output. Without a policy there are no events."""
    data: Path | None = None
    """The file in which the cluster is kept."""
    etcd_members: int = 0
    """How many members etcd has; with none, it is one process that does not agree with anybody."""
    quota_backend_bytes: int = 0
    """How many bytes the file of each of them may have; 0 is etcd's default."""
    console: bool = False
    """Whether commands are read from the standard input."""

    def cluster(self, nodes: int, seed: int, speed: float, keys: FreshKeys, file: DataFile | None = None) -> Cluster:
        """The cluster with them. Raises CannotServe."""
        since = float(file.kept.head.more.get("now", 0)) if file is not None else 0.0
        made: Mapping[str, Any] = {
            "clock": WallClock(speed, since),
            "journal": False,
            "keys": keys,
            "cloud": self.cloud,
            "control_planes": self.control_planes or None,
            "encryption": self._encryption(),
            "path": file,
            "etcd_members": self.etcd_members,
            "quota_backend_bytes": self.quota_backend_bytes,
        }
        try:
            told = None if self.scheduler is None else self.scheduler.read_text("utf-8")
            cluster = Cluster(nodes, seed, scheduler=told, **made)
        except (OSError, BadConfiguration, encryption.BadConfiguration, CannotOpen) as error:
            raise CannotServe(str(error)) from None
        if self.driver and self.driver not in cluster.drivers:
            cluster.add_driver(self.driver)
        if self.audit_policy is not None and self.audit_log:
            self._audit(cluster, self.audit_policy)
        return cluster

    def _encryption(self) -> Object | None:
        if self.encryption is None:
            return None
        try:
            read: Object = yaml.safe_load(self.encryption.read_text("utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise CannotServe(str(error)) from None
        return read

    def _audit(self, made: Cluster, policy: Path) -> None:
        """Let the cluster write its audit log."""
        try:
            if self.audit_log == "-":
                out: Any = sys.stdout.buffer
            else:
                out = open(self.audit_log, "ab")  # noqa: SIM115 (as long as the process runs)
            text = policy.read_text("utf-8")
        except OSError as error:
            raise CannotServe(str(error)) from None
        try:
            log = made.audit(text)
        except (ValueError, yaml.YAMLError) as error:
            raise CannotServe(f"loading audit policy file: {error}: from file {policy}") from None
        log.tell = partial(_write_line, out)


def _write_line(out: Any, line: bytes) -> None:
    """Write an event, so that whoever follows the file sees it at once."""
    out.write(line)
    out.flush()


def _opened(data: Path | None) -> tuple[FreshKeys, DataFile | None]:
    """The keys of the cluster that is to be served, and its file if it has one."""
    if data is None:
        return FreshKeys(), None
    try:
        file = open_file(data)
        return FreshKeys.of(file), file
    except (CannotOpen, CannotKeep) as error:
        raise CannotServe(str(error)) from None


async def serve(nodes: int, port: int, path: Path, speed: float, seed: int, *, extras: Extras | None = None) -> None:
    """Serve until SIGINT or SIGTERM; the kubeconfig is at `path` meanwhile. Raises CannotServe."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _settle, stopped)
    _collect_seldom()
    extras = extras or Extras()
    keys, file = _opened(extras.data)
    cluster = extras.cluster(nodes, seed, speed, keys, file)
    served = Served(cluster, keys.token)
    served.failed = partial(_settle, stopped)
    try:
        server = await listen(served, port, keys.context())
    except OSError as error:
        raise CannotServe(_("cannot listen on port {port}: {why}").format(port=port, why=error.strerror)) from None
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    certificate = keys.client(ADMIN) if extras.certificate else None
    write_kubeconfig(path, kubeconfig(address, keys.certificate, keys.token, certificate))
    try:
        served.nudge()
        ready = _("cluster of {nodes} nodes ready at {address}; export KUBECONFIG={path}")
        print(ready.format(nodes=len(cluster.kubelets), address=address, path=path), flush=True)
        if extras.console:
            listen_to(served.cluster, loop, served.nudge)
        if speed > 1:
            ahead = _("time runs {speed:g} times as fast: ages that a client works out itself show <invalid>")
            print(ahead.format(speed=speed), flush=True)
        await stopped
        cluster.close()
    except CannotKeep as error:
        raise CannotServe(str(error)) from None
    finally:
        server.close()
        path.unlink(missing_ok=True)


def _settle(stopped: asyncio.Future[None], error: Exception | None = None) -> None:
    """Let the serving end, well or with an error."""
    if stopped.done():
        return
    if error is None:
        stopped.set_result(None)
    else:
        stopped.set_exception(error)
