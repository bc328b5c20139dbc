"""The picture of the cluster's processes: who talks to whom, and who is there just now.

Everybody talks to an API server, and it alone to the store. Where the control plane has several machines, a load
balancer stands before their API servers, and each scheduler and controller manager asks the one beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8snb.apiserver.admission.chain import PLUGINS as ADMISSION
from k8snb.apiserver.admission.plugin import Plugin
from k8snb.apiserver.admission.policies import MutatingAdmissionPolicy, ValidatingAdmissionPolicy
from k8snb.apiserver.admission.webhooks import MutatingAdmissionWebhook, ValidatingAdmissionWebhook
from k8snb.apiserver.filters import FILTERS
from k8snb.controllers.table import CONTROLLERS
from k8snb.i18n import _
from k8snb.scheduler.registry import PLUGINS as SCHEDULING
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.scene import natural

API, STORE = "kube-apiserver", "etcd"
SCHEDULER, MANAGER, BALANCER = "kube-scheduler", "kube-controller-manager", "load balancer"
_FEW_NODES = 1
_TABLE = "Component"
_FAMILIAR = ("deployment", "replicaset", "statefulset", "daemon-set", "job", "endpointslice")
"""The controllers that a picture names: those whose objects readers make or meet first."""


class _Look(NamedTuple):
    """How a process is drawn: its state and the word for it; a process that just runs needs neither."""

    state: str = ""
    word: str = ""


def _look(sketch: Sketch, component: str, on: str = "") -> _Look:
    row = next((row for row in sketch.processes if (row.component, row.on) == (component, on)), None)
    if row is None or (row.running and not on):
        return _Look()
    if not row.running:
        return _Look("failing", row.state)
    if component in (SCHEDULER, MANAGER):
        return _Look("ready" if row.leads else "pending", row.state)
    return _Look()


def control_plane(sketch: Sketch) -> str:
    """The parts of a cluster and who talks to whom; of several, who leads; and who is down."""
    hosts = [row.on for row in sketch.processes if row.component == API and row.on]
    sketch.note("User", _("you"), _("any client"), id="you")
    door = _several(sketch, hosts) if hosts else _one(sketch)
    servers = [f"{API}/{host}" for host in hosts] or [API]
    machines = sorted(sketch.here("nodes"), key=natural)
    shown = [node["metadata"]["name"] for node in machines[:_FEW_NODES]]
    broken = {row.on for row in sketch.processes if not row.running}
    shown += [each["metadata"]["name"] for each in machines[_FEW_NODES:] if each["metadata"]["name"] in broken]
    for number, node in enumerate(shown):
        _machine(sketch, node, door, servers, first=number == 0)
    if len(machines) > len(shown):
        count = len(machines) - len(shown)
        rest = sketch.note("Node", _("{count} others").format(count=count) if count > 1 else _("one other"))
        sketch.link(*(rest, door) if hosts else (door, rest), _("the same"), faint=True)
    return _("The control plane and the nodes: who talks to whom")


def _one(sketch: Sketch) -> str:
    """A control plane of one process each; returns whom everybody asks."""
    plane = sketch.frame("plane", "", _("control plane"))

    def note(name: str, component: str, *said: str, brief: Sequence[str] = ()) -> None:
        state, word = _look(sketch, component)
        sketch.note(_TABLE, name, *said, brief=brief, state=state, word=word, group=plane, id=name)

    note(API, API, _("{count} filters").format(count=len(FILTERS)), _admission_count())
    note(STORE, STORE, _("every revision"))
    note(SCHEDULER, SCHEDULER, _("{count} plugins").format(count=len(SCHEDULING)))
    names = [each.name.removesuffix("-controller") for each in CONTROLLERS]
    count = _("{count} controllers").format(count=len(names))
    rest = _("and {count} more").format(count=len(names) - len(_FAMILIAR))
    note(MANAGER, MANAGER, count, *names, brief=[count, *_FAMILIAR, rest])
    note("DNS", "coredns", _("names of Services"))
    sketch.link("you", API, _("ask and write"))
    sketch.link(API, STORE, _("reads, writes"), back=True)
    sketch.link(SCHEDULER, API, _("watches, binds"))
    sketch.link(MANAGER, API, _("watches, writes"))
    sketch.link("DNS", API, _("watches"))
    return API


def _several(sketch: Sketch, hosts: Sequence[str]) -> str:
    """A control plane on several machines; returns whom everybody else asks.

    Clients and nodes stand before the load balancer, and what is on the machines behind it.
    """
    sketch.note(_TABLE, BALANCER, _("one address for all"), id=BALANCER)
    sketch.link("you", BALANCER, _("ask and write"))
    state, word = _look(sketch, STORE)
    for number, host in enumerate(hosts):
        plane = sketch.frame(f"plane/{host}", "", host)
        ids = {}
        for component in (API, SCHEDULER, MANAGER):
            look = _look(sketch, component, host)
            name = ids[component] = f"{component}/{host}"
            sketch.note(_TABLE, component, state=look.state, word=look.word, group=plane, id=name)
        first = number == 0
        sketch.link(BALANCER, ids[API], _("to any of them") if host == hosts[-1] else "")
        sketch.link(ids[SCHEDULER], ids[API], _("watches, binds") if first else "", back=True)
        sketch.link(ids[MANAGER], ids[API], _("watches, writes") if first else "", back=True)
        sketch.note(_TABLE, STORE, _("every revision"), state=state, word=word, id=STORE)
        sketch.link(ids[API], STORE, _("reads, writes") if first else "")
    return BALANCER


def _machine(sketch: Sketch, node: str, door: str, servers: Sequence[str], *, first: bool) -> None:
    """The parts on one machine, drawn below the API server or before the door to several, which call kubelets past it.

    What their connections are for stands on those of the first.
    """
    below = door in servers
    box = sketch.frame(f"Node/{node}", "Node", node)
    look = _look(sketch, "kubelet", node)
    kubelet = sketch.note(
        _TABLE, "kubelet", _("tells containerd"), state=look.state, word=look.word, group=box, id=f"kubelet/{node}"
    )
    look = _look(sketch, "kube-proxy", node)
    proxy = sketch.note(_TABLE, "kube-proxy", state=look.state, word=look.word, group=box, id=f"kube-proxy/{node}")
    sketch.link(kubelet, door, _("watches, reports") if first else "", back=below)
    for number, server in enumerate(servers):
        sketch.link(server, kubelet, _("logs, exec") if first and not number else "", faint=True, back=not below)
    sketch.link(proxy, door, _("watches") if first else "", back=below)


def _admission_count() -> str:
    return _("{count} admission plugins").format(count=len(admission_plugins()))


_CONFIGURED: tuple[type[Plugin], ...] = (
    MutatingAdmissionPolicy,
    MutatingAdmissionWebhook,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionWebhook,
)


def admission_plugins() -> list[type[Plugin]]:
    """Every admission plugin in order: those whose configuration clients write come before quotas are counted."""
    table = [type(plugin) for plugin in ADMISSION]
    return [*table[:-1], *_CONFIGURED, table[-1]]
