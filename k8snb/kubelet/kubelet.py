"""The kubelet: the agent of one node.

It registers the node, says every ten seconds that it is alive, watches the pods that are bound to the node and
gives each a worker. It answers the API server's questions about logs and runs commands for it. Everything that
many kubelets can share is in the `Pool`. Upstream: `pkg/kubelet/kubelet.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.client.controller import Context
from k8snb.client.events import EventRecorder
from k8snb.client.informer import Informer
from k8snb.clock import Timer
from k8snb.errors import StatusError, bad_request, internal
from k8snb.kubelet import logfiles, rebooting, resizing, sysctls
from k8snb.kubelet import logs as container_logs
from k8snb.kubelet import node as nodes
from k8snb.kubelet.containerd import DEFAULT_HANDLERS, SimulatedRuntime
from k8snb.kubelet.devices import Devices
from k8snb.kubelet.disks import Disks
from k8snb.kubelet.eviction import EvictionManager, is_small
from k8snb.kubelet.heartbeat import REGISTER_SECONDS, Heartbeats
from k8snb.kubelet.images.filesystem import Volume
from k8snb.kubelet.images.program import Usage
from k8snb.kubelet.plan import PodPlan
from k8snb.kubelet.podworker import MIRROR, PodWorker
from k8snb.kubelet.pool import Item, Pool
from k8snb.kubelet.runtime import ContainerView, Network, Runtime, RuntimeRefused, TypedShell
from k8snb.kubelet.statics import StaticPods
from k8snb.kubelet.thresholds import EvictionSettings
from k8snb.machinery import quantity
from k8snb.machinery.recorded import Shape
from k8snb.packet import Endpoint
from k8snb.typing import Object, ObjectKey


class Kubelet:
    """One node's agent.

    `capacity` is what the machine has (8 CPU, 32Gi, 110 pods by default); `pool` is what the kubelets of a
    cluster share; `runtime` is a simulated containerd unless another one is given.
    """

    def __init__(
        self,
        context: Context,
        name: str,
        *,
        network: Network,
        pool: Pool | None = None,
        runtime: Runtime | None = None,
        capacity: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        taints: Sequence[Object] = (),
        handlers: Sequence[str] = DEFAULT_HANDLERS,
        address: str = "",
    ) -> None:
        self.name = name
        self.component = f"kubelet/{name}"
        self.key = ObjectKey("", name)
        self.epoch = 0
        self.clock = context.clock
        self.client = context.client
        self.pool = pool or Pool(context.loop, context.trace)
        self.network = network
        self.runtime: Runtime = runtime or SimulatedRuntime(
            name, context.clock, network, self.pool.calls, handlers, context.separate
        )
        self.events = EventRecorder(context.client, context.clock, "kubelet", name, self.pool.correlator)
        self.capacity: Mapping[str, str] = {**nodes.DEFAULT_CAPACITY, **(capacity or {})}
        self.address = address or self.pool.next_address()
        self.addresses = [{"ip": self.address}]
        self.running = False
        self.workers: dict[str, PodWorker] = {}
        self.deferred: dict[str, PodWorker] = {}
        """The workers of pods that wait for more than there is room for just now."""
        self._informers = context.informers
        self.news: Informer | None = None
        """What is told of the pods that are bound to the node."""
        self.labels = labels or {}
        self.taints = taints
        self.owing: dict[str, PodWorker] = {}
        """Pods whose status has changed while there was no API server to write it to."""
        self._parked: list[Item] = []
        self._coming: Timer | None = None
        """When it tries again to register."""
        self.heartbeats = Heartbeats(self)
        self.shapes: dict[tuple[str, str], tuple[Shape, ...]] = {}
        """What the events of a pod's first start have in common, by namespace and part of the pod."""
        self.disks = Disks(self)
        self.devices = Devices(self)
        self.eviction: EvictionManager | None = None
        """What watches the machine's memory and disk, once there is a reason to."""
        self._settings = EvictionSettings()
        self.runtime.grown = self.watch_pressure
        self.statics: StaticPods | None = None
        """The pods that it runs on its own, once a manifest has been put on the machine."""
        self._room = [quantity.milli(self.capacity["cpu"]), quantity.value(self.capacity["memory"])]
        self._most_pods = int(self.capacity["pods"])
        self._used = (0, 0, 0)

    @property
    def host(self) -> Kubelet:
        """Itself: heartbeats are units of work like any other."""
        return self

    def __repr__(self) -> str:
        return f"<{self.component} {'running' if self.running else 'stopped'}, {len(self.workers)} pods>"

    # -- the process -------------------------------------------------------------------------------

    def start(self) -> None:
        """Register the node (again) and take up the pods that are bound to it; as soon as the API can take that."""
        if self.running:
            return
        self.running = True
        self.pool.silent.discard(self.name)
        try:
            self.heartbeats.register()
        except StatusError as error:
            self.stop()
            if error.code < 500:
                raise
            self._coming = self.clock.call_later(REGISTER_SECONDS, self.start, background=True)
            return
        for driver in self.pool.drivers.values():
            self.disks.register(driver)
        self.heartbeats.beat()
        self.news = pods = self._informers.of("pods", fields=f"spec.nodeName={self.name}")
        present = {pod["metadata"]["uid"] for pod in pods.list()}
        for uid in [uid for uid, worker in self.workers.items() if uid not in present and not worker.is_static]:
            self.workers.pop(uid).abandon()
        if is_small(self.capacity):
            self.watch_pressure()
        if self.statics is not None:
            self.statics.follow(pods.list())
        pods.on_change(self._changed)
        if self._parked:
            parked, self._parked = self._parked, []
            self.pool.resume(parked)

    def stop(self) -> None:
        """Fall silent, as when the machine or its network is lost. What runs in containers goes on unseen."""
        if self._coming is not None:
            self._coming.cancel()
        if self.running:
            self.running = False
            self.pool.silent.add(self.name)
            self._informers.stop()

    def park(self, item: Item) -> None:
        """Keep work until the kubelet runs again."""
        self._parked.append(item)

    # -- pods --------------------------------------------------------------------------------------

    def put_manifest(self, file: str, manifest: Object | None) -> None:
        """Write the manifest of a static pod to the machine's disk, or take it away."""
        self.statics = self.statics or StaticPods(self)
        if manifest is None:
            self.statics.remove(file)
        else:
            self.statics.put(file, manifest)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if self.statics is not None and self.statics.changed(old, new):
            return
        if new is None:
            assert old is not None
            worker = self.workers.pop(old["metadata"]["uid"], None)
            self.pool.own.pop(id(old), None)
            if worker is not None and worker.state != "Gone":
                worker.abandon()
            return
        if self.pool.own.pop(id(new), None) is new:
            return
        uid = new["metadata"]["uid"]
        worker = self.workers.get(uid)
        if worker is None:
            if rebooting.ran_before(self, new):
                self._take_up(uid, new)
            elif (new.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                self._take(uid, new)
        else:
            worker.update(new)

    def _take_up(self, uid: str, pod: Object) -> None:
        worker = self.workers[uid] = PodWorker(self, pod)
        rebooting.take_up(worker)
        self._stop_deleted(worker, pod)

    def _take(self, uid: str, pod: Object) -> None:
        worker = self.workers[uid] = PodWorker(self, pod)
        self.pool.post(worker, "seen", int(pod["metadata"]["resourceVersion"]))
        self._stop_deleted(worker, pod)

    @staticmethod
    def _stop_deleted(worker: PodWorker, pod: Object) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            worker.stop(float(pod["metadata"].get("deletionGracePeriodSeconds", 0)))

    def admit(self, plan: PodPlan, pod: Object, *, static: bool = False) -> tuple[str, str] | None:
        """Take a pod's requests into account; the reason and the message if it may not run, or there is no room."""
        if self.eviction is not None and not static and (refusal := self.eviction.refuses(pod)) is not None:
            return refusal
        if plan.unsafe_sysctl:
            return sysctls.refusal(plan.unsafe_sysctl)
        cpu, memory, pods = self._used
        if pods >= self._most_pods:
            return _no_room("pods", 1, pods, self._most_pods)
        lacking = self._lacks(plan, cpu, memory)
        if lacking is None:
            self._used = (cpu + plan.cpu, memory + plan.memory, pods + 1)
        return lacking

    def lacks(self, plan: PodPlan, instead_of: PodPlan) -> str:
        """What there is no room for if a pod is to have what one plan says instead of the other; empty if there is."""
        cpu, memory, _ = self._used
        lacking = self._lacks(plan, cpu - instead_of.cpu, memory - instead_of.memory)
        return lacking[1] if lacking is not None else ""

    def _lacks(self, plan: PodPlan, cpu: int, memory: int) -> tuple[str, str] | None:
        if plan.cpu and cpu + plan.cpu > self._room[0]:
            return _no_room("cpu", plan.cpu, cpu, self._room[0])
        if plan.memory and memory + plan.memory > self._room[1]:
            return _no_room("memory", plan.memory, memory, self._room[1])
        return None

    def reserve(self, plan: PodPlan) -> None:
        """A pod needs what it requests."""
        cpu, memory, pods = self._used
        self._used = (cpu + plan.cpu, memory + plan.memory, pods + 1)

    def release(self, plan: PodPlan) -> None:
        """A pod no longer needs what it requested."""
        cpu, memory, pods = self._used
        self._used = (cpu - plan.cpu, memory - plan.memory, pods - 1)
        if self.deferred:
            resizing.retry(self)

    def network_problem(self) -> str:
        """Why the node's network is not ready, as its condition says it; empty if it is."""
        problem = self.network.problem(self.name)
        return nodes.NETWORK_PROBLEM.format(problem) if problem else ""

    def services(self) -> Sequence[Object]:
        """Every Service, for the environment of containers."""
        return self.client.list("services")

    def host_directory(self, path: str) -> Volume:
        """A directory of the node, as `hostPath` volumes mount it."""
        logs = (lambda: logfiles.files(self)) if path == logfiles.DIRECTORY else None
        return self.pool.volume(f"{self.name}:{path}", logs)

    @property
    def manifests(self) -> Mapping[str, Object]:
        """The manifests of static pods on the machine, by file."""
        return self.statics.manifests if self.statics is not None else {}

    # -- the node ----------------------------------------------------------------------------------

    def watch_pressure(self) -> None:
        """From now on look whether the machine is short of something."""
        if self.eviction is None:
            self.eviction = EvictionManager(self, self._settings)

    def configure(self, settings: EvictionSettings) -> None:
        """Take other settings for eviction, as after a restart with another configuration."""
        self._settings = settings
        if self.eviction is not None:
            self.eviction.epoch += 1
        self.eviction = EvictionManager(self, settings)

    def report(self) -> None:
        """Write the node's status, for there is news."""
        self.heartbeats.report()

    def deliver(self, event: str) -> None:
        """The next heartbeat is due."""
        self.heartbeats.beat()

    # -- what the API server asks ------------------------------------------------------------------

    def logs(self, pod: Object, options: Any) -> str:
        """The log of a container. `options` are those of the API's `PodLogOptions`, `container` among them."""
        return container_logs.read(self, self._worker(pod), pod, options)

    def exec(self, pod: Object, container: str, command: Sequence[str], stdin: bytes = b"") -> tuple[bytes, bytes, int]:
        """Run a command in a container: output, error output, exit code."""
        found = self._running_container(pod, container)
        try:
            result = self.runtime.exec_sync(found, command, stdin.decode("utf-8", "replace"), 3600.0)
        except RuntimeRefused as error:
            raise internal(f"error executing command in container: {error}") from None
        return result.stdout.encode(), result.stderr.encode(), result.exit_code

    def shell(self, pod: Object, container: str, command: Sequence[str]) -> TypedShell | None:
        """A shell to type into, or None if the command (without one: the container's own) is none."""
        return self.runtime.shell(self._running_container(pod, container), command)

    def usage(self, pod: Object) -> Mapping[str, Usage]:
        """What each running container of the pod uses just now."""
        worker = self._worker(pod)
        units = worker.units if worker is not None else ()
        running = [(u.plan.name, u.container) for u in units if u.container and u.container.state == "running"]
        return {name: container.usage() for name, container in running}

    def port_forward(self, pod: Object) -> Endpoint | None:
        """The pod's network, for those who connect to its ports; None if it has none now."""
        worker = self._worker(pod)
        if worker is None or worker.sandbox is None:
            return None
        return self.runtime.port_forward(worker.sandbox)

    def _running_container(self, pod: Object, container: str) -> ContainerView:
        container_logs.check_name(pod, container)
        worker = self._worker(pod)
        unit = next((u for u in worker.units if u.plan.name == container), None) if worker is not None else None
        if unit is None or unit.container is None or unit.container.state != "running":
            raise internal(f'unable to upgrade connection: container not found ("{container}")')
        return unit.container

    def _worker(self, pod: Object) -> PodWorker | None:
        if not self.running:
            raise bad_request(f"dial tcp {self.address}:{nodes.PORT}: connect: no route to host")
        meta = pod["metadata"]
        return self.workers.get((meta.get("annotations") or {}).get(MIRROR) or meta["uid"])


def _no_room(name: str, requested: int, used: int, capacity: int) -> tuple[str, str]:
    """Why a pod is rejected: the reason, and the message of `lifecycle.InsufficientResourceError`."""
    amounts = f"requested: {requested}, used: {used}, capacity: {capacity}"
    return f"OutOf{name}", f"Node didn't have enough resource: {name}, {amounts}"
