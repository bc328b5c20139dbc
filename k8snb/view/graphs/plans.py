"""Pictures of the cluster itself, drawn from the tables that it runs on: when a table changes, so does the picture.

`PLANS` names them. What no table holds, who talks to whom, is written down in `planes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from k8snb.apiserver.admission.chain import mutates, validates
from k8snb.apiserver.admission.plugin import Plugin
from k8snb.apiserver.filters import FILTERS
from k8snb.i18n import _
from k8snb.kubelet.lifecycle import CONTAINER, POD, Transition
from k8snb.scheduler.framework import EXTENSION_POINTS
from k8snb.scheduler.registry import PLUGINS as SCHEDULING
from k8snb.view.graphs.planes import admission_plugins, control_plane
from k8snb.view.graphs.sketch import Sketch

STORE = "etcd"
_TABLE = "Component"


class Plan(NamedTuple):
    """A picture of a table; `down` if it is read from top to bottom, `chain` if one thing comes after another."""

    draw: Callable[[Sketch], str]
    down: bool = False
    chain: bool = False


# -- states ------------------------------------------------------------------------------------------------

_STATES = {
    "New": "pending",
    "Preparing": "starting",
    "Waiting": "pending",
    "Pulling": "starting",
    "Configuring": "starting",
    "Starting": "starting",
    "Running": "ready",
    "Refused": "failing",
    "Misconfigured": "failing",
    "BackOff": "failing",
    "Terminating": "ending",
    "Stopping": "ending",
    "Exited": "done",
    "Finished": "done",
    "Gone": "ending",
}


def pod_lifecycle(sketch: Sketch) -> str:
    """The states of a pod in the eyes of its kubelet, and what leads from one to the next."""
    _states(sketch, POD)
    return _("The life of a pod, as its kubelet sees it")


def container_lifecycle(sketch: Sketch) -> str:
    """The same for a container."""
    _states(sketch, CONTAINER)
    return _("The life of a container, as its kubelet sees it")


def _states(sketch: Sketch, table: Iterable[Transition]) -> None:
    rows = list(table)
    for name in dict.fromkeys(state for row in rows for state in (row.state, row.to)):
        sketch.note("State", _(name), state=_STATES.get(name, ""), id=name)
    ways: dict[tuple[str, str], list[Transition]] = {}
    for row in rows:
        ways.setdefault((row.state, row.to), []).append(row)
    for (tail, head), way in ways.items():
        sketch.link(tail, head, ", ".join(_(row.event) for row in way), note=" ".join(_(row.why) for row in way))


# -- chains ------------------------------------------------------------------------------------------------


def _write_stages() -> tuple[tuple[str, str], ...]:
    """What a write passes behind the filters, and what for."""
    return (
        (_("decoding"), _("every field is checked against the schema")),
        (_("defaulting"), _("what was left out is filled in")),
        (_("mutating admission"), _("plugins and webhooks may change the object")),
        (_("validation"), _("the rules of the kind")),
        (_("validating admission"), _("plugins, policies and webhooks may refuse it; quotas count it")),
    )


def _purposes() -> Mapping[str, str]:
    """What each filter is for."""
    return {
        "panic recovery": _("a bug becomes an answer"),
        "request log": _("who asked what, and the answer"),
        "audit": _("what goes into the audit log?"),
        "metrics": _("counts requests"),
        "authentication": _("who is it?"),
        "impersonation": _("as whom do they act?"),
        "request info": _("which verb, which resource?"),
        "priority and fairness": _("which queue is it for?"),
        "authorization": _("may they do that?"),
        "content negotiation": _("in which form is the answer wanted?"),
    }


def request_path(sketch: Sketch) -> str:
    """What a request passes: the filters in order, then for a write the stages before the store."""
    box = sketch.frame("filters", "", _("every request"))
    stages = sketch.frame("stages", "", _("a write"))
    sketch.note("User", _("you"), id="you")
    chain = ["you"]
    purposes = _purposes()
    for number, (name, _filter) in enumerate(FILTERS, 1):
        chain.append(sketch.note("Stage", f"{number} {name}", purposes.get(name, ""), group=box, id=f"filter/{name}"))
    gate = chain[-1]
    for number, (name, why) in enumerate(_write_stages(), 1):
        chain.append(sketch.note("Stage", f"{number} {name}", why, group=stages, id=f"stage/{name}"))
    chain.append(sketch.note(_TABLE, STORE, id=STORE))
    for tail, head in pairwise(chain):
        sketch.link(tail, head, _("writes") if tail == gate else "")
    sketch.link(gate, STORE, _("reads"), faint=True)
    return _("The way of a request through the API server, from you to the store")


def scheduling(sketch: Sketch) -> str:
    """The extension points in the order in which a pod passes them, with the plugins that take part in each."""
    cycles = {point.name: _cycle(point.name) for point in EXTENSION_POINTS}
    boxes = {cycle: sketch.frame(f"cycle/{cycle}", "", cycle) for cycle in dict.fromkeys(cycles.values())}
    chain = []
    for point in EXTENSION_POINTS:
        rows = [row for row in SCHEDULING.values() if hasattr(row.plugin, point.method)]
        names = [f"{row.name} ×{row.weight}" if point.name == "Score" else row.name for row in rows]
        said = (_(point.asked), *(names or [_("no plugin")]))
        chain.append(sketch.note("Stage", point.name, *said, group=boxes[cycles[point.name]], id=f"point/{point.name}"))
    for tail, head in pairwise(chain):
        sketch.link(tail, head)
    return _("The scheduler's extension points, and the plugins at each")


def _cycle(point: str) -> str:
    """In which part of scheduling a point lies: the queue, the choice of a node, or the binding to it."""
    names = [each.name for each in EXTENSION_POINTS]
    if names.index(point) < names.index("PreFilter"):
        return _("queue")
    return _("binding cycle") if names.index(point) >= names.index("PreBind") else _("scheduling cycle")


def admission(sketch: Sketch) -> str:
    """The admission plugins in order: first those that may change the object, then those that may only refuse it."""
    mutating = list(filter(mutates, admission_plugins()))
    validating = list(filter(validates, admission_plugins()))
    chain = _phase(sketch, "mutating", _("mutating"), mutating)
    chain.append(sketch.note("Stage", _("validation"), _("the rules of the kind"), id="validation"))
    chain += _phase(sketch, "validating", _("validating"), validating)
    chain.append(sketch.note(_TABLE, STORE, id=STORE))
    for tail, head in pairwise(chain):
        sketch.link(tail, head)
    return _("Admission: what a write passes, first plugins that may change it, then those that may only refuse it")


def _phase(sketch: Sketch, phase: str, name: str, plugins: Iterable[type[Plugin]]) -> list[str]:
    box = sketch.frame(phase, "", name)
    return [
        sketch.note("Stage", f"{number} {each.name}", group=box, id=f"{phase}/{each.name}")
        for number, each in enumerate(plugins, 1)
    ]


PLANS: Mapping[str, Plan] = {
    "control-plane": Plan(control_plane, down=True),
    "pod-lifecycle": Plan(pod_lifecycle),
    "container-lifecycle": Plan(container_lifecycle),
    "request-path": Plan(request_path, down=True, chain=True),
    "scheduling": Plan(scheduling, down=True, chain=True),
    "admission": Plan(admission, down=True, chain=True),
}
"""The pictures that are drawn from tables, by the names under which they are asked for."""
