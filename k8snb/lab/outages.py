"""What still works while a component is down: found out by trying.

`outage(cluster, "kube-scheduler")` takes a fork of the cluster, stops the component in it, lets a minute pass (so that
whoever notices has noticed) and then tries each ability in turn; the cluster itself stays as it is. `outages` does so
for every component and makes a table. Everything is seen from one machine, `HERE`: its kubelet and its kube-proxy are
those that are stopped, and its client asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from k8snb.client.client import Client
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.lab.marks import Marks
from k8snb.machinery.objects import is_deleting, is_true
from k8snb.network.fabric import Fabric
from k8snb.packet import NetworkError
from k8snb.typing import Object

NAMESPACE = "default"
HERE = "node-1"
PATIENCE = 60.0
"""How many seconds an ability may take."""

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"
APP = "probed"
SERVED = {"served": "yes"}
"""The label by which the Service knows its pods; those of the Deployment have one more."""
DOWN: Sequence[tuple[str, str]] = (
    ("kube-apiserver", ""),
    ("etcd", ""),
    ("kube-scheduler", ""),
    ("kube-controller-manager", ""),
    ("kubelet", HERE),
    ("kube-proxy", HERE),
    ("coredns", ""),
)
"""The components, each with the machine on which it is stopped, if there is one on every machine."""


class Breakable(Protocol):
    """A cluster, as far as it is tried out."""

    network: Fabric

    @property
    def client(self) -> Client: ...

    def fork(self) -> Any: ...
    def stop(self, name: str, on: str = "") -> None: ...
    def kubectl(self, command: str, stdin: str = "") -> str: ...
    def wait(self, condition: Callable[[], bool], timeout: float = ...) -> bool: ...
    def advance(self, seconds: float) -> None: ...
    def settle(self, timeout: float = ...) -> float: ...


# -- what is tried -----------------------------------------------------------------------------------------


def _pod(name: str, node: str = "", **labels: str) -> Object:
    meta = {"name": name, "namespace": NAMESPACE, "labels": {"app": name, **labels}}
    place = {"nodeName": node} if node else {}
    server = {"name": "server", "image": IMAGE, "args": ["netexec"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**place, "containers": [server]}}


def application() -> list[tuple[str, Object]]:
    """What is needed for trying: a Deployment behind a Service, and a pod on the machine from which all is seen."""
    template = {"metadata": {"labels": {"app": APP, **SERVED}}, "spec": _pod(APP)["spec"]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": APP, "namespace": NAMESPACE},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": APP}}, "template": template},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": APP, "namespace": NAMESPACE},
        "spec": {"selector": SERVED, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    return [("deployments.apps", deployment), ("services", service), ("pods", _pod("visitor", HERE))]


class Trial:
    """One cluster in which something is down, and what is known of it from before."""

    def __init__(self, cluster: Breakable) -> None:
        self.cluster = cluster
        self.client = cluster.client
        self.visitor = self._address("visitor")
        self.service = str(self.client.get("services", APP, NAMESPACE)["spec"]["clusterIP"])
        self.members = [pod["metadata"]["name"] for pod in self.client.list("pods", NAMESPACE, labels=f"app={APP}")]

    def _address(self, pod: str) -> str:
        return str(self.client.get("pods", pod, NAMESPACE)["status"]["podIP"])

    def ask(self, url: str) -> str | None:
        """What the visitor is answered; None if nobody answers."""
        answer = self.cluster.network.fetch(self.visitor, url).response
        return answer.body if answer is not None and answer.status == 200 else None

    def becomes(self, holds: Callable[[], bool]) -> bool:
        """Whether something comes to hold in time; it is looked at every two seconds."""
        for _look in range(int(PATIENCE / 2)):
            self.cluster.advance(2)
            if holds():
                return True
        return False

    def pod(self, name: str) -> Object:
        """A pod, as it is now."""
        return self.client.get("pods", name, NAMESPACE)

    def ready(self) -> list[str]:
        """The ready pods of the application that stay."""
        pods = self.client.list("pods", NAMESPACE, labels=f"app={APP}")
        return [pod["metadata"]["name"] for pod in pods if is_true(pod, "Ready") and not is_deleting(pod)]

    def says(self, command: str) -> bool:
        """Whether a command of kubectl's is answered with something else than an error."""
        text = self.cluster.kubectl(command)
        return not text.lower().startswith(("error", "the connection", "unable"))


def _reads(trial: Trial) -> bool:
    return bool(trial.client.list("pods", NAMESPACE))


def _writes(trial: Trial) -> bool:
    meta = {"name": "written", "namespace": NAMESPACE}
    return bool(trial.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}))


def _schedules(trial: Trial) -> bool:
    trial.client.create("pods", _pod("scheduled"))
    return trial.becomes(lambda: bool(trial.pod("scheduled")["spec"].get("nodeName")))


