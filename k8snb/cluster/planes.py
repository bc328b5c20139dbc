"""The control plane of a cluster: which processes there are, and where they run.

A cluster has one of each, which elect nobody (`--leader-elect=false`), unless it is made with machines for them
(`control_planes`): then each machine has an API server, a scheduler and a controller manager, and of the latter two one
leads.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from k8snb.apiserver.access.impersonation import account_groups
from k8snb.apiserver.bootstrap import SERVER_ADDRESS, SERVER_PORT
from k8snb.apiserver.machine import Machine
from k8snb.apiserver.replicas import Balancer, Masters, Replica
from k8snb.apiserver.server import APIServer
from k8snb.client.controller import Context, Controller
from k8snb.client.process import Process
from k8snb.clock import Clock
from k8snb.cluster import replicating
from k8snb.cluster.hosting import Component, Part, ServerProcess
from k8snb.cluster.ports import ports
from k8snb.cluster.processes import Processes, Replicated, Running, Runs
from k8snb.cluster.replicating import Candidacy, ControlPlane, Elected, ReplicaProcess, Seat, WarmElected
from k8snb.controllers.settings import Settings
from k8snb.controllers.table import CONTROLLERS, MANAGER, OF_THE_CLOUD, OF_THE_SERVER, make, user_of
from k8snb.i18n import _
from k8snb.kubelet.kubelet import Kubelet
from k8snb.machinery.names import Lottery
from k8snb.network.fabric import Fabric
from k8snb.network.posting import Posting
from k8snb.scheduler.answers import Answers
from k8snb.scheduler.scheduler import Scheduler
from k8snb.wire import User

SERVER = User("system:apiserver", ("system:masters",))
Make = Callable[[Context], Iterable[Part]]


def machines(wanted: int | Iterable[ControlPlane] | None) -> list[ControlPlane]:
    """The machines that are asked for: so many, or these, or none."""
    if isinstance(wanted, int):
        return [ControlPlane(f"control-plane-{i + 1}") for i in range(wanted)]
    return list(wanted or ())


class Planes(ABC):
    """The processes of the control plane."""

    clock: Clock
    server: APIServer
    network: Fabric
    controllers: dict[str, Controller]
    components: dict[str, Runs]
    kubelets: dict[str, Kubelet]
    _posting: Posting
    _said: Answers
    """What scheduler extenders answered, whichever scheduler asked."""
    _schedulers: dict[str, Scheduler]
    """By the machine on which they run."""
    _doors: Sequence[Replica]
    """The API servers, where there are several."""
    _context: Context
    _making: dict[str, Any]
    _lots: int
    """What the names and UIDs of the cluster follow from."""

    def _start_components(self, settings: Settings) -> None:
        """Make and begin them, all but the API server itself."""
        wanted: dict[str, tuple[User, Make, Candidacy]] = {
            "kube-controller-manager": (User(MANAGER), self._maker(CONTROLLERS, settings), replicating.MANAGER),
        }
        if self._making["cloud"]:
            maker = self._maker(OF_THE_CLOUD, settings)
            wanted["cloud-controller-manager"] = User(MANAGER), maker, replicating.CLOUD_MANAGER
        own = Component(self._process(SERVER), self._maker(OF_THE_SERVER, settings), self.server)
        if self._making["control_planes"]:
            self._start_replicas(wanted, own)
            return
        managers = {name: Component(self._process(user), make, self.server) for name, (user, make, _) in wanted.items()}
        for component in (*managers.values(), own):
            component.begin()
        scheduler = Component(Process(self._context, "system:kube-scheduler"), self._schedules(""), self.server)
        scheduler.begin()
        self._place(self.server, scheduler, managers["kube-controller-manager"])
        others = {**managers, "kube-scheduler": scheduler}
        self.components = {"kube-apiserver": ServerProcess(self.server, (own, *others.values())), **others}
        self._complete()

    def _place(self, server: APIServer | Replica, scheduler: Component, manager: Component) -> None:
        """Put a machine on the network, with what listens there."""
        address = server.address if isinstance(server, Replica) else SERVER_ADDRESS
        listening = ports(scheduler, manager, self.clock.now, elects=isinstance(server, Replica))
        self.network.addresses.place(address, Machine(address, {SERVER_PORT: server, **listening}))

    def _complete(self) -> None:
        """Add what is no part of the control plane and stops like it, and let the server say who is there."""
        self.components["coredns"] = self.network.dns
        self.server.health.is_down = lambda name: name in self.components and not self.components[name].running

    def _process(self, user: User) -> Process:
        return Process(self._context, user.name, *user.groups, patient={"pods"})

    def _maker(self, kinds: Sequence[type[Controller]], settings: Settings) -> Make:
        return lambda context: self._make(kinds, context, settings)

    def _make(self, kinds: Sequence[type[Controller]], process: Context, settings: Settings) -> Iterator[Controller]:
        for kind in kinds:
            user = user_of(kind)
            own = kind in OF_THE_SERVER or user == MANAGER
            context = process if own else process.act_as(user, *account_groups("kube-system"))
            controller = self.controllers[kind.name] = make(kind, context, settings)
            yield controller

    def _schedules(self, host: str) -> Callable[[Context], tuple[Scheduler]]:
        def made(context: Context) -> tuple[Scheduler]:
            self._schedulers[host] = Scheduler(context, self._making["scheduler"], self._posting, self._said)
            return (self._schedulers[host],)

        return made

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler that acts; if none does, the one that was made last."""
        component = self.components.get("kube-scheduler")
        leader = component.leader if isinstance(component, Replicated) else ""
        return self._schedulers.get(leader) or [*self._schedulers.values()][-1]

    # -- who is there ------------------------------------------------------------------------------

    def processes(self) -> Processes:
        """Every process of the cluster and how it is: those of the control plane, of each node, and cluster DNS."""
        return Processes(self._processes_now())

    def _processes_now(self) -> Iterator[Running]:
        for name, component in self.components.items():
            if isinstance(component, Replicated):
                for host, each in component.replicas.items():
                    yield Running(name, host, each.state, each.running, each.leading)
            else:
                yield Running(name, "", _state(component.running), component.running)
        for node, kubelet in self.kubelets.items():
            for name, running in (("kubelet", kubelet.running), ("kube-proxy", self.network.proxies.of(node).running)):
                yield Running(name, node, _state(running), running)

    # -- several of each ---------------------------------------------------------------------------

    def _front(self) -> APIServer | Balancer:
        """What answers requests: the API server, or several, which are not there yet."""
        lottery = Lottery(self._lots ^ 0x1EA5E)
        masters, planes = Masters(self.server), enumerate(self._making["control_planes"])
        self._doors = [Replica(self.server, plane.name, _address(at), lottery, masters) for at, plane in planes]
        return Balancer(self.server, self._doors) if len(self._doors) > 1 else self.server

    def _start_replicas(self, wanted: Mapping[str, tuple[User, Make, Candidacy]], own: Component) -> None:
        lottery = Lottery(self._lots ^ 0xE1EC7)
        planes: Sequence[ControlPlane] = self._making["control_planes"]
        seats = [Seat(plane, door, self.clock, lottery) for plane, door in zip(planes, self._doors, strict=True)]
        servers = {door.host: ReplicaProcess(door, self.server, own, self._any_server) for door in self._doors}
        found: dict[str, dict[str, Elected]] = {name: {} for name in (*wanted, "kube-scheduler")}
        for door in self._doors:
            door.start()
        own.begin()
        for seat, door in zip(seats, self._doors, strict=True):
            host = seat.machine.name
            for name, (user, maker, candidacy) in wanted.items():
                found[name][host] = Elected(candidacy, self._process(user), maker, seat)
            process = Process(self._context, "system:kube-scheduler")
            found["kube-scheduler"][host] = WarmElected(replicating.SCHEDULER, process, self._schedules(host), seat)
            servers[host].dependants += [each[host] for each in found.values()]
            self._place(door, found["kube-scheduler"][host], found["kube-controller-manager"][host])
            for component in servers[host].dependants:
                component.begin()
        self.components = {name: Replicated(name, each) for name, each in ({"kube-apiserver": servers} | found).items()}
        self._complete()

    def _any_server(self) -> bool:
        return any(door.running for door in self._doors)


def _state(running: bool) -> str:
    return _("running") if running else _("down")


def _address(number: int) -> str:
    """The address of a machine; the first has that of the only one."""
    network, _, last = SERVER_ADDRESS.rpartition(".")
    return f"{network}.{int(last) + number}"
