"""Processes that can fail alone: parts of the control plane, and controllers of the reader's own.

`cluster.stop("kube-scheduler")` ends a part of the control plane as if its process had been killed, and `start` begins
it anew. `cluster.run(Flock)` starts a `Controller` beside those of the cluster: it takes turns like them, its
reconciles are in the trace and in steppers, and a fork or a rewind starts it again at the same point. Between it and
the API server lies a connection whose `Faults` the reader chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Protocol

from k8snb.client.controller import Context, Controller
from k8snb.client.faults import Faults, Unreliable
from k8snb.client.process import Process
from k8snb.cluster.doing import Doing
from k8snb.cluster.processes import Replicated, Runs
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.machinery.names import Lottery
from k8snb.wire import Request, Response

if TYPE_CHECKING:
    import kopf

    from k8snb.operating.operator import Operator, Order

Make = Callable[[Context], Controller]

NO_FAULTS = Faults()
RETRY_SECONDS = 1.0
"""After how long a process is started again that may not read what it needs."""


class Program:
    """A process that runs one controller. It has the rights of an administrator, and its requests bear its name."""

    def __init__(self, context: Context, make: Make, name: str, faults: Faults) -> None:
        self.name = name
        self.restarts = 0
        """How often it has been started again."""
        self.controller: Controller | None = None
        """What runs; None while the process is down."""
        self._context = context
        self._process = Process(context, name, "system:masters")
        self._first = context.trace.number
        self._make = make
        self._wire = self._line(Lottery(sum(name.encode())), faults)
        self.start()

    def _line(self, lottery: Lottery, faults: Faults) -> Unreliable:
        wire = Unreliable(self._context.transport, self._context.loop, lottery, faults)
        wire.crash = self._crashed
        return wire

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.controller is not None

    @property
    def reconciles(self) -> int:
        """How many reconciles of it the trace has kept."""
        spans = self._context.trace.spans
        return sum(1 for span in spans if span.component == self.name and span.number > self._first)

    def start(self) -> None:
        """Start the process; its memory is empty."""
        if self.controller is not None:
            return
        self._wire.alive = True
        self.controller = self._make(self._process.start(self._wire))
        self.controller.start()

    def stop(self) -> None:
        """End the process, wherever it is: nothing is heard or sent any more, and all that it knew is forgotten."""
        if self.controller is None:
            return
        self.controller = None
        self._wire.die()
        self._process.stop()

    def suffer(self, faults: Faults) -> None:
        """Let these things go wrong from now on, and no others."""
        self._wire.suffer(faults)

    def _crashed(self) -> None:
        self.stop()
        self._context.clock.call_later(self._wire.faults.restart, self._again)

    def _again(self) -> None:
        if self.controller is None:
            self.restarts += 1
            self.start()

    def __repr__(self) -> str:
        tally = self._wire.tally
        words = {
            "arrived": _("watch events that arrived"),
            "lost": _("… that were lost"),
            "twice": _("… that came twice"),
            "late": _("… that came late"),
            "writes": _("requests that wrote"),
        }
        rows = [(words[name], str(tally[name])) for name in words if tally[name] or name in ("arrived", "writes")]
        rows.insert(-1, (_("reconciles"), str(self.reconciles)))
        rows += [(_("times started again"), str(self.restarts))] if self.restarts else []
        width = max(len(label) for label, _count in rows)
        state = _("running") if self.running else _("down")
        return "\n".join([f"{self.name}: {state}", *(f"  {label:{width}}  {count}" for label, count in rows)])


class Part(Protocol):
    """What runs in a process of the control plane."""

    def start(self) -> None:
        """Subscribe to what it has to know."""
        ...


class Served(Protocol):
    """The API server, as far as it can be started and stopped."""

    running: bool

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Component:
    """A process of the control plane: `make` makes its parts.

    It ends when the API server does, for it loses its lease and gives up, as upstream's do (`--leader-elect`); and its
    kubelet starts it again and again, so it is back as soon as the server is. `wanted` is what the reader wants.
    """

    def __init__(self, process: Process, make: Callable[[Context], Iterable[Part]], server: Served) -> None:
        self.wanted = True
        self._process = process
        self._make = make
        self._server = server
        self._parts: Sequence[Part] = ()
        self.make()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.running

    @property
    def parts(self) -> Sequence[Part]:
        """What runs in it."""
        return self._parts

    @property
    def began(self) -> float:
        """When the process was started last."""
        return self._process.began

    def ask(self, request: Request) -> Response:
        """Send the API server a request in its name."""
        return self._process.ask(request)

    @property
    def leading(self) -> bool:
        """Whether it acts because it holds a Lease."""
        return False

    @property
    def identity(self) -> str:
        """What it calls itself in the Lease; empty where there is none."""
        return ""

    @property
    def state(self) -> str:
        """How it is, in words."""
        return _("running") if self.running else _("down")

    def make(self) -> None:
        """Be there, with an empty memory."""
        self.make_parts(self._process.start())

    def make_parts(self, context: Context) -> None:
        """Make what runs in it."""
        self._parts = list(self._make(context))

    def begin(self) -> None:
        """Let its parts begin."""
        for part in self._parts:
            part.start()

    def start(self) -> None:
        """Start the process, unless it runs; without an API server, as soon as there is one."""
        self.wanted = True
        self.resume()

    def stop(self) -> None:
        """Kill the process for good."""
        self.wanted = False
        self.end()

    def resume(self) -> None:
        """Be there if that is wanted and possible."""
        if self.wanted and not self.running and self._server.running:
            self.make()
            self.attempt(self.begin)

    def attempt(self, begin: Callable[[], None]) -> None:
        """Let it begin; if it may not read what it needs, it ends, to be started again."""
        try:
            begin()
        except StatusError as refused:
            if refused.code != 403:
                raise
            self.refused()

    def refused(self) -> None:
        """End, and try again a little later."""
        self.end()
        self._process.later(RETRY_SECONDS, self.resume)

    def release(self) -> None:
        """Give back what others wait for, as when it is asked to end."""

    def end(self) -> None:
        """End, wherever it is."""
        self._process.stop()
        self._parts = ()


class ServerProcess:
    """The API server as a process; its `components` are its own parts that are controllers, and whoever needs it."""

    def __init__(self, server: Served, components: Iterable[Component]) -> None:
        self.wanted = True
        self.can_begin: Callable[[], bool] = lambda: True
        """Whether etcd answers: a server that cannot read begins anew until it can."""
        self._server = server
        self._components = list(components)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._server.running

    def start(self) -> None:
        """Start the process, and let the others come back; as soon as etcd answers, if it does not yet."""
        self.wanted = True
        self.resume()

    def resume(self) -> None:
        """Be there if that is wanted and possible."""
        if not self.wanted or self.running or not self.can_begin():
            return
        self._server.start()
        for component in self._components:
            component.resume()

    def stop(self) -> None:
        """Kill the process."""
        self.wanted = False
        for component in self._components:
            component.end()
        self._server.stop()


class Hosting(Doing):
    """The processes of a cluster that can be stopped and started alone."""

    programs: dict[str, Program]
    operators: dict[str, Operator]
    components: dict[str, Runs]
    _context: Context

    def run(self, controller: type[Controller], faults: Faults = NO_FAULTS) -> Program:
        """Run a controller of your own, with these faults on its connection to the API server.

        A program of the same name that runs already is replaced. Raises ValueError if the class has no `name`.
        """
        if not controller.name:
            raise ValueError(_("{kind} has no name: give the class a `name = …`").format(kind=controller.__name__))
        self._do("_run_program", controller, faults)
        return self.programs[controller.name]

    def run_operator(
        self,
        program: kopf.OperatorRegistry | str | PathLike[str],
        name: str,
        *,
        account: str,
        namespaces: str | Collection[str] = (),
    ) -> Operator:
        """Run an operator that is written with kopf: the handlers of a registry, or those of a file as `kopf run` does.

        It acts as its service account (`NAMESPACE/NAME`), for some namespaces or for all. Handlers find a session with
        the API server in `memo.api` (an `aiohttp.ClientSession`). One of the same name that runs already is replaced.
        Raises ValueError if there is no such account.
        """
        from k8snb.operating.operator import Order, namespaces_of

        namespace, _slash, short = account.rpartition("/")
        namespace = namespace or "default"
        if self._context.client.find("serviceaccounts", short, namespace) is None:
            raise ValueError(
                _("there is no service account {name} in namespace {namespace}").format(name=short, namespace=namespace)
            )
        self._do("_run_operator", Order(program, name, namespace, short, namespaces_of(namespaces)))
        return self.operators[name]

    def _no_operators(self) -> dict[str, Operator]:
        """The operators of a cluster that begins: none, and none that is left from one that it was before."""
        for former in getattr(self, "operators", {}).values():
            former.stop()
        return {}

    def _run_operator(self, order: Order) -> None:
        from k8snb.operating.operator import Operator

        former = self.operators.get(order.name)
        if former is not None:
            former.stop()
        self.operators[order.name] = Operator(self._context, order)

    def suffer(self, name: str, faults: Faults = NO_FAULTS) -> Program:
        """Change what goes wrong between a program and the API server; without faults all is well from now on."""
        self._do("_suffer_program", self._program(name).name, faults)
        return self.programs[name]

    def stop(self, name: str, on: str = "", *, gracefully: bool = False) -> None:
        """Kill a process, a program of yours or a component: all that it had in memory is lost.

        `kubelet` and `kube-proxy` are processes of a node, which `on` names.

        Components are `kube-apiserver`, `kube-scheduler`, `kube-controller-manager`, with a cloud
        `cloud-controller-manager`, and `etcd`, or its members by their names (`etcd-1` …) where it has several. Where
        there are several of one, `on` names the machine (or a holder's identity, as its Lease has it); without it all
        are stopped. One that is stopped `gracefully` is asked to end: a scheduler then gives its Lease back, an
        operator finishes what it has begun. Raises ValueError if there is no such process.
        """
        if self._is_of_machine(name, on):
            self._do(f"_stop_{name.removeprefix('kube-')}", on)
            return
        self._processes(name, on)
        self._do("_stop_process", name, on, gracefully)

    def start(self, name: str, on: str = "") -> None:
        """Start a process that was stopped or has crashed. Raises ValueError if there is none of that name."""
        if self._is_of_machine(name, on):
            self._do(f"_start_{name.removeprefix('kube-')}", on)
            return
        self._processes(name, on)
        self._do("_start_process", name, on)

    @staticmethod
    def _is_of_machine(name: str, on: str) -> bool:
        """Whether it is one of those that run on every node."""
        return bool(on) and name in ("kubelet", "kube-proxy")

    def replicas(self, name: str) -> Replicated:
        """All processes of a component, and which of them leads. Raises ValueError where there is only one."""
        found = self._process_of(name)
        if not isinstance(found, Replicated):
            raise ValueError(_("there is one {name} only: make the cluster with control_planes=2").format(name=name))
        return found

    def _process_of(self, name: str) -> Runs:
        found = self.programs.get(name) or self.operators.get(name) or self.components.get(name)
        if found is None:
            known = ", ".join((*self.components, *self.programs, *self.operators))
            raise ValueError(_("no process {name} runs here; there are: {known}").format(name=name, known=known))
        return found

    def _processes(self, name: str, on: str) -> Iterable[Runs]:
        if not on:
            found = self._process_of(name)
            return [*found.replicas.values()] if isinstance(found, Replicated) else [found]
        replicas, host = self.replicas(name).replicas, on.partition("_")[0]
        if host not in replicas:
            known = ", ".join(replicas)
            raise ValueError(
                _("no {name} runs on {host}; it does on: {known}").format(name=name, host=host, known=known)
            )
        return [replicas[host]]

    def _program(self, name: str) -> Program:
        found = self.programs.get(name)
        if found is None:
            known = ", ".join(self.programs) or _("none")
            raise ValueError(_("no program {name} runs here; there are: {known}").format(name=name, known=known))
        return found

    def _run_program(self, controller: type[Controller], faults: Faults) -> None:
        former = self.programs.get(controller.name)
        if former is not None:
            former.stop()
        self.programs[controller.name] = Program(self._context, controller, controller.name, faults)

    def _suffer_program(self, name: str, faults: Faults) -> None:
        self.programs[name].suffer(faults)

    def _stop_process(self, name: str, on: str, gracefully: bool) -> None:
        if gracefully and name in self.operators:
            self.operators[name].release()
            return
        for process in self._processes(name, on):
            if gracefully and isinstance(process, Component):
                process.release()
            process.stop()

    def _start_process(self, name: str, on: str) -> None:
        for process in self._processes(name, on):
            process.start()