def _starts(trial: Trial) -> bool:
    trial.client.create("pods", _pod("started", HERE))
    return trial.becomes(lambda: is_true(trial.pod("started"), "Ready"))


def _restarts(trial: Trial) -> bool:
    """A process that ends is asked for again; whether the API hears of it is another matter."""
    url = f"http://{trial.visitor}:8080"
    trial.cluster.network.fetch(trial.visitor, f"{url}/exit?code=1")
    return trial.becomes(lambda: trial.ask(f"{url}/hostname") == "visitor")


def _heals(trial: Trial) -> bool:
    victim = next(name for name in trial.ready() if trial.pod(name)["spec"]["nodeName"] != HERE)
    wanted = len(trial.ready())
    trial.client.delete("pods", victim, NAMESPACE)
    return trial.becomes(lambda: victim not in trial.ready() and len(trial.ready()) >= wanted)


def _scales(trial: Trial) -> bool:
    wanted = len(trial.ready()) + 1
    trial.client.patch("deployments.apps", APP, {"spec": {"replicas": 4}}, NAMESPACE)
    return trial.becomes(lambda: len(trial.ready()) >= wanted)


def _carries(trial: Trial) -> bool:
    return trial.ask(f"http://{trial.service}/hostname") is not None


def _resolves(trial: Trial) -> bool:
    return trial.service in trial.cluster.network.resolve(trial.visitor, APP)


def _follows(trial: Trial) -> bool:
    """A new pod behind the Service gets its share of the requests; it needs no scheduler."""
    trial.client.create("pods", _pod("newcomer", "node-2", **SERVED))
    trial.becomes(lambda: is_true(trial.pod("newcomer"), "Ready"))
    trial.cluster.advance(5)
    return any(trial.ask(f"http://{trial.service}/hostname") == "newcomer" for _try in range(40))


def _logs(trial: Trial) -> bool:
    return trial.says("logs visitor")


def _executes(trial: Trial) -> bool:
    return trial.says("exec visitor -- hostname")


class Ability(NamedTuple):
    """Something that a cluster can do; `about` says it in a sentence."""

    name: str
    about: str
    works: Callable[[Trial], bool]


def abilities() -> Sequence[Ability]:
    """What is tried, in this order: first what leaves everything as it is."""
    return (
        Ability("reads", _("objects can be read"), _reads),
        Ability("writes", _("objects can be written"), _writes),
        Ability("logs", _("the log of a container on this node can be read"), _logs),
        Ability("exec", _("a command can be run in it"), _executes),
        Ability("traffic", _("a pod on this node reaches a Service"), _carries),
        Ability("names", _("it finds the address of the Service by its name"), _resolves),
        Ability("scheduling", _("a new pod gets a node"), _schedules),
        Ability("starting", _("a pod that has this node is started there"), _starts),
        Ability("restarting", _("a process on this node that has crashed is started again"), _restarts),
        Ability("healing", _("a pod that was deleted is replaced by one that is ready"), _heals),
        Ability("scaling", _("a Deployment gets one more pod that is ready"), _scales),
        Ability("endpoints", _("a new pod behind the Service gets requests from this node"), _follows),
    )


# -- what is found -----------------------------------------------------------------------------------------


class Outages(Marks):
    """What works, by component that is down and by ability."""

    def works(self, component: str) -> list[str]:
        """What works without a component. Raises KeyError for one that was not stopped."""
        return [name for name, works in self.found[component].items() if works]

    def wrong(self, guesses: Mapping[str, Iterable[str] | str]) -> list[str]:
        """Where a prediction (by component, the names of what works) and the measurement differ, in sentences."""
        lines = []
        for component, names in guesses.items():
            guessed = set(names.split() if isinstance(names, str) else names)
            for name, works in self.found[component].items():
                if works != (name in guessed):
                    words = (
                        _("without {component}: {ability} works") if works else _("without {component}: no {ability}")
                    )
                    lines.append(words.format(component=component, ability=name))
        return lines


def outage(cluster: Breakable, component: str, on: str = "") -> dict[str, bool]:
    """What works in a fork of the cluster in which a component is down; with no component, what works anyway."""
    fork = cluster.fork()
    if fork.client.find("deployments.apps", APP, NAMESPACE) is None:
        for resource, obj in application():
            fork.client.create(resource, obj)
        fork.settle()
    trial = Trial(fork)
    if component:
        fork.stop(component, on=on)
        fork.advance(PATIENCE)
    return {each.name: _tried(each, trial) for each in abilities()}


def _tried(ability: Ability, trial: Trial) -> bool:
    try:
        return ability.works(trial)
    except (StatusError, NetworkError, StopIteration):
        return False


def outages(cluster: Breakable, down: Iterable[tuple[str, str]] = DOWN) -> Outages:
    """The table for these components, each alone."""
    return Outages({name: outage(cluster, name, on) for name, on in down})
